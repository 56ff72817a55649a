// Where metrics go and are looked at: an Azure Monitor workspace and the managed Grafana that queries it. Both are public
// addresses that answer to roles only: people's browsers, and nodes through the NAT gateway, reach them.

import { grafanaName, monitorWorkspaceName } from '../names.bicep'
import { tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

resource workspace 'Microsoft.Monitor/accounts@2025-10-03' = {
  name: monitorWorkspaceName(resourceGroup().id)
  location: location
  tags: tags
  properties: {
    publicNetworkAccess: 'Enabled'
  }
}

resource grafana 'Microsoft.Dashboard/grafana@2025-08-01' = {
  name: grafanaName(resourceGroup().id)
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    grafanaMajorVersion: loadJsonContent('../versions.json', '$.grafana')
    publicNetworkAccess: 'Enabled'
    apiKey: 'Disabled'
    // Who may do what is in roles.json, and there only.
    creatorCanAdmin: 'Disabled'
    grafanaIntegrations: {
      azureMonitorWorkspaceIntegrations: [
        {
          azureMonitorWorkspaceResourceId: workspace.id
        }
      ]
    }
  }
}

@description('Resource id of the workspace.')
output workspaceId string = workspace.id

@description('Name of the workspace.')
output workspaceName string = workspace.name

@description('Resource id of the data collection rule that Azure made for the workspace, in a group of its own.')
output dataCollectionRuleId string = workspace.properties.defaultIngestionSettings.dataCollectionRuleResourceId

@description('Resource id of the data collection endpoint that Azure made beside it.')
output dataCollectionEndpointId string = workspace.properties.defaultIngestionSettings.dataCollectionEndpointResourceId

@description('Name of Grafana.')
output grafanaName string = grafana.name

@description('URL of Grafana.')
output grafanaEndpoint string = grafana.properties.endpoint

@description('Object id of Grafana\'s own identity.')
output grafanaPrincipalId string = grafana.identity.principalId
