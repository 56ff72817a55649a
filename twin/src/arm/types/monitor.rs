//! Azure Monitor workspaces, and what comes with one: a resource group of its own with a data collection endpoint and
//! rule (recorded by azure-cli and azure-service-operator).

use serde_json::{Value, json};

use super::ask::{Ask, over};
use super::{Change, Changes, identity};
use crate::azure::error::AzureError;

/// Type of a workspace.
pub const WORKSPACES: &str = "Microsoft.Monitor/accounts";
const RULES: &str = "Microsoft.Insights/dataCollectionRules";
const ENDPOINTS: &str = "Microsoft.Insights/dataCollectionEndpoints";
const STREAM: &str = "Microsoft-PrometheusMetrics";

/// A workspace. Its id comes back in lower case, as recorded.
pub fn workspace(ask: &Ask) -> Changes {
    let name = ask.id.last_name();
    let account = ask.guid("/properties/accountId");
    let code = short(&account);
    let group = format!("MA_{name}_{}_managed", ask.location());
    let scope = format!("/subscriptions/{}/resourceGroups/{group}", ask.subscription());
    let id = |kind: &str| format!("{scope}/providers/{kind}/{name}");
    let (rule, endpoint) = (id(RULES), id(ENDPOINTS));
    let immutable = immutable_id(ask, &rule, "dcr");
    let host = format!("{name}-{code}.{}", ask.location());
    let metrics = over(
        json!({"prometheusQueryEndpoint": format!("https://{host}.prometheus.monitor.azure.com"),
            "internalId": format!("mac_{}", account.as_str().unwrap_or_default())}),
        ask.at("/properties/metrics"),
    );
    let mut properties = ask.properties(json!({"publicNetworkAccess": "Enabled"}));
    properties.insert("accountId".into(), account.clone());
    properties.insert("metrics".into(), Value::Object(metrics));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert(
        "defaultIngestionSettings".into(),
        json!({"dataCollectionRuleResourceId": rule, "dataCollectionEndpointResourceId": endpoint,
            "dataCollectionRuleImmutableId": immutable,
            "ingestionEndpoints": {"metrics": ingestion(&host, "metrics.ingest")}}),
    );
    let (identity, principal) = identity::of_resource(ask, ask.at("/identity"))?;
    let mut body = ask.resource(Value::Object(properties));
    if !identity.is_null() {
        body["identity"] = identity;
    }
    body["id"] = json!(
        ask.put
            .id
            .replace("/resourceGroups/", "/resourcegroups/")
            .replace("Microsoft.Monitor", "microsoft.monitor")
    );
    body["etag"] = json!(format!("\"{}\"", ask.world.new_uuid()));
    let mut changes = vec![
        Change::own(ask, body),
        Change::Group {
            subscription: ask.subscription().to_owned(),
            name: group,
            location: ask.location(),
            managed_by: ask.put.id.clone(),
        },
        Change::other(ask, &endpoint, endpoint_body(ask, &endpoint, &host)),
        Change::other(ask, &rule, rule_body(ask, &rule, &endpoint, &immutable, &account)),
    ];
    changes.extend(principal);
    Ok(changes)
}

fn short(account: &Value) -> &str {
    account.as_str().and_then(|guid| guid.get(..4)).unwrap_or_default()
}

fn immutable_id(ask: &Ask, id: &str, prefix: &str) -> Value {
    let old = ask.world.resource(id).unwrap_or(Value::Null);
    match &old["properties"]["immutableId"] {
        Value::Null => json!(format!("{prefix}-{}", ask.world.new_uuid().simple())),
        kept => kept.clone(),
    }
}

/// Address of a service of a data collection endpoint.
fn ingestion(host: &str, service: &str) -> String {
    format!("https://{host}-1.{service}.monitor.azure.com")
}

/// Azure REST reference, data-collection-endpoints 2024-03-11; the host's form: learn.microsoft.com,
/// prometheus-remote-write-virtual-machines.
fn endpoint_body(ask: &Ask, id: &str, host: &str) -> Value {
    let address = |service: &str| json!(ingestion(host, service));
    managed(
        ask,
        id,
        ENDPOINTS,
        json!({
            "immutableId": immutable_id(ask, id, "dce"),
            "configurationAccess": {"endpoint": address("handler.control")},
            "logsIngestion": {"endpoint": address("ingest")},
            "metricsIngestion": {"endpoint": address("metrics.ingest")},
            "networkAcls": {"publicNetworkAccess": "Enabled"},
            "provisioningState": "Succeeded",
        }),
    )
}

/// Azure REST reference, data-collection-rules 2024-03-11.
fn rule_body(ask: &Ask, id: &str, endpoint: &str, immutable: &Value, account: &Value) -> Value {
    managed(
        ask,
        id,
        RULES,
        json!({
            "immutableId": immutable,
            "dataCollectionEndpointId": endpoint,
            "dataSources": {"prometheusForwarder": [{"streams": [STREAM], "labelIncludeFilter": {}, "name": "PrometheusDataSource"}]},
            "destinations": {"monitoringAccounts": [{"accountResourceId": ask.put.id, "accountId": account, "name": "MonitoringAccount1"}]},
            "dataFlows": [{"streams": [STREAM], "destinations": ["MonitoringAccount1"]}],
            "provisioningState": "Succeeded",
        }),
    )
}

fn managed(ask: &Ask, id: &str, kind: &str, properties: Value) -> Value {
    json!({"id": id, "name": ask.id.last_name(), "type": kind, "location": ask.location(), "properties": properties,
        "etag": format!("\"{}\"", ask.world.new_uuid())})
}

/// Nobody but the workspace writes what is in its group; others of these types are not modelled.
pub fn collection(ask: &Ask) -> Changes {
    if ask.old.is_null() {
        let message = format!("the twin models no '{}' but those that come with a workspace", ask.kind);
        return Err(AzureError::new(501, "NotModelled", message));
    }
    let message = format!(
        "The client with object id '{}' has permission to perform action '{}/write' on scope '{}'; however, the access is denied because of the deny assignment on the managed resource group.",
        ask.world.caller_id(),
        ask.kind,
        ask.put.id
    );
    Err(AzureError::gateway(403, "DenyAssignmentAuthorizationFailed", message))
}
