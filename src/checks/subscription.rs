//! The subscription of `config.yaml` is one that az knows, and it is enabled.
//!
//! - Inputs: `subscription_name` or `subscription_id`; `az account show`, and `az account list --all` when it
//!   is not found.
//! - Pass: exactly one subscription of that name or id, state `Enabled`, in the public cloud.
//! - Warning: its state says that it will be stopped (`Warned`, `PastDue`).
//! - Fail: no such subscription, several of that name, another state, a sovereign cloud, or az cannot show
//!   it; exit code 4.
//! - By hand: `az account list --all --output table`

use super::Item;
use crate::azure::account::{self, Subscription};
use crate::azure::{Az, AzError, Kind};

pub(super) const ID: &str = "subscription";

pub(super) fn check(az: &Az<'_>, wanted: &str, found: &Result<Subscription, AzError>) -> Item {
    match found {
        Ok(subscription) => judge(subscription),
        Err(error @ AzError { kind: Kind::NoSubscription { text, .. }, .. }) => {
            not_found(az, wanted, text, error)
        }
        Err(error) => Item::undecided(ID, wanted, error).needed(),
    }
}

fn judge(subscription: &Subscription) -> Item {
    let Subscription { id, name, state, environment_name, .. } = subscription;
    if !environment_name.is_empty() && environment_name != "AzureCloud" {
        return Item::failed(
            ID,
            name,
            format!("lives in {environment_name}; only the public cloud is supported"),
        )
        .code("CloudUnsupported")
        .remedy("az cloud set --name AzureCloud; then az login");
    }
    match state.as_str() {
        "Enabled" => Item::ok(ID, name, id),
        "" => Item::unknown(ID, name, "az does not say its state"),
        "Warned" | "PastDue" => {
            Item::warning(ID, name, format!("its state is {state}; it may be stopped soon"))
                .code("SubscriptionNotEnabled")
        }
        _ => Item::failed(ID, name, format!("its state is {state}, so nothing can be created in it"))
            .code("SubscriptionNotEnabled")
            .remedy("ask its owner to enable it, or name another one in config.yaml"),
    }
}

fn not_found(az: &Az<'_>, wanted: &str, text: &str, error: &AzError) -> Item {
    let known = account::subscriptions(az).unwrap_or_default();
    let names: Vec<&str> = known.iter().flat_map(|known| [known.name.as_str(), known.id.as_str()]).collect();
    let hint = match super::nearest(wanted, &names) {
        Some(near) if near != wanted => format!(" (did you mean {near}?)"),
        _ => String::new(),
    };
    Item::failed(ID, wanted, format!("{text}{hint}")).code("SubscriptionNotFound").known_of(error)
}
