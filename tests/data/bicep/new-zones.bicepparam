// Somebody else's network and Bastion with private DNS zones of ours; files on the scheduler.
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
    anf: ''
    endpoints: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/hub-network/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints'
  }
  bastionId: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/hub-network/providers/Microsoft.Network/bastionHosts/hub-bastion'
  privateDns: 'new'
  privateDnsZoneIds: {
    vault: ''
    blob: ''
    mySql: ''
  }
}
param storage = { type: 'nfs', sizeGiB: 1024 }
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
