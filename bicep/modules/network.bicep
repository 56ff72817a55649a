// Virtual network: one subnet per purpose, each with a security group that lets in what is listed and nothing else. Every
// network has all subnets, used or not, so that a change of storage takes no subnet away from what is in it.
// Ports: https://learn.microsoft.com/azure/cyclecloud/how-to/plan-enterprise-secured-deployment (9443 and 5672 from
// nodes to the server), https://learn.microsoft.com/azure/bastion/bastion-nsg (all of those are required by Azure),
// https://github.com/Azure/cyclecloud-slurm-workspace/blob/main/bicep/network-new.bicep (NFS, MySQL).

import { names, publicIpName, securityGroupName } from '../names.bicep'
import { securityRule, subnetIds, tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

@description('Address space of the network in CIDR notation, /23 or larger. Nodes get the upper half.')
param addressSpace string

@description('Availability zone of the NAT gateway; empty: none.')
param zone string

@description('Subnets are cut as small as Azure Bastion allows (/26), compute as large as possible. Those of a /23 fill it.')
var prefixes = {
  bastion: cidrSubnet(addressSpace, 26, 0)
  cyclecloud: cidrSubnet(addressSpace, 26, 1)
  endpoints: cidrSubnet(addressSpace, 26, 2)
  anf: cidrSubnet(addressSpace, 26, 3)
  compute: cidrSubnet(addressSpace, int(split(addressSpace, '/')[1]) + 1, 1)
}

@description('Null where no zone is wanted.')
var zones = empty(zone) ? null : [zone]

@description('Who may talk to the CycleCloud server.')
var cyclecloudRules securityRule[] = [
  {
    name: 'NodesToServer'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: prefixes.compute
    to: prefixes.cyclecloud
    ports: ['9443', '5672']
  }
  {
    name: 'BastionToServer'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: prefixes.bastion
    to: prefixes.cyclecloud
    ports: ['22', '443']
  }
]

@description('Who may talk to nodes. Nodes talk to each other freely: Slurm, MPI and NFS choose their ports.')
var computeRules securityRule[] = [
  {
    name: 'NodesToNodes'
    direction: 'Inbound'
    protocol: '*'
    from: prefixes.compute
    to: prefixes.compute
    ports: ['*']
  }
  {
    name: 'BastionToNodes'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: prefixes.bastion
    to: prefixes.compute
    ports: ['22', '443']
  }
  {
    name: 'ServerToNodes'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: prefixes.cyclecloud
    to: prefixes.compute
    ports: ['22']
  }
]

@description('portmapper, mountd, nfsd, nlockmgr, status, rquotad.')
var nfsPorts = ['111', '635', '2049', '4045', '4046', '4049']

@description('Who may talk to the NetApp volume.')
var anfRules securityRule[] = [
  {
    name: 'NodesToFiles'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: prefixes.compute
    to: prefixes.anf
    ports: nfsPorts
  }
  {
    name: 'ServerToFiles'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: prefixes.cyclecloud
    to: prefixes.anf
    ports: nfsPorts
  }
]

@description('Who may talk to the private endpoints of the locker, the vault and the database.')
var endpointRules securityRule[] = [
  {
    name: 'NodesToEndpoints'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: prefixes.compute
    to: prefixes.endpoints
    ports: ['443', '3306', '33060']
  }
  {
    name: 'ServerToEndpoints'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: prefixes.cyclecloud
    to: prefixes.endpoints
    ports: ['443']
  }
]

@description('What Azure demands of a Bastion subnet. Port 443 to the network is for the CycleCloud portal through a tunnel.')
var bastionRules securityRule[] = [
  { name: 'AllowHttpsInbound', direction: 'Inbound', protocol: 'Tcp', from: 'Internet', to: '*', ports: ['443'] }
  {
    name: 'AllowGatewayManagerInbound'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: 'GatewayManager'
    to: '*'
    ports: ['443']
  }
  {
    name: 'AllowAzureLoadBalancerInbound'
    direction: 'Inbound'
    protocol: 'Tcp'
    from: 'AzureLoadBalancer'
    to: '*'
    ports: ['443']
  }
  {
    name: 'AllowBastionHostCommunication'
    direction: 'Inbound'
    protocol: '*'
    from: 'VirtualNetwork'
    to: 'VirtualNetwork'
    ports: ['8080', '5701']
  }
  {
    name: 'AllowSshRdpOutbound'
    direction: 'Outbound'
    protocol: '*'
    from: '*'
    to: 'VirtualNetwork'
    ports: ['22', '3389', '443']
  }
  {
    name: 'AllowAzureCloudOutbound'
    direction: 'Outbound'
    protocol: 'Tcp'
    from: '*'
    to: 'AzureCloud'
    ports: ['443']
  }
  {
    name: 'AllowBastionCommunication'
    direction: 'Outbound'
    protocol: '*'
    from: 'VirtualNetwork'
    to: 'VirtualNetwork'
    ports: ['8080', '5701']
  }
  { name: 'AllowHttpOutbound', direction: 'Outbound', protocol: '*', from: '*', to: 'Internet', ports: ['80'] }
]

@description('The subnets, and the directions in which what no rule allows is denied. Bastion has its own public address, endpoints and files only answer: none of them needs the NAT gateway.')
var subnets = [
  {
    name: 'cyclecloud'
    prefix: prefixes.cyclecloud
    rules: cyclecloudRules
    closed: ['Inbound']
    nat: true
    delegations: []
  }
  {
    name: 'compute'
    prefix: prefixes.compute
    rules: computeRules
    closed: ['Inbound']
    nat: true
    delegations: []
  }
  {
    name: 'anf'
    prefix: prefixes.anf
    rules: anfRules
    closed: ['Inbound']
    nat: false
    delegations: ['Microsoft.NetApp/volumes']
  }
  {
    name: 'endpoints'
    prefix: prefixes.endpoints
    rules: endpointRules
    closed: ['Inbound']
    nat: false
    delegations: []
  }
  {
    name: 'AzureBastionSubnet'
    prefix: prefixes.bastion
    rules: bastionRules
    closed: ['Inbound', 'Outbound']
    nat: false
    delegations: []
  }
]

resource natAddress 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
  name: publicIpName(names.natGateway)
  location: location
  tags: tags
  zones: zones
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource natGateway 'Microsoft.Network/natGateways@2025-05-01' = {
  name: names.natGateway
  location: location
  tags: tags
  zones: zones
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIpAddresses: [
      {
        id: natAddress.id
      }
    ]
  }
}

resource securityGroups 'Microsoft.Network/networkSecurityGroups@2025-05-01' = [
  for subnet in subnets: {
    name: securityGroupName(subnet.name)
    location: location
    tags: tags
    properties: {
      securityRules: concat(
        map(subnet.rules, (rule, place) => {
          name: rule.name
          properties: {
            access: 'Allow'
            direction: rule.direction
            priority: 100 + 10 * place
            protocol: rule.protocol
            sourceAddressPrefix: rule.from
            sourcePortRange: '*'
            destinationAddressPrefix: rule.to
            // A single port, and "any", go into the singular form: the plural one takes no asterisk.
            destinationPortRange: length(rule.ports) == 1 ? rule.ports[0] : null
            destinationPortRanges: length(rule.ports) == 1 ? [] : rule.ports
          }
        }),
        map(subnet.closed, direction => {
          name: 'DenyRest${direction}'
          properties: {
            access: 'Deny'
            direction: direction
            priority: 4096
            protocol: '*'
            sourceAddressPrefix: '*'
            sourcePortRange: '*'
            destinationAddressPrefix: '*'
            destinationPortRange: '*'
          }
        })
      )
    }
  }
]

resource virtualNetwork 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: names.virtualNetwork
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressSpace]
    }
    subnets: [
      for (subnet, place) in subnets: {
        name: subnet.name
        properties: {
          addressPrefix: subnet.prefix
          defaultOutboundAccess: false
          delegations: map(subnet.delegations, service => {
            name: 'default'
            properties: {
              serviceName: service
            }
          })
          natGateway: subnet.nat ? { id: natGateway.id } : null
          networkSecurityGroup: {
            id: securityGroups[place].id
          }
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
        }
      }
    ]
  }
}

@description('Resource ids of the subnets.')
output subnetIds subnetIds = {
  cyclecloud: '${virtualNetwork.id}/subnets/${subnets[0].name}'
  compute: '${virtualNetwork.id}/subnets/${subnets[1].name}'
  anf: '${virtualNetwork.id}/subnets/${subnets[2].name}'
  endpoints: '${virtualNetwork.id}/subnets/${subnets[3].name}'
}

@description('Resource id of the Bastion subnet.')
output bastionSubnetId string = '${virtualNetwork.id}/subnets/${subnets[4].name}'

@description('Address ranges of those who mount the shared files.')
output clientPrefixes string[] = [prefixes.compute, prefixes.cyclecloud]
