// Neither metrics workspace nor Grafana.
using 'main.json'

param location = 'eastus'
param clusterName = 'slurmcluster'
param adminUser = 'cycleadmin'
param keyVaultName = 'ccslurm4ai-0123456789abc'
param keyVaultDefaultAction = 'Allow'
param network = { type: 'new', addressSpace: '10.64.0.0/16' }
param storage = { type: 'anf', serviceLevel: 'Premium', sizeTiB: 4 }
param accounting = true
param monitoring = false
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
