//! Public IP addresses and NAT gateways.

use serde_json::{Value, json};

use super::ask::{Ask, items, link};
use super::{Change, Changes};
use crate::azure::error::AzureError;

/// A public IP address. Only Standard ones can be made since Basic ones are retired.
pub fn public_ip(ask: &Ask) -> Changes {
    let sku = ask.text("/sku/name");
    if sku.is_empty() || sku.eq_ignore_ascii_case("Basic") {
        let message = "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.";
        return Err(AzureError::new(400, "IPv4BasicSkuPublicIpCountLimitReached", message));
    }
    if !ask.text("/properties/publicIPAllocationMethod").eq_ignore_ascii_case("Static") {
        let message =
            format!("Standard sku publicIp {} must have AllocationMethod set to Static.", ask.put.id);
        return Err(AzureError::new(400, "StandardSkuPublicIPAddressesMustBeStatic", message));
    }
    let mut properties =
        ask.properties(json!({"publicIPAddressVersion": "IPv4", "idleTimeoutInMinutes": 4, "ipTags": []}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("resourceGuid".into(), ask.guid("/properties/resourceGuid"));
    properties.insert("ipAddress".into(), ask.kept("/properties/ipAddress", || json!(free_address(ask))));
    for used_by in ["ipConfiguration", "natGateway"] {
        if let Some(user) = ask.old["properties"].get(used_by) {
            properties.insert(used_by.into(), user.clone());
        }
    }
    let mut body = ask.resource(Value::Object(properties));
    body["sku"]["tier"] = ask.at("/sku/tier").as_str().map_or(json!("Regional"), |tier| json!(tier));
    body["etag"] = json!(ask.etag());
    Ok(vec![Change::own(ask, body)])
}

/// An address of the range that is reserved for documentation (RFC 5737), so that nobody's is used.
fn free_address(ask: &Ask) -> String {
    let all = ask.world.resources(ask.subscription(), "Microsoft.Network/publicIPAddresses");
    let used = |address: &str| all.iter().any(|other| other["properties"]["ipAddress"] == address);
    let free = (1..255).map(|last| format!("203.0.113.{last}")).find(|address| !used(address));
    free.unwrap_or_else(|| "203.0.113.255".into())
}

/// A NAT gateway.
pub fn nat_gateway(ask: &Ask) -> Changes {
    let mut changes = vec![];
    for address in items(ask.at("/properties/publicIpAddresses")) {
        let id = address["id"].as_str().unwrap_or_default();
        let mut used = ask.world.resource(id).unwrap_or(Value::Null);
        used["properties"]["natGateway"] = json!({"id": ask.put.id});
        changes.push(Change::other(ask, id, used));
    }
    let mut properties = ask.properties(json!({"idleTimeoutInMinutes": 4}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("resourceGuid".into(), ask.guid("/properties/resourceGuid"));
    if let Some(subnets) = ask.old["properties"].get("subnets") {
        properties.insert("subnets".into(), subnets.clone());
    }
    let mut body = ask.resource(Value::Object(properties));
    body["sku"]["tier"] = json!("Regional");
    body["etag"] = json!(ask.etag());
    changes.insert(0, Change::own(ask, body));
    Ok(changes)
}

/// Tells a NAT gateway or security group that a subnet uses it.
pub fn used_by_subnet(ask: &Ask, id: &str, subnet: &str) -> Option<Change> {
    let mut body = ask.world.resource(id)?;
    link(&mut body, "subnets", subnet);
    Some(Change::other(ask, id, body))
}
