//! Route tables.

use serde_json::{Value, json};

use super::ask::{Ask, items, over};
use super::{Change, Changes};

/// A route table with its routes (Azure REST reference, route-tables).
pub fn table(ask: &Ask) -> Changes {
    let etag = ask.etag();
    let completed = |route: &Value| {
        let name = route["name"].as_str().unwrap_or_default();
        let base = json!({"provisioningState": "Succeeded", "hasBgpOverride": false});
        json!({"name": name, "id": format!("{}/routes/{name}", ask.put.id), "etag": etag,
            "type": "Microsoft.Network/routeTables/routes", "properties": over(base, &route["properties"])})
    };
    let routes: Vec<Value> = items(ask.at("/properties/routes")).iter().map(completed).collect();
    let mut properties = ask.properties(json!({"disableBgpRoutePropagation": false}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("resourceGuid".into(), ask.guid("/properties/resourceGuid"));
    properties.insert("routes".into(), json!(routes));
    if let Some(subnets) = ask.old["properties"].get("subnets") {
        properties.insert("subnets".into(), subnets.clone());
    }
    let mut body = ask.resource(Value::Object(properties));
    body["etag"] = json!(etag);
    Ok(vec![Change::own(ask, body)])
}
