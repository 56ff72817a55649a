//! Where the rules of the types come from.

use crate::claims::{Claim, Sure, claim};

const RECORDED: &str = "recorded: azure-cli, azure-service-operator";
const COMMON: &str = "learn.microsoft.com, azure-resource-manager/troubleshooting/common-deployment-errors";
const SNAPSHOT: &str = "`bicep snapshot` 0.49.2, the official evaluator";

/// The refusals and read-only parts of the types, and of the template evaluator.
pub const CLAIMS: &[Claim] = &[
    claim("template expressions: values, errors and messages", SNAPSHOT, Sure::High),
    claim("`uniqueString` and `guid`: Azure's own values", SNAPSHOT, Sure::High),
    claim("parameter types, allowed values and bounds: InvalidTemplate", SNAPSHOT, Sure::High),
    claim("lines and columns in template errors are always 1", "not modelled", Sure::High),
    claim("unknown parameter: InvalidTemplate", COMMON, Sure::Medium),
    claim("parameter without value: InvalidTemplate", RECORDED, Sure::High),
    claim("circular or unknown dependency, resource declared twice: InvalidTemplate", COMMON, Sure::Medium),
    claim("failing output: DeploymentOutputEvaluationFailed", "Azure/bicep, reports of users", Sure::Medium),
    claim("nested deployment into a group that is not there: ResourceGroupNotFound", RECORDED, Sure::High),
    claim(
        "refusals before a deployment runs: InvalidTemplateDeployment with details",
        "recorded: azure-docs-cli, aks-engine",
        Sure::High,
    ),
    claim(
        "unknown or missing member of a body, or no id, Network: InvalidRequestFormat with InvalidJson, MissingJsonProperty, InvalidJsonReferenceFormat",
        "Azure/azure-cli issue 16205",
        Sure::High,
    ),
    claim("unknown member of a body, elsewhere: InvalidRequestContent or BadRequest", COMMON, Sure::Medium),
    claim(
        "referenced network resource that is not there: InvalidResourceReference",
        "microsoft/MCW-Building-a-resilient-IaaS-architecture issue 35",
        Sure::High,
    ),
    claim(
        "type or api-version that there is not: InvalidResourceType, NoRegisteredProviderFound",
        "Azure/azure-cli issue 28496",
        Sure::Medium,
    ),
    claim("resource moved to another region: InvalidResourceLocation", COMMON, Sure::Medium),
    claim(
        "no location, or one that the type is not in: LocationRequired, LocationNotAvailableForResourceType",
        COMMON,
        Sure::Medium,
    ),
    claim(
        "names: InvalidResourceName, VaultNameNotValid, AccountNameInvalid, InvalidServerName; of other types InvalidParameter",
        "learn.microsoft.com, resource-name-rules",
        Sure::Medium,
    ),
    claim("child of a parent that is not there: ParentResourceNotFound", COMMON, Sure::Medium),
    claim(
        "Basic public IP address: IPv4BasicSkuPublicIpCountLimitReached",
        "skypilot-org/skypilot issue 7977",
        Sure::High,
    ),
    claim(
        "dynamic Standard public IP address: StandardSkuPublicIPAddressesMustBeStatic",
        "MicrosoftDocs/azure-docs issue 42889",
        Sure::High,
    ),
    claim(
        "security rule with a priority twice or out of range: SecurityRuleConflict, SecurityRuleInvalidPriority",
        "reports of users of hashicorp/terraform-provider-azurerm",
        Sure::Medium,
    ),
    claim(
        "security rule without a prefix or range: SecurityRuleParameterMissing; or `*` in a list",
        "Azure REST reference, network-security-groups",
        Sure::Low,
    ),
    claim(
        "subnet outside its network: NetcfgSubnetRangeOutsideVnet",
        "MicrosoftDocs/azure-docs pull request 123869",
        Sure::High,
    ),
    claim(
        "subnets that overlap: NetcfgSubnetRangesOverlap",
        "MicrosoftDocs/azure-docs pull request 123869",
        Sure::High,
    ),
    claim(
        "subnet smaller than /29: NetcfgInvalidSubnet; text that is no prefix: InvalidAddressPrefixFormat",
        "learn.microsoft.com, virtual-networks-faq; hashicorp/terraform-provider-azurerm issue 10826",
        Sure::Medium,
    ),
    claim(
        "subnet in use left out of a network's PUT: InUseSubnetCannotBeDeleted",
        "reports of users of hashicorp/terraform-provider-azurerm",
        Sure::Medium,
    ),
    claim(
        "Bastion subnet whose security group lacks rules: NetworkSecurityGroupNotCompliantForAzureBastionSubnet",
        "Azure/azure-quickstart-templates issue 8655",
        Sure::High,
    ),
    claim(
        "Bastion subnet with a route table: RouteTableCannotBeAttachedForAzureBastionSubnet (sentence is ours)",
        "learn.microsoft.com, troubleshooting of Bastion; reports of users of azurerm",
        Sure::High,
    ),
    claim(
        "Bastion in a subnet of another name: SubnetNameMustBeAzureBastionSubnet",
        "hashicorp/terraform-provider-azurerm pull request 15365",
        Sure::High,
    ),
    claim(
        "Bastion subnet smaller than /26: BastionSubnetPrefixTooLong; tunnels with a Basic Bastion: BastionFeatureNotSupportedForSku; no or several addresses: BastionHostMustHaveOneIpConfiguration, BastionHostPublicIpAddressMissing",
        "learn.microsoft.com, bastion/configuration-settings (code and words are ours)",
        Sure::Low,
    ),
    claim(
        "subnet delegated to what takes no subnets: InvalidServiceNameOnDelegation; delegation changed while something is in it: SubnetDelegationsCannotChangeWhenSubnetUsedByResource",
        "reports of users of azurerm and Azure Kubernetes Service; MicrosoftDocs/azure-docs issue 26179",
        Sure::High,
    ),
    claim(
        "network interface in a delegated subnet: SubnetIsDelegatedAndCannotBeUsed; private endpoint: PrivateEndpointCreationNotAllowedAsSubnetIsDelegated (sentences are ours)",
        "learn.microsoft.com, troubleshooting of virtual networks and of private endpoints",
        Sure::Medium,
    ),
    claim(
        "addresses in a subnet: SubnetIsFull, PrivateIPAddressNotInSubnet, PrivateIPAddressInReservedRange, PrivateIPAddressIsAllocated, InvalidIPAddress, NicMustHaveAtLeastOneIpConfiguration",
        "reports of users of azure-cli",
        Sure::Medium,
    ),
    claim(
        "dynamic addresses are given from the fifth of a subnet on and stay",
        "learn.microsoft.com, private-ip-addresses",
        Sure::High,
    ),
    claim(
        "private endpoint: one interface, approved at once; PrivateEndpointMustHaveOneConnection, PrivateEndpointInvalidGroupId",
        "Azure REST reference, private-endpoints (refusal's words are ours)",
        Sure::Low,
    ),
    claim(
        "network linked to a second private DNS zone of the same name, in whatever group: the operation fails, BadRequest",
        "Azure/ARO-RP issue 796; MicrosoftDocs/azure-aks-docs issue 212",
        Sure::High,
    ),
    claim(
        "private DNS zones, links and zone groups",
        "Azure REST reference, private-zones, virtual-network-links, private-dns-zone-groups",
        Sure::Medium,
    ),
    claim("vault name that a deleted vault has: ConflictError", "Azure/azure-cli issue 29115", Sure::High),
    claim(
        "vault name that another has: VaultAlreadyExists",
        "Azure/azure-powershell issue 15115",
        Sure::High,
    ),
    claim(
        "vault: purge protection and soft delete cannot be switched off: BadRequest",
        "Azure/azure-cli issue 29115",
        Sure::High,
    ),
    claim(
        "vault: soft-delete retention cannot be changed: BadRequest",
        "reports of users of hashicorp/terraform-provider-azurerm",
        Sure::Medium,
    ),
    claim(
        "vault secret written through Azure Resource Manager: a version with every write, no value in replies",
        "Azure REST reference, keyvault secrets",
        Sure::High,
    ),
    claim(
        "storage account name that another has: StorageAccountAlreadyTaken, StorageAccountInAnotherResourceGroup",
        "hashicorp/terraform issue 11485",
        Sure::High,
    ),
    claim(
        "public container where the account forbids it: PublicAccessNotPermitted; hierarchical namespace changed: PropertyCannotBeUpdated",
        "learn.microsoft.com, anonymous-read-access-prevent",
        Sure::Medium,
    ),
    claim(
        "policy that denies a type, or a resource without a tag: RequestDisallowedByPolicy, before a deployment runs too; evaluation details as the documentation shows them",
        "Azure/ARO-RP; printed by az in issues of Azure/azure-cli",
        Sure::High,
    ),
    claim("role on a resource that is not there: ResourceNotFound", RECORDED, Sure::Medium),
    claim("unknown principal without stated kind: PrincipalNotFound", RECORDED, Sure::High),
    claim(
        "principal of another kind than stated: UnmatchedPrincipalType",
        "Azure/modern-web-app-pattern-dotnet pull request 129",
        Sure::High,
    ),
    claim(
        "unknown role: RoleDefinitionDoesNotExist; name that is no guid: InvalidRoleAssignmentId",
        "Azure/azure-cli issue 21961",
        Sure::High,
    ),
    claim(
        "role assignment with another principal or role: RoleAssignmentUpdateNotPermitted",
        "Azure/Azure-Landing-Zones issue 2040",
        Sure::High,
    ),
    claim("the same role assignment under another name: RoleAssignmentExists", RECORDED, Sure::High),
    claim(
        "VM size that is restricted or not in the zone: SkuNotAvailable",
        "Azure/pcs-cli issue 147; recorded: azure-docs-cli",
        Sure::High,
    ),
    claim("unknown VM size: InvalidParameter vmSize", "reports of users of azure-cli", Sure::Medium),
    claim(
        "VM beyond the quota: OperationNotAllowed; before a deployment QuotaExceeded",
        "recorded: karpenter-provider-azure, aks-engine",
        Sure::High,
    ),
    claim("image that is not there: PlatformImageNotFound", "hashicorp/packer issue 10600", Sure::High),
    claim(
        "marketplace image without plan: VMMarketplaceInvalidInput",
        "Azure/azure-sdk-for-go issue 13894",
        Sure::High,
    ),
    claim(
        "terms not accepted: ResourcePurchaseValidationFailed; before a deployment MarketplacePurchaseEligibilityFailed",
        "nforgeio/neonKUBE issue 1673; hashicorp/packer pull request 6009",
        Sure::High,
    ),
    claim(
        "network interface of another VM: NicInUse; one that is not there: NotFound",
        "cloudfoundry/docs-bosh pull request 155",
        Sure::High,
    ),
    claim(
        "fixed properties of a VM: PropertyChangeNotAllowed",
        "recorded: aks-engine; Azure/azure-cli issue 11840",
        Sure::High,
    ),
    claim(
        "admin user, custom data and keys of a VM: InvalidParameter",
        "learn.microsoft.com, virtual-machines/linux/faq; reports of users of azure-cli",
        Sure::Medium,
    ),
    claim("missing identity of a VM: FailedIdentityOperation", "reports of users of azure-cli", Sure::Medium),
    claim(
        "VM extension that there is not: ArtifactNotFound; version: ArtifactVersionNotFound; in a VM that does not run or forbids extensions: OperationNotAllowed; a second one of a type: BadRequest",
        "learn.microsoft.com, \"Understand common error messages when you manage virtual machines in Azure\"; statuses: gravitational/teleport, reports of users of hashicorp/terraform-provider-azurerm",
        Sure::Medium,
    ),
    claim(
        "VM extensions are kept and told in a VM's replies and instance view; `protectedSettings` are in no reply; nothing is installed inside a host",
        "recorded: azure-cli, PUT and GET of an extension; the last is the twin's own rule",
        Sure::Medium,
    ),
    claim(
        "scale set, uniform: a higher capacity makes machines with an interface each, all or none within quota and \
         subnet; computer names are the prefix and six digits of base 36; bodies",
        "Azure REST reference, virtual-machine-scale-sets; learn.microsoft.com, virtual-machine-scale-sets-instance-ids",
        Sure::Medium,
    ),
    claim(
        "scale set: a terminate notification of 5 to 15 minutes lets a machine delay its deletion by a scheduled event",
        "learn.microsoft.com, virtual-machine-scale-sets-terminate-notification (code and sentence of the bounds are ours)",
        Sure::Medium,
    ),
    claim(
        "scale set: a lower capacity, and writing one of its machines, are refused as not modelled",
        "not modelled",
        Sure::High,
    ),
    claim(
        "bodies of VM, disk, interface, network, Bastion, vault, storage account, identity, role assignment",
        RECORDED,
        Sure::High,
    ),
];
