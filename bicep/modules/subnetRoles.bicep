// Roles on the subnet of the nodes, as roles.json lists them, when the subnet is somebody else's. Their descriptions end
// with the id of the cluster's resource group, by which `destroy` finds them when their principal is gone.

import { principalSet } from '../types.bicep'

@description('The identities.')
param principals principalSet

@description('Resource id of the subnet; it is in this resource group.')
param subnetId string

@description('Resource id of the resource group that the cluster is in.')
param groupId string

@description('Those of all role assignments that are on the subnet.')
var onSubnet = filter(loadJsonContent('../roles.json'), assignment => assignment.scope == 'computeSubnet')

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' existing = {
  name: split(subnetId, '/')[8]

  resource subnet 'subnets' existing = {
    name: split(subnetId, '/')[10]
  }
}

resource subnetRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onSubnet: {
    scope: network::subnet
    name: guid(network::subnet.id, principals[role.principal].id, role.roleId)
    properties: {
      description: '${role.why}; for the cluster in ${groupId}'
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.roleId)
    }
  }
]
