// Azure NetApp Files: the account, one pool and the one volume that fills it, over NFS 4.1.
// Shape: https://learn.microsoft.com/azure/templates/microsoft.netapp/netappaccounts/capacitypools/volumes

import { names, netAppPath } from '../names.bicep'
import { tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

@description('Availability zone of the volume; empty: none.')
param zone string

@description('Throughput per TiB.')
param serviceLevel 'Standard' | 'Premium' | 'Ultra'

@description('Size of pool and volume in TiB.')
param sizeTiB int

@description('Resource id of the delegated subnet.')
param subnetId string

@description('Address ranges that may mount the volume.')
param clientPrefixes string[]

@description('Size in bytes.')
var size = sizeTiB * 1024 * 1024 * 1024 * 1024

resource account 'Microsoft.NetApp/netAppAccounts@2025-12-01' = {
  name: names.netAppAccount
  location: location
  tags: tags
}

resource pool 'Microsoft.NetApp/netAppAccounts/capacityPools@2025-12-01' = {
  parent: account
  name: names.netAppPool
  location: location
  tags: tags
  properties: {
    serviceLevel: serviceLevel
    size: size
  }
}

resource volume 'Microsoft.NetApp/netAppAccounts/capacityPools/volumes@2025-12-01' = {
  parent: pool
  name: names.netAppVolume
  location: location
  tags: tags
  zones: empty(zone) ? null : [zone]
  properties: {
    creationToken: netAppPath(resourceGroup().id)
    subnetId: subnetId
    // Security groups on the subnet work with these only.
    networkFeatures: 'Standard'
    protocolTypes: ['NFSv4.1']
    securityStyle: 'unix'
    unixPermissions: '0755'
    serviceLevel: serviceLevel
    usageThreshold: size
    exportPolicy: {
      rules: [
        {
          ruleIndex: 1
          allowedClients: join(clientPrefixes, ',')
          nfsv3: false
          nfsv41: true
          cifs: false
          unixReadOnly: false
          unixReadWrite: true
          // Nodes set Slurm's folder up as root.
          hasRootAccess: true
          chownMode: 'Restricted'
        }
      ]
    }
  }
}

@description('Address of the volume.')
output address string = volume.properties.mountTargets[0].ipAddress

@description('Path that the volume is exported under.')
output path string = '/${volume.properties.creationToken}'
