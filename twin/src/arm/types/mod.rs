//! What each resource provider accepts, and what it adds to a body: one file a type family.
//!
//! The same rules serve a deployment's resources and direct PUTs.

mod address;
mod ask;
mod bastion;
mod claims;
mod disk;
mod endpoint;
mod identity;
mod machine;
mod machine_offer;
mod machine_profile;
mod nic;
mod nsg;
mod refuse;
mod shape;
mod storage;
mod vault;
mod vnet;

use regex::Regex;
use serde_json::Value;

use super::World;
use super::id::ResourceId;
use crate::azure::error::{AzureError, resource_not_found};
use ask::Ask;

pub use claims::CLAIMS;

/// A resource as it is asked for.
#[derive(Debug, Clone)]
pub struct Put {
    /// Full id of the resource.
    pub id: String,
    /// api-version of the request.
    pub api_version: String,
    /// The request's body.
    pub body: Value,
}

/// What a PUT changes. The first change of a PUT is always the resource itself.
#[derive(Debug, Clone)]
pub enum Change {
    /// This resource now reads so.
    Resource {
        /// Full id.
        id: String,
        /// What a GET answers when the operation has come to its end (`provisioningState` is `Succeeded`).
        body: Value,
        /// Write-only parts (`customData`, `adminPassword`), an object; no reply carries them.
        hidden: Value,
    },
    /// A managed identity: the directory knows this service principal from now on.
    Principal {
        /// Object id (`principalId`).
        object_id: String,
        /// Application id (`clientId`).
        app_id: String,
        /// Display name.
        name: String,
    },
    /// A new version of a Key Vault secret, for the data plane: Azure makes one with every write.
    Secret {
        /// Id of the vault.
        vault: String,
        /// Name of the secret.
        name: String,
        /// 32 hex digits.
        version: String,
        /// The secret itself.
        value: String,
    },
}

/// The changes of a PUT, or its refusal.
type Changes = Result<Vec<Change>, AzureError>;

impl Change {
    /// The written resource itself.
    fn own(ask: &Ask, body: Value) -> Change {
        Change::other(ask, &ask.put.id, body)
    }

    /// Another resource that the write touches, with the write-only parts that it has.
    fn other(ask: &Ask, id: &str, body: Value) -> Change {
        Change::Resource { id: id.to_owned(), body, hidden: ask.world.hidden(id) }
    }

    /// The id of the changed resource; empty if it is none.
    fn id(&self) -> &str {
        match self {
            Change::Resource { id, .. } => id,
            Change::Principal { .. } | Change::Secret { .. } => "",
        }
    }
}

/// The body that changes of the same write gave a resource.
fn changed(changes: &[Change], id: &str) -> Option<Value> {
    changes.iter().rev().find_map(|change| match change {
        Change::Resource { id: other, body, .. } if other.eq_ignore_ascii_case(id) => Some(body.clone()),
        _ => None,
    })
}

/// Where resources of a type may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a region; the body must say which.
    Region,
    /// `global`, and the body says so.
    Global,
    /// The body has no location.
    None,
}

/// A modelled type.
struct Rule {
    kind: &'static str,
    versions: &'static [&'static str],
    place: Place,
    /// Last name of the resource (learn.microsoft.com, resource-name-rules).
    name: &'static str,
    put: fn(&Ask) -> Changes,
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

fn find(kind: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.kind.eq_ignore_ascii_case(kind))
}

/// What a PUT of a modelled type in a known api-version becomes, or Azure's refusal.
pub fn put(put: &Put, world: &dyn World) -> Result<Vec<Change>, AzureError> {
    let (rule, ask) = ask(put, world).ok_or_else(|| not_modelled(put))?;
    general(rule, &ask)?;
    if let Some(finding) = shape::check(rule.kind, &ask.body, world) {
        return Err(refuse::finding(&ask, &finding));
    }
    (rule.put)(&ask)
}

fn ask<'a>(put: &'a Put, world: &'a dyn World) -> Option<(&'static Rule, Ask<'a>)> {
    let rule = find(&ResourceId::parse(&put.id)?.kind)?;
    Some((rule, Ask::new(put, rule.kind, world)?))
}

fn not_modelled(put: &Put) -> AzureError {
    let kind = ResourceId::parse(&put.id).map(|id| id.kind).unwrap_or_default();
    let (namespace, _) = kind.split_once('/').unwrap_or((&kind, ""));
    let message = format!(
        "The resource type could not be found in the namespace '{namespace}' for api version '{}'.",
        put.api_version
    );
    AzureError::gateway(404, "InvalidResourceType", message)
}

/// What Azure Resource Manager itself looks at: version, name, location.
fn general(rule: &Rule, ask: &Ask) -> Result<(), AzureError> {
    if !rule.versions.contains(&ask.put.api_version.as_str()) {
        return Err(not_registered(rule, ask));
    }
    let fits = Regex::new(rule.name).is_ok_and(|name| name.is_match(ask.id.last_name()));
    if !fits {
        return Err(bad_name(rule, ask));
    }
    let given = ask.body["location"].as_str();
    match (rule.place, given) {
        (Place::Region | Place::Global, None) => Err(AzureError::gateway(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        )),
        (Place::Global, Some(location)) if location != "global" => Err(not_here(rule, location, "global")),
        (Place::Region, Some("global")) => Err(not_here(rule, "global", "eastus")),
        (Place::Region, Some(_)) => moved(ask),
        _ => Ok(()),
    }
}

/// Azure's documentation of common deployment errors.
fn not_here(rule: &Rule, location: &str, supported: &str) -> AzureError {
    let message = format!(
        "The provided location '{location}' is not available for resource type '{}'. List of available regions for the resource type is '{supported}'.",
        rule.kind
    );
    AzureError::gateway(400, "LocationNotAvailableForResourceType", message)
}

/// Azure's documentation of common deployment errors (`InvalidResourceLocation`).
fn moved(ask: &Ask) -> Result<(), AzureError> {
    let old = ask::region(ask.old["location"].as_str().unwrap_or_default());
    if old.is_empty() || old == ask.location() {
        return Ok(());
    }
    let message = format!(
        "The resource '{}' already exists in location '{old}' in resource group '{}'. A resource with the same name cannot be created in location '{}'. Please select a new resource name.",
        ask.id.last_name(),
        ask.id.resource_group().unwrap_or_default(),
        ask.location()
    );
    Err(AzureError::gateway(409, "InvalidResourceLocation", message))
}

fn not_registered(rule: &Rule, ask: &Ask) -> AzureError {
    let message = format!(
        "No registered resource provider found for location '{}' and API version '{}' for type '{}'. The supported api-versions are '{}'. The supported locations are ''.",
        ask.location(),
        ask.put.api_version,
        rule.kind.split_once('/').map_or("", |(_, kind)| kind),
        rule.versions.join(", ")
    );
    AzureError::gateway(400, "NoRegisteredProviderFound", message)
}

fn bad_name(rule: &Rule, ask: &Ask) -> AzureError {
    let name = ask.id.last_name();
    match rule.kind {
        "Microsoft.KeyVault/vaults" => AzureError::new(
            400,
            "VaultNameNotValid",
            format!(
                "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742"
            ),
        ),
        "Microsoft.Storage/storageAccounts" => AzureError::new(
            400,
            "AccountNameInvalid",
            format!(
                "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."
            ),
        ),
        kind if kind.starts_with("Microsoft.Network/") => AzureError::new(
            400,
            "InvalidResourceName",
            format!(
                "Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'."
            ),
        ),
        kind => AzureError::new(
            400,
            "InvalidParameter",
            format!("The name '{name}' of a resource of type '{kind}' is not valid."),
        ),
    }
}

/// 404 of a child whose parent is not there: Azure names the parent.
fn parent_not_found(ask: &Ask) -> AzureError {
    let parent = ask.id.parent().unwrap_or_else(|| ask.id.clone());
    let mut error =
        resource_not_found(&parent.kind, &parent.name, ask.id.resource_group().unwrap_or_default());
    error.code = "ParentResourceNotFound".into();
    error.message = format!(
        "Failed to perform 'write' on resource(s) of type '{}', because the parent resource '{}' could not be found.",
        ask.kind.split_once('/').map_or("", |(_, kind)| kind),
        parent.full
    );
    error
}

/// What providers refuse before a deployment runs, as details of its error: names that are taken, sizes, quota, images,
/// terms. Nothing that needs a resource which the deployment itself makes.
pub fn preflight(puts: &[Put], world: &dyn World) -> Vec<AzureError> {
    let asks = puts.iter().filter_map(|put| ask(put, world));
    let (machines, others): (Vec<_>, Vec<_>) =
        asks.partition(|(rule, _)| rule.kind == "Microsoft.Compute/virtualMachines");
    let mut refusals: Vec<AzureError> = Vec::new();
    for (rule, ask) in machines.iter().chain(&others) {
        let named = match rule.kind {
            "Microsoft.KeyVault/vaults" => vault::named(ask),
            "Microsoft.Storage/storageAccounts" => storage::named(ask),
            _ => Ok(()),
        };
        refusals.extend(general(rule, ask).and(named).err());
    }
    let machines: Vec<Ask> = machines.into_iter().map(|(_, ask)| ask).collect();
    refusals.extend(machine_offer::preflight(&machines));
    refusals
}

#[cfg(test)]
mod tests {
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
