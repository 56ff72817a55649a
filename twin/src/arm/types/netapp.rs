//! Azure NetApp Files: accounts and capacity pools. Volumes are in `volume`.
//!
//! Sentences: learn.microsoft.com, azure-netapp-files-troubleshoot-resource-provider-errors. Shapes: recorded by
//! azure-cli (`az netappfiles`).

use serde_json::{Value, json};

use super::ask::{Ask, region};
use super::{Change, Changes, general, volume};
use crate::azure::error::AzureError;

/// Bytes of a TiB, in which pools are bought.
pub const TIB: i64 = 1 << 40;
const LARGEST_POOL: i64 = 2048 * TIB;

/// A refusal of the service, with its own code where it is known.
pub fn refusal(code: &str, message: impl Into<String>) -> AzureError {
    AzureError::new(400, code, message)
}

/// A value that the service does not take.
pub fn invalid(name: &str, value: impl std::fmt::Display) -> AzureError {
    refusal("BadRequest", format!("An invalid value '{value}' was received for {name}."))
}

/// A property that cannot change after the resource was made.
pub fn fixed(name: &str) -> AzureError {
    refusal("BadRequest", format!("{name} cannot be changed."))
}

/// Throughput in MiB/s that a TiB of each service level brings (learn.microsoft.com,
/// azure-netapp-files-service-levels).
pub fn mibps_per_tib(service_level: &str) -> i64 {
    match service_level {
        "Ultra" => 128,
        "Premium" => 64,
        _ => 16,
    }
}

/// The resource with the whole path as its name, and an entity tag made of the time.
pub fn completed(ask: &Ask, properties: Value) -> Value {
    let mut body = ask.resource(properties);
    body["name"] = json!(ask.id.name);
    let time = ask.world.now().replace(':', "%3A");
    body["etag"] = json!(format!("W/\"datetime'{time}'\""));
    body
}

/// The parent, which must be there and in the region of the resource.
pub fn parent(ask: &Ask, what: &str) -> Result<Value, AzureError> {
    let parent = ask.id.parent().and_then(|id| ask.world.resource(&id.full));
    let parent = parent.ok_or_else(|| general::parent_not_found(ask))?;
    if region(parent["location"].as_str().unwrap_or_default()) != ask.location() {
        let message = format!("The property: Location for {what} must be the same as its parent's.");
        return Err(refusal("BadRequest", message));
    }
    Ok(parent)
}

/// A NetApp account.
pub fn account(ask: &Ask) -> Changes {
    let properties = ask.properties(json!({"encryption": {"keySource": "Microsoft.NetApp"}}));
    let mut properties = Value::Object(properties);
    properties["provisioningState"] = json!("Succeeded");
    Ok(vec![Change::own(ask, completed(ask, properties))])
}

/// A capacity pool.
pub fn pool(ask: &Ask) -> Changes {
    parent(ask, "CapacityPool")?;
    let size = ask.at("/properties/size").as_i64().unwrap_or_default();
    if !(TIB..=LARGEST_POOL).contains(&size) || size % TIB != 0 {
        return Err(invalid("Size", size));
    }
    let level = ask.text("/properties/serviceLevel");
    let quotas = volume::quotas(ask, &ask.put.id);
    if quotas.iter().sum::<i64>() > size {
        return Err(volume::too_small());
    }
    let old = ask.old["properties"]["serviceLevel"].as_str().unwrap_or(level);
    if old != level && !quotas.is_empty() {
        return Err(fixed("ServiceLevel"));
    }
    let mut properties =
        ask.properties(json!({"qosType": "Auto", "coolAccess": false, "encryptionType": "Single"}));
    let throughput = size / TIB * mibps_per_tib(level);
    properties.insert("poolId".into(), ask.guid("/properties/poolId"));
    properties.insert("totalThroughputMibps".into(), json!(throughput));
    properties.insert(
        "utilizedThroughputMibps".into(),
        ask.kept("/properties/utilizedThroughputMibps", || json!(0)),
    );
    properties.insert("provisioningState".into(), json!("Succeeded"));
    Ok(vec![Change::own(ask, completed(ask, Value::Object(properties)))])
}
