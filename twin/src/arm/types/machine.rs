//! Virtual machines.

use serde_json::{Map, Value, json};

use super::ask::{Ask, items, over};
use super::{Change, Changes, disk, identity, machine_offer, machine_profile};
use crate::azure::error::AzureError;

/// A virtual machine (shape recorded by azure-cli); ids, disks and addresses stay over rewrites.
pub fn machine(ask: &Ask) -> Changes {
    machine_profile::check(ask)?;
    machine_profile::unchanged(ask)?;
    let image = machine_offer::check(ask, 1)?;
    interfaces_free(ask)?;
    let (identity, principal) = identity::of_resource(ask, ask.at("/identity"))?;
    let (storage, disks) = storage(ask, image.as_deref());
    let mut properties = ask.properties(json!({}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("vmId".into(), ask.guid("/properties/vmId"));
    properties.insert("timeCreated".into(), ask.kept("/properties/timeCreated", || json!(ask.world.now())));
    properties.insert("storageProfile".into(), storage);
    let hidden = os_profile(ask, &mut properties);
    properties.remove("userData");
    let mut body = ask.resource(Value::Object(properties));
    if !identity.is_null() {
        body["identity"] = identity;
    }
    body["etag"] = json!(next_etag(ask));
    let mut changes = vec![Change::Resource { id: ask.put.id.clone(), body, hidden }];
    changes.extend(principal);
    changes.extend(disks);
    changes.extend(attached(ask));
    Ok(changes)
}

/// A machine with the tags, identity and patch settings of a PATCH.
pub fn patch(ask: &Ask) -> Changes {
    let mut body = ask.old.clone();
    if !ask.body["tags"].is_null() {
        body["tags"] = ask.body["tags"].clone();
    }
    let linux = "/properties/osProfile/linuxConfiguration";
    if let Some(profile) = body.pointer_mut(linux) {
        let settings = over(profile["patchSettings"].take(), ask.at(&format!("{linux}/patchSettings")));
        profile["patchSettings"] = Value::Object(settings);
    }
    let mut changes = Vec::new();
    if !ask.body["identity"].is_null() {
        let (identity, principal) = identity::of_resource(ask, &merged_identity(ask))?;
        body["identity"] = identity;
        changes.extend(principal);
    }
    body["etag"] = json!(next_etag(ask));
    changes.insert(0, Change::own(ask, super::shape::without_nulls(&body)));
    Ok(changes)
}

/// User-assigned identities stay when the type names them, but for those that are null; else all of them go.
fn merged_identity(ask: &Ask) -> Value {
    let given = ask.put.body["identity"]["userAssignedIdentities"].as_object();
    let mut users = over(ask.old["identity"]["userAssignedIdentities"].clone(), &json!(given));
    users.retain(|_, user| !user.is_null());
    json!({"type": ask.text("/identity/type"), "userAssignedIdentities": users})
}

/// Compute counts its entity tags.
pub fn next_etag(ask: &Ask) -> String {
    let old = ask.old["etag"].as_str().unwrap_or_default();
    let count: u64 = old.trim_matches('"').parse().unwrap_or(0);
    format!("\"{}\"", count + 1)
}

/// Completes `osProfile` and takes the write-only parts out; those that a rewrite leaves out stay.
fn os_profile(ask: &Ask, properties: &mut Map<String, Value>) -> Value {
    let mut hidden = match ask.world.hidden(&ask.put.id) {
        Value::Object(hidden) => hidden,
        _ => Map::new(),
    };
    let Some(profile) = properties.get_mut("osProfile") else { return Value::Object(hidden) };
    for secret in ["customData", "adminPassword"] {
        if let Some(value) = profile.as_object_mut().and_then(|profile| profile.remove(secret)) {
            hidden.insert(secret.into(), value);
        }
    }
    let linux = json!({
        "disablePasswordAuthentication": false, "provisionVMAgent": true,
        "patchSettings": {"patchMode": "ImageDefault", "assessmentMode": "ImageDefault"},
    });
    profile["linuxConfiguration"] = Value::Object(over(linux, &profile["linuxConfiguration"]));
    let more = json!({"secrets": [], "allowExtensionOperations": true, "requireGuestProvisionSignal": true});
    *profile = Value::Object(over(more, profile));
    Value::Object(hidden)
}

/// `NicInUse`: text reported in cloudfoundry/docs-bosh pull request 155.
fn interfaces_free(ask: &Ask) -> Result<(), AzureError> {
    for interface in items(ask.at("/properties/networkProfile/networkInterfaces")) {
        let id = interface["id"].as_str().unwrap_or_default();
        let body = ask.world.resource(id).unwrap_or(Value::Null);
        let user = body["properties"]["virtualMachine"]["id"].as_str();
        let user = user.or(body["properties"]["privateEndpoint"]["id"].as_str());
        if let Some(user) = user.filter(|user| !user.eq_ignore_ascii_case(&ask.put.id)) {
            let message = format!("Network Interface {id} is used by existing VM {user}.");
            return Err(AzureError::new(400, "NicInUse", message));
        }
    }
    Ok(())
}

/// The network interfaces learn which machine has them.
fn attached(ask: &Ask) -> Vec<Change> {
    let interfaces = items(ask.at("/properties/networkProfile/networkInterfaces"));
    let attach = |(at, interface): (usize, &Value)| {
        let id = interface["id"].as_str()?;
        let mut body = ask.world.resource(id)?;
        body["properties"]["virtualMachine"] = json!({"id": ask.put.id});
        body["properties"]["primary"] =
            interface["properties"]["primary"].as_bool().map_or(json!(at == 0), |primary| json!(primary));
        if body["properties"]["macAddress"].is_null() {
            let id = ask.world.new_uuid();
            let bytes: Vec<String> = id.as_bytes()[..3].iter().map(|byte| format!("{byte:02X}")).collect();
            body["properties"]["macAddress"] = json!(format!("00-0D-3A-{}", bytes.join("-")));
        }
        Some(Change::other(ask, id, body))
    };
    interfaces.iter().enumerate().filter_map(attach).collect()
}

/// The storage profile with its disks, which become resources of their own.
fn storage(ask: &Ask, exact_version: Option<&str>) -> (Value, Vec<Change>) {
    let mut changes = Vec::new();
    let mut profile = ask.at("/properties/storageProfile").clone();
    if let Some(version) = exact_version {
        profile["imageReference"]["exactVersion"] = json!(version);
    }
    let base = json!({"osType": "Linux", "deleteOption": "Detach", "diskSizeGB": 64});
    let mut os = Value::Object(over(base, &profile["osDisk"]));
    let name = disk_name(ask, &os, "/properties/storageProfile/osDisk/name", "OsDisk_1");
    let from = json!({"createOption": "FromImage", "imageReference": {"id": image_id(ask)}});
    let (managed, change) = disk::of_machine(ask, &name, &os, from);
    os["name"] = json!(name);
    os["managedDisk"] = managed;
    changes.push(change);
    profile["osDisk"] = os;
    let mut disks = Vec::new();
    for (at, data) in items(&profile["dataDisks"]).iter().enumerate() {
        let base = json!({"caching": "None", "deleteOption": "Detach", "toBeDetached": false});
        let mut data = Value::Object(over(base, data));
        let kept = format!("/properties/storageProfile/dataDisks/{at}/name");
        let name = disk_name(ask, &data, &kept, &format!("disk{}", at + 2));
        let from = json!({"createOption": data["createOption"], "lun": data["lun"]});
        let (managed, change) = disk::of_machine(ask, &name, &data, from);
        data["name"] = json!(name);
        data["managedDisk"] = managed;
        changes.push(change);
        disks.push(data);
    }
    profile["dataDisks"] = json!(disks);
    let profile = over(json!({"diskControllerType": "SCSI"}), &profile);
    (Value::Object(profile), changes)
}

fn disk_name(ask: &Ask, part: &Value, kept: &str, word: &str) -> String {
    let made = || json!(format!("{}_{word}_{}", ask.id.last_name(), ask.world.new_uuid().simple()));
    let name = part["name"].as_str().map_or_else(|| ask.kept(kept, made), |name| json!(name));
    name.as_str().unwrap_or_default().to_owned()
}

fn image_id(ask: &Ask) -> String {
    let part = |name: &str| ask.text(&format!("/properties/storageProfile/imageReference/{name}")).to_owned();
    format!(
        "/Subscriptions/{}/Providers/Microsoft.Compute/Locations/{}/Publishers/{}/ArtifactTypes/VMImage/Offers/{}/Skus/{}/Versions/{}",
        ask.subscription(),
        ask.location(),
        part("publisher"),
        part("offer"),
        part("sku"),
        part("version")
    )
}
