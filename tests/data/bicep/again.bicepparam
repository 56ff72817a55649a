// A later run: the vault has its secrets and is closed, an administrator gave the Reader role; one zone, the smallest network.
using 'main.json'

param location = 'westeurope'
param clusterName = 'other'
param adminUser = 'azureuser'
param keyVaultName = 'kv1'
param keyVaultDefaultAction = 'Deny'
param network = { type: 'new', addressSpace: '192.168.2.0/23' }
param storage = { type: 'anf', serviceLevel: 'Ultra', sizeTiB: 1 }
param accounting = true
param monitoring = true
param serverSku = 'Standard_D8s_v5'
param loginNodeCount = 0
param subscriptionReader = 'existing'
param zone = '2'
param tags = {}
param monitorTags = {}
param callerObjectId = '22222222-2222-2222-2222-222222222222'
param callerPrincipalType = 'ServicePrincipal'
param createSecrets = []
param sshPublicKey = 'ssh-rsa AAAA again'
param mySqlPassword = 'The database password'
param inputHash = 'hash of a later run'
param subscriptionName = 'The "other" subscription'
