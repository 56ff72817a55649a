//! The instance metadata service, served to hosts on their bridge: who they are, and tokens of their identities.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::http::Reply;
use super::machines;
use super::routes::{Answer, Call, Route, Service, Versions};
use super::state::{Principal, Resource, State};
use super::subscription::SUBSCRIPTION;
use super::tokens::LIFETIME;
use crate::arm::types::items;
use crate::claims::Sure;

const TOKEN: Versions = Versions::Of(&["2018-02-01", "2019-08-01"]);
const EVENTS: Versions = Versions::Of(&["2019-08-01", "2020-07-01"]);
const INSTANCE: Versions = Versions::Of(&["2019-11-01", "2020-09-01", "2021-02-01"]);

/// Rows of this service.
pub const ROUTES: &[Route] = &[
    Route::of(Service::Metadata, "GET", "/metadata/identity/oauth2/token", token)
        .taking(TOKEN)
        .known_from("Azure docs, how-to-use-vm-token: request, reply, error codes", Sure::Medium),
    Route::of(Service::Metadata, "GET", "/metadata/instance", instance).taking(INSTANCE).known_from(
        "Azure docs, instance-metadata-service: fields of compute that CycleCloud reads",
        Sure::Medium,
    ),
    Route::of(Service::Metadata, "GET", "/metadata/instance/{*path}", part).taking(INSTANCE).known_from(
        "Azure docs, instance-metadata-service: a part as JSON, a leaf with format=text alone",
        Sure::Medium,
    ),
    Route::of(Service::Metadata, "GET", "/metadata/scheduledevents", events).taking(EVENTS).known_from(
        "Azure docs, linux/scheduled-events: the end of machines of a scale set, for all of the set",
        Sure::Medium,
    ),
    Route::of(Service::Metadata, "POST", "/metadata/scheduledevents", approve)
        .taking(EVENTS)
        .known_from("Azure docs, linux/scheduled-events: StartRequests", Sure::Medium),
];

const NO_MACHINE: &str = "No VM has this address.";

fn refuse(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

/// The VM that asks, by the address of its primary network interface.
fn machine(state: &State, peer: IpAddr) -> Option<&Resource> {
    let mut all = state.resources.values().filter(|one| machines::is_machine(&one.kind));
    all.find(|one| machines::address(state, &one.body["properties"]).map(IpAddr::V4) == Some(peer))
}

fn asked_properly(call: &Call<'_>) -> Result<(), Reply> {
    let header = call.request.header("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if !header || call.request.header("x-forwarded-for").is_some() {
        return Err(refuse(400, "invalid_request", "Required metadata header not specified"));
    }
    Ok(())
}

fn token(call: &Call<'_>) -> Answer {
    Ok(identity_token(call).unwrap_or_else(|refused| refused))
}

fn identity_token(call: &Call<'_>) -> Result<Reply, Reply> {
    asked_properly(call)?;
    let Some(resource) = call.request.query("resource") else {
        return Err(refuse(400, "invalid_request", "Required query variable 'resource' is missing"));
    };
    let principal = {
        let state = call.azure.state();
        let machine = machine(&state, call.request.peer);
        let machine = machine.ok_or_else(|| refuse(400, "invalid_request", "Identity not found"))?;
        identity(call, &state, &machine.body["identity"])?
    };
    let token = call.azure.tokens().issue(&principal, resource, LIFETIME);
    let now = jiff::Timestamp::now().as_second();
    Ok(Reply::json(
        200,
        &json!({
            "access_token": token, "client_id": principal.app_id, "expires_in": LIFETIME.to_string(),
            "expires_on": (now + LIFETIME).to_string(), "ext_expires_in": LIFETIME.to_string(),
            "not_before": now.to_string(), "resource": resource, "token_type": "Bearer",
        }),
    ))
}

/// The identity that the request names, or the one there is.
fn identity(call: &Call<'_>, state: &State, attached: &Value) -> Result<Principal, Reply> {
    let not_found = || refuse(400, "invalid_request", "Identity not found");
    let users: Vec<(&String, &Value)> =
        attached["userAssignedIdentities"].as_object().into_iter().flatten().collect();
    let system = attached["principalId"].as_str();
    let query = |name: &str| call.request.query(name);
    let by_id = query("msi_res_id").or_else(|| query("mi_res_id"));
    let object_id = if let Some(id) = by_id {
        users
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(id))
            .and_then(|(_, one)| one["principalId"].as_str())
    } else if let Some(id) = query("client_id") {
        users.iter().find(|(_, one)| one["clientId"] == id).and_then(|(_, one)| one["principalId"].as_str())
    } else if let Some(id) = query("object_id") {
        Some(id).filter(|id| system == Some(*id) || users.iter().any(|(_, one)| one["principalId"] == *id))
    } else {
        match (system, users.as_slice()) {
            (Some(system), _) => Some(system),
            (None, [(_, only)]) => only["principalId"].as_str(),
            (None, []) => None,
            (None, _) => {
                let text = "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request";
                return Err(refuse(400, "invalid_request", text));
            }
        }
    };
    object_id.and_then(|id| state.principals.get(id)).cloned().ok_or_else(not_found)
}

/// Id of the scale set that a machine is in, or nothing.
fn set_of(machine: &str) -> &str {
    let set = machine.rsplit_once("/virtualMachines/").map_or("", |(set, _)| set);
    if set.contains("/virtualMachineScaleSets/") { set } else { "" }
}

fn instance(call: &Call<'_>) -> Answer {
    Ok(described(call).map_or_else(|refused| refused, |found| Reply::json(200, &found)))
}

/// A part of the description, for example `compute/vmSize` or `compute`.
fn part(call: &Call<'_>) -> Answer {
    let whole = match described(call) {
        Ok(whole) => whole,
        Err(refused) => return Ok(refused),
    };
    let found = whole.pointer(&format!("/{}", call.capture("path"))).cloned().unwrap_or_default();
    let as_text = call.request.query("format") == Some("text");
    Ok(match found {
        Value::Null => refuse(404, "not_found", "Not found"),
        Value::String(text) if as_text => {
            Reply::empty(200).header("content-type", "text/plain; charset=utf-8").with_body(text.into_bytes())
        }
        Value::String(_) => refuse(400, "bad_request", "A leaf is told with format=text alone."),
        _ if as_text => refuse(400, "bad_request", "The twin lists no names with format=text."),
        inner => Reply::json(200, &inner),
    })
}

fn events(call: &Call<'_>) -> Answer {
    Ok(own_set(call)
        .map_or_else(|refused| refused, |set| Reply::json(200, &call.azure.events.document(&set))))
}

fn approve(call: &Call<'_>) -> Answer {
    let set = match own_set(call) {
        Ok(set) => set,
        Err(refused) => return Ok(refused),
    };
    let body = call.request.json()?;
    let ids: Vec<&str> =
        items(&body["StartRequests"]).iter().filter_map(|request| request["EventId"].as_str()).collect();
    let known = !ids.is_empty() && ids.iter().all(|id| call.azure.events.approve(&set, id));
    Ok(if known { Reply::empty(200) } else { refuse(400, "bad_request", "The event is not known.") })
}

/// Id of the asking machine's scale set; of one that stands alone, nothing.
fn own_set(call: &Call<'_>) -> Result<String, Reply> {
    asked_properly(call)?;
    let state = call.azure.state();
    let machine = machine(&state, call.request.peer).ok_or_else(|| refuse(404, "not_found", NO_MACHINE))?;
    Ok(set_of(&machine.id).to_owned())
}

/// What the asking machine is.
fn described(call: &Call<'_>) -> Result<Value, Reply> {
    asked_properly(call)?;
    let state = call.azure.state();
    let machine = machine(&state, call.request.peer).ok_or_else(|| refuse(404, "not_found", NO_MACHINE))?;
    let body = &machine.body;
    let group = machine.id.split('/').nth(4).unwrap_or_default();
    let tags: Vec<(&String, &Value)> = body["tags"].as_object().into_iter().flatten().collect();
    let list: Vec<Value> = tags.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let line: Vec<String> =
        tags.iter().map(|(name, value)| format!("{name}:{}", value.as_str().unwrap_or_default())).collect();
    let image = &body["properties"]["storageProfile"]["imageReference"];
    let compute = json!({
        "azEnvironment": "AzurePublicCloud", "location": body["location"], "name": body["name"],
        "osType": "Linux", "provider": "Microsoft.Compute", "resourceGroupName": group, "resourceId": machine.id,
        "subscriptionId": SUBSCRIPTION, "tags": line.join(";"), "tagsList": list,
        "publisher": image["publisher"], "offer": image["offer"], "sku": image["sku"], "version": image["exactVersion"],
        "vmScaleSetName": set_of(&machine.id).rsplit('/').next(), "vmId": body["properties"]["vmId"],
        "vmSize": machines::size(body),
        "zone": body["zones"][0].as_str().unwrap_or_default(),
        "osProfile": {
            "adminUsername": body["properties"]["osProfile"]["adminUsername"],
            "computerName": body["properties"]["osProfile"]["computerName"],
        },
    });
    let address = call.request.peer.to_string();
    let network = json!({"interface": [{"ipv4": {"ipAddress": [{"privateIpAddress": address, "publicIpAddress": ""}]}}]});
    Ok(json!({"compute": compute, "network": network}))
}
