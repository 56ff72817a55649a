//! Key vaults, and secrets written through Azure Resource Manager.

use serde_json::{Value, json};

use super::ask::{Ask, region};
use super::{Change, Changes};
use crate::arm::World;
use crate::azure::error::AzureError;

const VAULTS: &str = "Microsoft.KeyVault/vaults";

/// A key vault.
pub fn vault(ask: &Ask) -> Changes {
    named(ask)?;
    protected(ask)?;
    let days = ask.at("/properties/softDeleteRetentionInDays").as_i64().unwrap_or(90);
    if !(7..=90).contains(&days) {
        return Err(bad_request(&format!(
            "The property \"softDeleteRetentionInDays\" must be between 7 and 90 (the value is {days})."
        )));
    }
    let mut properties = ask.properties(json!({
        "accessPolicies": [], "enabledForDeployment": false, "enableSoftDelete": true, "softDeleteRetentionInDays": 90,
        "publicNetworkAccess": "Enabled",
    }));
    properties.remove("createMode");
    for kept in ["privateEndpointConnections", "enablePurgeProtection"] {
        if let Some(value) = ask.old["properties"].get(kept) {
            properties.insert(kept.into(), value.clone());
        }
    }
    let host = ask.id.last_name().to_ascii_lowercase();
    properties.insert("vaultUri".into(), json!(format!("https://{host}.vault.azure.net/")));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    let mut body = ask.resource(Value::Object(properties));
    if body["tags"].is_null() {
        body["tags"] = json!({});
    }
    body["systemData"] = system_data(ask);
    Ok(vec![Change::own(ask, body)])
}

/// Who made and who changed a resource.
pub fn system_data(ask: &Ask) -> Value {
    let caller = ask.world.caller_id();
    let kind = ask.world.principal(&caller).map_or("User", |kind| match kind.as_str() {
        "ServicePrincipal" => "Application",
        other => other,
    });
    let now = ask.world.now();
    json!({
        "createdBy": ask.kept("/systemData/createdBy", || json!(caller)),
        "createdByType": ask.kept("/systemData/createdByType", || json!(kind)),
        "createdAt": ask.kept("/systemData/createdAt", || json!(now)),
        "lastModifiedBy": caller, "lastModifiedByType": kind, "lastModifiedAt": now,
    })
}

fn bad_request(message: &str) -> AzureError {
    AzureError::new(400, "BadRequest", message)
}

/// The name is free in all of Azure: no other vault has it, and none that is deleted but recoverable.
pub fn named(ask: &Ask) -> Result<(), AzureError> {
    let name = ask.id.last_name();
    let recover = ask.text("/properties/createMode").eq_ignore_ascii_case("recover");
    let deleted = ask.world.deleted_vault(name);
    if ask.old.is_null() && deleted.is_some() && !recover {
        let message = "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.";
        return Err(AzureError::new(409, "ConflictError", message));
    }
    if ask.old.is_null() && taken(ask.world, ask, name) {
        let message = format!(
            "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information on soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740."
        );
        return Err(AzureError::new(409, "VaultAlreadyExists", message));
    }
    if let Some(deleted) = deleted.filter(|_| recover)
        && region(deleted["location"].as_str().unwrap_or_default()) != ask.location()
    {
        return Err(bad_request("A deleted vault can only be recovered in the location it was in."));
    }
    Ok(())
}

fn taken(world: &dyn World, ask: &Ask, name: &str) -> bool {
    let ours = world.resources(ask.subscription(), VAULTS);
    let same = |vault: &Value| vault["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(name));
    world.name_taken_elsewhere(VAULTS, name) || ours.iter().any(same)
}

/// Recorded in Azure/azure-cli issue 29115 and Azure/azure-rest-api-specs.
fn protected(ask: &Ask) -> Result<(), AzureError> {
    if ask.at("/properties/enablePurgeProtection") == false {
        return Err(bad_request(
            "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.",
        ));
    }
    if ask.at("/properties/enableSoftDelete") == false {
        return Err(bad_request(
            "The property \"enableSoftDelete\" can be set to false only for creating new vault. Enabling the 'soft delete' functionality is an irreversible action.",
        ));
    }
    let old = &ask.old["properties"]["softDeleteRetentionInDays"];
    let new = ask.at("/properties/softDeleteRetentionInDays");
    if !old.is_null() && !new.is_null() && old != new {
        return Err(bad_request(
            "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.",
        ));
    }
    if ask.text("/properties/tenantId") != ask.world.tenant_id() {
        return Err(bad_request(
            "The tenant ID in the request does not match the tenant of the subscription.",
        ));
    }
    Ok(())
}

/// A secret; its value goes to the data plane and never into a reply.
pub fn secret(ask: &Ask) -> Changes {
    let parent = ask.id.parent().map(|id| id.full).unwrap_or_default();
    let Some(vault) = ask.world.resource(&parent) else { return Err(super::general::parent_not_found(ask)) };
    let version = ask.world.new_uuid().simple().to_string();
    let host = vault["properties"]["vaultUri"].as_str().unwrap_or_default();
    let uri = format!("{host}secrets/{}", ask.id.last_name());
    let mut properties = ask.properties(json!({"attributes": {"enabled": true}}));
    let value =
        properties.remove("value").and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    properties.insert("secretUri".into(), json!(uri));
    properties.insert("secretUriWithVersion".into(), json!(format!("{uri}/{version}")));
    let mut body = ask.resource(Value::Object(properties));
    body["location"] = vault["location"].clone();
    let written = Change::Secret { vault: parent, name: ask.id.last_name().to_owned(), version, value };
    Ok(vec![Change::own(ask, body), written])
}
