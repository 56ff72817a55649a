//! Rules of network security groups by themselves, and those that a tenant's policy adds.

use serde_json::{Value, json};
use uuid::Uuid;

use super::deletions;
use super::error::{AzureError, resource_not_found};
use super::groups;
use super::http::Reply;
use super::routes::{Answer, Call, Route};
use super::state::{State, key};
use crate::claims::Sure;

/// Type of a network security group.
pub const SECURITY_GROUP: &str = "Microsoft.Network/networkSecurityGroups";
const VERSIONS: &[&str] = &["2022-01-01", "2022-07-01", "2024-05-01", "2025-05-01"];
const ALL: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/networkSecurityGroups/{nsg}/securityRules";
const ONE: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/networkSecurityGroups/{nsg}/securityRules/{rule}";
const READ: &str = "Microsoft.Network/networkSecurityGroups/securityRules/read";
const RECORDED: &str = "recorded: azure-cli, rules of a security group";

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm("GET", ALL, VERSIONS, READ, list).known_from(RECORDED, Sure::High),
    Route::arm("GET", ONE, VERSIONS, READ, get).known_from(RECORDED, Sure::High),
    Route::arm("DELETE", ONE, VERSIONS, "Microsoft.Network/networkSecurityGroups/securityRules/delete", delete)
        .known_from("recorded: azure-cli, DELETE of a rule: 202 with both poll addresses; the group and its rules get a new entity tag", Sure::High),
];

fn group_id(call: &Call<'_>) -> String {
    format!("{}/providers/{SECURITY_GROUP}/{}", groups::id(call.capture("group")), call.capture("nsg"))
}

/// The rules of the group in the path; its 404 if it is not there.
fn rules<'a>(call: &Call<'_>, state: &'a State) -> Result<&'a Vec<Value>, AzureError> {
    groups::find(state, call.capture("group"))?;
    let found = state.resource(&group_id(call));
    found
        .and_then(|one| one.body["properties"]["securityRules"].as_array())
        .ok_or_else(|| resource_not_found(SECURITY_GROUP, call.capture("nsg"), call.capture("group")))
}

fn is_named(rule: &Value, name: &str) -> bool {
    rule["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name))
}

fn list(call: &Call<'_>) -> Answer {
    Ok(Reply::json(200, &json!({"value": rules(call, &call.azure.state())?})))
}

fn get(call: &Call<'_>) -> Answer {
    let state = call.azure.state();
    let name = call.capture("rule");
    let found = rules(call, &state)?.iter().find(|rule| is_named(rule, name)).ok_or_else(|| {
        let message = format!("Resource {}/securityRules/{name} not found.", group_id(call));
        AzureError::new(404, "NotFound", message)
    })?;
    Ok(Reply::json(200, found).header("etag", found["etag"].as_str().unwrap_or_default()))
}

fn delete(call: &Call<'_>) -> Answer {
    let mut state = call.azure.state();
    let name = call.capture("rule");
    if !rules(call, &state)?.iter().any(|rule| is_named(rule, name)) {
        return Ok(Reply::empty(204));
    }
    let id = group_id(call);
    change(&mut state, &id, |rules| rules.retain(|rule| !is_named(rule, name)));
    let region = state.resource(&id).and_then(|one| one.body["location"].as_str()).unwrap_or_default();
    Ok(deletions::NETWORK.accepted(call, region, &call.azure.jobs.start(|| Ok(()))))
}

/// Changes the rules of a group, which then has a new entity tag, as all its rules.
fn change(state: &mut State, id: &str, edit: impl FnOnce(&mut Vec<Value>)) {
    let Some(group) = state.resources.get_mut(&key(id)) else { return };
    let etag = json!(format!("W/\"{}\"", Uuid::new_v4()));
    if let Some(rules) = group.body["properties"]["securityRules"].as_array_mut() {
        edit(rules);
    }
    for list in ["securityRules", "defaultSecurityRules"] {
        for rule in group.body["properties"][list].as_array_mut().into_iter().flatten() {
            rule["etag"] = etag.clone();
        }
    }
    group.body["etag"] = etag;
}

/// What a policy that some tenants have puts into every group after it was written: rules that let a company's own
/// networks in, and one that keeps the internet out.
pub fn apply_policy(state: &mut State, id: &str) {
    let rules = [
        ("103", "Allow", "CorpNetPublic", "*"),
        ("104", "Allow", "CorpNetSaw", "*"),
        ("105", "Deny", "Internet", "3306"),
    ];
    let rules = rules.map(|(number, access, from, port)| {
        let name = format!("NRMS-Rule-{number}");
        json!({
            "name": name, "id": format!("{id}/securityRules/{name}"),
            "type": "Microsoft.Network/networkSecurityGroups/securityRules",
            "properties": {
                "provisioningState": "Succeeded",
                "description": "Created by Azure Core Security managed policy, rule can be deleted but do not change source ips, please see aka.ms/cainsgpolicy",
                "protocol": "*", "sourcePortRange": "*", "destinationPortRange": port, "sourceAddressPrefix": from,
                "destinationAddressPrefix": "*", "access": access, "priority": number.parse::<u32>().unwrap_or_default(),
                "direction": "Inbound", "sourcePortRanges": [], "destinationPortRanges": [],
                "sourceAddressPrefixes": [], "destinationAddressPrefixes": [],
            },
        })
    });
    change(state, id, |all| all.extend(rules));
}
