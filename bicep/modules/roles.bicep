// Roles in the resource group, as roles.json lists them. A name made of scope, identity and role can neither collide nor
// be reused for another identity, which Azure refuses.

import { principalSet } from '../types.bicep'

@description('The identities.')
param principals principalSet

@description('Name of the vault.')
param keyVaultName string

@description('Name of the locker\'s storage account.')
param lockerAccountName string

@description('All role assignments.')
var assignments = loadJsonContent('../roles.json')

@description('Those on the whole resource group.')
var onGroup = filter(assignments, assignment => assignment.scope == 'resourceGroup')

@description('Those on the locker.')
var onLocker = filter(assignments, assignment => assignment.scope == 'locker')

@description('Those on the vault.')
var onVault = filter(assignments, assignment => assignment.scope == 'keyVault')

resource locker 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: lockerAccountName
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: keyVaultName
}

resource groupRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onGroup: {
    name: guid(resourceGroup().id, principals[role.principal].id, role.roleId)
    properties: {
      description: role.why
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.roleId)
    }
  }
]

resource lockerRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onLocker: {
    scope: locker
    name: guid(locker.id, principals[role.principal].id, role.roleId)
    properties: {
      description: role.why
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.roleId)
    }
  }
]

resource vaultRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onVault: {
    scope: vault
    name: guid(vault.id, principals[role.principal].id, role.roleId)
    properties: {
      description: role.why
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.roleId)
    }
  }
]
