// Infrastructure of one cluster: network, Bastion, Key Vault, CycleCloud server, locker, shared files, accounting
// database, monitoring, roles.

import { names, readerDeploymentName, subnetDeploymentName } from 'names.bicep'
import {
  globalVarsOutput
  inventoryOutput
  networkOption
  principalKind
  principalSet
  secretKind
  storageOption
  subnetIds
  tagSet
} from 'types.bicep'

@description('Region of every resource.')
param location string

@description('Name of the Slurm cluster; a tag on every resource.')
param clusterName string

@description('Admin user of the server and the nodes.')
param adminUser string

@description('Name of the Key Vault, unique in all of Azure.')
@minLength(3)
@maxLength(24)
param keyVaultName string

@description('What the vault\'s public address answers to those whom no rule names: what it answers now, once it exists.')
param keyVaultDefaultAction 'Allow' | 'Deny'

@description('The network to be in.')
param network networkOption

@description('What the shared files are on.')
param storage storageOption

@description('Whether there is a database for Slurm\'s accounting.')
param accounting bool

@description('Whether there are a metrics workspace and Grafana.')
param monitoring bool

@description('VM size of the CycleCloud server.')
param serverSku string

@description('Number of login nodes.')
@minValue(0)
@maxValue(10)
param loginNodeCount int

@description('Whether the server\'s Reader role on the subscription is assigned here or exists already.')
param subscriptionReader 'assign' | 'existing'

@description('Availability zone of the server, the NAT gateway, the shared files and the database; empty: none.')
param zone string

@description('Tags of every resource.')
param tags tagSet

@description('Tags of the monitoring resources, laid over the others.')
param monitorTags tagSet

@description('Object id of whoever runs the deployment.')
param callerObjectId string

@description('Kind of identity of whoever runs the deployment.')
param callerPrincipalType principalKind

@description('Secrets to write into the vault: those it does not have yet.')
param createSecrets secretKind[]

@description('SSH private key, if it is to be written into the vault.')
@secure()
param sshPrivateKey string = ''

@description('SSH public key of the admin user. Secure because it may come as a reference into a vault.')
@secure()
param sshPublicKey string

@description('CycleCloud password, if it is to be written into the vault.')
@secure()
param cycleCloudPassword string = ''

@description('Password of the accounting database; needed with accounting.')
@secure()
param mySqlPassword string = ''

@description('Hash of what this deployment was made from; comes back as an output.')
param inputHash string

@description('Name of the subscription.')
param subscriptionName string

@description('The tags, and one that tells which cluster a resource belongs to.')
var allTags = union(tags, { 'ccslurm4ai-cluster': clusterName })

@description('Those of the monitoring resources.')
var allMonitorTags = union(allTags, monitorTags)

@description('The subnets, ours or given.')
var subnets subnetIds = network.type == 'new' ? newNetwork!.outputs.subnetIds : network.?subnets!

@description('Resource id of the network.')
var virtualNetworkId = split(subnets.compute, '/subnets/')[0]

@description('Address ranges of those who mount the shared files.')
var clientPrefixes = network.type == 'new'
  ? newNetwork!.outputs.clientPrefixes
  : existingNetwork!.outputs.clientPrefixes

@description('Resource id of the Bastion host; empty: none.')
var bastionId = network.type == 'new' ? bastion!.outputs.id : network.?bastionId!

@description('Where private DNS zones come from. A network of ours has its own.')
var privateDns = network.?privateDns ?? 'new'

@description('Subscription of somebody else\'s network.')
var networkSubscription = network.type == 'new'
  ? subscription().subscriptionId
  : split(network.?subnets.compute!, '/')[2]

@description('Resource group of the network.')
var networkGroup = network.type == 'new' ? resourceGroup().name : split(network.?subnets.compute!, '/')[4]

@description('The identities that roles are given to.')
var principals principalSet = {
  server: { id: server.outputs.principalId, kind: 'ServicePrincipal' }
  locker: { id: locker.outputs.identityPrincipalId, kind: 'ServicePrincipal' }
  caller: { id: callerObjectId, kind: callerPrincipalType }
}

module newNetwork 'modules/network.bicep' = if (network.type == 'new') {
  name: 'network'
  params: {
    location: location
    tags: allTags
    addressSpace: network.?addressSpace!
    zone: zone
  }
}

module existingNetwork 'modules/existingNetwork.bicep' = if (network.type == 'existing' && storage.type == 'anf') {
  name: subnetDeploymentName(resourceGroup().id, 'subnets')
  scope: resourceGroup(networkSubscription, networkGroup)
  params: {
    subnets: network.?subnets!
  }
}

module bastion 'modules/bastion.bicep' = if (network.type == 'new') {
  name: 'bastion'
  params: {
    location: location
    tags: allTags
    subnetId: newNetwork!.outputs.bastionSubnetId
  }
}

module keyVault 'modules/keyVault.bicep' = {
  name: 'keyVault'
  params: {
    location: location
    tags: allTags
    name: keyVaultName
    defaultAction: keyVaultDefaultAction
    adminUser: adminUser
    createSecrets: createSecrets
    sshPrivateKey: sshPrivateKey
    sshPublicKey: sshPublicKey
    cycleCloudPassword: cycleCloudPassword
    mySqlPassword: mySqlPassword
  }
}

module locker 'modules/locker.bicep' = {
  name: 'locker'
  params: {
    location: location
    tags: allTags
  }
}

module netApp 'modules/netApp.bicep' = if (storage.type == 'anf') {
  name: 'netApp'
  params: {
    location: location
    tags: allTags
    zone: zone
    serviceLevel: storage.?serviceLevel!
    sizeTiB: storage.?sizeTiB!
    subnetId: subnets.anf
    clientPrefixes: clientPrefixes
  }
}

module mySql 'modules/mySql.bicep' = if (accounting) {
  name: 'mySql'
  params: {
    location: location
    tags: allTags
    zone: zone
    password: mySqlPassword
  }
}

module vaultEndpoint 'modules/privateEndpoint.bicep' = {
  name: 'vaultEndpoint'
  params: {
    location: location
    tags: allTags
    name: names.vaultEndpoint
    serviceId: keyVault.outputs.id
    groupId: 'vault'
    subnetId: subnets.endpoints
    virtualNetworkId: virtualNetworkId
    privateDns: privateDns
    zoneName: 'privatelink.vaultcore.azure.net'
    existingZoneId: network.?privateDnsZoneIds.vault ?? ''
  }
}

module lockerEndpoint 'modules/privateEndpoint.bicep' = {
  name: 'lockerEndpoint'
  params: {
    location: location
    tags: allTags
    name: names.lockerEndpoint
    serviceId: locker.outputs.accountId
    groupId: 'blob'
    subnetId: subnets.endpoints
    virtualNetworkId: virtualNetworkId
    privateDns: privateDns
    zoneName: 'privatelink.blob.${environment().suffixes.storage}'
    existingZoneId: network.?privateDnsZoneIds.blob ?? ''
  }
}

module mySqlEndpoint 'modules/privateEndpoint.bicep' = if (accounting) {
  name: 'mySqlEndpoint'
  params: {
    location: location
    tags: allTags
    name: names.mySqlEndpoint
    serviceId: mySql!.outputs.id
    groupId: 'mysqlServer'
    subnetId: subnets.endpoints
    virtualNetworkId: virtualNetworkId
    privateDns: privateDns
    zoneName: 'privatelink.mysql.database.azure.com'
    existingZoneId: network.?privateDnsZoneIds.mySql ?? ''
  }
}

module server 'modules/server.bicep' = {
  name: 'server'
  params: {
    location: location
    tags: allTags
    zone: zone
    size: serverSku
    subnetId: subnets.cyclecloud
    adminUser: adminUser
    sshPublicKey: sshPublicKey
  }
}

module metrics 'modules/monitoring.bicep' = if (monitoring) {
  name: 'monitoring'
  params: {
    location: location
    tags: allMonitorTags
  }
}

module recordingRules 'modules/recordingRules.bicep' = if (monitoring) {
  name: 'recordingRules'
  params: {
    location: location
    tags: allMonitorTags
    workspaceId: metrics!.outputs.workspaceId
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    principals: principals
    keyVaultName: keyVault.outputs.name
    lockerAccountName: locker.outputs.accountName
  }
}

module monitoringRoles 'modules/monitoringRoles.bicep' = if (monitoring) {
  name: 'monitoringRoles'
  params: {
    principals: union(principals, {
      grafana: { id: metrics!.outputs.grafanaPrincipalId, kind: 'ServicePrincipal' }
    })
    workspaceName: metrics!.outputs.workspaceName
    dataCollectionRuleId: metrics!.outputs.dataCollectionRuleId
    dataCollectionEndpointId: metrics!.outputs.dataCollectionEndpointId
    grafanaName: metrics!.outputs.grafanaName
  }
}

module subnetRoles 'modules/subnetRoles.bicep' = if (network.type == 'existing') {
  name: subnetDeploymentName(resourceGroup().id, 'subnetRoles')
  scope: resourceGroup(networkSubscription, networkGroup)
  params: {
    principals: principals
    groupId: resourceGroup().id
    subnetId: subnets.compute
  }
}

module subscriptionRoles 'modules/subscriptionRoles.bicep' = if (subscriptionReader == 'assign') {
  // The group's own location, which is where such a deployment is kept, wherever the resources are.
  #disable-next-line no-loc-expr-outside-params
  name: readerDeploymentName(resourceGroup().id, resourceGroup().location)
  scope: subscription()
  params: {
    principals: principals
    groupId: resourceGroup().id
  }
}

@description('What the driver and Ansible need to know. Holds no secret.')
output globalVars globalVarsOutput = {
  bastionName: last(split(bastionId, '/'))
  bastionId: bastionId
  cycleserverName: server.outputs.name
  cycleserverId: server.outputs.id
  cycleserverAdmin: adminUser
  clusterSubnetName: split(subnets.compute, '/')[10]
  clusterSubnetResourceGroup: networkGroup
  keyVaultName: keyVault.outputs.name
  lockerAccountName: locker.outputs.accountName
  lockerIdentityId: locker.outputs.identityId
  region: location
  resourceGroup: resourceGroup().name
  subscriptionId: subscription().subscriptionId
  subscriptionName: subscriptionName
  tenantId: tenant().tenantId
  vnetName: split(subnets.compute, '/')[8]
  loginNodeCount: loginNodeCount
  anfSharedIP: storage.type == 'anf' ? netApp!.outputs.address : ''
  anfSharedPath: storage.type == 'anf' ? netApp!.outputs.path : ''
  mySqlFqdn: accounting ? mySql!.outputs.fqdn : ''
  mySqlUser: accounting ? mySql!.outputs.user : ''
  managedGrafanaName: monitoring ? metrics!.outputs.grafanaName : ''
  grafanaEndpoint: monitoring ? metrics!.outputs.grafanaEndpoint : ''
  monitorMetricsIngestionEndpoint: monitoring ? monitoringRoles!.outputs.ingestionEndpoint : ''
  monitorIdentityClientId: monitoring ? locker.outputs.identityClientId : ''
  monitorWorkspaceId: monitoring ? metrics!.outputs.workspaceId : ''
}

@description('Ansible inventory; the driver puts the tunnel in place of the private address.')
output ansible_inventory inventoryOutput = {
  all: {
    hosts: {
      cycleserver: {
        ansible_host: server.outputs.privateIpAddress
        ansible_user: adminUser
      }
    }
  }
}

@description('The hash that was passed in.')
output inputHash string = inputHash
