//! The modelled types: api-versions, place, names.

use super::ask::Ask;
use super::{Changes, address, bastion, disk, endpoint, identity, machine, nic, nsg, storage, vault, vnet};

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
        endpoint::zone,
    ),
    rule(
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        DNS,
        Place::Global,
        NET_NAME,
        endpoint::zone_link,
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
        identity::role_assignment,
    ),
    rule("Microsoft.Compute/disks", DISK, Place::Region, r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$", disk::disk),
    rule(
        "Microsoft.Compute/virtualMachines",
        COMPUTE,
        Place::Region,
        r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?$",
        machine::machine,
    ),
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
