//! Virtual networks and their subnets. A subnet is kept in its network's body and under its own id.

use serde_json::{Value, json};

use super::ask::{Ask, items, last_of};
use super::subnet::{Place, check, cidr, completed, linked, same_name, unused};
use super::{Change, Changes};
use crate::arm::net::Cidr;
use crate::azure::error::{AzureError, resource_not_found};

/// A virtual network. Without `subnets` in the body those it has stay.
pub fn virtual_network(ask: &Ask) -> Changes {
    let spaces = spaces(ask.at("/properties/addressSpace/addressPrefixes"))?;
    let old = items(&ask.old["properties"]["subnets"]);
    let wanted = match ask.at("/properties/subnets") {
        Value::Array(subnets) => subnets.clone(),
        _ => old.iter().map(writable).collect(),
    };
    for gone in old.iter().filter(|subnet| !wanted.iter().any(|other| same_name(other, subnet))) {
        unused(gone)?;
    }
    let mut changes = Vec::new();
    let mut subnets = Vec::new();
    for subnet in &wanted {
        let before = old.iter().find(|other| same_name(other, subnet)).cloned().unwrap_or(Value::Null);
        let place = Place { network: last_of(&ask.put.id), spaces: &spaces, others: &subnets };
        check(ask, subnet, &before, &place)?;
        let done = completed(ask, &ask.put.id, subnet, &before);
        changes.extend(linked(ask, &done, &changes));
        changes.push(Change::other(ask, done["id"].as_str().unwrap_or_default(), done.clone()));
        subnets.push(done);
    }
    let mut properties = ask.properties(json!({"virtualNetworkPeerings": [], "enableDdosProtection": false}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("resourceGuid".into(), ask.guid("/properties/resourceGuid"));
    properties.insert("subnets".into(), json!(subnets));
    let mut body = ask.resource(Value::Object(properties));
    body["etag"] = json!(ask.etag());
    changes.insert(0, Change::own(ask, body));
    Ok(changes)
}

/// A subnet written by itself.
pub fn subnet(ask: &Ask) -> Changes {
    let parent = ask.id.parent().map(|id| id.full).unwrap_or_default();
    let Some(mut network) = ask.world.resource(&parent) else {
        let group = ask.id.resource_group().unwrap_or_default();
        return Err(resource_not_found("Microsoft.Network/virtualNetworks", last_of(&parent), group));
    };
    let spaces = spaces(&network["properties"]["addressSpace"]["addressPrefixes"])?;
    let mut wanted = ask.body.clone();
    wanted["name"] = json!(ask.id.last_name());
    let all = items(&network["properties"]["subnets"]).to_vec();
    let mut subnets: Vec<Value> = all.iter().filter(|other| !same_name(other, &wanted)).cloned().collect();
    let place = Place { network: last_of(&parent), spaces: &spaces, others: &subnets };
    check(ask, &wanted, &ask.old, &place)?;
    let done = completed(ask, &parent, &wanted, &ask.old);
    let at = all.iter().position(|other| same_name(other, &wanted)).unwrap_or(all.len());
    subnets.insert(at, done.clone());
    network["properties"]["subnets"] = json!(subnets);
    let mut changes = vec![Change::own(ask, done.clone()), Change::other(ask, &parent, network)];
    changes.extend(linked(ask, &done, &[]));
    Ok(changes)
}

fn spaces(prefixes: &Value) -> Result<Vec<Cidr>, AzureError> {
    items(prefixes).iter().map(|prefix| cidr(prefix.as_str().unwrap_or_default())).collect()
}

/// A subnet as it was written.
fn writable(subnet: &Value) -> Value {
    json!({"name": subnet["name"], "properties": subnet["properties"]})
}
