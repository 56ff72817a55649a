// A private endpoint, and the private DNS zone that makes the service's own name lead to it: made here, or an existing
// one, or none, where the company's DNS or a policy does it.

import { privateDnsKind, tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

@description('Name of the endpoint.')
param name string

@description('Resource id of the service.')
param serviceId string

@description('Part of the service, as Azure names it.')
param groupId 'blob' | 'mysqlServer' | 'vault'

@description('Resource id of the subnet.')
param subnetId string

@description('Resource id of the subnet\'s virtual network, which resolves a new zone.')
param virtualNetworkId string

@description('Where the private DNS zone comes from.')
param privateDns privateDnsKind

@description('Private DNS zone of the service.')
param zoneName string

@description('Resource id of that zone, if it is an existing one.')
param existingZoneId string

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = if (privateDns == 'new') {
  name: zoneName
  location: 'global'
  tags: tags
}

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = if (privateDns == 'new') {
  parent: zone
  name: 'ccslurm4ai'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: virtualNetworkId
    }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          groupIds: [groupId]
          privateLinkServiceId: serviceId
        }
      }
    ]
    subnet: {
      id: subnetId
    }
  }
}

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = if (privateDns != 'none') {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: groupId
        properties: {
          privateDnsZoneId: privateDns == 'new' ? zone.id : existingZoneId
        }
      }
    ]
  }
}
