//! VM extensions. The twin keeps them; nothing is installed inside a host.

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::{Change, Changes};
use crate::azure::error::AzureError;

/// An extension of a VM (recorded by azure-cli).
pub fn extension(ask: &Ask) -> Changes {
    let machine = ask.id.parent().map(|id| id.full).unwrap_or_default();
    let Some(body) = ask.world.resource(&machine) else { return Err(super::general::parent_not_found(ask)) };
    offered(ask)?;
    taken_by_another(ask, &machine)?;
    if body["properties"]["osProfile"]["allowExtensionOperations"] == false {
        return Err(not_allowed(
            "This operation cannot be performed when extension operations are disallowed. To allow, please ensure VM Agent is installed on the VM and the osProfile.allowExtensionOperations property is true.",
        ));
    }
    if !ask.world.is_running(&machine) {
        return Err(not_allowed("Cannot modify extensions in the VM when the VM is not running."));
    }
    let mut properties = ask.properties(json!({"autoUpgradeMinorVersion": false}));
    let hidden: Map<String, Value> = properties.remove_entry("protectedSettings").into_iter().collect();
    properties.insert("provisioningState".into(), json!("Succeeded"));
    let body = ask.resource(Value::Object(properties));
    Ok(vec![Change::Resource { id: ask.put.id.clone(), body, hidden: Value::Object(hidden) }])
}

/// Codes and words: learn.microsoft.com, "Understand common error messages when you manage virtual machines in Azure".
fn not_allowed(message: &str) -> AzureError {
    AzureError::new(409, "OperationNotAllowed", message)
}

fn offered(ask: &Ask) -> Result<(), AzureError> {
    let text = |member: &str| ask.text(&format!("/properties/{member}"));
    let (publisher, kind, version) = (text("publisher"), text("type"), text("typeHandlerVersion"));
    let Some(versions) = ask.world.extension_versions(&ask.location(), publisher, kind) else {
        let message =
            format!("The VM extension with publisher '{publisher}' and type '{kind}' could not be found.");
        return Err(AzureError::new(404, "ArtifactNotFound", message));
    };
    if versions.iter().any(|one| one == version) {
        return Ok(());
    }
    let message = format!(
        "No version found in the artifact repository that satisfies the requested version '{version}' for VM extension with publisher '{publisher}' and type '{kind}'."
    );
    Err(AzureError::new(404, "ArtifactVersionNotFound", message))
}

/// A VM has one extension of a type, whatever it is called.
fn taken_by_another(ask: &Ask, machine: &str) -> Result<(), AzureError> {
    let same = |other: &Value| {
        let equal = |member: &str| {
            let pointer = format!("/properties/{member}");
            let of =
                |body: &Value| body.pointer(&pointer).and_then(Value::as_str).map(str::to_ascii_lowercase);
            of(other) == of(&ask.body)
        };
        let id = other["id"].as_str().unwrap_or_default();
        let here = id.to_ascii_lowercase().starts_with(&format!("{}/", machine.to_ascii_lowercase()));
        here && !id.eq_ignore_ascii_case(&ask.put.id) && equal("publisher") && equal("type")
    };
    if !ask.world.resources(ask.subscription(), ask.kind).iter().any(same) {
        return Ok(());
    }
    let message = format!(
        "Multiple VMExtensions per handler not supported for OS type 'Linux'. VMExtension '{}' with handler '{}.{}' already added or specified in input.",
        ask.id.last_name(),
        ask.text("/properties/publisher"),
        ask.text("/properties/type")
    );
    Err(AzureError::new(400, "BadRequest", message))
}
