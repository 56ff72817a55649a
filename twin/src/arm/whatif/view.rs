//! A resource as a what-if result shows it.

use serde_json::{Map, Value, json};

use super::sorted;
use crate::arm::id::ResourceId;
use crate::arm::plan::GROUPS;
use crate::arm::plan::predict::Predicted;
use crate::arm::types;

/// Shown instead of what must not be seen.
const MASK: &str = "*******";

/// Properties that Azure does not show (output of az for a VM in Azure/avm-bicep-labs, lab02).
const MASKED: [(&str, &str); 4] = [
    ("Microsoft.Compute/virtualMachines", "properties.osProfile.adminPassword"),
    ("Microsoft.Compute/virtualMachines", "properties.osProfile.customData"),
    ("Microsoft.Compute/virtualMachines", "properties.osProfile.linuxConfiguration.ssh.publicKeys[].keyData"),
    ("Microsoft.Compute/virtualMachines", "properties.osProfile.linuxConfiguration.ssh.publicKeys[].path"),
];

/// Properties of Azure's own that a result shows before the deployment though nobody can write them, so that they seem
/// to go: issues of Azure/arm-template-whatif. A null is taken from the resource.
const NOISE: [(&str, &str, Option<&str>); 6] = [
    // Issue 418.
    ("Microsoft.Network/natGateways", "properties.scope", Some("Public")),
    ("Microsoft.Network/natGateways", "sku.tier", Some("Regional")),
    // Issues 363 and 381.
    (
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "properties.privateDnsZoneConfigs[].etag",
        None,
    ),
    (
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "properties.privateDnsZoneConfigs[].id",
        None,
    ),
    (
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "properties.privateDnsZoneConfigs[].properties.provisioningState",
        None,
    ),
    // Issue 394.
    ("Microsoft.Network/virtualNetworks", "properties.privateEndpointVNetPolicies", Some("Disabled")),
];

/// A resource of the template with the members that every one has.
pub fn whole(one: &Predicted, body: Value) -> Value {
    let mut body = without_nulls(body);
    for (_, path) in MASKED.iter().filter(|(kind, _)| kind.eq_ignore_ascii_case(&one.kind)) {
        change_at(&mut body, path, &|place| {
            if let Some(value) = place {
                *value = json!(MASK);
            }
        });
    }
    named(&one.id, &one.api_version, body)
}

/// A resource with its id, name, type and api-version.
pub fn named(id: &str, api_version: &str, mut body: Value) -> Value {
    let group = || (GROUPS.to_owned(), id.rsplit('/').next().unwrap_or_default().to_owned());
    let parsed = ResourceId::parse(id).map(|id| (id.kind.clone(), id.last_name().to_owned()));
    let (kind, name) = parsed.unwrap_or_else(group);
    body["apiVersion"] = json!(api_version);
    body["id"] = json!(id);
    body["name"] = json!(name);
    body["type"] = json!(kind);
    sorted(&body)
}

/// What is there, as a result shows it: what can be written, and noise.
pub fn before(kind: &str, there: &Value) -> Value {
    let mut body = types::writable(kind, there);
    for (_, path, value) in NOISE.iter().filter(|(of, _, _)| of.eq_ignore_ascii_case(kind)) {
        match value {
            Some(value) => insert(&mut body, path, json!(value)),
            None => copy(&mut body, there, path),
        }
    }
    body
}

/// A body laid over what there is: members that it does not name stay, but for tags, which a write replaces.
pub fn laid_over(there: &Value, body: &Value) -> Value {
    match (there, body) {
        (Value::Object(there), Value::Object(body)) => {
            let mut merged = there.clone();
            for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
                let under = merged.get(name).filter(|_| name != "tags").unwrap_or(&Value::Null);
                let value = laid_over(under, value);
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(there), Value::Array(body)) => {
            let under = |(at, item): (usize, &Value)| {
                let named =
                    there.iter().find(|other| item["name"].is_string() && other["name"] == item["name"]);
                laid_over(named.or_else(|| there.get(at)).unwrap_or(&Value::Null), item)
            };
            body.iter().enumerate().map(under).collect()
        }
        (_, body) => body.clone(),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Takes a member of the resource over, in lists item by item.
fn copy(body: &mut Value, there: &Value, path: &str) {
    match path.split_once("[].") {
        None => {
            if let Some(value) = there.pointer(&pointer(path)) {
                insert(body, path, value.clone());
            }
        }
        Some((list, rest)) => {
            let from = there.pointer(&pointer(list)).and_then(Value::as_array);
            let to = body.pointer_mut(&pointer(list)).and_then(Value::as_array_mut);
            for (to, from) in to.into_iter().flatten().zip(from.into_iter().flatten()) {
                copy(to, from, rest);
            }
        }
    }
}

fn insert(body: &mut Value, path: &str, value: Value) {
    let mut at = body;
    for name in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[name];
    }
    *at = value;
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// Gives the members at `path` to `change`, each of a list.
fn change_at(body: &mut Value, path: &str, change: &dyn Fn(Option<&mut Value>)) {
    match path.split_once("[].") {
        None => change(body.pointer_mut(&pointer(path))),
        Some((list, rest)) => {
            let items = body.pointer_mut(&pointer(list)).and_then(Value::as_array_mut);
            items.into_iter().flatten().for_each(|item| change_at(item, rest, change));
        }
    }
}
