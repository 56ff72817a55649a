// Types that more than one template uses.

@export()
@description('Tags: names and values.')
type tagSet = {
  @description('Value of the tag.')
  *: string
}

@export()
@description('Secrets the vault can hold; the admin user\'s name goes in front.')
type secretKind = 'SshPrivateKey' | 'SshPublicKey' | 'CycleCloudPwd' | 'MySqlPwd'

@export()
@description('Where private DNS zones come from: made here, given, or somebody else\'s business (a policy, the company\'s DNS).')
type privateDnsKind = 'new' | 'existing' | 'none'

@export()
@description('Resource ids of the subnets, by purpose.')
type subnetIds = {
  @description('Of the CycleCloud server.')
  cyclecloud: string

  @description('Of the nodes.')
  compute: string

  @description('Of the NetApp volume, delegated to Microsoft.NetApp/volumes; empty without one.')
  anf: string

  @description('Of the private endpoints.')
  endpoints: string
}

@description('A network of our own.')
type newNetwork = {
  @description('Made here.')
  type: 'new'

  @description('Address space in CIDR notation, /23 or larger.')
  addressSpace: string
}

@description('Subnets of somebody else\'s network, which is read and never written.')
type existingNetwork = {
  @description('Made before.')
  type: 'existing'

  @description('The subnets, all in one virtual network of the region.')
  subnets: subnetIds

  @description('Resource id of the Bastion host; empty: none.')
  bastionId: string

  @description('Where the private DNS zones come from.')
  privateDns: privateDnsKind

  @description('Resource ids of the private DNS zones; empty unless they are existing ones.')
  privateDnsZoneIds: {
    @description('privatelink.vaultcore.azure.net.')
    vault: string

    @description('privatelink.blob of the cloud\'s storage domain.')
    blob: string

    @description('privatelink.mysql.database.azure.com; empty without accounting.')
    mySql: string
  }
}

@export()
@description('The network to be in.')
@discriminator('type')
type networkOption = newNetwork | existingNetwork

@description('Azure NetApp Files, made here.')
type netAppStorage = {
  @description('Azure NetApp Files.')
  type: 'anf'

  @description('Throughput per TiB.')
  serviceLevel: 'Standard' | 'Premium' | 'Ultra'

  @description('Size of pool and volume in TiB.')
  @minValue(1)
  @maxValue(100)
  sizeTiB: int
}

@description('A disk of the scheduler, which CycleCloud makes.')
type schedulerStorage = {
  @description('NFS server on the scheduler.')
  type: 'nfs'

  @description('Size of the disk in GiB.')
  @minValue(1)
  sizeGiB: int
}

@description('Somebody else\'s NFS server.')
type existingStorage = {
  @description('Made before.')
  type: 'existing'

  @description('Host name or address.')
  address: string

  @description('Exported path.')
  exportPath: string

  @description('Mount options.')
  mountOptions: string
}

@export()
@description('What /shared and /sched are on. Only anf makes something here.')
@discriminator('type')
type storageOption = netAppStorage | schedulerStorage | existingStorage

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

  @description('System-assigned identity of Grafana; without monitoring there is none.')
  grafana: principal?
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
  @description('Name of the Bastion host; empty without one.')
  bastionName: string

  @description('Resource id of the Bastion host; empty without one.')
  bastionId: string

  @description('Name of the CycleCloud server\'s virtual machine.')
  cycleserverName: string

  @description('Resource id of that machine.')
  cycleserverId: string

  @description('User to sign in as on it.')
  cycleserverAdmin: string

  @description('Bare name of the subnet for cluster nodes.')
  clusterSubnetName: string

  @description('Resource group of the virtual network.')
  clusterSubnetResourceGroup: string

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

  @description('Address of the NetApp volume; empty without one.')
  anfSharedIP: string

  @description('Path that the NetApp volume is exported under; empty without one.')
  anfSharedPath: string

  @description('Host name of the accounting database; empty without accounting.')
  mySqlFqdn: string

  @description('User of the accounting database; empty without accounting.')
  mySqlUser: string

  @description('Name of Grafana; empty without monitoring.')
  managedGrafanaName: string

  @description('URL of Grafana; empty without monitoring.')
  grafanaEndpoint: string

  @description('URL that Prometheus writes to; empty without monitoring.')
  monitorMetricsIngestionEndpoint: string

  @description('Client id of the identity that nodes write metrics with; empty without monitoring.')
  monitorIdentityClientId: string

  @description('Resource id of the Azure Monitor workspace; empty without monitoring.')
  monitorWorkspaceId: string
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
