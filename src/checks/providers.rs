//! The subscription is registered for the resource providers that the template uses.
//!
//! - Inputs: the list of resource providers of the subscription.
//! - Pass: Microsoft.Compute, Microsoft.Network, Microsoft.Storage, Microsoft.KeyVault and
//!   Microsoft.ManagedIdentity are `Registered`.
//! - Warning: one is not; Azure registers it with the deployment if the caller may do so.
//! - Unknown: the list cannot be read.
//! - By hand: `az provider list --query "[?registrationState!='Registered'].namespace" --output tsv`

use super::Item;
use crate::azure::AzError;

pub(super) const ID: &str = "providers";
const NEEDED: [&str; 5] = [
    "Microsoft.Compute",
    "Microsoft.Network",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
];

pub(super) fn check(subscription: &str, providers: &Result<Vec<(String, String)>, AzError>) -> Vec<Item> {
    let providers = match providers {
        Ok(providers) => providers,
        Err(error) => return vec![Item::undecided(ID, "resource providers", error)],
    };
    let state = |needed: &str| {
        let found = providers.iter().find(|(namespace, _)| namespace.eq_ignore_ascii_case(needed));
        found.map_or("Unlisted", |(_, state)| state.as_str())
    };
    let lacking: Vec<_> = NEEDED.iter().filter(|needed| state(needed) != "Registered").collect();
    if lacking.is_empty() {
        return vec![Item::ok(ID, "resource providers", format!("{} are registered", NEEDED.len()))];
    }
    let warn = |needed: &&&str| {
        Item::warning(ID, **needed, format!("its state is {}", state(needed)))
            .code("ProviderNotRegistered")
            .remedy(format!("az provider register --namespace {needed} --subscription {subscription} --wait"))
    };
    lacking.iter().map(warn).collect()
}
