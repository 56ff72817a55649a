//! What the simulated Azure refuses and delays beyond its routes.

use crate::claims::{Claim, Sure, claim};

/// Claims of this room.
pub const CLAIMS: &[Claim] = &[
    claim(
        "a host that is not played: the proxy answers CONNECT with 403, nothing leaves the machine; so do vaults, storage accounts and Bastions that do not exist, whose names Azure would not resolve",
        "the twin's own rule",
        Sure::Low,
    ),
    claim(
        "ARM without token: 401 AuthenticationFailed; unknown: InvalidAuthenticationToken; run out: ExpiredAuthenticationToken; for another service: InvalidAuthenticationTokenAudience",
        "Azure SDK issue reports with the full bodies (azure-cli issues 11749, 16691)",
        Sure::Medium,
    ),
    claim(
        "what-if: Create, Modify with its delta, NoChange, Deploy (ids only); Ignore for other resources of the group; a refusal is 200 with status Failed and the error of the validation",
        "recorded: azure-cli and azure-dev; azure-cli `resource/custom.py` and `_formatters.py`",
        Sure::High,
    ),
    claim(
        "what-if: nested deployments are looked into, outputs followed; what only the running deployment knows, and secrets, stay expressions; a resource whose id is one is Unsupported",
        "`bicep snapshot` 0.49.2, the official evaluator; Azure/arm-template-whatif issues 157 and 321; outputs of az published by users",
        Sure::High,
    ),
    claim(
        "what-if: SSH keys, custom data and passwords of VMs are shown as asterisks; read-only properties of NAT gateways, DNS zone groups and networks seem to go",
        "output of az in Azure/avm-bicep-labs, lab02; Azure/arm-template-whatif issues 363, 381, 394, 418",
        Sure::Medium,
    ),
    claim(
        "validationLevel of a deployment or a what-if: Template asks no provider, ProviderNoRbac does not ask for the caller's rights",
        "REST reference, Deployments, ValidationLevel",
        Sure::High,
    ),
    claim(
        "what-if with the scenario's `what_if_nested`: nested deployments past that number are not looked into, which a diagnostic says for each; without it all are (which of them Azure leaves out is not known, nor whether they are then missing)",
        "Azure/arm-template-whatif issues 402 and 410 (diagnostic), 157 (all looked into)",
        Sure::Low,
    ),
    claim("what-if does not see vaults that are kept as deleted", "Azure/azure-cli issue 19846", Sure::High),
    claim(
        "what-if: which absent members of a body a write would reset is what the type's rules say; Azure's own comparison has more noise",
        "not known",
        Sure::Low,
    ),
    claim(
        "403 AuthorizationFailed with client, object id, action and scope as the request spelt it",
        "recorded: Azure/mpf, test data of real replies",
        Sure::High,
    ),
    claim(
        "a role assignment counts only after `role_delay` (Azure: up to 10 minutes)",
        "Azure docs, role-based-access-control/troubleshooting",
        Sure::High,
    ),
    claim(
        "404 ResourceGroupNotFound and ResourceNotFound, x-ms-failure-cause: gateway",
        "recorded: azure-service-operator",
        Sure::High,
    ),
    claim("404 SubscriptionNotFound", "Azure Resource Manager docs, error-not-found", Sure::Medium),
    claim(
        "no api-version: 400 MissingApiVersionParameter",
        "Azure Resource Manager docs, common deployment errors",
        Sure::Medium,
    ),
    claim(
        "unknown api-version: 400 NoRegisteredProviderFound where a location is known, 404 InvalidResourceType where not, 400 InvalidApiVersionParameter for ARM's own routes",
        "azure-cli issue 28496; azure-rest-api-specs issue 14807",
        Sure::High,
    ),
    claim(
        "unknown resource type: 404 InvalidResourceType; unknown namespace: 404 InvalidResourceNamespace",
        "cloudquery issue 6629; Azure-MG-Sub-Governance-Reporting issue 52",
        Sure::High,
    ),
    claim(
        "unregistered provider: 409 MissingSubscriptionRegistration",
        "Azure/data-management-zone, known issues",
        Sure::High,
    ),
    claim(
        "409 RoleAssignmentExists with the id of the existing assignment",
        "recorded: azure-cli; today's wording printed by az in August 2026",
        Sure::High,
    ),
    claim(
        "vault: 401 AKV10000 with challenge, AKV10022 for another audience, 403 ForbiddenByRbac, ForbiddenByConnection and ForbiddenByFirewall, 404 SecretNotFound",
        "recorded: azure-cli (401); Key Vault docs, rest-error-codes (403, 404)",
        Sure::Medium,
    ),
    claim(
        "a vault or storage account whose public access is off is reached from the virtual network only, and only through a private endpoint",
        "Azure docs, private-link-service of Key Vault and Storage",
        Sure::Medium,
    ),
    claim(
        "a vault whose firewall denies by default is closed to az on the user's machine (ForbiddenByFirewall with the client's address) and open to hosts through its private endpoint",
        "hashicorp/terraform-provider-azurerm issue 4553; Azure docs, key-vault/general/network-security",
        Sure::High,
    ),
    claim(
        "references to secrets of such a vault in deployment parameters are read all the same, unless `bypass` is None: KeyVaultParameterReferenceSecretRetrieveFailed; secrets are listed and written through Azure Resource Manager, which is no firewall's business",
        "Azure docs, azure-resource-manager/templates/key-vault-parameter and key-vault/general/overview-vnet-service-endpoints (trusted services)",
        Sure::Medium,
    ),
    claim(
        "blobs: 401 NoAuthenticationInformation, 403 AuthorizationPermissionMismatch and AuthorizationFailure, 404 ContainerNotFound and BlobNotFound, as XML",
        "Blob service REST reference, status-and-error-codes",
        Sure::Medium,
    ),
    claim(
        "sign-in: AADSTS7000215 (secret), 700016 (application), 50126 (password), 700082 (refresh token run out), 90002 (tenant)",
        "Microsoft Entra authentication error codes",
        Sure::Medium,
    ),
    claim(
        "Bastion: 403 without tunnelling or rights on Bastion, VM and interface, 404 for an unknown target, one websocket a token",
        "azure-cli-extensions, src/bastion: tunnel.py; Bastion docs, native client roles (texts are the twin's)",
        Sure::Medium,
    ),
    claim(
        "the rules of the scenario's `nrms_rules` are added to every network security group right after its write, and again after the next (Azure: some minutes later)",
        "dotnet SDK, Azure.ResourceManager.Network tests (rule 103 word for word); reports of users (104 and 105)",
        Sure::Medium,
    ),
    claim(
        "409 ScopeLocked: a lock forbids to delete what it covers and what contains it, roles and deployment records included; ReadOnly forbids to write, too; Azure's sentence names the locked scopes, not the locks",
        "Azure Local docs, printed by az with the whole sentence; Azure docs, lock-resources (considerations)",
        Sure::High,
    ),
    claim(
        "deletion of what is in use: 400 InUseSubnetCannotBeDeleted (subnet, network), NicInUse, NicInUseWithPrivateEndpoint, PublicIPAddressCannotBeDeleted, InUseNetworkSecurityGroupCannotBeDeleted; 409 OperationNotAllowed of an attached disk; 409 CannotDeleteResource while nested ones exist (private DNS zone with links, NetApp account with pools, pool with volumes)",
        "whole sentences in reports of users of packer, terraform, BOSH and Ansible (ansible/ansible pull request 54644); Azure docs, troubleshooting of image builder and durable task",
        Sure::High,
    ),
    claim(
        "400 InUseNatGatewayCannotBeDeleted: the code; its sentence is ours",
        "stackshy/cloudemu pull request 967",
        Sure::Low,
    ),
    claim(
        "a deletion takes `deletion_seconds`; what is going reads `Deleting`, and becomes free only when it is gone; vaults, storage accounts, identities and role assignments go at once",
        "recorded: azure-cli, azure-service-operator",
        Sure::High,
    ),
    claim(
        "a VM's disks and interfaces stay, unattached, unless `deleteOption` is Delete; a private endpoint takes its interface along; an identity's roles elsewhere stay as roles of nobody",
        "Azure docs, virtual-machines/delete; role-based-access-control/troubleshooting (identity not found)",
        Sure::Medium,
    ),
    claim(
        "a group whose resources are used from outside comes back: polls end with 409 and ResourceGroupDeletionBlocked under `Error`, each reason as JSON text (of which az shows nothing, for it reads `error`)",
        "Azure/azure-sdk-for-go issue 2645 with the whole body",
        Sure::High,
    ),
    claim(
        "409 ResourceGroupBeingDeleted of a write into a group that goes; a second DELETE of it is taken (202)",
        "azure-cli issue 21121; crossplane-contrib/provider-azure pull request 141",
        Sure::Medium,
    ),
    claim(
        "a group that Azure keeps for a resource (`managedBy`, as of a Monitor workspace) goes with it",
        "Azure docs, azure-monitor-workspace-overview: managed resource group",
        Sure::Medium,
    ),
    claim(
        "deleting a vault or its group leaves a soft-deleted vault with its secrets",
        "recorded: azure-cli, deletion and recovery of a vault",
        Sure::High,
    ),
];
