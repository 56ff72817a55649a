// Bastion with native-client tunnels: the only way in.

import { names, publicIpName } from '../names.bicep'
import { tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

@description('Resource id of AzureBastionSubnet.')
param subnetId string

// Without zones a Standard address is zone-redundant where the region has zones.
resource address 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
  name: publicIpName(names.bastion)
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource bastion 'Microsoft.Network/bastionHosts@2025-05-01' = {
  name: names.bastion
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    enableTunneling: true
    ipConfigurations: [
      {
        name: 'default'
        properties: {
          publicIPAddress: {
            id: address.id
          }
          subnet: {
            id: subnetId
          }
        }
      }
    ]
  }
}

@description('Resource id of the Bastion host.')
output id string = bastion.id
