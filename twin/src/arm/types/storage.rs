//! Storage accounts and blob containers.

use serde_json::{Value, json};

use super::ask::Ask;
use super::{Change, Changes};
use crate::azure::error::AzureError;

const ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";

/// A storage account (shape recorded by azure-cli); its blob service comes with it.
pub fn account(ask: &Ask) -> Changes {
    named(ask)?;
    unchanged(ask)?;
    let name = ask.id.last_name();
    let now = || json!(ask.world.now());
    let mut properties = ask.properties(json!({
        "minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": false, "supportsHttpsTrafficOnly": true, "accessTier": "Hot",
        "networkAcls": {"bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [], "defaultAction": "Allow"},
    }));
    for list in ["virtualNetworkRules", "ipRules"] {
        if properties["networkAcls"][list].is_null() {
            properties["networkAcls"][list] = json!([]);
        }
    }
    let service = json!({"keyType": "Account", "enabled": true, "lastEnabledTime": ask.kept("/properties/creationTime", now)});
    let endpoint = |service: &str| format!("https://{name}.{service}.core.windows.net/");
    let read_only = json!({
        "keyCreationTime": ask.kept("/properties/keyCreationTime", || json!({"key1": ask.world.now(), "key2": ask.world.now()})),
        "privateEndpointConnections": ask.kept("/properties/privateEndpointConnections", || json!([])),
        "encryption": {"services": {"file": service, "blob": service}, "keySource": "Microsoft.Storage"},
        "provisioningState": "Succeeded",
        "creationTime": ask.kept("/properties/creationTime", now),
        "primaryEndpoints": {
            "dfs": endpoint("dfs"), "web": endpoint("z13.web"), "blob": endpoint("blob"), "queue": endpoint("queue"),
            "table": endpoint("table"), "file": endpoint("file"),
        },
        "primaryLocation": ask.location(),
        "statusOfPrimary": "available",
    });
    properties.extend(read_only.as_object().cloned().unwrap_or_default());
    let mut body = ask.resource(Value::Object(properties));
    body["sku"]["tier"] = json!(ask.text("/sku/name").split('_').next());
    if body["tags"].is_null() {
        body["tags"] = json!({});
    }
    let default = format!("{}/blobServices/default", ask.put.id);
    let mut changes = vec![Change::own(ask, body)];
    if ask.world.resource(&default).is_none() {
        let service = json!({"id": default, "name": "default", "type": "Microsoft.Storage/storageAccounts/blobServices",
            "properties": {"deleteRetentionPolicy": {"allowPermanentDelete": false, "enabled": false}}});
        changes.push(Change::other(ask, &default, service));
    }
    Ok(changes)
}

/// Texts: hashicorp/terraform issue 11485 (taken); Azure REST reference, check-name-availability (in this subscription).
pub fn named(ask: &Ask) -> Result<(), AzureError> {
    let name = ask.id.last_name();
    if !ask.old.is_null() {
        return Ok(());
    }
    if ask.world.name_taken_elsewhere(ACCOUNTS, name) {
        let message = format!("The storage account named {name} is already taken.");
        return Err(AzureError::new(409, "StorageAccountAlreadyTaken", message));
    }
    let ours = ask.world.resources(ask.subscription(), ACCOUNTS);
    if ours.iter().any(|account| account["name"] == name) {
        let message = format!("The storage account named {name} already exists under the subscription.");
        return Err(AzureError::new(409, "StorageAccountInAnotherResourceGroup", message));
    }
    Ok(())
}

fn unchanged(ask: &Ask) -> Result<(), AzureError> {
    let old = &ask.old["properties"]["isHnsEnabled"];
    let new = ask.at("/properties/isHnsEnabled");
    if !ask.old.is_null()
        && !new.is_null()
        && old.as_bool().unwrap_or(false) != new.as_bool().unwrap_or(false)
    {
        let message = "The property 'isHnsEnabled' was specified in the input, but it cannot be updated as it is read-only.";
        return Err(AzureError::new(400, "PropertyCannotBeUpdated", message));
    }
    Ok(())
}

/// The blob service of an account.
pub fn blob_service(ask: &Ask) -> Changes {
    if ask.world.resource(&ask.id.parent().map(|id| id.full).unwrap_or_default()).is_none() {
        return Err(super::general::parent_not_found(ask));
    }
    Ok(vec![Change::own(ask, ask.resource(Value::Object(ask.properties(json!({})))))])
}

/// A blob container.
pub fn container(ask: &Ask) -> Changes {
    let service = ask.id.parent();
    let account =
        service.as_ref().and_then(|service| service.parent()).and_then(|id| ask.world.resource(&id.full));
    let Some(account) = account else { return Err(super::general::parent_not_found(ask)) };
    let access = ask.text("/properties/publicAccess");
    if !["", "None"].contains(&access) && account["properties"]["allowBlobPublicAccess"] != true {
        let message = "Public access is not permitted on this storage account.";
        return Err(AzureError::new(409, "PublicAccessNotPermitted", message));
    }
    let mut properties = ask.properties(json!({"publicAccess": "None"}));
    let read_only = json!({
        "deleted": false, "remainingRetentionDays": 0, "defaultEncryptionScope": "$account-encryption-key",
        "denyEncryptionScopeOverride": false, "leaseStatus": "Unlocked", "leaseState": "Available",
        "lastModifiedTime": ask.world.now(), "hasImmutabilityPolicy": false, "hasLegalHold": false,
    });
    properties.extend(read_only.as_object().cloned().unwrap_or_default());
    let mut body = ask.resource(Value::Object(properties));
    body["etag"] = json!(format!("\"{}\"", ask.world.new_uuid().simple()));
    Ok(vec![Change::own(ask, body)])
}
