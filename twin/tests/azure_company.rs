//! A company's own network, policies and registrations: what is there before, and what is refused because of it.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

mod azure_support;

use azure_support::{Answered, S, Twin};
use serde_json::{Value, json};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

fn scenario(name: &str) -> String {
    let path = format!("{}/scenarios/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// A path below the providers of a group.
fn path(group: &str, typed: &str, version: &str) -> String {
    format!("{S}/resourceGroups/{group}/providers/{typed}?api-version={version}")
}

fn template(resources: Value) -> Value {
    json!({"$schema": SCHEMA, "contentVersion": "1.0.0.0", "languageVersion": "2.0", "resources": resources})
}

/// A deployment in another group, or into the whole subscription.
fn nested(group: &str, template: Value) -> Value {
    json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": "inner", "resourceGroup": group,
        "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": template}})
}

fn validated(twin: &Twin, template: &Value) -> Answered {
    let address = path("rg1", "Microsoft.Resources/deployments/d1/validate", "2025-04-01");
    twin.arm("POST", &address, Some(json!({"properties": {"mode": "Incremental", "template": template}})))
}

/// The cause that a failed deployment tells, innermost.
fn cause(body: &Value) -> Value {
    assert_eq!(body["properties"]["provisioningState"], "Failed", "{body}");
    let detail = &body["properties"]["error"]["details"][0];
    let told: Value = serde_json::from_str(detail["message"].as_str().unwrap()).unwrap();
    let mut error = told["error"].clone();
    while error["details"].is_array() {
        error = error["details"][0].clone();
    }
    json!({"outer": detail["code"], "code": error["code"], "message": error["message"]})
}

#[test]
fn an_existing_network_is_there_with_bastion_and_zones() {
    let twin = Twin::new(&scenario("existing-network"));
    let network = twin.arm(
        "GET",
        &path("company-network", "Microsoft.Network/virtualNetworks/company", "2025-05-01"),
        None,
    );
    assert_eq!(network.status, 200, "{}", network.body);
    let files = &network.body["properties"]["subnets"][2];
    assert_eq!(
        files["properties"]["delegations"][0]["properties"]["serviceName"],
        "Microsoft.NetApp/volumes"
    );
    assert_eq!(files["properties"]["defaultOutboundAccess"], false);
    let routes = network.body["properties"]["subnets"][1]["properties"]["routeTable"]["id"].as_str().unwrap();
    let routes = twin.arm("GET", &format!("{routes}?api-version=2025-05-01"), None);
    assert_eq!(routes.body["properties"]["routes"][0]["properties"]["nextHopIpAddress"], "10.0.0.4");
    let bastion = twin.arm(
        "GET",
        &path("company-network", "Microsoft.Network/bastionHosts/company-bastion", "2025-05-01"),
        None,
    );
    assert!(bastion.body["properties"]["dnsName"].as_str().unwrap().starts_with("bst-"), "{}", bastion.body);
    let zones = twin.arm(
        "GET",
        &format!("{S}/providers/Microsoft.Network/privateDnsZones?api-version=2024-06-01"),
        None,
    );
    assert_eq!(zones.body["value"].as_array().unwrap().len(), 3);
    let zone = "Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net/virtualNetworkLinks";
    let links = twin.arm("GET", &path("company-network", zone, "2024-06-01"), None);
    assert_eq!(links.body["value"][0]["properties"]["virtualNetwork"]["id"], network.body["id"]);
}

#[test]
fn a_network_that_azure_would_refuse_is_no_scenario() {
    let text = scenario("existing-network").replace("10.80.1.0/26", "10.81.1.0/26");
    let scenario = ccslurm4ai_twin::azure::scenario::Scenario::parse(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = ccslurm4ai_twin::azure::ca::Authority::new().unwrap();
    let refused = ccslurm4ai_twin::azure::Azure::new(scenario, folder.path(), authority, None).err().unwrap();
    let told = format!("{refused:#}");
    assert!(told.contains("network 'company'") && told.contains("NetcfgSubnetRangeOutsideVnet"), "{told}");
}

#[test]
fn a_deployment_reads_and_assigns_in_the_group_of_the_network() {
    let twin = Twin::with_group(&scenario("existing-network"));
    let role =
        format!("{S}/providers/Microsoft.Authorization/roleDefinitions/4d97b98b-1d4f-4787-a291-c67834d212e7");
    let nodes = "Microsoft.Network/virtualNetworks/company/subnets/nodes";
    let mut inner = template(json!({
        "subnet": {"existing": true, "type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "2025-05-01", "name": "company/nodes"},
        "role": {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "scope": nodes,
            "name": "[guid(resourceId('Microsoft.Network/virtualNetworks/subnets', 'company', 'nodes'))]",
            "properties": {"roleDefinitionId": role, "principalId": "77777777-7777-4777-8777-777777777777", "principalType": "User"}},
    }));
    inner["outputs"] = json!({"prefix": {"type": "string", "value": "[reference('subnet').addressPrefix]"}});
    let mut outer = template(json!({"inner": nested("company-network", inner)}));
    outer["outputs"] =
        json!({"prefix": {"type": "string", "value": "[reference('inner').outputs.prefix.value]"}});
    let done = twin.deploy("d1", &outer, json!({}));
    assert_eq!(done["properties"]["outputs"]["prefix"]["value"], "10.80.16.0/20", "{done}");
    let scope = format!("{S}/resourceGroups/company-network/providers/{nodes}");
    let given = twin.arm(
        "GET",
        &format!("{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=principalId eq '77777777-7777-4777-8777-777777777777'"),
        None,
    );
    assert_eq!(given.body["value"][0]["properties"]["scope"], scope, "{}", given.body);
}

#[test]
fn a_deployment_into_a_group_that_is_not_there_is_not_valid() {
    let twin = Twin::with_group("");
    let got = validated(&twin, &template(json!({"inner": nested("SomeRandomRG", template(json!({})))})));
    let recorded = azure_support::recorded("deployment-validate", 4);
    assert_eq!(got.status, recorded["response"]["status"]);
    assert_eq!(got.body, recorded["response"]["body"]);
}

#[test]
fn a_second_zone_of_a_name_fails_after_it_was_taken() {
    let twin = Twin::with_group(&scenario("existing-network"));
    let zone = "privatelink.blob.core.windows.net";
    let network =
        format!("{S}/resourceGroups/company-network/providers/Microsoft.Network/virtualNetworks/company");
    let link = json!({"registrationEnabled": false, "virtualNetwork": {"id": network}});
    let done = twin.deploy(
        "d1",
        &template(json!({
            "zone": {"type": "Microsoft.Network/privateDnsZones", "apiVersion": "2024-06-01", "name": zone, "location": "global"},
            "link": {"type": "Microsoft.Network/privateDnsZones/virtualNetworkLinks", "apiVersion": "2024-06-01",
                "name": format!("{zone}/l"), "location": "global", "properties": link, "dependsOn": ["zone"]},
        })),
        json!({}),
    );
    let words = format!(
        "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual network with '{zone}' and '{zone}' zones."
    );
    // The three codes as printed in Azure/ARO-RP issue 796.
    assert_eq!(cause(&done), json!({"outer": "Conflict", "code": "BadRequest", "message": words}));
    let told = done["properties"]["error"]["details"][0]["message"].as_str().unwrap();
    assert!(told.contains("ResourceDeploymentFailure"), "{told}");
}

#[test]
fn policies_deny_groups_and_resources_and_whole_deployments() {
    let twin = Twin::new(&scenario("policies"));
    let group = format!("{S}/resourcegroups/rg1?api-version=2024-11-01");
    let denied = twin.arm("PUT", &group, Some(json!({"location": "eastus"})));
    assert_eq!((denied.status, denied.code()), (403, "RequestDisallowedByPolicy"), "{}", denied.body);
    let tags = json!({"CostCenter": "42"});
    assert_eq!(twin.arm("PUT", &group, Some(json!({"location": "eastus", "tags": tags}))).status, 201);

    let identity = "Microsoft.ManagedIdentity/userAssignedIdentities/idn";
    let denied = twin.arm("PUT", &path("rg1", identity, "2024-11-30"), Some(json!({"location": "eastus"})));
    let error = &denied.body["error"];
    assert_eq!(
        (denied.status, denied.code(), &error["target"]),
        (403, "RequestDisallowedByPolicy", &json!("idn"))
    );
    let info = &error["additionalInfo"][0];
    assert_eq!(
        (&info["type"], &info["info"]["policyDefinitionEffect"]),
        (&json!("PolicyViolation"), &json!("deny"))
    );

    let gateway = json!({"type": "Microsoft.Network/natGateways", "apiVersion": "2025-05-01", "name": "nat", "location": "eastus",
        "sku": {"name": "Standard"}, "tags": tags});
    let plain = json!({"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2024-11-30", "name": "idn",
        "location": "eastus"});
    let one = validated(&twin, &template(json!({"gateway": gateway})));
    assert_eq!(one.code(), "InvalidTemplateDeployment");
    assert!(one.body["error"]["message"].as_str().unwrap().contains("because of policy violation"));
    let both = validated(&twin, &template(json!({"gateway": gateway, "plain": plain})));
    // Shape recorded by Azure/ARO-RP: RequestDisallowedByPolicy of several resources.
    assert!(both.body["error"]["message"].as_str().unwrap().contains("failed with multiple errors"));
    let details = both.body["error"]["details"].as_array().unwrap();
    let told: Vec<(&str, &str)> =
        details.iter().map(|one| (one["code"].as_str().unwrap(), one["target"].as_str().unwrap())).collect();
    assert_eq!(told, [("RequestDisallowedByPolicy", "nat"), ("RequestDisallowedByPolicy", "idn")]);
}

#[test]
fn providers_that_are_not_registered_are_refused_and_can_be() {
    let twin =
        Twin::with_group("unregistered: [Microsoft.NetApp, Microsoft.DBforMySQL, Microsoft.Dashboard]");
    for (namespace, typed, version) in [
        ("Microsoft.NetApp", "Microsoft.NetApp/netAppAccounts/a", "2025-12-01"),
        ("Microsoft.DBforMySQL", "Microsoft.DBforMySQL/flexibleServers/mysql-1", "2024-12-30"),
        ("Microsoft.Dashboard", "Microsoft.Dashboard/grafana/grafana-1", "2025-08-01"),
    ] {
        let write = || twin.arm("PUT", &path("rg1", typed, version), Some(json!({"location": "eastus"})));
        let refused = write();
        assert_eq!((refused.status, refused.code()), (409, "MissingSubscriptionRegistration"), "{namespace}");
        let provider = format!("{S}/providers/{namespace}/register?api-version=2024-11-01");
        assert_eq!(twin.arm("POST", &provider, None).status, 200);
        assert_ne!(write().code(), "MissingSubscriptionRegistration", "{namespace}");
    }
}

#[test]
fn a_workspace_brings_a_group() {
    let twin = Twin::with_group("");
    let workspace = path("rg1", "Microsoft.Monitor/accounts/metrics", "2025-10-03");
    let made = twin.arm("PUT", &workspace, Some(json!({"location": "eastus"})));
    assert_eq!(made.status, 200, "{}", made.body);
    let group = format!("{S}/resourcegroups/MA_metrics_eastus_managed?api-version=2024-11-01");
    let managed = twin.arm("GET", &group, None);
    assert!(managed.body["managedBy"].as_str().unwrap().ends_with("/accounts/metrics"), "{}", managed.body);
    let rule =
        path("MA_metrics_eastus_managed", "Microsoft.Insights/dataCollectionRules/metrics", "2024-03-11");
    assert!(
        twin.arm("GET", &rule, None).body["properties"]["immutableId"].as_str().unwrap().starts_with("dcr-")
    );
}

#[test]
fn a_server_takes_one_setting_at_a_time() {
    let twin = Twin::with_group("");
    let setting = |name: &str, value: &str, after: &[&str]| {
        json!({"type": "Microsoft.DBforMySQL/flexibleServers/configurations", "apiVersion": "2024-12-30", "name": format!("mysql-1/{name}"),
            "properties": {"value": value}, "dependsOn": after})
    };
    let deploy = |name: &str, after: &[&str]| {
        let resources = json!({
            "server": {"type": "Microsoft.DBforMySQL/flexibleServers", "apiVersion": "2024-12-30", "name": "mysql-1", "location": "eastus",
                "sku": {"name": "Standard_D2ads_v5", "tier": "GeneralPurpose"},
                "properties": {"version": "8.4", "administratorLogin": "slurm", "administratorLoginPassword": "Hidden-Value-1"}},
            "one": setting("innodb_lock_wait_timeout", "900", &["server"]),
            "two": setting("require_secure_transport", "ON", after),
        });
        twin.deploy(name, &template(resources), json!({}))
    };
    let busy = cause(&deploy("beside", &["server"]));
    assert_eq!(busy["code"], "ServerIsBusy", "{busy}");
    assert_eq!(deploy("after", &["one"])["properties"]["provisioningState"], "Succeeded");
}
