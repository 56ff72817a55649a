// As little as can be made: server, locker and vault in somebody else's network.
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
  bastionId: ''
  privateDns: 'none'
  privateDnsZoneIds: {
    vault: ''
    blob: ''
    mySql: ''
  }
}
param storage = { type: 'existing', address: 'files.example.org', exportPath: '/export', mountOptions: '' }
param accounting = false
param monitoring = false
param serverSku = 'Standard_D4s_v5'
param loginNodeCount = 0
param subscriptionReader = 'existing'
param zone = ''
param tags = {}
param monitorTags = {}
param callerObjectId = '11111111-1111-1111-1111-111111111111'
param callerPrincipalType = 'User'
param createSecrets = ['SshPrivateKey', 'SshPublicKey', 'CycleCloudPwd']
param sshPrivateKey = 'the private key'
param sshPublicKey = 'ssh-rsa AAAA first'
param cycleCloudPassword = 'the password'
param inputHash = 'hash of the first run'
param subscriptionName = 'The subscription'
