//! What-if: the changes that a deployment would make, resource by resource, as Azure tells them.

mod delta;
mod view;

use serde_json::{Map, Value, json};

use super::World;
use super::expr::open;
use super::plan::GROUPS;
use super::plan::predict::Predicted;
use super::types::{self, Put};

/// How much a result tells (`whatIfSettings.resultFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Each resource before and after, and the difference.
    FullResourcePayloads,
    /// Ids alone: whether a resource that is there would change is not looked at.
    ResourceIdOnly,
}

/// What happens to a resource of the template (`changes[]` of the result).
pub fn change(one: &Predicted, world: &dyn World, format: Format) -> Value {
    let full = format == Format::FullResourcePayloads;
    let after = || view::whole(one, open::shown(&Value::Object(one.body.clone())));
    if !one.known {
        let mut change = json!({"resourceId": one.id, "changeType": "Unsupported", "unsupportedReason": unidentifiable(one)});
        if full {
            change["after"] = after();
        }
        return change;
    }
    let mut change = json!({ "resourceId": one.id });
    match (existing(one, world), full) {
        (None, _) => {
            change["changeType"] = json!("Create");
            if full {
                change["after"] = after();
            }
        }
        (Some(_), false) => change["changeType"] = json!("Deploy"),
        (Some(there), true) => compare(&mut change, one, &there, world),
    }
    change
}

/// A resource of the group that the template does not name, and that stays as it is.
pub fn ignored(id: &str, kind: &str, api_version: &str, body: &Value, format: Format) -> Value {
    let mut change = json!({"resourceId": id, "changeType": "Ignore"});
    if format == Format::FullResourcePayloads {
        let body = view::named(id, api_version, types::writable(kind, body));
        change["before"] = body.clone();
        change["after"] = body;
    }
    change
}

fn compare(change: &mut Value, one: &Predicted, there: &Value, world: &dyn World) {
    let before = view::whole(one, view::before(&one.kind, there));
    let after = view::whole(one, foreseen(one, &types::writable(&one.kind, there), world));
    let delta = delta::between(&before, &after);
    change["changeType"] = json!(if delta.is_empty() { "NoChange" } else { "Modify" });
    change["before"] = before;
    change["after"] = after;
    change["delta"] = Value::Array(delta);
}

fn existing(one: &Predicted, world: &dyn World) -> Option<Value> {
    if one.kind.eq_ignore_ascii_case(GROUPS) {
        let subscription = one.id.split('/').nth(2).unwrap_or_default();
        return world.resource_group(subscription, &one.name);
    }
    world.resource(&one.id)
}

/// What a resource that is there becomes: what its provider makes of the body, or where that cannot be told yet, the
/// body laid over what there is.
fn foreseen(one: &Predicted, there: &Value, world: &dyn World) -> Value {
    let body = Value::Object(one.body.clone());
    if !open::is_in(&body) {
        let put = Put { id: one.id.clone(), api_version: one.api_version.clone(), body: body.clone() };
        let changes = types::put(&put, world).unwrap_or_default();
        if let Some(types::Change::Resource { body, .. }) = changes.into_iter().next() {
            return types::writable(&one.kind, &body);
        }
    }
    view::laid_over(there, &open::shown(&body))
}

/// Printed by az (azure-cli, output of `what-if` published by users); lines and columns are not modelled, nor how a
/// resource with a symbolic name is named there.
fn unidentifiable(one: &Predicted) -> String {
    format!(
        "Changes to the resource declared at '{}' on line 1 and column 1 cannot be analyzed because its resource ID or API version cannot be calculated until the deployment is under way. Please see https://aka.ms/WhatIfUnidentifiableResource for more guidance.",
        one.declared
    )
}

/// The members of an object in the order of their names, as replies have them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<(String, Value)> =
                object.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by_cached_key(|(name, _)| name.to_ascii_lowercase());
            Value::Object(Map::from_iter(members))
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
