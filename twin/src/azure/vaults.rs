//! Key vaults as ARM knows them: names of secrets, deletion and recovery.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::deletions;
use super::error::AzureError;
use super::groups;
use super::http::Reply;
use super::resources;
use super::routes::{Answer, Call, Route};
use super::state::{DeletedVault, Resource, State, key};
use super::subscription::SUBSCRIPTION;
use crate::claims::Sure;

/// Type of a vault.
pub const VAULT: &str = "Microsoft.KeyVault/vaults";
const SECRET: &str = "Microsoft.KeyVault/vaults/secrets";
const VERSIONS: &[&str] =
    &["2021-10-01", "2022-07-01", "2023-02-01", "2023-07-01", "2024-11-01", "2025-05-01", "2026-02-01"];
const ONE: &str =
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}";
const RETENTION: i64 = 90 * 24; // hours that a deleted vault is kept where it does not say

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm("GET", "/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults", VERSIONS, "Microsoft.KeyVault/deletedVaults/read", deleted_list)
        .known_from("recorded: azure-cli, GET of one deleted vault; the list's envelope from the REST reference", Sure::High),
    Route::arm("GET", "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{region}/deletedVaults/{vault}", VERSIONS, "Microsoft.KeyVault/locations/deletedVaults/read", deleted)
        .known_from("recorded: azure-cli and azure-service-operator, GET of a deleted vault", Sure::High),
    Route::arm("GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}/secrets", VERSIONS, "Microsoft.KeyVault/vaults/secrets/read", secrets)
        .known_from("Azure REST reference, key vault secrets/list: names and attributes, no values", Sure::Medium),
    Route::arm("PUT", ONE, VERSIONS, "Microsoft.KeyVault/vaults/write", put)
        .known_from("recorded: azure-cli, PUT of a vault; createMode recover: 200, Succeeded, old settings", Sure::High),
    Route::arm("DELETE", ONE, VERSIONS, "Microsoft.KeyVault/vaults/delete", delete)
        .known_from("recorded: azure-cli, DELETE of a vault: 200 without body", Sure::High),
];

fn id(group: &str, vault: &str) -> String {
    format!("{}/providers/{VAULT}/{vault}", groups::id(group))
}

fn deleted_body(found: &DeletedVault) -> Value {
    let vault = &found.vault;
    let name = vault.body["name"].as_str().unwrap_or_default();
    let region = vault.body["location"].as_str().unwrap_or_default();
    let days = vault.body["properties"]["softDeleteRetentionInDays"].as_i64();
    let kept = SignedDuration::from_hours(days.map_or(RETENTION, |days| days * 24));
    let mut body = json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/{region}/deletedVaults/{name}"),
        "name": name, "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": vault.id, "location": region, "tags": vault.body.get("tags").cloned().unwrap_or_else(|| json!({})),
            "deletionDate": short(found.deleted), "scheduledPurgeDate": short(found.deleted + kept),
        },
    });
    if vault.body["properties"]["enablePurgeProtection"] == true {
        body["properties"]["purgeProtectionEnabled"] = json!(true);
    }
    body
}

fn short(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn deleted_list(call: &Call<'_>) -> Answer {
    let list: Vec<Value> = call.azure.state().deleted_vaults.values().map(deleted_body).collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn deleted(call: &Call<'_>) -> Answer {
    let (name, region) = (call.capture("vault"), call.capture("region"));
    let state = call.azure.state();
    let found = state.deleted_vaults.get(&name.to_ascii_lowercase());
    let found = found
        .filter(|one| one.vault.body["location"].as_str().is_some_and(|at| at.eq_ignore_ascii_case(region)));
    match found {
        Some(found) => Ok(Reply::json(200, &deleted_body(found))),
        None => {
            let message = format!("The specified deleted vault '{name}' does not exist.");
            Err(AzureError::new(404, "DeletedVaultNotFound", message))
        }
    }
}

fn secrets(call: &Call<'_>) -> Answer {
    let vault_id = id(call.capture("group"), call.capture("vault"));
    let state = call.azure.state();
    let vault = state.resource(&vault_id).ok_or_else(|| resources::missing(&vault_id))?;
    let name = vault.body["name"].as_str().unwrap_or_default();
    let known = state.secrets.get(&name.to_ascii_lowercase());
    let list: Vec<Value> = known
        .into_iter()
        .flatten()
        .filter_map(|(_, versions)| {
            let newest = versions.last()?;
            let secret = &newest.name;
            let uri = format!("https://{name}.vault.azure.net/secrets/{secret}");
            Some(json!({
                "id": format!("{}/secrets/{secret}", vault.id), "name": secret, "type": "Microsoft.KeyVault/vaults/secrets",
                "location": vault.body["location"],
                "properties": {
                    "attributes": {"enabled": true, "created": newest.created, "updated": newest.created},
                    "secretUri": uri, "secretUriWithVersion": format!("{uri}/{}", newest.version),
                },
            }))
        })
        .collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn put(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    match body["properties"]["createMode"].as_str() {
        Some(mode) if mode.eq_ignore_ascii_case("recover") => recover(call),
        _ => resources::write(call, body),
    }
}

fn recover(call: &Call<'_>) -> Answer {
    let name = call.capture("vault").to_ascii_lowercase();
    let wanted = id(call.capture("group"), call.capture("vault"));
    let mut state = call.azure.state();
    groups::find(&state, call.capture("group"))?;
    let known = state.deleted_vaults.get(&name).filter(|one| key(&one.vault.id) == key(&wanted));
    if known.is_none() {
        let message = format!(
            "A vault with name '{name}' was not found in deleted state in this resource group and cannot be recovered."
        );
        return Err(AzureError::new(404, "DeletedVaultNotFound", message));
    }
    let Some(found) = state.deleted_vaults.remove(&name) else { return Err(resources::missing(&wanted)) };
    let reply = Reply::json(200, &found.vault.body);
    state.secrets.insert(name, found.secrets);
    state.resources.extend(found.parts.into_iter().map(|part| (key(&part.id), part)));
    state.resources.insert(key(&found.vault.id), found.vault);
    Ok(reply)
}

fn delete(call: &Call<'_>) -> Answer {
    let vault = id(call.capture("group"), call.capture("vault"));
    groups::find(&call.azure.state(), call.capture("group"))?;
    deletions::delete(call, &vault)
}

/// Remembers a vault that is about to go as soft-deleted; other resources are left alone.
pub fn keep_deleted(state: &mut State, id: &str) {
    let Some(mut vault) = state.resource(id).filter(|one| one.kind.eq_ignore_ascii_case(VAULT)).cloned()
    else {
        return;
    };
    // Private endpoints and roles do not come back with it.
    if let Some(properties) = vault.body["properties"].as_object_mut() {
        properties.remove("privateEndpointConnections");
        properties.insert("provisioningState".into(), json!("Succeeded"));
    }
    let name = vault.body["name"].as_str().unwrap_or_default().to_ascii_lowercase();
    let secrets = state.secrets.remove(&name).unwrap_or_default();
    let parts = state.resources_of(id, SECRET).cloned().collect();
    state.deleted_vaults.insert(name, DeletedVault { vault, parts, secrets, deleted: Timestamp::now() });
}

/// A vault as a scenario's deleted one was, in the form that a GET gave.
pub fn lost(name: &str, group: &str, region: &str) -> Resource {
    let id = id(group, name);
    let body = json!({
        "id": id, "name": name, "type": VAULT, "location": region, "tags": {},
        "properties": {
            "sku": {"family": "A", "name": "standard"}, "tenantId": super::tokens::TENANT, "accessPolicies": [],
            "enabledForDeployment": false, "enabledForTemplateDeployment": true, "enableSoftDelete": true,
            "softDeleteRetentionInDays": 7, "enableRbacAuthorization": true, "enablePurgeProtection": true,
            "vaultUri": format!("https://{name}.vault.azure.net/"), "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
        },
    });
    Resource { id, kind: VAULT.into(), api_version: "2026-02-01".into(), body, hidden: Value::Null }
}
