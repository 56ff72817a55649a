// Key Vault and the secrets that are new in this run. Its public address is open until `install -s` closes it, guarded by
// roles: the caller reads the SSH key from outside the network.

import { secretName } from '../names.bicep'
import { secretKind, tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

@description('Name, unique in all of Azure.')
param name string

@description('What the public address answers to those whom no rule names.')
param defaultAction 'Allow' | 'Deny'

@description('The admin user, whose name begins each secret\'s.')
param adminUser string

@description('Secrets to write. Those that exist are left out, so that they get no new version.')
param createSecrets secretKind[]

@description('SSH private key; used if createSecrets has SshPrivateKey.')
@secure()
param sshPrivateKey string

@description('SSH public key; used if createSecrets has SshPublicKey.')
@secure()
param sshPublicKey string

@description('CycleCloud password; used if createSecrets has CycleCloudPwd.')
@secure()
param cycleCloudPassword string

@description('Password of the accounting database; used if createSecrets has MySqlPwd.')
@secure()
param mySqlPassword string

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      family: 'A'
      name: 'standard'
    }
    tenantId: tenant().tenantId
    enableRbacAuthorization: true
    enableSoftDelete: true
    // The shortest time: until then a deleted vault keeps its name, and can be recovered.
    softDeleteRetentionInDays: 7
    enablePurgeProtection: true
    // A later run passes references to these secrets as parameters.
    enabledForTemplateDeployment: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: defaultAction
    }
  }
}

resource privateKey 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (contains(createSecrets, 'SshPrivateKey')) {
  parent: vault
  name: secretName(adminUser, 'SshPrivateKey')
  tags: tags
  properties: {
    contentType: 'SSH private key'
    value: sshPrivateKey
  }
}

resource publicKey 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (contains(createSecrets, 'SshPublicKey')) {
  parent: vault
  name: secretName(adminUser, 'SshPublicKey')
  tags: tags
  properties: {
    contentType: 'SSH public key'
    value: sshPublicKey
  }
}

resource portalPassword 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (contains(createSecrets, 'CycleCloudPwd')) {
  parent: vault
  name: secretName(adminUser, 'CycleCloudPwd')
  tags: tags
  properties: {
    contentType: 'password'
    value: cycleCloudPassword
  }
}

resource databasePassword 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (contains(createSecrets, 'MySqlPwd')) {
  parent: vault
  name: secretName(adminUser, 'MySqlPwd')
  tags: tags
  properties: {
    contentType: 'password'
    value: mySqlPassword
  }
}

@description('Resource id of the vault.')
output id string = vault.id

@description('Name of the vault.')
output name string = vault.name
