//! The modelled types: api-versions, place, names.

use super::ask::Ask;
use super::{
    Changes, address, bastion, disk, dns, endpoint, extension, grafana, identity, machine, monitor, mysql,
    mysql_settings, netapp, nic, nsg, role, route, rule_group, scaleset, storage, vault, vnet, volume,
};

/// Where resources of a type may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a region; the body must say which.
    Region,
    /// `global`, and the body says so.
    Global,
    /// The body has no location.
    None,
}

/// A modelled type.
pub struct Rule {
    /// Type.
    pub kind: &'static str,
    /// api-versions.
    pub versions: &'static [&'static str],
    /// Where its resources may be.
    pub place: Place,
    /// Last name of the resource (learn.microsoft.com, resource-name-rules).
    pub name: &'static str,
    /// What a write becomes.
    pub put: fn(&Ask) -> Changes,
}

const NETWORK: &[&str] = &[
    "2022-01-01",
    "2022-07-01",
    "2023-05-01",
    "2024-01-01",
    "2024-05-01",
    "2024-07-01",
    "2024-10-01",
    "2025-01-01",
    "2025-03-01",
    "2025-05-01",
];
const COMPUTE: &[&str] =
    &["2022-11-01", "2024-07-01", "2024-11-01", "2025-04-01", "2025-11-01", "2026-04-01"];
const DISK: &[&str] = &["2023-10-02", "2024-03-02", "2025-01-02"];
const VAULT: &[&str] = &["2023-02-01", "2023-07-01", "2024-11-01", "2025-05-01", "2026-02-01"];
const STORAGE: &[&str] = &["2023-05-01", "2024-01-01", "2025-01-01", "2025-06-01", "2025-08-01"];
const DNS: &[&str] = &["2020-06-01", "2024-06-01"];
const NETAPP: &[&str] = &["2021-10-01", "2024-03-01", "2025-06-01", "2025-12-01"];
const MYSQL: &[&str] = &["2023-06-30", "2023-12-30", "2024-12-30"];
const INSIGHTS: &[&str] = &["2022-06-01", "2023-03-11", "2024-03-11"];

const NET_NAME: &str = r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$";
const NET_64: &str = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]$";
const ANY_NAME: &str = r"^[^/?#]+$";

const fn rule(
    kind: &'static str,
    versions: &'static [&'static str],
    place: Place,
    name: &'static str,
    put: fn(&Ask) -> Changes,
) -> Rule {
    Rule { kind, versions, place, name, put }
}

const RULES: &[Rule] = &[
    rule("Microsoft.Network/publicIPAddresses", NETWORK, Place::Region, NET_NAME, address::public_ip),
    rule("Microsoft.Network/natGateways", NETWORK, Place::Region, NET_NAME, address::nat_gateway),
    rule("Microsoft.Network/routeTables", NETWORK, Place::Region, NET_NAME, route::table),
    rule("Microsoft.Network/networkSecurityGroups", NETWORK, Place::Region, NET_NAME, nsg::security_group),
    rule("Microsoft.Network/virtualNetworks", NETWORK, Place::Region, NET_64, vnet::virtual_network),
    rule("Microsoft.Network/virtualNetworks/subnets", NETWORK, Place::None, NET_NAME, vnet::subnet),
    rule("Microsoft.Network/networkInterfaces", NETWORK, Place::Region, NET_NAME, nic::interface),
    rule("Microsoft.Network/bastionHosts", NETWORK, Place::Region, NET_NAME, bastion::host),
    rule("Microsoft.Network/privateEndpoints", NETWORK, Place::Region, NET_64, endpoint::endpoint),
    rule(
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        NETWORK,
        Place::None,
        NET_NAME,
        endpoint::zone_group,
    ),
    rule(
        "Microsoft.Network/privateDnsZones",
        DNS,
        Place::Global,
        r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){1,33}$",
        dns::zone,
    ),
    rule(
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        DNS,
        Place::Global,
        NET_NAME,
        dns::zone_link,
    ),
    rule("Microsoft.KeyVault/vaults", VAULT, Place::Region, r"^[A-Za-z](-?[A-Za-z0-9]){2,23}$", vault::vault),
    rule("Microsoft.KeyVault/vaults/secrets", VAULT, Place::None, r"^[A-Za-z0-9-]{1,127}$", vault::secret),
    rule("Microsoft.Storage/storageAccounts", STORAGE, Place::Region, r"^[a-z0-9]{3,24}$", storage::account),
    rule(
        "Microsoft.Storage/storageAccounts/blobServices",
        STORAGE,
        Place::None,
        r"^default$",
        storage::blob_service,
    ),
    rule(
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        STORAGE,
        Place::None,
        r"^(\$web|\$root|[a-z0-9](-?[a-z0-9]){2,62})$",
        storage::container,
    ),
    rule(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        &["2018-11-30", "2023-01-31", "2024-11-30"],
        Place::Region,
        r"^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$",
        identity::user_assigned,
    ),
    rule(
        "Microsoft.Authorization/roleAssignments",
        &["2022-04-01"],
        Place::None,
        ANY_NAME,
        role::role_assignment,
    ),
    rule("Microsoft.Compute/disks", DISK, Place::Region, r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$", disk::disk),
    rule(
        "Microsoft.Compute/virtualMachines",
        COMPUTE,
        Place::Region,
        r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?$",
        machine::machine,
    ),
    rule(
        "Microsoft.Compute/virtualMachines/extensions",
        COMPUTE,
        Place::Region,
        r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$",
        extension::extension,
    ),
    rule(
        "Microsoft.NetApp/netAppAccounts",
        NETAPP,
        Place::Region,
        r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$",
        netapp::account,
    ),
    rule(
        "Microsoft.NetApp/netAppAccounts/capacityPools",
        NETAPP,
        Place::Region,
        r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        netapp::pool,
    ),
    rule(volume::VOLUMES, NETAPP, Place::Region, r"^[A-Za-z][A-Za-z0-9_-]{0,63}$", volume::volume),
    rule(mysql::SERVERS, MYSQL, Place::Region, r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", mysql::server),
    rule(
        "Microsoft.DBforMySQL/flexibleServers/configurations",
        MYSQL,
        Place::None,
        r"^[a-z][a-z0-9_]*$",
        mysql_settings::configuration,
    ),
    rule(
        "Microsoft.DBforMySQL/flexibleServers/databases",
        MYSQL,
        Place::None,
        r"^[A-Za-z0-9_-]{1,64}$",
        mysql_settings::database,
    ),
    rule(
        monitor::WORKSPACES,
        &["2023-04-03", "2025-10-03"],
        Place::Region,
        r"^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$",
        monitor::workspace,
    ),
    rule(
        "Microsoft.Insights/dataCollectionEndpoints",
        INSIGHTS,
        Place::Region,
        ANY_NAME,
        monitor::collection,
    ),
    rule("Microsoft.Insights/dataCollectionRules", INSIGHTS, Place::Region, ANY_NAME, monitor::collection),
    rule(
        "Microsoft.Dashboard/grafana",
        &["2022-08-01", "2023-09-01", "2024-10-01", "2025-08-01"],
        Place::Region,
        r"^[A-Za-z][A-Za-z0-9-]{0,28}[A-Za-z0-9]$",
        grafana::workspace,
    ),
    rule(
        "Microsoft.AlertsManagement/prometheusRuleGroups",
        &["2023-03-01"],
        Place::Region,
        r"^[^:@/#{}%&+*<>?]+$",
        rule_group::rule_group,
    ),
    rule(
        "Microsoft.Compute/virtualMachineScaleSets",
        COMPUTE,
        Place::Region,
        r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?$",
        scaleset::scale_set,
    ),
    rule(scaleset::INSTANCE, COMPUTE, Place::Region, ANY_NAME, scaleset::made_by_set),
    rule(scaleset::INTERFACE, NETWORK, Place::Region, ANY_NAME, scaleset::made_by_set),
];

/// Every modelled type with its api-versions.
pub fn all() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    RULES.iter().map(|rule| (rule.kind, rule.versions))
}

/// The rule of a type.
pub fn find(kind: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.kind.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::super::shape;
    use super::*;

    #[test]
    fn every_type_has_a_shape_and_a_name_rule() {
        let mut ruled: Vec<&str> = RULES.iter().map(|rule| rule.kind).collect();
        let mut shaped = shape::kinds();
        ruled.sort_unstable();
        shaped.sort_unstable();
        assert_eq!(ruled, shaped);
        for rule in RULES {
            assert!(Regex::new(rule.name).is_ok(), "{}", rule.kind);
        }
    }
}
