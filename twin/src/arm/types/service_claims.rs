//! Where the rules of the file, database and monitoring services come from.

use crate::claims::{Claim, Sure, claim};

const NETAPP: &str = "learn.microsoft.com, azure-netapp-files-troubleshoot-resource-provider-errors (sentences; the code BadRequest: ansible-collections/netapp issue 77)";
const MYSQL: &str = "learn.microsoft.com, mysql/flexible-server/troubleshoot-cli-errors (codes)";

/// The refusals and read-only parts of these services.
pub const CLAIMS: &[Claim] = &[
    claim(
        "NetApp volume: name with the whole path, mount target from the delegated subnet, throughput, export rules filled up",
        "recorded: azure-cli, GET of a volume",
        Sure::High,
    ),
    claim(
        "NetApp account and pool: bodies",
        "Azure REST reference, netapp; names as the recorded volume's",
        Sure::Medium,
    ),
    claim(
        "NetApp pool smaller than 1 TiB or not a multiple of it, volume outside 50 GiB to 100 TiB: BadRequest",
        "Azure REST reference, netapp 2025-12-01; sentence: learn.microsoft.com, azure-netapp-files-troubleshoot-resource-provider-errors",
        Sure::Medium,
    ),
    claim(
        "NetApp volumes larger than their pool, pool smaller than its volumes: PoolSizeTooSmall",
        "learn.microsoft.com, azure-netapp-files, troubleshoot-volumes",
        Sure::High,
    ),
    claim(
        "NetApp volume: level above the pool's, path taken in its subnet, reserved or malformed, unknown protocol, export rules, changes of path, subnet or protocol: BadRequest",
        NETAPP,
        Sure::Medium,
    ),
    claim(
        "NetApp volume in a subnet that is none, is not there or is not delegated to it: BadRequest with InvalidSubnet",
        NETAPP,
        Sure::Medium,
    ),
    claim(
        "NetApp volume in a second delegated subnet of its network; security group or route table on the subnet of a volume with Basic network features: BadRequest",
        "MicrosoftDocs/azure-docs issue 50479; learn.microsoft.com, azure-netapp-files-network-topologies (sentences and codes are ours)",
        Sure::Low,
    ),
    claim(
        "MySQL server: location with its display name, state Ready, operations of the disk, no password in replies",
        "recorded: azure-service-operator, GET of a flexible server",
        Sure::High,
    ),
    claim(
        "MySQL server's name that another has: ServerNameAlreadyExists",
        "reports of users of Azure templates",
        Sure::High,
    ),
    claim("MySQL administrator: InvalidUserName, BlockedUserName", MYSQL, Sure::Medium),
    claim("MySQL password: PasswordTooShort, PasswordTooLong, PasswordNotComplex", MYSQL, Sure::High),
    claim(
        "MySQL version, size, storage, backup, availability, fixed properties: InvalidParameterValue",
        "Azure/azure-cli issue 33836 (sentence); recorded: azure-cli, capabilities",
        Sure::Medium,
    ),
    claim(
        "MySQL with private access: OperationFailed (delegation), EmptyPrivateDnsZoneArmResourceId, VnetNotLinkedToPrivateDnsZone, ConflictingPublicNetworkAccessAndVirtualNetworkConfiguration",
        "reports of users of hashicorp/terraform-provider-azurerm; the sentence of a missing link is ours",
        Sure::Medium,
    ),
    claim(
        "MySQL setting: ConfigurationNotExists, ConfigurationReadOnly, else InvalidParameterValue; only settings that were written can be read",
        "Azure/azure-mysql issue 295 (read-only); learn.microsoft.com, concepts-server-parameters (limits); code of an unknown one: PostgreSQL's",
        Sure::Medium,
    ),
    claim(
        "settings and databases of one MySQL server that a template does not put in order: ServerIsBusy",
        "Azure/azure-postgresql issue 134; Azure/ResourceModules pull request 4071",
        Sure::Medium,
    ),
    claim(
        "Azure Monitor workspace: id in lower case, managed resource group MA_{name}_{region}_managed with data collection endpoint and rule",
        "recorded: azure-cli and azure-service-operator, PUT and GET of a workspace",
        Sure::High,
    ),
    claim(
        "Azure Monitor workspace of api-version 2025-10-03: `ingestionEndpoints.metrics` is the endpoint's address without path",
        "Azure REST reference, monitor workspaces; not recorded anywhere",
        Sure::Low,
    ),
    claim(
        "data collection endpoint and rule of a workspace: bodies; written by nobody else: DenyAssignmentAuthorizationFailed; others: NotModelled",
        "Azure REST reference, data-collection-rules 2024-03-11; the deny assignment is inferred from other managed groups",
        Sure::Low,
    ),
    claim(
        "Managed Grafana: type in lower case, endpoint, identity",
        "recorded: azure-cli-extensions, az grafana create and show",
        Sure::High,
    ),
    claim(
        "Managed Grafana: major version, SKU size, kinds of identity: BadRequest",
        "learn.microsoft.com, managed-grafana (sentences are ours)",
        Sure::Low,
    ),
    claim(
        "Prometheus rule group: interval of 1 to 15 minutes, 1 to 20 rules, each a record or an alert with an expression, an existing workspace of the region as scope: BadRequest",
        "Azure/prometheus-collector pull request 672 (form of the sentence); Azure REST reference, prometheus-rule-groups",
        Sure::Medium,
    ),
];
