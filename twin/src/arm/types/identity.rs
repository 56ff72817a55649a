//! Managed identities.

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::{Change, Changes};
use crate::arm::world::PrincipalKind;
use crate::azure::error::AzureError;

/// A user-assigned identity (recorded by azure-cli): ids stay over rewrites.
pub fn user_assigned(ask: &Ask) -> Changes {
    let principal = ask.guid("/properties/principalId");
    let client = ask.guid("/properties/clientId");
    let mut properties = ask.properties(json!({}));
    properties.insert("tenantId".into(), json!(ask.world.tenant_id()));
    properties.insert("principalId".into(), principal.clone());
    properties.insert("clientId".into(), client.clone());
    let mut body = ask.resource(Value::Object(properties));
    if body["tags"].is_null() {
        body["tags"] = json!({});
    }
    let mut changes = vec![Change::own(ask, body)];
    if ask.old.is_null() {
        changes.push(Change::Principal {
            object_id: principal.as_str().unwrap_or_default().to_owned(),
            app_id: client.as_str().unwrap_or_default().to_owned(),
            name: ask.id.last_name().to_owned(),
        });
    }
    Ok(changes)
}

/// The identities of a resource as replies show them, and the principal of a new system-assigned one.
pub fn of_resource(ask: &Ask, asked: &Value) -> Result<(Value, Option<Change>), AzureError> {
    let kind = asked["type"].as_str().unwrap_or_default();
    if kind.is_empty() || kind == "None" {
        return Ok((Value::Null, None));
    }
    let mut shown = json!({ "type": kind });
    let mut principal = None;
    if kind.contains("SystemAssigned") {
        let id = ask.guid("/identity/principalId");
        shown["principalId"] = id.clone();
        shown["tenantId"] = json!(ask.world.tenant_id());
        let id = id.as_str().unwrap_or_default();
        if ask.world.principal(id) != Some(PrincipalKind::ServicePrincipal) {
            principal = Some(Change::Principal {
                object_id: id.to_owned(),
                app_id: ask.world.new_uuid().to_string(),
                name: ask.id.last_name().to_owned(),
            });
        }
    }
    if kind.contains("UserAssigned") {
        let mut assigned = Map::new();
        for id in asked["userAssignedIdentities"].as_object().into_iter().flat_map(Map::keys) {
            let Some(body) = ask.world.resource(id) else { return Err(no_identity(ask, id)) };
            let (principal, client) = (&body["properties"]["principalId"], &body["properties"]["clientId"]);
            assigned.insert(id.clone(), json!({"principalId": principal, "clientId": client}));
        }
        shown["userAssignedIdentities"] = Value::Object(assigned);
    }
    Ok((shown, principal))
}

fn no_identity(ask: &Ask, id: &str) -> AzureError {
    let inner =
        json!({"error": {"code": "BadRequest", "message": format!("Resource '{id}' was not found.")}});
    let message = format!(
        "Identity operation for resource '{}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{inner}'.'.",
        ask.put.id
    );
    AzureError::new(400, "FailedIdentityOperation", message)
}
