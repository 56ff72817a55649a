//! Flexible servers of Azure Database for MySQL. Their settings and databases are in `mysql_settings`.
//!
//! Codes: learn.microsoft.com, mysql/flexible-server/troubleshoot-cli-errors, and reports of users of
//! hashicorp/terraform-provider-azurerm; shape: recorded by azure-service-operator.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ask::{Ask, over};
use super::subnet::{delegated_to, network_of};
use super::{Change, Changes};
use crate::azure::error::AzureError;

/// Type of a server.
pub const SERVERS: &str = "Microsoft.DBforMySQL/flexibleServers";
const SERVICE: &str = "Microsoft.DBforMySQL/flexibleServers";

/// What is offered.
pub static OFFER: LazyLock<Offer> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("mysql.yaml")).expect("mysql.yaml is an offer"));

/// Versions, tiers and settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    versions: Vec<String>,
    tiers: BTreeMap<String, Tier>,
    /// Settings by name.
    pub settings: BTreeMap<String, super::mysql_settings::Setting>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tier {
    largest_storage_gb: i64,
    high_availability: bool,
    /// Memory in GiB by size.
    sizes: BTreeMap<String, i64>,
}

impl Offer {
    /// Memory of a size in GiB.
    pub fn memory(&self, size: &str) -> Option<i64> {
        self.tiers.values().find_map(|tier| tier.sizes.get(size)).copied()
    }
}

/// A value that the service does not take, in its words.
pub fn invalid(name: &str) -> AzureError {
    let message = format!("Invalid value given for parameter {name}. Specify a valid parameter value.");
    AzureError::new(400, "InvalidParameterValue", message)
}

/// A server.
pub fn server(ask: &Ask) -> Changes {
    named(ask)?;
    administrator(ask)?;
    version(ask)?;
    let tier = tier(ask)?;
    let storage = storage(ask, tier)?;
    settings_of_server(ask, tier)?;
    network(ask)?;
    let mut properties = ask.properties(json!({"replicationRole": "None", "version": "8.0.21"}));
    let mut hidden = match ask.world.hidden(&ask.put.id) {
        Value::Object(hidden) => hidden,
        _ => Map::new(),
    };
    if let Some(password) = properties.remove("administratorLoginPassword") {
        hidden.insert("administratorLoginPassword".into(), password);
    }
    properties.remove("createMode");
    for kept in ["administratorLogin", "version"] {
        if ask.at(&format!("/properties/{kept}")).is_null() && !ask.old["properties"][kept].is_null() {
            properties.insert(kept.into(), ask.old["properties"][kept].clone());
        }
    }
    properties.insert("storage".into(), storage);
    properties.extend(read_only(ask));
    let mut body = ask.resource(Value::Object(properties));
    body["location"] = json!(display_name(ask));
    body["systemData"] = json!({"createdAt": ask.kept("/systemData/createdAt", || json!(ask.world.now()))});
    Ok(vec![Change::Resource { id: ask.put.id.clone(), body, hidden: Value::Object(hidden) }])
}

/// Recorded: `ukwest` comes back as `UK West`.
fn display_name(ask: &Ask) -> String {
    let found = ask.world.regions().into_iter().find(|region| region.name == ask.location());
    found.map_or_else(|| ask.location(), |region| region.display)
}

fn read_only(ask: &Ask) -> Map<String, Value> {
    let nested = |name: &str, base: Value| over(base, ask.at(&format!("/properties/{name}")));
    let mut network = nested("network", json!({"publicNetworkAccess": "Enabled"}));
    if network.contains_key("delegatedSubnetResourceId") {
        network.insert("publicNetworkAccess".into(), json!("Disabled"));
    }
    let backup = nested(
        "backup",
        json!({"backupRetentionDays": 7, "geoRedundantBackup": "Disabled",
            "earliestRestoreDate": ask.kept("/properties/backup/earliestRestoreDate", || json!(ask.world.now()))}),
    );
    let host = format!("{}.mysql.database.azure.com", ask.id.last_name());
    let parts = json!({
        "state": "Ready", "fullyQualifiedDomainName": host, "replicaCapacity": 10, "network": network, "backup": backup,
        "availabilityZone": ask.at("/properties/availabilityZone").as_str().unwrap_or_default(),
        "maintenanceWindow": nested("maintenanceWindow", json!({"customWindow": "Disabled", "dayOfWeek": 0, "startHour": 0, "startMinute": 0})),
        "highAvailability": nested("highAvailability", json!({"mode": "Disabled", "state": "NotEnabled", "standbyAvailabilityZone": ""})),
        "privateEndpointConnections": ask.kept("/properties/privateEndpointConnections", || json!([])),
    });
    over(parts, &Value::Null)
}

/// The name is free in all of Azure.
pub fn named(ask: &Ask) -> Result<(), AzureError> {
    let name = ask.id.last_name();
    let ours = ask.world.resources(ask.subscription(), SERVERS);
    let taken =
        ask.world.name_taken_elsewhere(SERVERS, name) || ours.iter().any(|server| server["name"] == name);
    if ask.old.is_null() && taken {
        let message = "Specified server name is already used by another server.";
        return Err(AzureError::new(409, "ServerNameAlreadyExists", message));
    }
    Ok(())
}

/// Names that the service keeps for itself (learn.microsoft.com, mysql/flexible-server/quickstart-create-server-portal).
const RESERVED: [&str; 7] = ["azure_superuser", "admin", "administrator", "root", "guest", "sa", "public"];

fn administrator(ask: &Ask) -> Result<(), AzureError> {
    let refuse = |code: &str, message: &str| Err(AzureError::new(400, code, message));
    let (login, old) =
        (ask.at("/properties/administratorLogin"), &ask.old["properties"]["administratorLogin"]);
    if !old.is_null() && !login.is_null() && login != old {
        return Err(invalid("AdministratorLogin"));
    }
    let login = login.as_str().or(old.as_str()).unwrap_or_default();
    if RESERVED.contains(&login.to_ascii_lowercase().as_str()) {
        return refuse(
            "BlockedUserName",
            &format!("The given administrator login name '{login}' is reserved."),
        );
    }
    let fits = Regex::new(r"^[A-Za-z][A-Za-z0-9_]{0,31}$").is_ok_and(|name| name.is_match(login));
    if !fits {
        return refuse("InvalidUserName", &format!("The given user name '{login}' is not valid."));
    }
    match ask.at("/properties/administratorLoginPassword").as_str() {
        Some(password) => strong(password, login),
        None if ask.old.is_null() => Err(invalid("AdministratorLoginPassword")),
        None => Ok(()),
    }
}

/// Sentences of learn.microsoft.com, mysql/flexible-server/troubleshoot-cli-errors.
fn strong(password: &str, login: &str) -> Result<(), AzureError> {
    let rule = "It must contain between 8 and 128 characters. Your password must contain characters from three of the following categories: English uppercase letters, English lowercase letters, numbers (0 through 9), and non-alphanumeric characters (!, $, #, %, etc.).";
    let refuse = |code: &str, why: &str| {
        Err(AzureError::new(400, code, format!("The provided password is {why}. {rule}")))
    };
    let classes: [fn(&char) -> bool; 4] =
        [char::is_ascii_uppercase, char::is_ascii_lowercase, char::is_ascii_digit, |c| {
            !c.is_ascii_alphanumeric()
        }];
    let used = classes.iter().filter(|class| password.chars().any(|c| class(&c))).count();
    match password.chars().count() {
        ..8 => refuse("PasswordTooShort", "too short"),
        129.. => refuse("PasswordTooLong", "too long"),
        _ if used < 3 || password.contains(login) => refuse("PasswordNotComplex", "not complex enough"),
        _ => Ok(()),
    }
}

fn version(ask: &Ask) -> Result<(), AzureError> {
    let known = |version: &str| OFFER.versions.iter().position(|one| one == version);
    let Some(wanted) = ask.at("/properties/version").as_str() else { return Ok(()) };
    let old = ask.old["properties"]["version"].as_str().and_then(known);
    match known(wanted) {
        Some(at) if old.is_none_or(|old| old <= at) => Ok(()),
        _ => Err(invalid("Version")),
    }
}

fn tier<'a>(ask: &Ask) -> Result<&'a Tier, AzureError> {
    let tier = OFFER.tiers.get(ask.text("/sku/tier")).ok_or_else(|| invalid("sku.tier"))?;
    if tier.sizes.contains_key(ask.text("/sku/name")) { Ok(tier) } else { Err(invalid("sku.name")) }
}

/// Storage as replies show it: 3 operations a second for each GiB above 300 (recorded: 684 with 128 GiB). It never shrinks.
fn storage(ask: &Ask, tier: &Tier) -> Result<Value, AzureError> {
    let old = ask.old["properties"]["storage"]["storageSizeGB"].as_i64().unwrap_or(0);
    let size = ask.at("/properties/storage/storageSizeGB").as_i64().unwrap_or(old.max(32));
    if !(20..=tier.largest_storage_gb).contains(&size) || size < old {
        return Err(invalid("StorageSizeGB"));
    }
    let base = json!({"storageSizeGB": size, "iops": 300 + 3 * size, "autoGrow": "Enabled", "autoIoScaling": "Disabled",
        "storageSku": "Premium_LRS", "logOnDisk": "Disabled"});
    Ok(Value::Object(over(base, ask.at("/properties/storage"))))
}

fn settings_of_server(ask: &Ask, tier: &Tier) -> Result<(), AzureError> {
    let days = ask.at("/properties/backup/backupRetentionDays").as_i64().unwrap_or(7);
    if !(1..=35).contains(&days) {
        return Err(invalid("BackupRetentionDays"));
    }
    let available = ask.at("/properties/highAvailability/mode").as_str().unwrap_or("Disabled");
    if available != "Disabled" && !tier.high_availability {
        return Err(invalid("HighAvailability"));
    }
    Ok(())
}

/// Private access wants a subnet of its own and a zone that its network resolves; a server keeps the access that it was
/// made with.
fn network(ask: &Ask) -> Result<(), AzureError> {
    let refuse = |code: &str, message: String| Err(AzureError::new(400, code, message));
    let subnet = ask.text("/properties/network/delegatedSubnetResourceId");
    let old = ask.old["properties"]["network"]["delegatedSubnetResourceId"].as_str().unwrap_or_default();
    if !ask.old.is_null() && !subnet.eq_ignore_ascii_case(old) {
        return Err(invalid("DelegatedSubnetResourceId"));
    }
    if subnet.is_empty() {
        return Ok(());
    }
    if ask.text("/properties/network/publicNetworkAccess") == "Enabled" {
        let message = "Conflicting configuration is detected between Public Network Access and Virtual Network arguments. Public Network Access is not supported along with Virtual Network feature.";
        return refuse("ConflictingPublicNetworkAccessAndVirtualNetworkConfiguration", message.into());
    }
    let body = ask.world.resource(subnet).unwrap_or(Value::Null);
    if delegated_to(&body) != Some(SERVICE) {
        let name = body["name"].as_str().unwrap_or_default();
        let message = format!("The subnet name as {name} is missing required delegations {SERVICE}");
        return refuse("OperationFailed", message);
    }
    let zone = ask.text("/properties/network/privateDnsZoneResourceId");
    if zone.is_empty() {
        let message = "The provided Private DNS zone ARM resource ID should not be empty for servers with Virtual Network access.";
        return refuse("EmptyPrivateDnsZoneArmResourceId", message.into());
    }
    if !resolves(ask, zone, network_of(subnet)) {
        let message = format!(
            "The private DNS zone '{zone}' is not linked to the virtual network '{}'.",
            network_of(subnet)
        );
        return refuse("VnetNotLinkedToPrivateDnsZone", message);
    }
    Ok(())
}

fn resolves(ask: &Ask, zone: &str, network: &str) -> bool {
    let links =
        ask.world.resources(ask.subscription(), "Microsoft.Network/privateDnsZones/virtualNetworkLinks");
    let prefix = format!("{}/", zone.to_ascii_lowercase());
    links.iter().any(|link| {
        let id = link["id"].as_str().unwrap_or_default().to_ascii_lowercase();
        let to = link["properties"]["virtualNetwork"]["id"].as_str().unwrap_or_default();
        id.starts_with(&prefix) && to.eq_ignore_ascii_case(network)
    })
}
