// What Azure made in a group of its own for the workspace: roles on the data collection rule, as roles.json lists them, and
// the URL that leads to it.

import { principalSet } from '../types.bicep'

@description('The identities.')
param principals principalSet

@description('Name of the data collection rule.')
param dataCollectionRuleName string

@description('Name of the data collection endpoint.')
param dataCollectionEndpointName string

@description('Those of all role assignments that are on the data collection rule.')
var onRule = filter(loadJsonContent('../roles.json'), assignment => assignment.scope == 'dataCollectionRule')

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' existing = {
  name: dataCollectionRuleName
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2024-03-11' existing = {
  name: dataCollectionEndpointName
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

// How the URL is made: https://learn.microsoft.com/azure/azure-monitor/metrics/prometheus-remote-write-virtual-machines
@description('URL that Prometheus writes to.')
output ingestionEndpoint string = '${endpoint.properties.metricsIngestion.endpoint}/dataCollectionRules/${rule.properties.immutableId}/streams/Microsoft-PrometheusMetrics/api/v1/write?api-version=2023-04-24'
