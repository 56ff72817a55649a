//! The private DNS zones of an existing network fit `private_dns`.
//!
//! - Inputs: `network.private_dns`; zones named `privatelink.vaultcore.azure.net`,
//!   `privatelink.blob.core.windows.net` and, with accounting, `privatelink.mysql.database.azure.com` in the
//!   subscriptions of the tenant that the caller can read, and the networks they are linked to. Nothing is asked for
//!   a new network or with `none`.
//! - Pass: with `existing`, the network is linked to one zone of each name, and
//!   `Microsoft.Network/privateDnsZones/join/action` is allowed on it; with `new`, to none but those of the cluster's
//!   own group, for a network cannot be linked to two zones of one name (Azure: "cannot be linked to multiple zones
//!   with overlapping namespaces").
//! - Fail: a zone is missing or not linked, or zones cannot be looked for; exit code 4. A right is missing; exit
//!   code 10.
//! - Unknown: with `new`, a subscription does not let its zones be read.
//! - By hand: `az network private-dns zone list --output table; az network private-dns link vnet list
//!   --resource-group GROUP --zone-name ZONE --output table`

use super::Item;
use super::permissions::{self, JOIN_ZONE, Scope};
use crate::azure::account::{self, Caller};
use crate::azure::private_dns::{Zone, ZoneIds, zones};
use crate::azure::{Az, AzError, Kind};
use crate::config::{Config, ExistingNetwork, Network, PrivateDns};
use crate::resource_id::group_of;
use crate::threads::side_by_side;

pub(super) const ID: &str = "private-dns";

/// Subscriptions looked into at once.
const SIDE_BY_SIDE: usize = 4;

/// What was found, and what is to say about it.
#[derive(Default)]
pub(super) struct Found {
    pub items: Vec<Item>,
    /// All of them, or none.
    pub zones: ZoneIds,
}

/// The network whose zones matter.
pub(super) fn concerns(config: &Config) -> Option<&ExistingNetwork> {
    match &config.network {
        Network::Existing(network) if network.private_dns != PrivateDns::None => Some(network),
        _ => None,
    }
}

pub(super) fn check(az: &Az<'_>, config: &Config, caller: &Caller) -> Found {
    let Some(network) = concerns(config) else { return Found::default() };
    let names = ZoneIds::names(config.accounting);
    let id = network.subnets.compute.network_id();
    let wanted = network.private_dns == PrivateDns::Existing;
    let search = match search(az, names, &id, &caller.tenant_id, wanted) {
        Ok(search) => search,
        Err(error) => {
            let item = Item::undecided(ID, "private DNS zones", &error);
            return Found { items: vec![if wanted { item.needed() } else { item }], ..Found::default() };
        }
    };
    if !wanted {
        let group = format!("{}/", az.group_id(&config.resource_group_name));
        let items = names.iter().map(|name| judge_new(name, &search, &id, &group)).collect();
        return Found { items, ..Found::default() };
    }
    let item = |name: &&str| match search.linked(name) {
        Some(zone) => Item::ok(ID, *name, format!("in {}", group_of(&zone.id))),
        None => missing(name, &search, &id),
    };
    let mut items: Vec<Item> = names.iter().map(item).collect();
    let chosen: Option<Vec<&Zone>> = names.iter().map(|name| search.linked(name)).collect();
    let Some(chosen) = chosen else { return Found { items, ..Found::default() } };
    items.extend(rights(az, caller, &chosen));
    let ids: Vec<&str> = chosen.iter().map(|zone| zone.id.as_str()).collect();
    Found { items, zones: ZoneIds::of(&ids) }
}

/// The zones of the wanted names that can be read.
#[derive(Default)]
struct Search {
    zones: Vec<Zone>,
    /// Subscriptions that do not let their zones be read.
    closed: Vec<String>,
}

impl Search {
    /// The zone of that name that the network is linked to; there can be but one.
    fn linked(&self, name: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.linked && zone.name.eq_ignore_ascii_case(name))
    }

    fn add(&mut self, subscription: &str, zones: Result<Vec<Zone>, AzError>) -> Result<(), AzError> {
        match zones {
            Err(error) if matches!(error.kind, Kind::Forbidden(_)) => {
                self.closed.push(subscription.to_owned())
            }
            zones => self.zones.extend(zones?),
        }
        Ok(())
    }

    /// For messages about what was not found.
    fn closed(&self) -> String {
        match self.closed.len() {
            0 => String::new(),
            _ => format!(" (not readable for you: those of {})", self.closed.join(", ")),
        }
    }
}

/// Looks into our subscription first, then into the others of the tenant; with `enough`, until each name is
/// linked.
fn search(az: &Az<'_>, names: &[&str], network: &str, tenant: &str, enough: bool) -> Result<Search, AzError> {
    let mut search = Search::default();
    search.add(az.subscription(), zones(az, names, network))?;
    let done = |search: &Search| enough && names.iter().all(|name| search.linked(name).is_some());
    if done(&search) {
        return Ok(search);
    }
    let others: Vec<String> = account::subscriptions(az)?
        .into_iter()
        .filter(|other| {
            other.state == "Enabled" && other.tenant_id == tenant && other.id != az.subscription()
        })
        .map(|other| other.id)
        .collect();
    for some in others.chunks(SIDE_BY_SIDE) {
        let found = side_by_side(some, SIDE_BY_SIDE, |id| zones(&az.on(id), names, network));
        for (id, zones) in some.iter().zip(found) {
            search.add(id, zones)?;
        }
        if done(&search) {
            break;
        }
    }
    Ok(search)
}

/// There is no linked zone of that name.
fn missing(name: &str, search: &Search, network: &str) -> Item {
    let otherwise = "or set network.private_dns to new or none";
    let (message, remedy) = match search.zones.iter().find(|zone| zone.name.eq_ignore_ascii_case(name)) {
        Some(Zone { id, .. }) => {
            let part = |index| id.split('/').nth(index).unwrap_or_default();
            let link = format!(
                "az network private-dns link vnet create --subscription {} --resource-group {} --zone-name {name} \
                 --name LINK --virtual-network {network} --registration-enabled false; {otherwise}",
                part(2),
                part(4)
            );
            (format!("the network {network} is not linked to the zone in {}", group_of(id)), link)
        }
        None => (
            format!("no zone of that name was found for the network {network}{}", search.closed()),
            format!("ask whoever runs the network for it and for the role Reader on it; {otherwise}"),
        ),
    };
    Item::failed(ID, name, message).code("PrivateDnsZoneMissing").remedy(remedy)
}

/// The deployment makes a zone and links it, which Azure refuses when there is a link to another.
fn judge_new(name: &str, search: &Search, network: &str, group: &str) -> Item {
    let ours = |zone: &&Zone| zone.id.to_lowercase().starts_with(&group.to_lowercase());
    match search.linked(name).filter(|zone| !ours(zone)) {
        None if search.closed.is_empty() => Item::ok(ID, name, "free for a zone of the cluster's own"),
        None => {
            Item::unknown(ID, name, format!("the network may be linked to such a zone{}", search.closed()))
        }
        Some(zone) => {
            let place = group_of(&zone.id);
            Item::failed(ID, name, format!("the network {network} is linked to such a zone in {place}"))
                .code("PrivateDnsZoneTaken")
                .remedy("set network.private_dns to existing")
        }
    }
}

fn rights(az: &Az<'_>, caller: &Caller, zones: &[&Zone]) -> Vec<Item> {
    let scopes = side_by_side(zones, SIDE_BY_SIDE, |zone| Scope::read(az, zone.id.clone(), &JOIN_ZONE));
    permissions::check(caller, &scopes)
}
