//! What each resource provider accepts, and what it adds to a body: one file a type family.
//!
//! The same rules serve a deployment's resources and direct PUTs.

mod address;
mod ask;
mod bastion;
mod claims;
mod disk;
mod dns;
mod endpoint;
mod extension;
mod general;
mod grafana;
mod identity;
mod machine;
mod machine_offer;
mod machine_profile;
mod monitor;
mod mysql;
mod mysql_settings;
mod netapp;
mod nic;
mod nsg;
pub mod policy;
mod refuse;
mod role;
mod route;
mod rule_group;
mod rules;
mod scaleset;
mod service_claims;
mod shape;
mod storage;
mod subnet;
mod vault;
mod vnet;
mod volume;

use serde_json::Value;

use super::World;
use super::id::ResourceId;
use crate::azure::error::AzureError;
use ask::Ask;
use rules::Rule;

pub use ask::items;
pub use claims::CLAIMS;
pub use mysql::SERVERS as MYSQL_SERVERS;
pub use rules::all;
pub use scaleset::{INSTANCE, notified};
pub use service_claims::CLAIMS as SERVICE_CLAIMS;
pub use shape::writable;
pub use subnet::unused as subnet_unused;
pub use volume::VOLUMES;

/// A resource as it is asked for. Not printable: a body may hold secrets.
#[derive(Clone)]
pub struct Put {
    /// Full id of the resource.
    pub id: String,
    /// api-version of the request.
    pub api_version: String,
    /// The request's body.
    pub body: Value,
}

/// What a PUT changes. The first change of a PUT is always the resource itself.
#[derive(Clone)]
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
    /// A resource group that a service makes for resources of its own.
    Group {
        /// Subscription.
        subscription: String,
        /// Name of the group.
        name: String,
        /// Region.
        location: String,
        /// Id of the resource that it belongs to, and with which it goes.
        managed_by: String,
    },
    /// The write is taken, but the operation comes to this end.
    Fails(Box<AzureError>),
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
            _ => "",
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

/// What a PUT of a modelled type in a known api-version becomes, or Azure's refusal.
pub fn put(put: &Put, world: &dyn World) -> Result<Vec<Change>, AzureError> {
    let (rule, ask) = ask(put, world).ok_or_else(|| not_modelled(put))?;
    general::check(rule, &ask)?;
    if let Some(finding) = shape::check(rule.kind, &ask.body, world) {
        return Err(refuse::finding(&ask, &finding));
    }
    (rule.put)(&ask)
}

/// What a PATCH of a machine becomes, or Azure's refusal. `put` is the request; the machine must be there.
pub fn patch_machine(put: &Put, world: &dyn World) -> Result<Vec<Change>, AzureError> {
    let (rule, ask) = ask(put, world).ok_or_else(|| not_modelled(put))?;
    if let Some(finding) = shape::check(&format!("{} PATCH", rule.kind), &ask.body, world) {
        return Err(refuse::finding(&ask, &finding));
    }
    machine::patch(&ask)
}

fn ask<'a>(put: &'a Put, world: &'a dyn World) -> Option<(&'static Rule, Ask<'a>)> {
    let rule = rules::find(&ResourceId::parse(&put.id)?.kind)?;
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

/// Whether the parent of such a resource takes one write at a time.
pub fn one_at_a_time(kind: &str) -> bool {
    kind.get(..mysql::SERVERS.len()).is_some_and(|parent| parent.eq_ignore_ascii_case(mysql::SERVERS))
        && kind.len() > mysql::SERVERS.len()
}

/// What providers refuse before a deployment runs, as details of its error: names that are taken, sizes, quota, images,
/// terms. Nothing that needs a resource which the deployment itself makes.
pub fn preflight(puts: &[Put], world: &dyn World) -> Vec<AzureError> {
    let unknown = puts.iter().filter(|put| ask(put, world).is_none());
    let mut refusals: Vec<AzureError> = unknown.map(not_modelled).collect();
    let asks = puts.iter().filter_map(|put| ask(put, world));
    let (machines, others): (Vec<_>, Vec<_>) =
        asks.partition(|(rule, _)| rule.kind == "Microsoft.Compute/virtualMachines");
    for (rule, ask) in machines.iter().chain(&others) {
        let named = match rule.kind {
            "Microsoft.KeyVault/vaults" => vault::named(ask),
            "Microsoft.Storage/storageAccounts" => storage::named(ask),
            mysql::SERVERS => mysql::named(ask),
            _ => Ok(()),
        };
        refusals.extend(general::check(rule, ask).and(named).err());
    }
    let machines: Vec<Ask> = machines.into_iter().map(|(_, ask)| ask).collect();
    refusals.extend(machine_offer::preflight(&machines));
    refusals
}
