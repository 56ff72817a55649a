// Types that more than one template uses.

@export()
@description('Tags: names and values.')
type tagSet = {
  @description('Value of the tag.')
  *: string
}

@export()
@description('Secrets the vault can hold; the admin user\'s name goes in front.')
type secretKind = 'SshPrivateKey' | 'SshPublicKey' | 'CycleCloudPwd'

@export()
@description('What kind of identity a role is given to.')
type principalKind = 'User' | 'ServicePrincipal' | 'Group'

@export()
@description('An identity that roles are given to.')
type principal = {
  @description('Object id in the tenant.')
  id: string

  @description('Kind; without it Azure looks the id up and can miss a new one.')
  kind: principalKind
}

@export()
@description('The identities that roles.json names.')
type principalSet = {
  @description('System-assigned identity of the CycleCloud server.')
  server: principal

  @description('User-assigned identity that nodes read the locker with.')
  locker: principal

  @description('Who runs the deployment.')
  caller: principal
}

@export()
@description('One rule of a network security group; its place in the list is its priority.')
type securityRule = {
  @description('Name, unique in the group.')
  name: string

  @description('Seen from the subnet.')
  direction: 'Inbound' | 'Outbound'

  @description('Protocol; * is any.')
  protocol: 'Tcp' | '*'

  @description('Source: address range or service tag.')
  from: string

  @description('Destination: address range or service tag.')
  to: string

  @description('Destination ports.')
  ports: string[]
}

@export()
@description('What the driver and Ansible learn from the deployment. Holds no secret.')
type globalVarsOutput = {
  @description('Name of the Bastion host.')
  bastionName: string

  @description('Name of the CycleCloud server\'s virtual machine.')
  cycleserverName: string

  @description('Resource id of that machine.')
  cycleserverId: string

  @description('User to sign in as on it.')
  cycleserverAdmin: string

  @description('Bare name of the subnet for cluster nodes.')
  clusterSubnetName: string

  @description('Name of the Key Vault.')
  keyVaultName: string

  @description('Name of the locker\'s storage account.')
  lockerAccountName: string

  @description('Resource id of the identity that nodes read the locker with.')
  lockerIdentityId: string

  @description('Region.')
  region: string

  @description('Resource group.')
  resourceGroup: string

  @description('Subscription id.')
  subscriptionId: string

  @description('Subscription name.')
  subscriptionName: string

  @description('Tenant id.')
  tenantId: string

  @description('Name of the virtual network.')
  vnetName: string

  @description('Number of login nodes.')
  loginNodeCount: int
}

@export()
@description('Ansible inventory in its JSON form.')
type inventoryOutput = {
  @description('The group of all hosts.')
  all: {
    @description('Hosts by name.')
    hosts: {
      @description('The CycleCloud server.')
      cycleserver: {
        @description('Private IP address.')
        ansible_host: string

        @description('User to sign in as.')
        ansible_user: string
      }
    }
  }
}
