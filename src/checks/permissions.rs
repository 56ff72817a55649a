//! The caller may deploy and may give roles: without that a deployment fails only minutes later.
//!
//! - Inputs: the caller's permissions on the subscription, or with `subscription_reader: existing` on the
//!   resource group if it exists; on an existing network and its resource group; with `subscription_reader: existing`
//!   and monitoring also on the subscription or, once it exists, on the group that Azure Monitor makes for its data
//!   collection rule.
//! - Pass: `Microsoft.Resources/deployments/write` and `Microsoft.Authorization/roleAssignments/write` are
//!   allowed on each of these groups without a condition. Owner has both; Contributor and "Role Based Access Control
//!   Administrator" together, too. On an existing network `Microsoft.Network/virtualNetworks/subnets/join/action`, and
//!   with `private_dns: new` also `Microsoft.Network/virtualNetworks/join/action`.
//! - Fail: one is not allowed; exit code 10.
//! - Unknown: the permissions cannot be read, or depend on a condition, which is not evaluated here.
//! - By hand: `az role assignment list --assignee OBJECT_ID --include-inherited --include-groups --scope
//!   /subscriptions/SUBSCRIPTION --output table`

use super::Item;
use crate::azure::account::Caller;
use crate::azure::rights::{Permission, permissions};
use crate::azure::{Az, AzError, Kind, resources};
use crate::config::{Config, Network, PrivateDns, SubscriptionReader};
use crate::failure::Exit;
use crate::threads::joined;

pub(super) const ID: &str = "permissions";

/// An action and a built-in role that allows it.
type Right = (&'static str, &'static str);

/// For a deployment that gives roles.
const DEPLOY: [Right; 2] = [
    ("Microsoft.Resources/deployments/write", "Contributor"),
    ("Microsoft.Authorization/roleAssignments/write", "Role Based Access Control Administrator"),
];
/// For what is put into subnets, and for the link of a private DNS zone.
const JOIN: [Right; 2] = [
    ("Microsoft.Network/virtualNetworks/subnets/join/action", "Network Contributor"),
    ("Microsoft.Network/virtualNetworks/join/action", "Network Contributor"),
];

/// For the records of private endpoints.
pub(super) const JOIN_ZONE: [Right; 1] =
    [("Microsoft.Network/privateDnsZones/join/action", "Private DNS Zone Contributor")];

/// A scope, what is needed there, and what the caller may do there.
pub(super) struct Scope {
    id: String,
    /// What it is to the cluster, when that is not clear.
    note: &'static str,
    needed: &'static [Right],
    granted: Result<Vec<Permission>, AzError>,
}

impl Scope {
    pub(super) fn read(az: &Az<'_>, id: String, needed: &'static [Right]) -> Self {
        Self { granted: permissions(az, &id), id, note: "", needed }
    }

    fn noted(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    fn allows_everything(&self) -> bool {
        let Ok(granted) = &self.granted else { return false };
        self.needed.iter().all(|(action, _)| granted.iter().any(|permission| permission.allows(action)))
    }
}

/// The scopes where something is needed, and the caller's permissions there.
pub(super) fn read(az: &Az<'_>, config: &Config) -> Vec<Scope> {
    std::thread::scope(|scope| {
        let network = scope.spawn(|| network(az, config));
        let monitoring = scope.spawn(|| monitoring(az, config));
        let mut scopes = vec![group(az, config)];
        scopes.extend(joined(network));
        scopes.extend(joined(monitoring));
        scopes
    })
}

/// Where the cluster's own resources and most roles are.
fn group(az: &Az<'_>, config: &Config) -> Scope {
    let subscription = subscription(az);
    if config.subscription_reader == SubscriptionReader::Existing {
        match Scope::read(az, az.group_id(&config.resource_group_name), &DEPLOY) {
            Scope { granted: Err(AzError { kind: Kind::NotFound(_), .. }), .. } => {}
            scope => return scope,
        }
    }
    Scope::read(az, subscription, &DEPLOY)
}

fn subscription(az: &Az<'_>) -> String {
    format!("/subscriptions/{}", az.subscription())
}

/// The server gets a role on the compute subnet by a deployment in the network's group; network interfaces and
/// private endpoints join subnets; zones of ours are linked to the network.
fn network(az: &Az<'_>, config: &Config) -> Vec<Scope> {
    let Network::Existing(network) = &config.network else { return Vec::new() };
    let compute = &network.subnets.compute;
    let group = format!("/subscriptions/{}/resourceGroups/{}", compute.subscription, compute.group);
    let join = if network.private_dns == PrivateDns::New { &JOIN[..] } else { &JOIN[..1] };
    std::thread::scope(|scope| {
        let group = scope.spawn(|| Scope::read(az, group, &DEPLOY));
        let network = Scope::read(az, compute.network_id(), join);
        vec![joined(group), network]
    })
}

/// The data collection rule lies in a group of its own, outside ours; roles are given on it by a deployment there.
fn monitoring(az: &Az<'_>, config: &Config) -> Option<Scope> {
    if !config.monitoring || config.subscription_reader == SubscriptionReader::Assign {
        return None;
    }
    let all = Scope::read(az, subscription(az), &DEPLOY);
    if all.allows_everything() {
        return Some(all);
    }
    let scope = match resources::collection_group(az, &config.resource_group_name, &config.cluster_name) {
        Ok(Some(group)) => Scope::read(az, group, &DEPLOY),
        Ok(None) => all,
        Err(error) => Scope { granted: Err(error), ..all },
    };
    Some(scope.noted(": monitoring has its data collection rule outside the cluster's group"))
}

pub(super) fn check(caller: &Caller, scopes: &[Scope]) -> Vec<Item> {
    scopes.iter().flat_map(|scope| judge(caller, scope)).collect()
}

/// One item for each right that `scope` asks for.
fn judge(caller: &Caller, scope: &Scope) -> Vec<Item> {
    let Scope { id, note, needed, granted } = scope;
    let granted = match granted {
        Ok(granted) => granted,
        Err(error) => return vec![Item::undecided(ID, format!("rights on {id}"), error)],
    };
    let judge = |(action, role): &Right| {
        let allowing: Vec<_> = granted.iter().filter(|permission| permission.allows(action)).collect();
        if allowing.iter().any(|permission| permission.condition.as_deref().unwrap_or_default().is_empty()) {
            return Item::ok(ID, *action, format!("allowed on {id}"));
        }
        let remedy = format!(
            "ask an owner for: az role assignment create --role '{role}' --assignee-object-id {} \
             --assignee-principal-type {} --scope {id}",
            caller.object_id,
            caller.principal_type.as_str()
        );
        match allowing.is_empty() {
            true => Item::failed(ID, *action, format!("not allowed on {id}{note}"))
                .code("PermissionMissing")
                .exit(Exit::Access)
                .remedy(remedy),
            false => Item::unknown(ID, *action, format!("allowed on {id} under a condition")),
        }
    };
    needed.iter().map(judge).collect()
}
