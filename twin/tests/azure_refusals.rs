//! What the simulated Azure refuses, and how it says so.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

mod azure_support;

use azure_support::{Answered, S, Twin};
use serde_json::{Value, json};

const GROUP: &str = "{S}/resourcegroups/rg1?api-version=2024-11-01";
const DEPLOYMENT: &str =
    "{S}/resourcegroups/rg1/providers/Microsoft.Resources/deployments/d1?api-version=2025-04-01";

fn twin(scenario: &str) -> Twin {
    let twin = Twin::new(scenario);
    let made = twin.arm("PUT", &GROUP.replace("{S}", S), Some(json!({"location": "eastus"})));
    assert!(made.status == 201 || made.status == 403, "{}", made.body);
    twin
}

/// A request by the one who signs in, and the refusal expected.
struct Row {
    method: &'static str,
    path: &'static str,
    body: Value,
    status: u16,
    code: &'static str,
}

fn row(method: &'static str, path: &'static str, body: Value, status: u16, code: &'static str) -> Row {
    Row { method, path, body, status, code }
}

fn check(twin: &Twin, rows: &[Row]) {
    for row in rows {
        let body = (!row.body.is_null()).then(|| row.body.clone());
        let got = twin.arm(row.method, &row.path.replace("{S}", S), body);
        let name = format!("{} {}", row.method, row.path);
        assert_eq!((got.status, got.code()), (row.status, row.code), "{name}\n{}", got.body);
        assert!(!got.body["error"]["message"].as_str().unwrap_or_default().is_empty(), "{name}");
    }
    println!("{} refusals", rows.len());
}

fn template(resources: Value) -> Value {
    json!({"properties": {"mode": "Incremental", "template": {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "resources": resources,
    }}})
}

#[test]
fn arm_refuses_what_it_does_not_know() {
    let twin = twin("");
    let complete = json!({"properties": {"mode": "Complete", "template": {}}});
    check(
        &twin,
        &[
            row(
                "GET",
                "{S}/resourcegroups/nope?api-version=2024-11-01",
                Value::Null,
                404,
                "ResourceGroupNotFound",
            ),
            row("GET", "{S}/resourcegroups/rg1", Value::Null, 400, "MissingApiVersionParameter"),
            row(
                "GET",
                "{S}/resourcegroups/rg1?api-version=1999-01-01",
                Value::Null,
                400,
                "InvalidApiVersionParameter",
            ),
            row(
                "GET",
                "/subscriptions/00000000-0000-0000-0000-000000000001?api-version=2022-12-01",
                Value::Null,
                404,
                "SubscriptionNotFound",
            ),
            row("PATCH", GROUP, json!({}), 405, "MethodNotAllowed"),
            row("PUT", GROUP, json!({}), 400, "LocationRequired"),
            row("PUT", GROUP, json!({"location": "atlantis"}), 400, "LocationNotAvailableForResourceGroup"),
            row("PUT", GROUP, json!({"location": "westeurope"}), 409, "InvalidResourceGroupLocation"),
            row(
                "PUT",
                "{S}/resourcegroups/a*b?api-version=2024-11-01",
                json!({"location": "eastus"}),
                400,
                "InvalidResourceGroup",
            ),
            row(
                "GET",
                "{S}/resourcegroups?api-version=2024-11-01&$filter=name eq 'x'",
                Value::Null,
                400,
                "InvalidFilterInQueryString",
            ),
            row(
                "GET",
                "{S}/providers/Microsoft.Nothing?api-version=2024-11-01",
                Value::Null,
                404,
                "InvalidResourceNamespace",
            ),
            row(
                "GET",
                "{S}/resourceGroups/rg1/providers/Microsoft.Nothing/things/a?api-version=2024-11-01",
                Value::Null,
                404,
                "InvalidResourceNamespace",
            ),
            row(
                "GET",
                "{S}/resourceGroups/rg1/providers/Microsoft.Network/wormholes/a?api-version=2024-11-01",
                Value::Null,
                404,
                "InvalidResourceType",
            ),
            row(
                "GET",
                "{S}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/a?api-version=1999-01-01",
                Value::Null,
                404,
                "InvalidResourceType",
            ),
            row(
                "GET",
                "{S}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/a",
                Value::Null,
                400,
                "MissingApiVersionParameter",
            ),
            row(
                "PUT",
                "{S}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/a?api-version=1999-01-01",
                json!({"location": "eastus"}),
                400,
                "NoRegisteredProviderFound",
            ),
            row(
                "GET",
                "{S}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/a?api-version=2025-05-01",
                Value::Null,
                404,
                "ResourceNotFound",
            ),
            row(
                "GET",
                "{S}/resourceGroups/nope/providers/Microsoft.Network/virtualNetworks?api-version=2025-05-01",
                Value::Null,
                404,
                "ResourceGroupNotFound",
            ),
            row(
                "POST",
                "{S}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/a?api-version=2025-05-01",
                Value::Null,
                404,
                "NotFound",
            ),
            row(
                "GET",
                "{S}/providers/Microsoft.Compute/locations/atlantis/usages?api-version=2024-11-01",
                Value::Null,
                400,
                "NoRegisteredProviderFound",
            ),
            row(
                "GET",
                "{S}/providers/Microsoft.Compute/locations/eastus/usages?api-version=1999-01-01",
                Value::Null,
                400,
                "NoRegisteredProviderFound",
            ),
            row(
                "GET",
                "{S}/providers/Microsoft.Compute/skus?api-version=2021-07-01&$filter=name eq 'x'",
                Value::Null,
                400,
                "InvalidParameter",
            ),
            row(
                "GET",
                "{S}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/kv?api-version=2026-02-01",
                Value::Null,
                404,
                "DeletedVaultNotFound",
            ),
            row(
                "PUT",
                "{S}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv?api-version=2026-02-01",
                json!({"location": "eastus", "properties": {"createMode": "recover"}}),
                404,
                "DeletedVaultNotFound",
            ),
            row("GET", DEPLOYMENT, Value::Null, 404, "DeploymentNotFound"),
            row("PUT", DEPLOYMENT, complete, 400, "InvalidRequestContent"),
            row(
                "PUT",
                DEPLOYMENT,
                json!({"properties": {"mode": "Incremental"}}),
                400,
                "InvalidRequestContent",
            ),
            row(
                "PUT",
                DEPLOYMENT,
                json!({"properties": {"mode": "Incremental", "template": {}, "newThing": 1}}),
                400,
                "InvalidRequestContent",
            ),
            row(
                "PUT",
                DEPLOYMENT,
                template(
                    json!([{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2025-05-01", "name": "[nonsense()]"}]),
                ),
                400,
                "InvalidTemplate",
            ),
            row(
                "PUT",
                "{S}/providers/Microsoft.Resources/deployments/d?api-version=2025-04-01",
                template(json!([])),
                400,
                "InvalidDeployment",
            ),
            row("GET", "{S}/operationresults/none?api-version=2024-11-01", Value::Null, 404, "NotFound"),
        ],
    );
}

#[test]
fn rights_are_asked_for_everywhere() {
    let twin = twin("roles: [{role: Reader}]");
    let key = format!("{S}/resourceGroups/rg1");
    let forbidden = |got: &Answered, action: &str, scope: &str| {
        let message = got.body["error"]["message"].as_str().unwrap_or_default();
        assert_eq!((got.status, got.code()), (403, "AuthorizationFailed"), "{action} {}", got.body);
        assert!(message.contains(&format!("perform action '{action}' over scope '{scope}'")), "{message}");
        assert!(message.contains("55555555-5555-4555-8555-555555555555"), "{message}");
    };
    let got = twin.arm(
        "PUT",
        &format!("{S}/resourcegroups/rg1?api-version=2024-11-01"),
        Some(json!({"location": "eastus"})),
    );
    forbidden(
        &got,
        "Microsoft.Resources/subscriptions/resourceGroups/write",
        &format!("{S}/resourcegroups/rg1"),
    );
    let path = format!("{key}/providers/Microsoft.Resources/deployments/d1");
    let got = twin.arm("PUT", &format!("{path}?api-version=2025-04-01"), Some(template(json!([]))));
    forbidden(&got, "Microsoft.Resources/deployments/write", &path);
    let path = format!("{key}/providers/Microsoft.Network/virtualNetworks/a");
    let got = twin.arm("DELETE", &format!("{path}?api-version=2025-05-01"), None);
    forbidden(&got, "Microsoft.Network/virtualNetworks/delete", &path);
    assert_eq!(twin.arm("GET", &format!("{S}/locations?api-version=2022-12-01"), None).status, 200);
}

#[test]
fn a_role_counts_only_after_its_delay() {
    let twin = Twin::new(
        "role_delay: 1\ndeleted_vaults: [{name: kv1, group: rg1, location: eastus, secrets: {a: b}}]",
    );
    twin.arm("PUT", &GROUP.replace("{S}", S), Some(json!({"location": "eastus"})));
    let vault = format!("{S}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv1");
    twin.arm(
        "PUT",
        &format!("{vault}?api-version=2026-02-01"),
        Some(json!({"properties": {"createMode": "recover"}})),
    );
    let token = twin.token("https://vault.azure.net");
    let read =
        || twin.ask("GET", "https://kv1.vault.azure.net/secrets/a?api-version=7.4", Some(&token), None);
    let refused = read();
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(refused.body["error"]["innererror"]["code"], "ForbiddenByRbac");
    let assignment = format!(
        "{vault}/providers/Microsoft.Authorization/roleAssignments/88888888-0000-4000-8000-000000000777?api-version=2022-04-01"
    );
    let user = "4633458b-17de-408a-b874-0445c86b69e6";
    let body = json!({"properties": {
        "roleDefinitionId": format!("{S}/providers/Microsoft.Authorization/roleDefinitions/{user}"),
        "principalId": "55555555-5555-4555-8555-555555555555", "principalType": "ServicePrincipal",
    }});
    let made = twin.arm("PUT", &assignment, Some(body.clone()));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(read().status, 403);
    let again = twin.arm("PUT", &assignment.replace("777?", "778?"), Some(body));
    assert_eq!((again.status, again.code()), (409, "RoleAssignmentExists"));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(read().body["value"], "b");
    assert_eq!(
        twin.ask("GET", "https://kv1.vault.azure.net/secrets/none?api-version=7.4", Some(&token), None)
            .code(),
        "SecretNotFound"
    );
    assert_eq!(
        twin.ask("GET", "https://kv1.vault.azure.net/secrets/a?api-version=1.0", Some(&token), None).code(),
        "BadParameter"
    );
    let arm = twin.token("https://management.azure.com");
    let wrong = twin.ask("GET", "https://kv1.vault.azure.net/secrets/a?api-version=7.4", Some(&arm), None);
    assert!(
        wrong.body["error"]["message"].as_str().unwrap_or_default().starts_with("AKV10022"),
        "{}",
        wrong.body
    );
    let listed = twin.arm("GET", &format!("{vault}/secrets?api-version=2026-02-01"), None);
    assert_eq!(listed.body["value"][0]["name"], "a");
    assert!(!listed.body.to_string().contains("\"b\""), "ARM shows no values");
}

#[test]
fn an_active_deployment_is_not_replaced_and_can_be_cancelled_once() {
    let twin = twin("deployment_seconds: 5");
    let path = DEPLOYMENT.replace("{S}", S);
    assert_eq!(twin.arm("PUT", &path, Some(template(json!([])))).status, 201);
    let again = twin.arm("PUT", &path, Some(template(json!([]))));
    assert_eq!((again.status, again.code()), (409, "DeploymentActive"));
    let cancel = path.replace("?", "/cancel?");
    assert_eq!(twin.arm("POST", &cancel, None).status, 204);
    let mut state = String::new();
    for _ in 0..100 {
        state = twin.arm("GET", &path, None).body["properties"]["provisioningState"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if state == "Canceled" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(state, "Canceled");
    let again = twin.arm("POST", &cancel, None);
    assert_eq!((again.status, again.code()), (409, "DeploymentCannotBeCancelled"));
    assert_eq!(twin.arm("PUT", &path, Some(template(json!([])))).status, 200);
}

#[test]
fn unmodelled_requests_of_every_service_are_refused() {
    let twin = twin("");
    let token = twin.token("https://graph.microsoft.com");
    for (method, url) in [
        ("GET", "https://graph.microsoft.com/v1.0/users"),
        ("POST", "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"),
        ("DELETE", "https://kv1.vault.azure.net/secrets/a?api-version=7.4"),
        ("POST", "https://acct.blob.core.windows.net/c/b"),
        ("GET", "https://bst-1.bastion.azure.com/api/rdpfile"),
        ("GET", "https://management.azure.com/batch?api-version=2020-06-01"),
        ("POST", "https://management.azure.com/subscriptions?api-version=2022-12-01"),
    ] {
        let arm = twin.token("https://management.azure.com");
        let token = if url.contains("management") { &arm } else { &token };
        let got = twin.ask(method, url, Some(token), None);
        assert!((400..500).contains(&got.status), "{method} {url}: {}", got.status);
    }
}
