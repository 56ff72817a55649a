//! What Azure Database for MySQL refuses.

use ccslurm4ai_twin::arm::types::Put;
use serde_json::{Value, json};

use super::{Refused, refused};
use crate::scene::*;
use crate::services::{SERVER, endpoint, server};

/// Every refusal of this file.
pub fn all() -> Vec<Refused> {
    [servers(), administrators(), sizes(), networks(), settings()].into_iter().flatten().collect()
}

const NEW: &str = "Microsoft.DBforMySQL/flexibleServers/mysql-2";

fn new(more: Value) -> Put {
    put(NEW, with(&server(), more))
}

fn properties(properties: Value) -> Put {
    new(json!({ "properties": properties }))
}

fn again(properties: Value) -> Put {
    put(SERVER, with(&server(), json!({ "properties": properties })))
}

/// Names and versions.
fn servers() -> Vec<Refused> {
    let version = "Invalid value given for parameter Version.";
    vec![
        refused(
            "server's name",
            put("Microsoft.DBforMySQL/flexibleServers/MySQL", server()),
            "InvalidServerName",
            "The specified server name 'MySQL' is not valid.",
        ),
        refused(
            "server of others",
            new(json!({})),
            "ServerNameAlreadyExists",
            "Specified server name is already used by another server.",
        )
        .after(|world| world.taken.push("mysql-2".into())),
        refused("unknown version", properties(json!({"version": "8"})), "InvalidParameterValue", version),
        refused("older version", again(json!({"version": "8.0.21"})), "InvalidParameterValue", version),
        refused(
            "server without SKU",
            new(json!({"sku": null})),
            "BadRequest",
            "The parameter sku is missing.",
        ),
        refused(
            "unknown member",
            properties(json!({"colour": 1})),
            "InvalidRequestContent",
            "Could not find member 'colour' on object of type 'FlexibleServersProperties'.",
        ),
    ]
}

/// The administrator and the password.
fn administrators() -> Vec<Refused> {
    let password = |text: &str| properties(json!({ "administratorLoginPassword": text }));
    let long = "aB1".repeat(43);
    vec![
        refused(
            "reserved user",
            properties(json!({"administratorLogin": "root"})),
            "BlockedUserName",
            "'root' is reserved",
        ),
        refused(
            "user with a hyphen",
            properties(json!({"administratorLogin": "slurm-db"})),
            "InvalidUserName",
            "'slurm-db' is not valid",
        ),
        refused(
            "no password",
            properties(json!({"administratorLoginPassword": null})),
            "InvalidParameterValue",
            "AdministratorLoginPassword",
        ),
        refused("short password", password("aB3$567"), "PasswordTooShort", "between 8 and 128 characters"),
        refused("long password", password(&long), "PasswordTooLong", "between 8 and 128 characters"),
        refused(
            "simple password",
            password("lowercase123"),
            "PasswordNotComplex",
            "three of the following categories",
        ),
        refused(
            "password with the user's name",
            password("slurm-Pass-1"),
            "PasswordNotComplex",
            "not complex enough",
        ),
        refused(
            "other user",
            again(json!({"administratorLogin": "other"})),
            "InvalidParameterValue",
            "parameter AdministratorLogin.",
        ),
    ]
}

/// Sizes, storage, backup and availability.
fn sizes() -> Vec<Refused> {
    let sku = |tier: &str, name: &str| new(json!({"sku": {"tier": tier, "name": name}}));
    let code = "InvalidParameterValue";
    vec![
        refused("unknown tier", sku("Basic", "Standard_D2ads_v5"), code, "parameter sku.tier."),
        refused("size of another tier", sku("Burstable", "Standard_D2ads_v5"), code, "parameter sku.name."),
        refused(
            "little storage",
            properties(json!({"storage": {"storageSizeGB": 16}})),
            code,
            "StorageSizeGB",
        ),
        refused("less storage", again(json!({"storage": {"storageSizeGB": 64}})), code, "StorageSizeGB"),
        refused(
            "long backup",
            properties(json!({"backup": {"backupRetentionDays": 36}})),
            code,
            "BackupRetentionDays",
        ),
        refused(
            "burstable with a standby",
            new(json!({"sku": {"tier": "Burstable", "name": "Standard_B2ms"},
                "properties": {"highAvailability": {"mode": "SameZone"}}})),
            code,
            "HighAvailability",
        ),
    ]
}

/// Private access, and endpoints to a server.
fn networks() -> Vec<Refused> {
    let inside = |network: Value| {
        let base = json!({"delegatedSubnetResourceId": subnet("data"), "publicNetworkAccess": null});
        properties(json!({"network": with(&base, network)}))
    };
    let zone = id("Microsoft.Network/privateDnsZones/cluster.private.mysql.database.azure.com");
    let linked = json!({ "privateDnsZoneResourceId": zone });
    vec![
        refused(
            "subnet of another service",
            inside(json!({"delegatedSubnetResourceId": subnet("files")})),
            "OperationFailed",
            "The subnet name as files is missing required delegations Microsoft.DBforMySQL/flexibleServers",
        ),
        refused(
            "private access without a zone",
            inside(json!({})),
            "EmptyPrivateDnsZoneArmResourceId",
            "should not be empty for servers with Virtual Network access",
        ),
        refused(
            "zone that the network does not resolve",
            inside(linked),
            "VnetNotLinkedToPrivateDnsZone",
            "is not linked to the virtual network",
        )
        .after(|world| {
            let zone = "Microsoft.Network/privateDnsZones/cluster.private.mysql.database.azure.com";
            world.put(&put(zone, json!({"location": "global"}))).expect("a zone");
        }),
        refused(
            "public and private access",
            inside(json!({"publicNetworkAccess": "Enabled"})),
            "ConflictingPublicNetworkAccessAndVirtualNetworkConfiguration",
            "Public Network Access is not supported along with Virtual Network feature.",
        ),
        refused(
            "private access afterwards",
            again(
                json!({"network": {"delegatedSubnetResourceId": subnet("data"), "publicNetworkAccess": null}}),
            ),
            "InvalidParameterValue",
            "DelegatedSubnetResourceId",
        ),
        refused(
            "endpoint to a part that there is not",
            put("Microsoft.Network/privateEndpoints/new", endpoint(SERVER, "mysql")),
            "PrivateEndpointInvalidGroupId",
            "group id 'mysql'",
        ),
    ]
}

/// Settings and databases.
fn settings() -> Vec<Refused> {
    let setting = |name: &str, value: &str| {
        put(&format!("{SERVER}/configurations/{name}"), json!({"properties": {"value": value}}))
    };
    let database =
        |name: &str, body: Value| put(&format!("{SERVER}/databases/{name}"), json!({ "properties": body }));
    let code = "InvalidParameterValue";
    vec![
        refused(
            "setting that there is not",
            setting("innodb_turbo", "ON"),
            "ConfigurationNotExists",
            "The configuration 'innodb_turbo' does not exist for mysql-1 server version 8.4.",
        ),
        refused(
            "read-only setting",
            setting("innodb_strict_mode", "OFF"),
            "ConfigurationReadOnly",
            "The configuration(s) 'innodb_strict_mode' is(are) read-only",
        ),
        refused(
            "setting out of range",
            setting("innodb_lock_wait_timeout", "3601"),
            code,
            "parameter value.",
        ),
        refused(
            "setting that is no number",
            setting("innodb_lock_wait_timeout", "long"),
            code,
            "parameter value.",
        ),
        refused(
            "setting beyond the size",
            setting("innodb_buffer_pool_size", "12884901888"),
            code,
            "parameter value.",
        ),
        refused(
            "setting of no such word",
            setting("require_secure_transport", "MAYBE"),
            code,
            "parameter value.",
        ),
        refused(
            "setting of no server",
            put(&format!("{NEW}/configurations/time_zone"), json!({"properties": {"value": "SYSTEM"}})),
            "ParentResourceNotFound",
            "flexibleServers/mysql-2' could not be found",
        ),
        refused("database of the system", database("mysql", json!({})), code, "databaseName"),
        refused(
            "collation of another character set",
            database("db", json!({"charset": "utf8mb4", "collation": "latin1_swedish_ci"})),
            code,
            "parameter collation.",
        ),
    ]
}
