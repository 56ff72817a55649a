// Every name of a resource is made here. Those of `names` only have to be unique in the resource group, which may hold
// resources of others: hence the prefix.

@export()
@description('Names that are unique inside the resource group.')
var names = {
  bastion: 'ccslurm4ai-bastion'
  lockerContainer: 'cyclecloud'
  lockerEndpoint: 'ccslurm4ai-locker-endpoint'
  lockerIdentity: 'ccslurm4ai-locker'
  mySqlEndpoint: 'ccslurm4ai-mysql-endpoint'
  mySqlUser: 'slurmdbd'
  natGateway: 'ccslurm4ai-nat'
  netAppAccount: 'ccslurm4ai-anf'
  netAppPool: 'shared'
  netAppVolume: 'shared'
  server: 'cycleserver'
  vaultEndpoint: 'ccslurm4ai-vault-endpoint'
  virtualNetwork: 'ccslurm4ai-vnet'
}

@export()
@description('Storage account: 3 to 24 lower-case letters and digits, unique in all of Azure.')
func lockerAccountName(groupId string) string => take('ccslurm4ai${uniqueString(groupId)}', 24)

@export()
@description('MySQL server: 3 to 63 lower-case letters, digits and hyphens, unique in all of Azure.')
func mySqlServerName(groupId string) string => 'ccslurm4ai-${uniqueString(groupId)}'

@export()
@description('Azure Monitor workspace. Azure makes a group MA_<name>_<region>_managed for it: unique in the subscription.')
func monitorWorkspaceName(groupId string) string => 'ccslurm4ai-${uniqueString(groupId)}'

@export()
@description('Grafana: 2 to 23 letters, digits and hyphens, unique in all of Azure.')
func grafanaName(groupId string) string => 'ccs4ai-${uniqueString(groupId)}'

@export()
@description('Path of the NetApp volume: unique in its subnet, which clusters may share.')
func netAppPath(groupId string) string => 'ccslurm4ai-${uniqueString(groupId)}'

@export()
@description('A group of recording rules.')
func ruleGroupName(subject string) string => 'ccslurm4ai-${subject}'

@export()
@description('Deployment in the network\'s resource group, which clusters may share: one a group.')
func subnetDeploymentName(groupId string, what string) string => '${what}-${uniqueString(groupId)}'

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
