// Reads the address ranges of somebody else's subnets. Writes nothing.

import { subnetIds } from '../types.bicep'

@description('The subnets; they are in this resource group.')
param subnets subnetIds

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' existing = {
  name: split(subnets.compute, '/')[8]

  resource compute 'subnets' existing = {
    name: split(subnets.compute, '/')[10]
  }

  resource cyclecloud 'subnets' existing = {
    name: split(subnets.cyclecloud, '/')[10]
  }
}

// A subnet has either one range or a list of them.
@description('Address ranges of those who mount the shared files.')
output clientPrefixes string[] = concat(
  network::compute.properties.?addressPrefixes ?? [network::compute.properties.addressPrefix],
  network::cyclecloud.properties.?addressPrefixes ?? [network::cyclecloud.properties.addressPrefix]
)
