//! Scale sets in uniform orchestration, and the machines in them.

use serde_json::{Map, Value, json};

use super::ask::{Ask, over};
use super::{Change, Changes, Put, identity, machine, machine_offer, machine_profile, nic, rule_group};
use crate::azure::error::AzureError;

/// Type of a scale set's machines.
pub const INSTANCE: &str = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines";
/// Type of their network interfaces.
pub const INTERFACE: &str = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces";
const NOTICE: &str = "PT5M";
const MACHINE: &str = "Microsoft.Compute/virtualMachines";

/// A scale set; a higher capacity than before makes machines. Bodies: Azure REST reference, virtual-machine-scale-sets.
pub fn scale_set(ask: &Ask) -> Changes {
    let members = members(ask);
    let capacity = usize::try_from(ask.at("/sku/capacity").as_u64().unwrap_or_default()).unwrap_or_default();
    let Some(more) = capacity.checked_sub(members) else { return Err(lowered(ask)) };
    check_notice(ask)?;
    let mut hidden = hidden(ask);
    let first = hidden["nextInstance"].as_u64().unwrap_or_default();
    hidden["nextInstance"] = json!(first + more as u64);
    let (identity, _) = identity::of_resource(ask, ask.at("/identity"))?;
    let mut properties =
        ask.properties(json!({"orchestrationMode": "Uniform", "platformFaultDomainCount": 5}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("uniqueId".into(), ask.guid("/properties/uniqueId"));
    properties.insert("timeCreated".into(), ask.kept("/properties/timeCreated", || json!(ask.world.now())));
    if let Some(profile) = properties.get_mut("virtualMachineProfile").and_then(Value::as_object_mut)
        && let Some(os) = profile.get_mut("osProfile").and_then(Value::as_object_mut)
    {
        os.remove("customData");
    }
    let mut body = ask.resource(Value::Object(properties));
    if !identity.is_null() {
        body["identity"] = identity;
    }
    body["etag"] = json!(machine::next_etag(ask));
    let made = machines(ask, &body, &hidden, first, more)?;
    let mut changes = vec![Change::Resource { id: ask.put.id.clone(), body, hidden }];
    changes.extend(made);
    Ok(changes)
}

/// How many minutes the end of a set's machines waits for them to take note of it; `None` when they are not told.
pub fn notified(set: &Value) -> Option<u32> {
    let profile =
        &set["properties"]["virtualMachineProfile"]["scheduledEventsProfile"]["terminateNotificationProfile"];
    let minutes = rule_group::minutes(profile["notBeforeTimeout"].as_str().unwrap_or(NOTICE));
    minutes.filter(|_| profile["enable"] == true)
}

/// Azure gives machines 5 to 15 minutes (Azure docs, virtual-machine-scale-sets-terminate-notification).
fn check_notice(ask: &Ask) -> Result<(), AzureError> {
    let notice = ask.at("/properties/virtualMachineProfile/scheduledEventsProfile/terminateNotificationProfile/notBeforeTimeout");
    let Some(text) = notice.as_str() else { return Ok(()) };
    if rule_group::minutes(text).is_some_and(|minutes| (5..=15).contains(&minutes)) {
        return Ok(());
    }
    let message = format!("The value '{text}' of notBeforeTimeout is not between PT5M and PT15M.");
    Err(AzureError::new(400, "InvalidParameter", message).target("notBeforeTimeout"))
}

/// The machines of a scale set and their interfaces are not written by themselves.
pub fn made_by_set(ask: &Ask) -> Changes {
    let message = format!("'{}' is made by its scale set. The twin does not model writing it.", ask.put.id);
    Err(AzureError::new(409, "OperationNotAllowed", message))
}

fn lowered(ask: &Ask) -> AzureError {
    let message = format!(
        "The twin does not model a lower capacity of '{}': delete its machines by their instance ids.",
        ask.put.id
    );
    AzureError::new(409, "OperationNotAllowed", message)
}

/// How many machines the set has.
fn members(ask: &Ask) -> usize {
    let prefix = format!("{}/", ask.put.id.to_ascii_lowercase());
    let all = ask.world.resources(ask.subscription(), INSTANCE);
    let own =
        |one: &&Value| one["id"].as_str().is_some_and(|id| id.to_ascii_lowercase().starts_with(&prefix));
    all.iter().filter(own).count()
}

/// Write-only parts: `customData`, and the number of the next machine, for numbers are used once.
fn hidden(ask: &Ask) -> Value {
    let mut kept = match ask.world.hidden(&ask.put.id) {
        Value::Object(kept) => kept,
        _ => Map::new(),
    };
    if let Some(data) = ask.at("/properties/virtualMachineProfile/osProfile/customData").as_str() {
        kept.insert("customData".into(), json!(data));
    }
    Value::Object(kept)
}

/// `count` new machines with their interfaces, refused together when one of them would be.
fn machines(ask: &Ask, set: &Value, hidden: &Value, first: u64, count: usize) -> Changes {
    if count == 0 {
        return Ok(Vec::new());
    }
    let profile = ask.at("/properties/virtualMachineProfile");
    let configuration = &profile["networkProfile"]["networkInterfaceConfigurations"][0];
    let subnet = configuration["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"]
        .as_str()
        .unwrap_or_default();
    let addresses = nic::free_ones(ask, subnet, count)?;
    let put = as_machine(ask, first);
    let one = Ask::new(&put, MACHINE, ask.world).ok_or_else(|| lowered(ask))?;
    machine_profile::check(&one)?;
    let image = machine_offer::check(&one, u32::try_from(count).unwrap_or(u32::MAX))?;
    let mut changes = Vec::new();
    for (number, address) in (first..).zip(addresses) {
        let member = Member { ask, set, number, image: image.as_deref() };
        let (interface, reference) = member.interface(configuration, subnet, &address);
        let custom = json!({"customData": hidden["customData"]});
        changes.push(Change::Resource { id: member.id(), body: member.body(reference), hidden: custom });
        changes.push(interface);
    }
    Ok(changes)
}

/// The first new machine as if it were asked for by itself, for the rules of machines.
fn as_machine(ask: &Ask, number: u64) -> Put {
    let profile = ask.at("/properties/virtualMachineProfile");
    let body = json!({
        "location": ask.body["location"], "zones": ask.body["zones"],
        "properties": {
            "hardwareProfile": {"vmSize": ask.at("/sku/name")}, "storageProfile": profile["storageProfile"],
            "osProfile": profile["osProfile"],
        },
    });
    Put {
        id: format!("{}/virtualMachines/{number}", ask.put.id),
        api_version: ask.put.api_version.clone(),
        body,
    }
}

/// One machine of a set.
struct Member<'a> {
    ask: &'a Ask<'a>,
    set: &'a Value,
    number: u64,
    image: Option<&'a str>,
}

impl Member<'_> {
    fn id(&self) -> String {
        format!("{}/virtualMachines/{}", self.ask.put.id, self.number)
    }

    fn name(&self) -> String {
        format!("{}_{}", self.ask.id.last_name(), self.number)
    }

    /// Its interface, and the reference to it.
    fn interface(&self, configuration: &Value, subnet: &str, address: &str) -> (Change, Value) {
        let name = configuration["name"].as_str().unwrap_or_default();
        let id = format!("{}/networkInterfaces/{name}", self.id());
        let ip = json!({
            "name": configuration["properties"]["ipConfigurations"][0]["name"],
            "properties": {"provisioningState": "Succeeded", "privateIPAddress": address, "subnet": {"id": subnet},
                "privateIPAllocationMethod": "Dynamic", "primary": true, "privateIPAddressVersion": "IPv4"},
        });
        let body = json!({
            "name": name, "id": id, "type": INTERFACE, "location": self.ask.location(), "etag": self.ask.etag(),
            "properties": {"provisioningState": "Succeeded", "primary": true, "ipConfigurations": [ip],
                "virtualMachine": {"id": self.id()}},
        });
        let reference = json!({"id": id, "properties": {"primary": true}});
        (Change::Resource { id, body, hidden: Value::Null }, reference)
    }

    fn body(&self, interface: Value) -> Value {
        let profile = &self.set["properties"]["virtualMachineProfile"];
        let prefix = profile["osProfile"]["computerNamePrefix"].as_str().unwrap_or_default();
        let os = json!({"computerName": format!("{prefix}{}", base36(self.number)), "secrets": []});
        let mut os = over(os, &profile["osProfile"]);
        os.remove("computerNamePrefix");
        let mut storage = profile["storageProfile"].clone();
        if let Some(version) = self.image {
            storage["imageReference"]["exactVersion"] = json!(version);
        }
        let mut body = json!({
            "name": self.name(), "id": self.id(), "type": INSTANCE, "location": self.ask.location(),
            "instanceId": self.number.to_string(), "sku": {"name": self.set["sku"]["name"], "tier": "Standard"},
            "properties": {
                "provisioningState": "Succeeded", "vmId": self.ask.world.new_uuid().to_string(),
                "latestModelApplied": true, "timeCreated": self.ask.world.now(), "hardwareProfile": {},
                "osProfile": os, "storageProfile": storage, "networkProfile": {"networkInterfaces": [interface]},
            },
        });
        for member in ["tags", "zones", "identity"] {
            if !self.set[member].is_null() {
                body[member] = self.set[member].clone();
            }
        }
        body
    }
}

/// Six digits of base 36, as Azure numbers computer names (learn.microsoft.com, virtual-machine-scale-sets-instance-ids).
fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    for _ in 0..6 {
        let digit = u32::try_from(number % 36).ok().and_then(|digit| char::from_digit(digit, 36));
        digits.push(digit.unwrap_or('0').to_ascii_uppercase());
        number /= 36;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computer_names_end_in_six_digits() {
        assert_eq!(base36(0), "000000");
        assert_eq!(base36(36 * 36 + 35), "00010Z");
    }
}
