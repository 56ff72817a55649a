using '../main.bicep'

param location = 'eastus'
param clusterName = 'slurmcluster'
param adminUser = 'cycleadmin'
param keyVaultName = 'kv-0123456789abcdef'
param addressSpace = '10.64.0.0/16'
param serverSku = 'Standard_D4s_v5'
param loginNodeCount = 3
param subscriptionReader = 'assign'
param zone = ''
param tags = { team: 'ai' }
param callerObjectId = '11111111-1111-1111-1111-111111111111'
param callerPrincipalType = 'User'
param createSecrets = ['SshPrivateKey', 'SshPublicKey', 'CycleCloudPwd']
param sshPrivateKey = 'private'
param sshPublicKey = 'ssh-rsa AAAA'
param cycleCloudPassword = 'secret'
param inputHash = '0'
param subscriptionName = 'sub'
