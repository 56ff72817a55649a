//! Private DNS zones and the networks that resolve them.

use serde_json::{Value, json};

use super::ask::{Ask, last_of};
use super::{Change, Changes};
use crate::azure::error::AzureError;

/// A private DNS zone, with the limits that replies show (Azure REST reference, private-zones).
pub fn zone(ask: &Ask) -> Changes {
    let properties = json!({
        "provisioningState": "Succeeded", "internalId": ask.guid("/properties/internalId"),
        "maxNumberOfRecordSets": 25000, "maxNumberOfVirtualNetworkLinks": 1000, "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
        "numberOfRecordSets": 1,
        "numberOfVirtualNetworkLinks": ask.kept("/properties/numberOfVirtualNetworkLinks", || json!(0)),
        "numberOfVirtualNetworkLinksWithRegistration": 0,
    });
    let mut body = ask.resource(properties);
    body["etag"] = json!(ask.world.new_uuid().to_string());
    Ok(vec![Change::own(ask, body)])
}

/// A network that resolves a private DNS zone.
pub fn zone_link(ask: &Ask) -> Changes {
    let parent = ask.id.parent().map(|id| id.full).unwrap_or_default();
    let Some(mut zone) = ask.world.resource(&parent) else {
        return Err(super::general::parent_not_found(ask));
    };
    let mut properties = ask.properties(json!({}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("virtualNetworkLinkState".into(), json!("Completed"));
    let mut body = ask.resource(Value::Object(properties));
    body["etag"] = json!(ask.world.new_uuid().to_string());
    let mut changes = vec![Change::own(ask, body)];
    if let Some(other) = overlapping(ask) {
        let name = last_of(&parent);
        let message = format!(
            "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual network with '{name}' and '{other}' zones."
        );
        changes.push(Change::Fails(Box::new(AzureError::new(400, "BadRequest", message))));
        return Ok(changes);
    }
    let links = links(ask).filter(|link| zone_of(link).eq_ignore_ascii_case(&parent)).count();
    zone["properties"]["numberOfVirtualNetworkLinks"] = json!(links + 1);
    changes.push(Change::other(ask, &parent, zone));
    Ok(changes)
}

/// Links that hold, apart from the one that is written.
fn links(ask: &Ask) -> impl Iterator<Item = Value> {
    let all = ask.world.resources(ask.subscription(), ask.kind).into_iter();
    all.filter(|link| {
        let own = link["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&ask.put.id));
        !own && link["properties"]["provisioningState"] == "Succeeded"
    })
}

fn zone_of(link: &Value) -> &str {
    let id = link["id"].as_str().unwrap_or_default();
    id.rsplit_once("/virtualNetworkLinks/").map_or("", |(zone, _)| zone)
}

/// The zone of the same name that resolves for the network already, in whatever group it is. The operation is taken and
/// then fails (Azure/ARO-RP issue 796).
fn overlapping(ask: &Ask) -> Option<String> {
    let network = ask.text("/properties/virtualNetwork/id");
    let own = ask.id.parent()?;
    let mut names = links(ask)
        .filter(|link| {
            link["properties"]["virtualNetwork"]["id"]
                .as_str()
                .is_some_and(|id| id.eq_ignore_ascii_case(network))
        })
        .map(|link| last_of(zone_of(&link)).to_owned());
    names.find(|name| name.eq_ignore_ascii_case(own.last_name()))
}
