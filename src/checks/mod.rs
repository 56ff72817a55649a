//! Preflight checks: what can be known before anything is created or paid for. One check a file; the block
//! at the file's head is its documentation, and `check --explain ID` prints it.

mod images;
mod network;
mod permissions;
mod plan;
mod private_dns;
mod programs;
mod providers;
mod quota;
mod region;
mod report;
mod signed_in;
mod sizes;
mod ssh_key;
mod subscription;

pub use plan::{Amount, Part, parts};
pub use report::{Item, Ready, Report, Status};

use crate::azure::account::{self, Caller, Subscription};
use crate::azure::images::versions;
use crate::azure::private_dns::ZoneIds;
use crate::azure::vault::Vault;
use crate::azure::{Az, AzError, Kind, quota as limits, region as regions, resources, rights, skus};
use crate::config::{Config, nearest};
use crate::images::Images;
use crate::process::{ProcessError, Runner, interrupt};
use crate::threads::joined;

/// Every check, in the order in which a user should read them, with its source text.
const CHECKS: [(&str, &str); 12] = [
    (programs::ID, include_str!("programs.rs")),
    (signed_in::ID, include_str!("signed_in.rs")),
    (subscription::ID, include_str!("subscription.rs")),
    (region::ID, include_str!("region.rs")),
    (sizes::ID, include_str!("sizes.rs")),
    (quota::ID, include_str!("quota.rs")),
    (images::ID, include_str!("images.rs")),
    (providers::ID, include_str!("providers.rs")),
    (permissions::ID, include_str!("permissions.rs")),
    (network::ID, include_str!("network.rs")),
    (private_dns::ID, include_str!("private_dns.rs")),
    (ssh_key::ID, include_str!("ssh_key.rs")),
];

/// The ids of all checks.
pub fn ids() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(id, _)| *id)
}

/// The documentation of check `id`: its file's head.
pub fn explain(id: &str) -> Option<String> {
    let (_, source) = CHECKS.iter().find(|(other, _)| *other == id)?;
    let head = source.lines().map_while(|line| line.strip_prefix("//!"));
    Some(head.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n").collect())
}

/// Runs all checks for a configuration that uses `images`: the local ones beside the one call for a token, then all
/// reads side by side, and with them `beside`, whatever else the caller wants to know of Azure. `needs_key`: the
/// private SSH key will be needed and is not at hand.
///
/// # Errors
/// [`ProcessError::Interrupted`] only; what fails is in the report.
pub fn run_all<T: Send>(
    runner: &Runner<'_>,
    config: &Config,
    images: &Images,
    needs_key: bool,
    beside: impl FnOnce(&Az<'_>) -> T + Send,
) -> Result<(Report, Option<T>), ProcessError> {
    let az = Az::new(runner, config.subscription.to_string());
    let (mut items, caller) = std::thread::scope(|scope| {
        let programs = scope.spawn(|| programs::check(runner, &az));
        let caller = account::caller(&az);
        (joined(programs), caller)
    });
    items.push(signed_in::check(&caller));
    let (online, found) = match &caller {
        Ok(caller) => {
            let az = az.on(&caller.subscription_id);
            std::thread::scope(|scope| {
                let found = scope.spawn(|| beside(&az));
                (online(&az, config, images, caller, needs_key), Some(joined(found)))
            })
        }
        Err(error) => (Online { items: offline(&az, config, needs_key, error), ..Online::default() }, None),
    };
    items.extend(online.items);
    if interrupt::requested() {
        return Err(ProcessError::Interrupted);
    }
    let Online { subscription, zones, .. } = online;
    Ok((Report { items, caller: caller.ok(), subscription, zones }, found))
}

/// What Azure itself was asked.
#[derive(Default)]
struct Online {
    items: Vec<Item>,
    subscription: Option<Subscription>,
    zones: ZoneIds,
}

/// What is left to say without a token.
fn offline(az: &Az<'_>, config: &Config, needs_key: bool, error: &AzError) -> Vec<Item> {
    let mut items = Vec::new();
    let mut open: Vec<_> = ids().filter(|id| ![programs::ID, signed_in::ID].contains(id)).collect();
    open.retain(|id| match *id {
        network::ID => network::concerns(config).is_some(),
        private_dns::ID => private_dns::concerns(config).is_some(),
        ssh_key::ID => needs_key,
        _ => true,
    });
    if matches!(error.kind, Kind::NoSubscription { .. }) {
        items.push(subscription::check(az, az.subscription(), &Err(error.clone())));
        open.retain(|id| *id != subscription::ID);
    }
    items
        .extend(open.into_iter().map(|id| Item::unknown(id, "", "not checked: there is no token for Azure")));
    items
}

fn online(az: &Az<'_>, config: &Config, images: &Images, caller: &Caller, needs_key: bool) -> Online {
    let region = config.region.as_str();
    std::thread::scope(|scope| {
        let subscription = scope.spawn(|| account::subscription(az));
        let sizes = scope.spawn(|| skus::skus(az, region));
        let usages = scope.spawn(|| limits::usages(az, region));
        let running = scope.spawn(|| resources::running(az, &config.resource_group_name, region));
        let regions = scope.spawn(|| regions::regions(az));
        let images = images::wanted(images).into_iter().map(|(whose, image)| {
            scope.spawn(move || images::check(whose, region, image, &versions(az, region, image)))
        });
        let images: Vec<_> = images.collect();
        let providers = scope.spawn(|| rights::providers(az));
        let rights = scope.spawn(|| permissions::read(az, config));
        let network = scope.spawn(|| network::read(az, config));
        let dns = scope.spawn(|| private_dns::check(az, config, caller));
        let vault = Vault::new(az, &config.resource_group_name, region, &config.admin_user);
        let key = needs_key.then(|| scope.spawn(move || ssh_key::check(&vault)));

        let plan = plan::Plan::new(config);
        let (subscription, sizes) = (joined(subscription), joined(sizes));
        let mut items = vec![subscription::check(az, &config.subscription.to_string(), &subscription)];
        items.push(region::check(az.subscription(), region, &joined(regions)));
        items.extend(sizes::check(az.subscription(), config, &plan, &sizes));
        let facts = quota::Facts {
            subscription: az.subscription(),
            region,
            skus: sizes.as_deref().unwrap_or_default(),
            usages: &joined(usages),
            running: &joined(running),
        };
        items.extend(quota::check(&plan, &facts));
        items.extend(images.into_iter().map(joined));
        items.extend(providers::check(az.subscription(), config, &joined(providers)));
        items.extend(permissions::check(caller, &joined(rights)));
        items.extend(network::check(az, config, &plan, facts.skus, joined(network).as_ref()));
        let dns = joined(dns);
        items.extend(dns.items);
        items.extend(key.map(joined));
        Online { items, subscription: subscription.ok(), zones: dns.zones }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_documents_itself() {
        for id in ids() {
            let text = explain(id).expect("listed");
            for part in ["- Inputs: ", "- Pass: ", "- By hand: `"] {
                assert!(text.contains(part), "{id} lacks {part}");
            }
            assert!(text.contains("- Fail: ") || text.contains("- Warning: "), "{id}");
        }
        assert_eq!(explain("nope"), None);
    }
}
