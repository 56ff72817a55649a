//! Managed disks.

use serde_json::{Value, json};

use super::ask::Ask;
use super::{Change, Changes};
use crate::azure::error::AzureError;

/// Type of a disk.
pub const DISKS: &str = "Microsoft.Compute/disks";

/// A disk by itself.
pub fn disk(ask: &Ask) -> Changes {
    if ask.at("/properties/diskSizeGB").is_null()
        && ask.text("/properties/creationData/createOption") == "Empty"
    {
        let message = "Required parameter 'disk.diskSizeGB' is missing (null).";
        return Err(AzureError::new(400, "InvalidParameter", message).target("disk.diskSizeGB"));
    }
    let mut properties = ask.properties(json!({"diskState": "Unattached"}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("timeCreated".into(), ask.kept("/properties/timeCreated", || json!(ask.world.now())));
    properties.insert("uniqueId".into(), ask.guid("/properties/uniqueId"));
    Ok(vec![Change::own(ask, ask.resource(Value::Object(properties)))])
}

/// A disk that a VM brings with it.
pub fn of_machine(ask: &Ask, name: &str, part: &Value, from: Value) -> (Value, Change) {
    let id = format!("{}/providers/{DISKS}/{name}", ask.id.scope);
    let old = ask.world.resource(&id).unwrap_or(Value::Null);
    let kept = |pointer: &str, new: Value| old.pointer(pointer).cloned().unwrap_or(new);
    let size = part["diskSizeGB"].as_i64().unwrap_or(if from["lun"].is_null() { 64 } else { 128 });
    let sku = part["managedDisk"]["storageAccountType"].as_str().unwrap_or("Premium_LRS");
    let properties = json!({
        "creationData": from, "diskSizeGB": size, "diskState": "Attached", "provisioningState": "Succeeded",
        "timeCreated": kept("/properties/timeCreated", json!(ask.world.now())),
        "uniqueId": kept("/properties/uniqueId", json!(ask.world.new_uuid().to_string())),
    });
    let mut body = json!({"name": name, "id": id, "type": DISKS, "location": ask.location(), "managedBy": ask.put.id,
        "sku": {"name": sku, "tier": sku.split('_').next()}, "properties": properties});
    for member in ["tags", "zones"] {
        if !ask.body[member].is_null() {
            body[member] = ask.body[member].clone();
        }
    }
    let reference = json!({"storageAccountType": sku, "id": id});
    let change = Change::other(ask, &id, body);
    (reference, change)
}
