//! The subscription is registered for the resource providers that the template uses.
//!
//! - Inputs: `storage`, `accounting`, `monitoring`; the list of resource providers of the subscription.
//! - Pass: these are `Registered`: Microsoft.Compute, Microsoft.Network, Microsoft.Storage, Microsoft.KeyVault and
//!   Microsoft.ManagedIdentity; with storage of type anf Microsoft.NetApp; with accounting Microsoft.DBforMySQL;
//!   with monitoring Microsoft.Monitor, Microsoft.Insights, Microsoft.Dashboard and Microsoft.AlertsManagement.
//! - Warning: one is not; Azure registers it with the deployment if the caller may do so.
//! - Unknown: the list cannot be read.
//! - By hand: `az provider list --query "[?registrationState!='Registered'].namespace" --output tsv`

use super::Item;
use crate::azure::AzError;
use crate::config::{Config, Storage};

pub(super) const ID: &str = "providers";
const ALWAYS: [&str; 5] = [
    "Microsoft.Compute",
    "Microsoft.Network",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
];
const MONITORING: [&str; 4] =
    ["Microsoft.Monitor", "Microsoft.Insights", "Microsoft.Dashboard", "Microsoft.AlertsManagement"];

fn needed(config: &Config) -> Vec<&'static str> {
    let mut needed = ALWAYS.to_vec();
    if matches!(config.storage, Storage::NetApp { .. }) {
        needed.push("Microsoft.NetApp");
    }
    if config.accounting {
        needed.push("Microsoft.DBforMySQL");
    }
    if config.monitoring {
        needed.extend(MONITORING);
    }
    needed
}

pub(super) fn check(
    subscription: &str,
    config: &Config,
    providers: &Result<Vec<(String, String)>, AzError>,
) -> Vec<Item> {
    let providers = match providers {
        Ok(providers) => providers,
        Err(error) => return vec![Item::undecided(ID, "resource providers", error)],
    };
    let state = |needed: &str| {
        let found = providers.iter().find(|(namespace, _)| namespace.eq_ignore_ascii_case(needed));
        found.map_or("Unlisted", |(_, state)| state.as_str())
    };
    let needed = needed(config);
    let lacking: Vec<_> = needed.iter().filter(|needed| state(needed) != "Registered").collect();
    if lacking.is_empty() {
        return vec![Item::ok(ID, "resource providers", format!("{} are registered", needed.len()))];
    }
    let warn = |needed: &&&str| {
        Item::warning(ID, **needed, format!("its state is {}", state(needed)))
            .code("ProviderNotRegistered")
            .remedy(format!("az provider register --namespace {needed} --subscription {subscription} --wait"))
    };
    lacking.iter().map(warn).collect()
}
