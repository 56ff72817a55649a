// Roles on the Azure Monitor workspace, on its data collection rule and on Grafana, as roles.json lists them.

import { principalSet } from '../types.bicep'

@description('The identities.')
param principals principalSet

@description('Name of the workspace.')
param workspaceName string

@description('Resource id of the workspace\'s data collection rule.')
param dataCollectionRuleId string

@description('Resource id of its data collection endpoint, in the same group.')
param dataCollectionEndpointId string

@description('Name of Grafana.')
param grafanaName string

@description('All role assignments.')
var assignments = loadJsonContent('../roles.json')

@description('Those on the workspace.')
var onWorkspace = filter(assignments, assignment => assignment.scope == 'monitorWorkspace')

@description('Those on Grafana.')
var onGrafana = filter(assignments, assignment => assignment.scope == 'grafana')

resource workspace 'Microsoft.Monitor/accounts@2025-10-03' existing = {
  name: workspaceName
}

resource grafana 'Microsoft.Dashboard/grafana@2025-08-01' existing = {
  name: grafanaName
}

resource workspaceRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onWorkspace: {
    scope: workspace
    name: guid(workspace.id, principals[role.principal].id, role.roleId)
    properties: {
      description: role.why
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.roleId)
    }
  }
]

resource grafanaRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onGrafana: {
    scope: grafana
    name: guid(grafana.id, principals[role.principal].id, role.roleId)
    properties: {
      description: role.why
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.roleId)
    }
  }
]

// A module's scope may be made of a parameter, but not of what another module gives: hence two modules.
module dataCollection 'dataCollection.bicep' = {
  name: 'dataCollection'
  scope: resourceGroup(split(dataCollectionRuleId, '/')[2], split(dataCollectionRuleId, '/')[4])
  params: {
    principals: principals
    dataCollectionRuleName: split(dataCollectionRuleId, '/')[8]
    dataCollectionEndpointName: split(dataCollectionEndpointId, '/')[8]
  }
}

@description('URL that Prometheus writes to.')
output ingestionEndpoint string = dataCollection.outputs.ingestionEndpoint
