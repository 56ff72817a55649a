//! The subnets and the Bastion of an existing network are there and will do.
//!
//! - Inputs: `network.subnets`, `network.bastion`, `region`, the nodes the cluster may grow to; the virtual network
//!   with its subnets, the Bastion. Nothing is asked for a new network.
//! - Pass: the network is in the cluster's region and subscription and has the subnets; each has a free address for
//!   all that comes into it (what the cluster's own group has there is counted as ours, so a second run passes); the
//!   subnet of `anf` is delegated to Microsoft.NetApp/volumes, the others to nothing; the Bastion takes tunnels.
//! - Warning: the subnet of the server or of nodes has neither a NAT gateway nor a route table: they install
//!   software from the internet.
//! - Fail: something of it is not so; exit code 4.
//! - Unknown: network or Bastion cannot be read.
//! - By hand: `az network vnet show --ids NETWORK; az network bastion show --ids BASTION --query enableTunneling`

use super::plan::Plan;
use super::{Item, nearest};
use crate::azure::network::{self, Subnet, VirtualNetwork};
use crate::azure::region::same_region;
use crate::azure::skus::Sku;
use crate::azure::{Az, AzError, Kind};
use crate::config::{Config, ExistingNetwork, Network};
use crate::resource_id::{BastionId, SubnetId};
use crate::threads::joined;

pub(super) const ID: &str = "network";
const NETAPP: &str = "Microsoft.NetApp/volumes";

/// What Azure knows.
pub(super) struct Facts {
    network: Result<VirtualNetwork, AzError>,
    bastion: Option<Result<bool, AzError>>,
}

/// The network that is to be looked at.
pub(super) fn concerns(config: &Config) -> Option<&ExistingNetwork> {
    match &config.network {
        Network::Existing(network) => Some(network),
        Network::New { .. } => None,
    }
}

pub(super) fn read(az: &Az<'_>, config: &Config) -> Option<Facts> {
    let wanted = concerns(config)?;
    std::thread::scope(|scope| {
        let bastion = wanted.bastion.as_ref().map(|id| scope.spawn(|| network::has_tunnels(az, id)));
        let network = network::read(az, &wanted.subnets.compute.network_id());
        Some(Facts { network, bastion: bastion.map(joined) })
    })
}

pub(super) fn check(
    az: &Az<'_>,
    config: &Config,
    plan: &Plan,
    skus: &[Sku],
    facts: Option<&Facts>,
) -> Vec<Item> {
    let (Some(wanted), Some(facts)) = (concerns(config), facts) else { return Vec::new() };
    let mut items = match judge_network(az, config, wanted, &facts.network) {
        Ok(found) => {
            let group = format!("{}/", az.group_id(&config.resource_group_name));
            let uses = uses(wanted, config, plan.nodes(skus));
            let region = Item::ok(ID, &wanted.subnets.compute.network, format!("in {}", config.region));
            let subnets = uses.iter().map(|one| judge_subnet(one, found, &group));
            std::iter::once(region).chain(subnets).collect()
        }
        Err(item) => vec![*item],
    };
    if let (Some(id), Some(answer)) = (&wanted.bastion, &facts.bastion) {
        items.push(judge_bastion(id, answer));
    }
    items
}

fn failed(code: &str, subject: &str, message: String, remedy: impl Into<String>) -> Item {
    Item::failed(ID, subject, message).code(code).remedy(remedy)
}

/// The network, or what is wrong with it as a whole.
fn judge_network<'a>(
    az: &Az<'_>,
    config: &Config,
    wanted: &ExistingNetwork,
    found: &'a Result<VirtualNetwork, AzError>,
) -> Result<&'a VirtualNetwork, Box<Item>> {
    let SubnetId { subscription, network, .. } = &wanted.subnets.compute;
    let id = wanted.subnets.compute.network_id();
    if !subscription.eq_ignore_ascii_case(az.subscription()) {
        let message = format!("is in subscription {subscription}, the cluster in {}", az.subscription());
        let remedy = "name subnets of the cluster's subscription, or that subscription";
        return Err(Box::new(failed("NetworkElsewhere", network, message, remedy)));
    }
    match found {
        Ok(found) if same_region(&found.region, &config.region) => Ok(found),
        Ok(found) => {
            let message = format!("is in {}, the cluster in {}", found.region, config.region);
            let remedy = "name a network of the cluster's region, or that region";
            Err(Box::new(failed("NetworkElsewhere", network, message, remedy)))
        }
        Err(AzError { kind: Kind::NotFound(_), .. }) => {
            let remedy =
                format!("az network vnet list --subscription {subscription} --query [].id --output tsv");
            Err(Box::new(failed("NetworkNotFound", network, format!("{id} does not exist"), remedy)))
        }
        Err(error) => Err(Box::new(Item::undecided(ID, network, error))),
    }
}

/// A subnet, and what comes into it.
struct Use<'a> {
    id: &'a SubnetId,
    /// Keys of `network.subnets` that name it.
    keys: Vec<&'static str>,
    addresses: u64,
}

fn uses<'a>(wanted: &'a ExistingNetwork, config: &Config, nodes: u64) -> Vec<Use<'a>> {
    let mut uses: Vec<Use<'_>> = Vec::new();
    for (key, id) in wanted.subnets.all() {
        let addresses = match key {
            "compute" => nodes,
            "endpoints" => 2 + u64::from(config.accounting),
            _ => 1,
        };
        match uses.iter_mut().find(|one| one.id.name.eq_ignore_ascii_case(&id.name)) {
            Some(one) => {
                one.keys.push(key);
                one.addresses += addresses;
            }
            None => uses.push(Use { id, keys: vec![key], addresses }),
        }
    }
    uses
}

/// `group` is the beginning of the ids of what is ours.
fn judge_subnet(wanted: &Use<'_>, network: &VirtualNetwork, group: &str) -> Item {
    let Use { id, keys, addresses } = wanted;
    let subject = format!("{} ({})", id.name, keys.join(", "));
    let Some(found) = network.subnets.iter().find(|subnet| subnet.name.eq_ignore_ascii_case(&id.name)) else {
        let names: Vec<&str> = network.subnets.iter().map(|subnet| subnet.name.as_str()).collect();
        let hint =
            nearest(&id.name, &names).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
        let remedy = format!(
            "az network vnet subnet list --subscription {} --resource-group {} --vnet-name {} --output table",
            id.subscription, id.group, id.network
        );
        return failed("SubnetNotFound", &subject, format!("the network has no such subnet{hint}"), remedy);
    };
    if let Some(item) = judge_delegation(&subject, id, keys, found) {
        return item;
    }
    let ours = |owner: &&String| owner.to_lowercase().starts_with(&group.to_lowercase());
    let others = found.used_by.iter().filter(|owner| !ours(owner)).count() as u64;
    let free = found.addresses.saturating_sub(others);
    let room = format!("needs {addresses}; of its {} addresses {free} are free or ours", found.addresses);
    if free < *addresses {
        return failed(
            "SubnetTooSmall",
            &subject,
            room,
            "name a larger subnet, or lower the counts in config.yaml",
        );
    }
    let needs_internet = keys.iter().any(|key| ["cyclecloud", "compute"].contains(key));
    if needs_internet && !found.has_way_out {
        let message = "it has neither a NAT gateway nor a route table: what is in it does not reach the internet, where \
                       nodes get their software";
        return Item::warning(ID, subject, message).code("SubnetWithoutEgress").remedy(format!(
            "az network vnet subnet update --ids {id} --nat-gateway NAT, or --route-table ROUTES"
        ));
    }
    Item::ok(ID, subject, room)
}

/// A delegated subnet takes what it is delegated to, and nothing else.
fn judge_delegation(subject: &str, id: &SubnetId, keys: &[&str], found: &Subnet) -> Option<Item> {
    let is_netapp = |service: &String| service.eq_ignore_ascii_case(NETAPP);
    if keys.contains(&"anf") {
        let remedy = format!("az network vnet subnet update --ids {id} --delegations {NETAPP}");
        let message = format!("it is not delegated to {NETAPP}");
        return (!found.delegations.iter().any(is_netapp))
            .then(|| failed("SubnetNotDelegated", subject, message, remedy));
    }
    found.delegations.first().map(|service| {
        let message = format!("it is delegated to {service} and takes nothing else");
        failed("SubnetDelegated", subject, message, "name another subnet")
    })
}

fn judge_bastion(id: &BastionId, answer: &Result<bool, AzError>) -> Item {
    let subject = format!("Bastion {}", id.name);
    match answer {
        Ok(true) => Item::ok(ID, subject, "takes tunnels"),
        Ok(false) => {
            let message = "it takes no tunnels: its native client support is off".to_owned();
            let remedy = format!(
                "az network bastion update --subscription {} --resource-group {} --name {} --sku Standard \
                 --enable-tunneling true",
                id.subscription, id.group, id.name
            );
            failed("BastionWithoutTunnels", &subject, message, remedy)
        }
        Err(AzError { kind: Kind::NotFound(_), .. }) => {
            let remedy = format!(
                "az network bastion list --subscription {} --query [].id --output tsv",
                id.subscription
            );
            failed("BastionNotFound", &subject, format!("{id} does not exist"), remedy)
        }
        Err(error) => Item::undecided(ID, subject, error),
    }
}
