//! Network interfaces, and addresses in subnets.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::ask::{Ask, items, over};
use super::scaleset::INTERFACE;
use super::subnet::{not_delegated, occupied, prefix_of, same_region};
use super::{Change, Changes, volume};
use crate::arm::net::Cidr;
use crate::azure::error::AzureError;

/// A network interface; a dynamic address stays over rewrites.
pub fn interface(ask: &Ask) -> Changes {
    let wanted = items(ask.at("/properties/ipConfigurations"));
    if wanted.is_empty() {
        let message = format!("Network interface {} must have at least one ip configuration.", ask.put.id);
        return Err(AzureError::new(400, "NicMustHaveAtLeastOneIpConfiguration", message));
    }
    let etag = ask.etag();
    let mut configurations = Vec::new();
    let mut changes = Vec::new();
    for (at, configuration) in wanted.iter().enumerate() {
        let done = configured(ask, configuration, at == 0, &etag)?;
        let subnet = done["properties"]["subnet"]["id"].as_str().unwrap_or_default();
        changes.extend(occupied(ask, subnet, "ipConfigurations", done["id"].as_str().unwrap_or_default()));
        configurations.push(done);
    }
    let mut properties = ask.properties(defaults());
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("resourceGuid".into(), ask.guid("/properties/resourceGuid"));
    properties.insert("ipConfigurations".into(), json!(configurations));
    for kept in ["virtualMachine", "macAddress", "primary"] {
        if let Some(value) = ask.old["properties"].get(kept) {
            properties.insert(kept.into(), value.clone());
        }
    }
    let mut body = ask.resource(Value::Object(properties));
    body["kind"] = json!("Regular");
    body["etag"] = json!(etag);
    changes.insert(0, Change::own(ask, body));
    Ok(changes)
}

fn defaults() -> Value {
    json!({
        "dnsSettings": {"dnsServers": [], "appliedDnsServers": [], "internalDomainNameSuffix": "twin.internal.cloudapp.net"},
        "enableAcceleratedNetworking": false,
        "vnetEncryptionSupported": false,
        "enableIPForwarding": false,
        "disableTcpStateTracking": false,
        "hostedWorkloads": [],
        "tapConfigurations": [],
        "nicType": "Standard",
        "allowPort25Out": false,
        "auxiliaryMode": "None",
        "auxiliarySku": "None",
    })
}

fn configured(ask: &Ask, configuration: &Value, first: bool, etag: &str) -> Result<Value, AzureError> {
    let name = configuration["name"].as_str().unwrap_or_default();
    let id = format!("{}/ipConfigurations/{name}", ask.put.id);
    let subnet = configuration["properties"]["subnet"]["id"].as_str().unwrap_or_default();
    same_region(ask, subnet)?;
    not_delegated(ask, subnet, "SubnetIsDelegatedAndCannotBeUsed")?;
    let wanted = configuration["properties"]["privateIPAddress"].as_str();
    let before = items(&ask.old["properties"]["ipConfigurations"]).iter().find(|other| other["name"] == name);
    let before = before.filter(|other| {
        other["properties"]["subnet"]["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(subnet))
    });
    let kept = before.and_then(|other| other["properties"]["privateIPAddress"].as_str());
    let is_static = configuration["properties"]["privateIPAllocationMethod"] == "Static";
    let address = match (wanted.filter(|_| is_static), kept) {
        (Some(wanted), _) => requested(ask, subnet, wanted, kept)?,
        (None, Some(kept)) => kept.to_owned(),
        (None, None) => free(ask, subnet)?,
    };
    let base =
        json!({"privateIPAllocationMethod": "Dynamic", "primary": first, "privateIPAddressVersion": "IPv4"});
    let mut properties = over(base, &configuration["properties"]);
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("privateIPAddress".into(), json!(address));
    Ok(json!({
        "name": name, "id": id, "etag": etag, "type": "Microsoft.Network/networkInterfaces/ipConfigurations", "properties": properties,
    }))
}

fn range(ask: &Ask, subnet: &str) -> Option<Cidr> {
    Cidr::parse(prefix_of(&ask.world.resource(subnet)?))
}

/// The next free address of a subnet.
pub fn free(ask: &Ask, subnet: &str) -> Result<String, AzureError> {
    free_ones(ask, subnet, 1).map(|mut addresses| addresses.remove(0))
}

/// The next `count` free addresses of a subnet: Azure keeps the first four and the last for itself.
pub fn free_ones(ask: &Ask, subnet: &str, count: usize) -> Result<Vec<String>, AzureError> {
    let full = || {
        let name = subnet.rsplit('/').next().unwrap_or_default();
        let body = ask.world.resource(subnet).unwrap_or(Value::Null);
        AzureError::new(
            400,
            "SubnetIsFull",
            format!(
                "Subnet {name} with address prefix {} does not have enough capacity for {count} IP addresses.",
                prefix_of(&body)
            ),
        )
    };
    let range = range(ask, subnet).ok_or_else(full)?;
    let used = used(ask, subnet);
    let all = (range.first + 4..range.last()).map(|address| Ipv4Addr::from(address).to_string());
    let free: Vec<String> = all.filter(|address| !used.contains(address)).take(count).collect();
    if free.len() == count { Ok(free) } else { Err(full()) }
}

/// Addresses that network interfaces and NetApp volumes have in a subnet.
fn used(ask: &Ask, subnet: &str) -> BTreeSet<String> {
    let here = |id: &Value| id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(subnet));
    let kinds = ["Microsoft.Network/networkInterfaces", INTERFACE];
    let interfaces: Vec<Value> =
        kinds.iter().flat_map(|kind| ask.world.resources(ask.subscription(), kind)).collect();
    let configurations =
        interfaces.iter().flat_map(|interface| items(&interface["properties"]["ipConfigurations"]));
    let configured = configurations
        .map(|one| &one["properties"])
        .filter(|one| here(&one["subnet"]["id"]))
        .map(|one| &one["privateIPAddress"]);
    let volumes = ask.world.resources(ask.subscription(), volume::VOLUMES);
    let mounted = volumes
        .iter()
        .filter(|volume| here(&volume["properties"]["subnetId"]))
        .flat_map(|volume| items(&volume["properties"]["mountTargets"]))
        .map(|target| &target["ipAddress"]);
    configured.chain(mounted).filter_map(|address| address.as_str().map(str::to_owned)).collect()
}

fn requested(ask: &Ask, subnet: &str, wanted: &str, kept: Option<&str>) -> Result<String, AzureError> {
    let name = subnet.rsplit('/').next().unwrap_or_default();
    let refuse = |code: &str, message: String| Err(AzureError::new(400, code, message));
    let range = range(ask, subnet).unwrap_or(Cidr { first: 0, prefix: 32 });
    let Ok(address) = wanted.parse::<Ipv4Addr>().map(u32::from) else {
        return refuse("InvalidIPAddress", format!("The IP address {wanted} is not valid."));
    };
    if !(range.first..=range.last()).contains(&address) {
        let prefix = ask.world.resource(subnet).map(|body| prefix_of(&body).to_owned()).unwrap_or_default();
        return refuse(
            "PrivateIPAddressNotInSubnet",
            format!(
                "Private static IP address {wanted} does not belong to the range of subnet prefix {prefix}."
            ),
        );
    }
    if address < range.first + 4 || address == range.last() {
        return refuse(
            "PrivateIPAddressInReservedRange",
            format!(
                "Private static IP address {wanted} falls within reserved IP range of subnet prefix {name}."
            ),
        );
    }
    if kept != Some(wanted) && used(ask, subnet).contains(wanted) {
        return refuse(
            "PrivateIPAddressIsAllocated",
            format!(
                "IP configuration {name} is using the private IP address {wanted} which is already allocated."
            ),
        );
    }
    Ok(wanted.to_owned())
}
