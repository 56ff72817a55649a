// Somebody else's network without NAT gateway and Bastion; names are resolved by the company's DNS.
using 'main.json'

param location = 'eastus'
param clusterName = 'slurmcluster'
param adminUser = 'cycleadmin'
param keyVaultName = 'ccslurm4ai-0123456789abc'
param keyVaultDefaultAction = 'Allow'
param network = {
  type: 'existing'
  subnets: {
    cyclecloud: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/hub-network/providers/Microsoft.Network/virtualNetworks/hub/subnets/servers'
    compute: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/hub-network/providers/Microsoft.Network/virtualNetworks/hub/subnets/nodes'
    anf: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/hub-network/providers/Microsoft.Network/virtualNetworks/hub/subnets/files'
    endpoints: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/hub-network/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints'
  }
  bastionId: ''
  privateDns: 'none'
  privateDnsZoneIds: {
    vault: ''
    blob: ''
    mySql: ''
  }
}
param storage = { type: 'anf', serviceLevel: 'Premium', sizeTiB: 4 }
param accounting = true
param monitoring = true
param serverSku = 'Standard_D4s_v5'
param loginNodeCount = 3
param subscriptionReader = 'assign'
param zone = ''
param tags = { team: 'ai', 'cost center': '42' }
param monitorTags = {}
param callerObjectId = '11111111-1111-1111-1111-111111111111'
param callerPrincipalType = 'User'
param createSecrets = ['SshPrivateKey', 'SshPublicKey', 'CycleCloudPwd', 'MySqlPwd']
param sshPrivateKey = 'the private key'
param sshPublicKey = 'ssh-rsa AAAA first'
param cycleCloudPassword = 'the password'
param mySqlPassword = 'The database password'
param inputHash = 'hash of the first run'
param subscriptionName = 'The subscription'
