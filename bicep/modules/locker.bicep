// The locker: storage that CycleCloud keeps projects in and nodes fetch them from. No shared keys, no public network.

import { lockerAccountName, names } from '../names.bicep'
import { tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: lockerAccountName(resourceGroup().id)
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Disabled'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'None'
      defaultAction: 'Deny'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: account
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: names.lockerContainer
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.lockerIdentity
  location: location
  tags: tags
}

@description('Resource id of the storage account.')
output accountId string = account.id

@description('Name of the storage account.')
output accountName string = account.name

@description('Resource id of the identity that nodes read the locker with.')
output identityId string = identity.id

@description('Object id of that identity.')
output identityPrincipalId string = identity.properties.principalId

@description('Client id of that identity.')
output identityClientId string = identity.properties.clientId
