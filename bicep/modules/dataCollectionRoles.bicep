// Roles on a data collection rule, as roles.json lists them.

import { principalSet } from '../types.bicep'

@description('The identities.')
param principals principalSet

@description('Name of the data collection rule.')
param dataCollectionRuleName string

@description('Those of all role assignments that are on the data collection rule.')
var onRule = filter(loadJsonContent('../roles.json'), assignment => assignment.scope == 'dataCollectionRule')

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' existing = {
  name: dataCollectionRuleName
}

resource ruleRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onRule: {
    scope: rule
    name: guid(rule.id, principals[role.principal].id, role.roleId)
    properties: {
      description: role.why
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.roleId)
    }
  }
]
