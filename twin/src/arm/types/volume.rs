//! Volumes of Azure NetApp Files.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::ask::{Ask, items, over};
use super::netapp::{completed, fixed, invalid, mibps_per_tib, parent, refusal};
use super::nic::free;
use super::subnet::{SUBNETS, delegated_to, network_of, occupied, same_region};
use super::{Change, Changes};
use crate::arm::id::ResourceId;
use crate::arm::net::Cidr;
use crate::azure::error::AzureError;

/// Type of a volume.
pub const VOLUMES: &str = "Microsoft.NetApp/netAppAccounts/capacityPools/volumes";

const GIB: i64 = 1 << 30;
const SMALLEST: i64 = 50 * GIB;
const LARGEST: i64 = 100 * 1024 * GIB;
/// Service levels, lowest first.
const LEVELS: [&str; 3] = ["Standard", "Premium", "Ultra"];
const PROTOCOLS: [&str; 3] = ["NFSv3", "NFSv4.1", "CIFS"];

/// What volumes of a pool take of it in bytes, apart from the one that is written.
pub fn quotas(ask: &Ask, pool: &str) -> Vec<i64> {
    let prefix = format!("{}/", pool.to_ascii_lowercase());
    let all = ask.world.resources(ask.subscription(), VOLUMES);
    let id = |volume: &Value| volume["id"].as_str().unwrap_or_default().to_ascii_lowercase();
    let own = ask.put.id.to_ascii_lowercase();
    let others = all.iter().filter(|one| id(one).starts_with(&prefix) && id(one) != own);
    others.filter_map(|one| one["properties"]["usageThreshold"].as_i64()).collect()
}

/// The refusal of more than a pool has.
pub fn too_small() -> AzureError {
    refusal("PoolSizeTooSmall", "Pool size too small for total volume size.")
}

/// A volume; its address and ids stay over rewrites.
pub fn volume(ask: &Ask) -> Changes {
    let pool = parent(ask, "Volume")?;
    unchanged(ask)?;
    file_path(ask)?;
    let level = service_level(ask, &pool)?;
    let size = quota(ask, &pool)?;
    protocols(ask)?;
    export_policy(ask)?;
    let subnet = ask.text("/properties/subnetId");
    network(ask, subnet)?;
    let address = match ask.old["properties"]["mountTargets"][0]["ipAddress"].as_str() {
        Some(kept) => kept.to_owned(),
        None => free(ask, subnet)?,
    };
    let file_system = ask.guid("/properties/fileSystemId");
    let mut properties = ask.properties(defaults());
    properties.extend(read_only(ask, &file_system, &address));
    properties.insert("serviceLevel".into(), json!(level));
    properties.insert("throughputMibps".into(), throughput(size, level));
    properties.insert("exportPolicy".into(), json!({"rules": rules(ask)}));
    let mut changes = vec![Change::own(ask, completed(ask, Value::Object(properties)))];
    changes.extend(occupied(ask, subnet, "ipConfigurations", &ask.put.id));
    Ok(changes)
}

fn defaults() -> Value {
    json!({
        "protocolTypes": ["NFSv3"], "networkFeatures": "Basic", "storageToNetworkProximity": "Default",
        "snapshotDirectoryVisible": true, "kerberosEnabled": false, "securityStyle": "Unix", "smbEncryption": false,
        "smbContinuouslyAvailable": false, "encryptionKeySource": "Microsoft.NetApp", "ldapEnabled": false,
        "unixPermissions": "0770", "volumeSpecName": "generic", "coolAccess": false, "avsDataStore": "Disabled",
        "isDefaultQuotaEnabled": false, "defaultUserQuotaInKiBs": 0, "defaultGroupQuotaInKiBs": 0,
        "enableSubvolumes": "Disabled", "maximumNumberOfFiles": 100_000_000,
    })
}

fn read_only(ask: &Ask, file_system: &Value, address: &str) -> Map<String, Value> {
    let tenant = || json!(format!("baremetalTenant_svm_{}", ask.world.new_uuid().simple()));
    let target = json!({"mountTargetId": file_system, "fileSystemId": file_system, "ipAddress": address});
    let parts = json!({
        "fileSystemId": file_system, "baremetalTenantId": ask.kept("/properties/baremetalTenantId", tenant),
        "networkSiblingSetId": ask.guid("/properties/networkSiblingSetId"), "mountTargets": [target],
        "provisioningState": "Succeeded",
    });
    over(parts, &Value::Null)
}

/// Recorded: 100 GiB of the level Premium have 6.4 MiB/s, so a thousand GiB count as a TiB.
fn throughput(size: i64, level: &str) -> Value {
    json!((size / GIB * mibps_per_tib(level)) as f64 / 1000.0)
}

fn rules(ask: &Ask) -> Vec<Value> {
    let base = json!({
        "unixReadOnly": false, "unixReadWrite": false, "cifs": false, "nfsv3": false, "nfsv41": false,
        "kerberos5ReadOnly": false, "kerberos5ReadWrite": false, "kerberos5iReadOnly": false, "kerberos5iReadWrite": false,
        "kerberos5pReadOnly": false, "kerberos5pReadWrite": false, "hasRootAccess": true, "chownMode": "Restricted",
    });
    let given = items(ask.at("/properties/exportPolicy/rules"));
    given.iter().map(|rule| Value::Object(over(base.clone(), rule))).collect()
}

fn unchanged(ask: &Ask) -> Result<(), AzureError> {
    let properties =
        [("creationToken", "CreationToken"), ("subnetId", "SubnetId"), ("protocolTypes", "Protocol types")];
    let changed = |(member, _): &&(&str, &str)| {
        let (old, new) = (&ask.old["properties"][*member], &ask.body["properties"][*member]);
        let same = match (old.as_str(), new.as_str()) {
            (Some(old), Some(new)) => old.eq_ignore_ascii_case(new),
            _ => old == new,
        };
        !old.is_null() && !new.is_null() && !same
    };
    properties.iter().find(changed).map_or(Ok(()), |(_, name)| Err(fixed(name)))
}

fn file_path(ask: &Ask) -> Result<(), AzureError> {
    let path = ask.text("/properties/creationToken");
    let fits = Regex::new(r"^[a-zA-Z][a-zA-Z0-9_-]{0,79}$").is_ok_and(|name| name.is_match(path));
    if !fits {
        return Err(invalid("CreationToken", path));
    }
    if ["default", "none"].contains(&path) {
        return Err(refusal("BadRequest", "Specified creation token is reserved"));
    }
    let subnet = ask.text("/properties/subnetId");
    let same = |one: &Value, member: &str, text: &str| {
        one["properties"][member].as_str().is_some_and(|other| other.eq_ignore_ascii_case(text))
    };
    let all = ask.world.resources(ask.subscription(), VOLUMES);
    let taken = all.iter().any(|one| {
        let other = !one["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&ask.put.id));
        other && same(one, "creationToken", path) && same(one, "subnetId", subnet)
    });
    if taken { Err(refusal("BadRequest", "Specified creation token already exists")) } else { Ok(()) }
}

fn service_level<'a>(ask: &'a Ask, pool: &'a Value) -> Result<&'a str, AzureError> {
    let of_pool = pool["properties"]["serviceLevel"].as_str().unwrap_or_default();
    let wanted = ask.at("/properties/serviceLevel").as_str().unwrap_or(of_pool);
    let rank = |level: &str| LEVELS.iter().position(|known| known.eq_ignore_ascii_case(level));
    if rank(wanted) > rank(of_pool) {
        let message = format!("Service level '{wanted}' is higher than parent '{of_pool}'");
        return Err(refusal("BadRequest", message));
    }
    Ok(wanted)
}

fn quota(ask: &Ask, pool: &Value) -> Result<i64, AzureError> {
    let size = ask.at("/properties/usageThreshold").as_i64().unwrap_or_default();
    if !(SMALLEST..=LARGEST).contains(&size) || size % GIB != 0 {
        return Err(invalid("UsageThreshold", size));
    }
    let pool_id = ask.id.parent().map(|id| id.full).unwrap_or_default();
    let others: i64 = quotas(ask, &pool_id).iter().sum();
    let whole = pool["properties"]["size"].as_i64().unwrap_or_default();
    if others + size > whole { Err(too_small()) } else { Ok(size) }
}

fn protocols(ask: &Ask) -> Result<(), AzureError> {
    let mut given = items(ask.at("/properties/protocolTypes")).iter().filter_map(Value::as_str);
    if let Some(unknown) = given.find(|one| !PROTOCOLS.contains(one)) {
        return Err(refusal("BadRequest", format!("Protocol type {unknown} not known")));
    }
    let permissions = ask.at("/properties/unixPermissions").as_str();
    let octal = |text: &&str| text.len() == 4 && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    match permissions.filter(|text| !octal(text)) {
        Some(wrong) => Err(invalid("UnixPermissions", wrong)),
        None => Ok(()),
    }
}

fn export_policy(ask: &Ask) -> Result<(), AzureError> {
    let rules = ask.at("/properties/exportPolicy/rules");
    if rules.is_null() {
        return Ok(());
    }
    let rules = items(rules);
    if !(1..=5).contains(&rules.len()) {
        let message = format!(
            "Number of items: {} for object: ExportPolicy.Rules[RuleIndex] is outside min-max range.",
            rules.len()
        );
        return Err(refusal("BadRequest", message));
    }
    let mut seen = BTreeSet::new();
    for rule in rules {
        let index = rule["ruleIndex"].as_i64().unwrap_or_default();
        if !(1..=5).contains(&index) {
            return Err(invalid("RuleIndex", index));
        }
        if !seen.insert(index) {
            let message = "Duplicate value error for object ExportPolicy.Rules[RuleIndex].";
            return Err(refusal("BadRequest", message));
        }
        export_rule(ask, rule)?;
    }
    Ok(())
}

/// One rule: either reading or writing, clients that are addresses or networks, and the volume's own protocol.
fn export_rule(ask: &Ask, rule: &Value) -> Result<(), AzureError> {
    if rule["unixReadOnly"] == true && rule["unixReadWrite"] == true {
        return Err(invalid("UnixReadWrite", true));
    }
    let clients = rule["allowedClients"].as_str().unwrap_or_default();
    let address = |text: &str| Cidr::parse(text).or_else(|| Cidr::parse(&format!("{text}/32"))).is_some();
    if !clients.split(',').all(|client| address(client.trim())) {
        return Err(invalid("AllowedClients", clients));
    }
    let protocols = items(ask.at("/properties/protocolTypes"));
    let has = |name: &str| protocols.iter().any(|one| one == name);
    for (member, name, present) in [
        ("nfsv3", "Nfsv3", has("NFSv3") || protocols.is_empty()),
        ("nfsv41", "Nfsv41", has("NFSv4.1")),
        ("cifs", "Cifs", has("CIFS")),
    ] {
        if rule[member] == true && !present {
            return Err(invalid(name, true));
        }
    }
    Ok(())
}

/// The subnet is there, in the region, delegated to the service, and the only one of its network that is.
fn network(ask: &Ask, subnet: &str) -> Result<(), AzureError> {
    let invalid_subnet =
        |message: &str| refusal("BadRequest", message).detail(refusal("InvalidSubnet", message));
    if !ResourceId::parse(subnet).is_some_and(|id| id.is(SUBNETS)) {
        return Err(invalid_subnet("SubnetId is in invalid format."));
    }
    let Some(body) = ask.world.resource(subnet) else {
        return Err(invalid_subnet("The requested subnet was not found."));
    };
    same_region(ask, subnet)?;
    if !delegated_to(&body).is_some_and(|service| service.eq_ignore_ascii_case("Microsoft.NetApp/volumes")) {
        return Err(invalid_subnet("Subnet must have a 'Microsoft.NetApp/volumes' delegation."));
    }
    let basic = !ask.text("/properties/networkFeatures").eq_ignore_ascii_case("Standard");
    let guarded =
        ["networkSecurityGroup", "routeTable"].iter().any(|member| body["properties"].get(*member).is_some());
    if basic && guarded {
        return Err(invalid_subnet(
            "Network security groups and user-defined routes are not supported on the delegated subnet of volumes with Basic network features.",
        ));
    }
    let all = ask.world.resources(ask.subscription(), VOLUMES);
    let subnets = all.iter().filter_map(|one| one["properties"]["subnetId"].as_str());
    let mut neighbours = subnets.filter(|other| network_of(other).eq_ignore_ascii_case(network_of(subnet)));
    match neighbours.find(|other| !other.eq_ignore_ascii_case(subnet)) {
        Some(_) => Err(invalid_subnet("Only one delegated subnet per virtual network is supported.")),
        None => Ok(()),
    }
}
