// Every name of a resource is made here. Those of `names` only have to be unique in the resource group, which may hold
// resources of others: hence the prefix.

@export()
@description('Names that are unique inside the resource group.')
var names = {
  bastion: 'ccslurm4ai-bastion'
  lockerContainer: 'cyclecloud'
  lockerEndpoint: 'ccslurm4ai-locker-endpoint'
  lockerIdentity: 'ccslurm4ai-locker'
  natGateway: 'ccslurm4ai-nat'
  server: 'cycleserver'
  vaultEndpoint: 'ccslurm4ai-vault-endpoint'
  virtualNetwork: 'ccslurm4ai-vnet'
}

@export()
@description('Storage account: 3 to 24 lower-case letters and digits, unique in all of Azure.')
func lockerAccountName(groupId string) string => take('ccslurm4ai${uniqueString(groupId)}', 24)

@export()
@description('Deployment at subscription scope: one a group, and one a location because Azure refuses the same name in another.')
func readerDeploymentName(groupId string, groupLocation string) string =>
  take('ccslurm4ai-reader-${uniqueString(groupId, groupLocation)}', 64)

@export()
@description('A secret in the vault: letters, digits and hyphens.')
func secretName(adminUser string, kind string) string => '${adminUser}-${kind}'

@export()
@description('The network security group of a subnet.')
func securityGroupName(subnet string) string => 'ccslurm4ai-${subnet}-nsg'

@export()
@description('The public IP address of a network resource.')
func publicIpName(owner string) string => '${owner}-ip'

@export()
@description('A part of a virtual machine that is a resource of its own: disk or network interface.')
func machinePartName(machine string, part string) string => '${machine}-${part}'
