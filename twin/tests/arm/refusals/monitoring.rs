//! What Azure Monitor, Managed Grafana and Prometheus rule groups refuse.

use ccslurm4ai_twin::arm::types::Put;
use serde_json::{Value, json};

use super::{Refused, refused};
use crate::scene::*;
use crate::services::{GRAFANA, RULES, WORKSPACE, grafana, rules};

/// Every refusal of this file.
pub fn all() -> Vec<Refused> {
    [workspaces(), dashboards(), groups()].into_iter().flatten().collect()
}

/// Workspaces and what comes with them.
fn workspaces() -> Vec<Refused> {
    let own = "Microsoft.Insights/dataCollectionRules/own";
    let managed =
        id("Microsoft.Insights/dataCollectionRules/metrics").replace("/rg1/", "/MA_metrics_eastus_managed/");
    let body = json!({"location": "eastus", "properties": {}});
    vec![
        refused(
            "workspace's name",
            put("Microsoft.Monitor/accounts/-metrics", json!({"location": "eastus"})),
            "InvalidParameter",
            "The name '-metrics'",
        ),
        refused(
            "read-only member",
            put(WORKSPACE, json!({"location": "eastus", "properties": {"accountId": "x"}})),
            "InvalidRequestContent",
            "Could not find member 'accountId'",
        ),
        refused(
            "workspace in no region",
            put(WORKSPACE, json!({"location": "atlantis"})),
            "LocationNotAvailableForResourceType",
            "The provided location 'atlantis' is not available for resource type 'Microsoft.Monitor/accounts'.",
        ),
        refused(
            "rule of a workspace",
            Put { id: managed, ..put(own, body.clone()) },
            "DenyAssignmentAuthorizationFailed",
            "because of the deny assignment",
        ),
        refused("rule of our own", put(own, body), "NotModelled", "those that come with a workspace"),
    ]
}

/// Managed Grafana.
fn dashboards() -> Vec<Refused> {
    let with_properties = |more: Value| put(GRAFANA, with(&grafana(), json!({ "properties": more })));
    let missing = json!({"azureMonitorWorkspaceResourceId": id("Microsoft.Monitor/accounts/none")});
    vec![
        refused(
            "Grafana's name",
            put("Microsoft.Dashboard/grafana/1st", grafana()),
            "InvalidParameter",
            "The name '1st'",
        ),
        refused(
            "version that there is not",
            with_properties(json!({"grafanaMajorVersion": "9"})),
            "BadRequest",
            "The Grafana major version '9' is not supported.",
        ),
        refused(
            "workspace that is not there",
            with_properties(json!({"grafanaIntegrations": {"azureMonitorWorkspaceIntegrations": [missing]}})),
            "NotFound",
            "accounts/none' was not found",
        ),
        refused(
            "both kinds of identity",
            put(GRAFANA, with(&grafana(), json!({"identity": {"type": "SystemAssigned,UserAssigned"}}))),
            "BadRequest",
            "Only one managed identity",
        ),
        refused(
            "size without Standard",
            put(GRAFANA, with(&grafana(), json!({"sku": {"name": "Essential", "size": "X1"}}))),
            "BadRequest",
            "The SKU size is supported for the Standard SKU only.",
        ),
    ]
}

/// Prometheus rule groups.
fn groups() -> Vec<Refused> {
    let group = |more: Value| put(RULES, with(&rules(), json!({ "properties": more })));
    let rule = |rule: Value| group(json!({"rules": [rule]}));
    let many: Vec<Value> =
        (0..21).map(|at| json!({"record": format!("r{at}"), "expression": "up"})).collect();
    let code = "BadRequest";
    vec![
        refused(
            "half a minute",
            group(json!({"interval": "PT30S"})),
            code,
            "Property name: Interval, Attempted value: PT30S",
        ),
        refused("an hour", group(json!({"interval": "PT60M"})), code, "must be between 1 and 15 minutes"),
        refused("no rule", group(json!({"rules": []})), code, "Property name: Rules"),
        refused("too many rules", group(json!({"rules": many})), code, "between 1 and 20 rules"),
        refused(
            "scope of another type",
            group(json!({"scopes": [id("Microsoft.KeyVault/vaults/vault1")]})),
            code,
            "must be the resource id of an Azure Monitor workspace",
        ),
        refused(
            "scope that is not there",
            group(json!({"scopes": [id("Microsoft.Monitor/accounts/none")]})),
            code,
            "was not found",
        ),
        refused("neither record nor alert", rule(json!({"expression": "up"})), code, "Rules[0].Record"),
        refused(
            "record and alert",
            rule(json!({"record": "a", "alert": "b", "expression": "up"})),
            code,
            "Rules[0].Record",
        ),
        refused(
            "record that is no metric",
            rule(json!({"record": "a-b", "expression": "up"})),
            code,
            "not a valid metric name",
        ),
        refused(
            "empty expression",
            rule(json!({"record": "a", "expression": " "})),
            code,
            "Rules[0].Expression",
        ),
        refused(
            "severity",
            rule(json!({"alert": "a", "expression": "up", "severity": 5})),
            code,
            "must be between 0 and 4",
        ),
    ]
}
