//! What a company has before anybody installs anything: `networks` and `file_servers` of a scenario.
//!
//! Networks are written by the rules of their types, so that a scenario cannot hold what Azure would refuse.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Azure;
use super::groups;
use super::scenario::{FileServer, Network, Subnet};
use super::setup::{APP, APP_OBJECT};
use super::state::Group;
use super::tokens::Caller;
use super::writes;
use crate::hosts::shares::Export;

const NETWORK_VERSION: &str = "2025-05-01";
const DNS_VERSION: &str = "2024-06-01";

/// Makes the networks of the scenario, each with its group, and what its file servers export.
pub fn make(azure: &Azure) -> Result<()> {
    for network in &azure.scenario.networks {
        one(azure, network).with_context(|| format!("network '{}' of the scenario", network.name))?;
    }
    let Some(hosts) = &azure.hosts else { return Ok(()) };
    for server in &azure.scenario.file_servers {
        let FileServer { address, path, clients, versions } = server.clone();
        hosts.export(address, &Export { path, clients, versions })?;
    }
    Ok(())
}

fn one(azure: &Azure, network: &Network) -> Result<()> {
    group(azure, network);
    let routes = network.firewall.as_ref().map(|address| routes(azure, network, address)).transpose()?;
    let subnets: Vec<Value> = network.subnets.iter().map(|one| subnet(one, routes.as_ref())).collect();
    let space = json!({"addressPrefixes": [network.address_space]});
    let own = put(
        azure,
        network,
        &format!("virtualNetworks/{}", network.name),
        json!({"location": network.location, "properties": {"addressSpace": space, "subnets": subnets}}),
    )?;
    if let Some(name) = &network.bastion {
        bastion(azure, network, name, &own)?;
    }
    for zone in &network.private_dns_zones {
        let path = format!("privateDnsZones/{zone}");
        put(azure, network, &path, json!({"location": "global"}))?;
        let link = json!({"registrationEnabled": false, "virtualNetwork": {"id": own}});
        let path = format!("{path}/virtualNetworkLinks/{}", network.name);
        put(azure, network, &path, json!({"location": "global", "properties": link}))?;
    }
    Ok(())
}

fn group(azure: &Azure, network: &Network) {
    let group = Group {
        name: network.group.clone(),
        location: network.location.clone(),
        tags: None,
        managed_by: None,
        provisioning_state: "Succeeded".into(),
    };
    azure.state().groups.entry(network.group.to_ascii_lowercase()).or_insert(group);
}

/// The route table that leads to the firewall; its id.
fn routes(azure: &Azure, network: &Network, firewall: &str) -> Result<String> {
    let way = json!({"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": firewall});
    let properties = json!({"routes": [{"name": "out", "properties": way}]});
    let body = json!({"location": network.location, "properties": properties});
    put(azure, network, &format!("routeTables/{}", network.name), body)
}

fn subnet(subnet: &Subnet, routes: Option<&String>) -> Value {
    let routed = subnet.name != "AzureBastionSubnet" && subnet.delegated_to.is_none();
    let delegation = |service: &String| json!([{"name": "service", "properties": {"serviceName": service}}]);
    let properties = json!({
        "addressPrefix": subnet.prefix, "defaultOutboundAccess": false,
        "delegations": subnet.delegated_to.as_ref().map(delegation),
        "routeTable": routes.filter(|_| routed).map(|id| json!({ "id": id })),
    });
    json!({"name": subnet.name, "properties": properties})
}

fn bastion(azure: &Azure, network: &Network, name: &str, own: &str) -> Result<()> {
    let address = put(
        azure,
        network,
        &format!("publicIPAddresses/{name}-ip"),
        json!({"location": network.location, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}),
    )?;
    let configuration = json!({"publicIPAddress": {"id": address}, "subnet": {"id": format!("{own}/subnets/AzureBastionSubnet")}});
    let properties = json!({"enableTunneling": true, "ipConfigurations": [{"name": "default", "properties": configuration}]});
    let body = json!({"location": network.location, "sku": {"name": "Standard"}, "properties": properties});
    put(azure, network, &format!("bastionHosts/{name}"), body).map(drop)
}

/// Writes a resource of Network; its id.
fn put(azure: &Azure, network: &Network, path: &str, mut body: Value) -> Result<String> {
    body["tags"] = json!(network.tags);
    let id = format!("{}/providers/Microsoft.Network/{path}", groups::id(&network.group));
    let version = if path.starts_with("privateDnsZones") { DNS_VERSION } else { NETWORK_VERSION };
    let caller = Caller { object_id: APP_OBJECT.into(), client: APP.into() };
    let written = writes::put(azure, &caller, &id, version, body).with_context(|| path.to_owned())?;
    match written.failure {
        Some(error) => bail!("{path}: {error}"),
        None => Ok(id),
    }
}
