//! What Compute demands of a machine's `osProfile`, and what cannot change afterwards.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::ask::{Ask, items};
use crate::azure::error::AzureError;

/// User names that Compute does not take (learn.microsoft.com, virtual-machines/linux/faq).
const RESERVED: &[&str] = &[
    "1",
    "123",
    "a",
    "actuser",
    "adm",
    "admin",
    "admin1",
    "admin2",
    "administrator",
    "aspnet",
    "backup",
    "console",
    "david",
    "guest",
    "john",
    "owner",
    "root",
    "server",
    "sql",
    "support_388945a0",
    "support",
    "sys",
    "test",
    "test1",
    "test2",
    "test3",
    "user",
    "user1",
    "user2",
    "user3",
    "user4",
    "user5",
    "video",
];

fn invalid(name: &str, message: impl Into<String>) -> Result<(), AzureError> {
    Err(AzureError::new(400, "InvalidParameter", message).target(name))
}

/// Refuses a profile that no machine can be made with.
pub fn check(ask: &Ask) -> Result<(), AzureError> {
    let profile = ask.at("/properties/osProfile");
    if profile.is_null() {
        return invalid("osProfile", "Required parameter 'osProfile' is missing (null).");
    }
    let user = profile["adminUsername"].as_str().unwrap_or_default();
    if RESERVED.iter().any(|one| one.eq_ignore_ascii_case(user)) {
        return invalid("adminUsername", "The Admin Username specified is not allowed.");
    }
    if let Some(data) = profile["customData"].as_str()
        && (STANDARD.decode(data).is_err() || data.len() > 87_380)
    {
        let message = "Custom data in OSProfile must be in Base64 encoding and with a maximum length of 87380 characters.";
        return invalid("customData", message);
    }
    authentication(&profile["linuxConfiguration"], profile, user)
}

fn authentication(linux: &Value, profile: &Value, user: &str) -> Result<(), AzureError> {
    let keys = items(&linux["ssh"]["publicKeys"]);
    let passwords = linux["disablePasswordAuthentication"] != true;
    if keys.is_empty() && (!passwords || profile["adminPassword"].is_null()) {
        let message =
            "Authentication using either SSH or by user name and password must be enabled in Linux profile.";
        return invalid("linuxConfiguration", message);
    }
    let home = format!("/home/{user}/.ssh/authorized_keys");
    for key in keys {
        if key["path"] != home.as_str() {
            let message = format!(
                "Destination path for SSH public keys is currently limited to its default value {home}  due to a known issue in Linux provisioning agent."
            );
            return invalid("linuxConfiguration.ssh.publicKeys.path", message);
        }
        if !is_public_key(key["keyData"].as_str().unwrap_or_default()) {
            let name = "linuxConfiguration.ssh.publicKeys.keyData";
            return invalid(name, format!("The value of parameter {name} is invalid."));
        }
    }
    Ok(())
}

fn is_public_key(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let kind = words.next().is_some_and(|kind| kind == "ssh-rsa" || kind == "ssh-ed25519");
    kind && words.next().is_some_and(|data| STANDARD.decode(data).is_ok())
}

/// Refuses changes of what is fixed when a machine is made (recorded: Azure/aks-engine `PropertyChangeNotAllowed`).
pub fn unchanged(ask: &Ask) -> Result<(), AzureError> {
    if ask.old.is_null() {
        return Ok(());
    }
    for (pointer, name) in [
        ("/zones", "zones"),
        ("/plan", "plan"),
        ("/properties/osProfile/computerName", "osProfile.computerName"),
        ("/properties/osProfile/adminUsername", "osProfile.adminUsername"),
        (
            "/properties/osProfile/linuxConfiguration/disablePasswordAuthentication",
            "linuxConfiguration.disablePasswordAuthentication",
        ),
        ("/properties/osProfile/linuxConfiguration/ssh/publicKeys", "linuxConfiguration.ssh.publicKeys"),
        ("/properties/storageProfile/osDisk/name", "osDisk.name"),
        ("/properties/storageProfile/osDisk/createOption", "osDisk.createOption"),
        ("/properties/storageProfile/imageReference/publisher", "imageReference"),
        ("/properties/storageProfile/imageReference/offer", "imageReference"),
        ("/properties/storageProfile/imageReference/sku", "imageReference"),
        ("/properties/storageProfile/imageReference/version", "imageReference"),
    ] {
        let (old, new) = (ask.old.pointer(pointer).unwrap_or(&Value::Null), ask.at(pointer));
        let zone_added = name == "zones" && (old.is_null() != new.is_null());
        if zone_added || (!new.is_null() && old != new) {
            return changed(name);
        }
    }
    let hidden = ask.world.hidden(&ask.put.id);
    let custom = ask.at("/properties/osProfile/customData");
    if !custom.is_null() && hidden["customData"] != *custom {
        return changed("customData");
    }
    Ok(())
}

fn changed(name: &str) -> Result<(), AzureError> {
    let message = format!("Changing property '{name}' is not allowed.");
    Err(AzureError::new(409, "PropertyChangeNotAllowed", message).target(name))
}
