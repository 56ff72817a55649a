// A run after a failed one: the password is the only secret that is missing.
using 'main.json'

param location = 'southcentralus'
param clusterName = 'slurmcluster'
param adminUser = 'cycleadmin'
param keyVaultName = 'ccslurm4ai-0123456789abc'
param keyVaultDefaultAction = 'Allow'
param network = { type: 'new', addressSpace: '10.0.0.0/8' }
param storage = { type: 'anf', serviceLevel: 'Premium', sizeTiB: 4 }
param accounting = true
param monitoring = true
param serverSku = 'Standard_D4s_v5'
param loginNodeCount = 10
param subscriptionReader = 'assign'
param zone = '1'
param tags = { team: 'ai' }
param monitorTags = { team: 'watchers', purpose: 'metrics' }
param callerObjectId = '33333333-3333-3333-3333-333333333333'
param callerPrincipalType = 'Group'
param createSecrets = ['CycleCloudPwd']
param sshPublicKey = 'ssh-rsa AAAA repair'
param cycleCloudPassword = 'the password'
param mySqlPassword = 'The database password'
param inputHash = 'hash of the repair'
param subscriptionName = 'The subscription'
