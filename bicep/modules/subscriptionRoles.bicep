// Roles on the subscription, as roles.json lists them. Their descriptions end with the id of the resource group, by which
// `destroy` finds them when their principal is gone.

import { principalSet } from '../types.bicep'

targetScope = 'subscription'

@description('The identities.')
param principals principalSet

@description('Resource id of the resource group that the cluster is in.')
param groupId string

@description('Those of all role assignments that are on the subscription.')
var onSubscription = filter(loadJsonContent('../roles.json'), assignment => assignment.scope == 'subscription')

resource subscriptionRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onSubscription: {
    name: guid(subscription().id, principals[role.principal].id, role.roleId)
    properties: {
      description: '${role.why}; for the cluster in ${groupId}'
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.roleId)
    }
  }
]
