// Infrastructure of one cluster: network, Bastion, Key Vault, CycleCloud server, locker, roles.

import { names, readerDeploymentName } from 'names.bicep'
import { globalVarsOutput, inventoryOutput, principalKind, principalSet, secretKind, tagSet } from 'types.bicep'

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

@description('Address space of the virtual network in CIDR notation, /23 or larger.')
param addressSpace string

@description('VM size of the CycleCloud server.')
param serverSku string

@description('Number of login nodes.')
@minValue(0)
@maxValue(10)
param loginNodeCount int

@description('Whether the server\'s Reader role on the subscription is assigned here or exists already.')
param subscriptionReader 'assign' | 'existing'

@description('Availability zone of the server and the NAT gateway; empty: none.')
param zone string

@description('Tags of every resource.')
param tags tagSet

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

@description('Hash of what this deployment was made from; comes back as an output.')
param inputHash string

@description('Name of the subscription.')
param subscriptionName string

@description('The tags, and one that tells which cluster a resource belongs to.')
var allTags = union(tags, { 'ccslurm4ai-cluster': clusterName })

@description('The identities that roles are given to.')
var principals principalSet = {
  server: { id: server.outputs.principalId, kind: 'ServicePrincipal' }
  locker: { id: locker.outputs.identityPrincipalId, kind: 'ServicePrincipal' }
  caller: { id: callerObjectId, kind: callerPrincipalType }
}

module network 'modules/network.bicep' = {
  name: 'network'
  params: {
    location: location
    tags: allTags
    addressSpace: addressSpace
    zone: zone
  }
}

module bastion 'modules/bastion.bicep' = {
  name: 'bastion'
  params: {
    location: location
    tags: allTags
    subnetId: network.outputs.bastionSubnetId
  }
}

module keyVault 'modules/keyVault.bicep' = {
  name: 'keyVault'
  params: {
    location: location
    tags: allTags
    name: keyVaultName
    adminUser: adminUser
    createSecrets: createSecrets
    sshPrivateKey: sshPrivateKey
    sshPublicKey: sshPublicKey
    cycleCloudPassword: cycleCloudPassword
  }
}

module locker 'modules/locker.bicep' = {
  name: 'locker'
  params: {
    location: location
    tags: allTags
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
    zoneName: 'privatelink.vaultcore.azure.net'
    subnetId: network.outputs.endpointsSubnetId
    virtualNetworkId: network.outputs.id
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
    zoneName: 'privatelink.blob.${environment().suffixes.storage}'
    subnetId: network.outputs.endpointsSubnetId
    virtualNetworkId: network.outputs.id
  }
}

module server 'modules/server.bicep' = {
  name: 'server'
  params: {
    location: location
    tags: allTags
    zone: zone
    size: serverSku
    subnetId: network.outputs.cyclecloudSubnetId
    adminUser: adminUser
    sshPublicKey: sshPublicKey
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

module subscriptionRoles 'modules/subscriptionRoles.bicep' = if (subscriptionReader == 'assign') {
  // The group's own location, which is where such a deployment is kept, wherever the resources are.
  #disable-next-line no-loc-expr-outside-params
  name: readerDeploymentName(resourceGroup().id, resourceGroup().location)
  scope: subscription()
  params: {
    principals: principals
  }
}

@description('What the driver and Ansible need to know. Holds no secret.')
output globalVars globalVarsOutput = {
  bastionName: bastion.outputs.name
  cycleserverName: server.outputs.name
  cycleserverId: server.outputs.id
  cycleserverAdmin: adminUser
  clusterSubnetName: network.outputs.computeSubnetName
  keyVaultName: keyVault.outputs.name
  lockerAccountName: locker.outputs.accountName
  lockerIdentityId: locker.outputs.identityId
  region: location
  resourceGroup: resourceGroup().name
  subscriptionId: subscription().subscriptionId
  subscriptionName: subscriptionName
  tenantId: tenant().tenantId
  vnetName: network.outputs.name
  loginNodeCount: loginNodeCount
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
