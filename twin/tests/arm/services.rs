//! One of each resource of the file, database and monitoring services, for tests of their rules.

use ccslurm4ai_twin::arm::types::Put;
use serde_json::{Value, json};

use crate::scene::{id, put, subnet};

pub const POOL: &str = "Microsoft.NetApp/netAppAccounts/files/capacityPools/pool";
pub const VOLUME: &str = "Microsoft.NetApp/netAppAccounts/files/capacityPools/pool/volumes/shared";
pub const SERVER: &str = "Microsoft.DBforMySQL/flexibleServers/mysql-1";
pub const WORKSPACE: &str = "Microsoft.Monitor/accounts/metrics";
pub const GRAFANA: &str = "Microsoft.Dashboard/grafana/grafana-1";
pub const RULES: &str = "Microsoft.AlertsManagement/prometheusRuleGroups/gpu";

const TIB: i64 = 1 << 40;

pub fn pool() -> Value {
    json!({"location": "eastus", "properties": {"serviceLevel": "Premium", "size": 4 * TIB}})
}

pub fn volume() -> Value {
    let rule = json!({"ruleIndex": 1, "allowedClients": "10.64.1.0/24,10.64.2.0/29", "nfsv41": true, "unixReadWrite": true});
    json!({"location": "eastus", "properties": {
        "creationToken": "shared", "subnetId": subnet("files"), "usageThreshold": 3 * TIB, "networkFeatures": "Standard",
        "protocolTypes": ["NFSv4.1"], "exportPolicy": {"rules": [rule]}, "unixPermissions": "0755",
    }})
}

pub fn server() -> Value {
    json!({"location": "eastus", "sku": {"name": "Standard_D2ads_v5", "tier": "GeneralPurpose"}, "properties": {
        "version": "8.4", "administratorLogin": "slurm", "administratorLoginPassword": "Hidden-Value-1",
        "network": {"publicNetworkAccess": "Disabled"}, "storage": {"storageSizeGB": 128},
    }})
}

pub fn grafana() -> Value {
    let workspace = json!({"azureMonitorWorkspaceResourceId": id(WORKSPACE)});
    json!({"location": "eastus", "sku": {"name": "Standard"}, "identity": {"type": "SystemAssigned"},
        "properties": {"grafanaMajorVersion": "12", "grafanaIntegrations": {"azureMonitorWorkspaceIntegrations": [workspace]}}})
}

pub fn rules() -> Value {
    json!({"location": "eastus", "properties": {"interval": "PT1M", "scopes": [id(WORKSPACE)],
        "rules": [{"record": "cluster:gpu:avg", "expression": "avg(DCGM_FI_DEV_GPU_UTIL)"}]}})
}

/// A private endpoint to a part of a service.
pub fn endpoint(service: &str, part: &str) -> Value {
    let connection = json!({"groupIds": [part], "privateLinkServiceId": id(service)});
    json!({"location": "eastus", "properties": {"subnet": {"id": subnet("nodes")},
        "privateLinkServiceConnections": [{"name": "c", "properties": connection}]}})
}

/// Writes of one resource of each type, in an order that works.
pub fn all() -> Vec<Put> {
    vec![
        put("Microsoft.NetApp/netAppAccounts/files", json!({"location": "eastus"})),
        put(POOL, pool()),
        put(VOLUME, volume()),
        put(SERVER, server()),
        put(
            &format!("{SERVER}/configurations/innodb_lock_wait_timeout"),
            json!({"properties": {"value": "900", "source": "user-override"}}),
        ),
        put(
            &format!("{SERVER}/databases/accounting"),
            json!({"properties": {"charset": "utf8mb4", "collation": "utf8mb4_0900_ai_ci"}}),
        ),
        put("Microsoft.Network/privateEndpoints/pe-mysql", endpoint(SERVER, "mysqlServer")),
        put(WORKSPACE, json!({"location": "eastus", "properties": {"publicNetworkAccess": "Enabled"}})),
        put(GRAFANA, grafana()),
        put(RULES, rules()),
    ]
}
