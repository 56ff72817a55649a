//! What `install -s` changes and what Azure makes of it: PATCH of a VM, rules of a policy, a closed vault.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

mod azure_support;

use azure_support::{Answered, S, Twin};
use serde_json::{Value, json};

const HOST: [u8; 4] = [10, 64, 0, 4]; // the VM of the template
const VM: &str = "Microsoft.Compute/virtualMachines/vm1";
const VAULT: &str = "Microsoft.KeyVault/vaults/kv-secured1";

fn ask(twin: &Twin, method: &str, typed: &str, version: &str, body: Value) -> Answered {
    let path = format!("{S}/resourceGroups/rg1/providers/{typed}?api-version={version}");
    twin.arm(method, &path, (!body.is_null()).then_some(body))
}

fn get(twin: &Twin, typed: &str, version: &str) -> Value {
    ask(twin, "GET", typed, version, Value::Null).body
}

/// The resource once what was asked for has come to its end.
fn settled(twin: &Twin, typed: &str) -> Value {
    for _ in 0..500 {
        let found = get(twin, typed, "2025-04-01");
        if found["properties"]["provisioningState"] == "Succeeded" {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{typed} does not settle");
}

fn identity(twin: &Twin, name: &str) -> String {
    let typed = format!("Microsoft.ManagedIdentity/userAssignedIdentities/{name}");
    assert_eq!(ask(twin, "PUT", &typed, "2024-11-30", json!({"location": "eastus"})).status, 201);
    format!("{S}/resourceGroups/rg1/providers/{typed}")
}

#[test]
fn a_patched_identity_keeps_only_what_is_named() {
    let twin = Twin::with_group("");
    twin.deploy_machine();
    let (locker, other) = (identity(&twin, "locker"), identity(&twin, "other"));
    let own = get(&twin, VM, "2025-04-01")["identity"]["principalId"].clone();
    let patch = |kind: &str, users: Value| {
        let body = json!({"identity": {"type": kind, "userAssignedIdentities": users}});
        let got = ask(&twin, "PATCH", VM, "2025-04-01", body);
        assert!(got.status == 200 && got.header("azure-asyncoperation").is_some(), "{}", got.body);
        assert_eq!(got.body["properties"]["provisioningState"], "Updating");
        get(&twin, VM, "2025-04-01")["identity"].clone()
    };
    let users = |identity: &Value| -> Vec<String> {
        identity["userAssignedIdentities"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(id, _)| id.clone())
            .collect()
    };
    let both = "SystemAssigned, UserAssigned";
    let one = patch(both, json!({&locker: {}}));
    assert_eq!((&one["principalId"], users(&one)), (&own, vec![locker.clone()]), "its own one stays");
    assert!(one["userAssignedIdentities"][&locker]["clientId"].is_string());
    assert_eq!(users(&patch(both, json!({&other: {}}))), [locker.clone(), other.clone()], "added to");
    assert_eq!(users(&patch(both, json!({&locker: null}))), [other]);
    let bare = patch("SystemAssigned", json!(null));
    assert_eq!((&bare["type"], users(&bare)), (&json!("SystemAssigned"), vec![]), "the others go");
}

#[test]
fn a_patched_vm_keeps_what_is_not_named_and_refuses_what_is_not_known() {
    let twin = Twin::with_group("");
    twin.deploy_machine();
    let before = get(&twin, VM, "2025-04-01");
    let settings = |mode: &str| json!({"properties": {"osProfile": {"linuxConfiguration": {"patchSettings": {"patchMode": mode}}}}});
    assert_eq!(ask(&twin, "PATCH", VM, "2025-04-01", settings("AutomaticByPlatform")).status, 200);
    let mut after = settled(&twin, VM);
    let patched = after["properties"]["osProfile"]["linuxConfiguration"]["patchSettings"].take();
    assert_eq!(patched, json!({"patchMode": "AutomaticByPlatform", "assessmentMode": "ImageDefault"}));
    let mut expected = before;
    expected["properties"]["osProfile"]["linuxConfiguration"]["patchSettings"] = Value::Null;
    expected["etag"] = json!("\"2\"");
    assert_eq!(after, expected);
    let unknown = json!({"properties": {"hardwareProfile": {"vmSize": "Standard_D8s_v5"}}});
    for (typed, body, status, code) in [
        (VM, settings("Sometimes"), 400, "InvalidParameter"),
        (VM, unknown, 400, "BadRequest"),
        ("Microsoft.Compute/virtualMachines/none", settings("ImageDefault"), 404, "ResourceNotFound"),
    ] {
        let got = ask(&twin, "PATCH", typed, "2025-04-01", body);
        assert_eq!((got.status, got.code()), (status, code), "{typed}: {}", got.body);
    }
}

#[test]
fn an_extension_lives_with_its_vm() {
    let twin = Twin::with_group("");
    twin.deploy_machine();
    let typed = format!("{VM}/extensions/sign-in");
    let body = json!({"location": "eastus", "properties": {"publisher": "Microsoft.Azure.ActiveDirectory",
        "type": "AADSSHLoginForLinux", "typeHandlerVersion": "1.0", "protectedSettings": {"password": "canary"}}});
    let put = || ask(&twin, "PUT", &typed, "2024-11-01", body.clone()).status;
    assert_eq!((put(), put()), (201, 200));
    settled(&twin, &typed);
    let vm = get(&twin, VM, "2025-04-01");
    assert_eq!(vm["resources"][0]["properties"]["type"], "AADSSHLoginForLinux", "{vm}");
    let list = get(&twin, "Microsoft.Compute/virtualMachines", "2025-04-01");
    assert_eq!(list["value"][0]["resources"].as_array().unwrap().len(), 1);
    assert!(list["value"][0]["resources"][0].get("properties").is_none(), "a list tells ids only: {list}");
    assert!(!format!("{vm}{list}{}", twin.azure.dump().unwrap()).contains("canary"));
    assert_eq!(ask(&twin, "POST", &format!("{VM}/deallocate"), "2025-04-01", Value::Null).status, 200);
    let refused = ask(&twin, "PUT", &typed, "2024-11-01", body.clone());
    assert_eq!((refused.status, refused.code()), (409, "OperationNotAllowed"));
    // a deployment of the VM leaves its extension and identity alone
    assert_eq!(ask(&twin, "POST", &format!("{VM}/start"), "2025-04-01", Value::Null).status, 200);
    let deployed = twin.deploy_machine();
    assert_eq!(deployed["properties"]["provisioningState"], "Succeeded", "{deployed}");
    let after = get(&twin, VM, "2025-04-01");
    assert_eq!((&after["resources"], &after["identity"]), (&vm["resources"], &vm["identity"]));
    let going = ask(&twin, "DELETE", VM, "2025-04-01", Value::Null);
    assert_eq!(going.status, 202);
    assert_eq!(twin.polled(going.header("azure-asyncoperation").unwrap()).body["status"], "Succeeded");
    assert_eq!(ask(&twin, "GET", &typed, "2024-11-01", Value::Null).status, 404);
}

#[test]
fn a_policy_puts_its_rules_after_every_write() {
    const NSG: &str = "Microsoft.Network/networkSecurityGroups/nsg1";
    let twin = Twin::with_group("nrms_rules: true");
    let write = || assert!(ask(&twin, "PUT", NSG, "2025-05-01", json!({"location": "eastus"})).status < 300);
    let rules = || -> Vec<String> {
        let list = get(&twin, &format!("{NSG}/securityRules"), "2025-05-01");
        list["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["name"].as_str().unwrap().to_owned())
            .collect()
    };
    write();
    let all = ["NRMS-Rule-103", "NRMS-Rule-104", "NRMS-Rule-105"];
    assert_eq!(rules(), all);
    let before = get(&twin, NSG, "2025-05-01");
    let deleted =
        ask(&twin, "DELETE", &format!("{NSG}/securityRules/nrms-rule-103"), "2022-01-01", Value::Null);
    assert_eq!(deleted.status, 202);
    let poll = deleted.header("azure-asyncoperation").unwrap().replace("https://management.azure.com", "");
    let told = (0..500).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        Some(twin.arm("GET", &poll, None).body).filter(|told| told["status"] != "InProgress")
    });
    assert_eq!(told, Some(json!({"status": "Succeeded"})));
    assert_eq!(rules(), all[1..]);
    let gone = format!("{NSG}/securityRules/NRMS-Rule-103");
    let statuses =
        ["DELETE", "GET"].map(|method| ask(&twin, method, &gone, "2022-01-01", Value::Null).status);
    assert_eq!(statuses, [204, 404]);
    let after = get(&twin, NSG, "2025-05-01");
    assert_ne!(before["etag"], after["etag"]);
    assert_eq!(after["etag"], after["properties"]["securityRules"][0]["etag"]);
    write();
    assert_eq!(rules(), all, "a redeployment brings them back");
    let nowhere = ask(
        &twin,
        "GET",
        "Microsoft.Network/networkSecurityGroups/none/securityRules/a",
        "2025-05-01",
        Value::Null,
    );
    assert_eq!((nowhere.status, nowhere.code()), (404, "ResourceNotFound"));
    let quiet = Twin::with_group("");
    ask(&quiet, "PUT", NSG, "2025-05-01", json!({"location": "eastus"}));
    assert_eq!(get(&quiet, NSG, "2025-05-01")["properties"]["securityRules"], json!([]));
}

/// The vault with these network rules; written as az does: all that it read.
fn vault(twin: &Twin, acls: Value) {
    let properties = json!({"tenantId": "22222222-2222-4222-8222-222222222222", "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": true, "enabledForTemplateDeployment": true, "networkAcls": acls,
        "vaultUri": "https://kv-secured1.vault.azure.net", "provisioningState": "Succeeded"});
    let got = ask(twin, "PUT", VAULT, "2026-02-01", json!({"location": "eastus", "properties": properties}));
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(got.body["properties"]["networkAcls"], acls);
}

fn secret_from(twin: &Twin, peer: [u8; 4]) -> Answered {
    let token = twin.token("https://vault.azure.net");
    let url = "https://kv-secured1.vault.azure.net/secrets/s?api-version=7.4";
    twin.send_from(peer, "GET", url, Some(&token), &[], Vec::new())
}

#[test]
fn a_closed_vault_lets_in_hosts_by_its_endpoint_and_templates() {
    let twin = Twin::with_group("roles: [{role: Owner}, {role: Key Vault Secrets User}]\nrole_delay: 0\n");
    twin.deploy_machine();
    vault(&twin, json!({"bypass": "AzureServices", "defaultAction": "Allow"}));
    let secret = format!("{VAULT}/secrets/s");
    assert_eq!(ask(&twin, "PUT", &secret, "2026-02-01", json!({"properties": {"value": "v"}})).status, 201);
    assert_eq!(secret_from(&twin, [127, 0, 0, 1]).body["value"], "v");

    vault(&twin, json!({"bypass": "AzureServices", "defaultAction": "Deny"}));
    for peer in [[127, 0, 0, 1], HOST] {
        let refused = secret_from(&twin, peer);
        assert_eq!((refused.status, refused.code()), (403, "Forbidden"), "{}", refused.body);
        assert_eq!(refused.body["error"]["innererror"]["code"], "ForbiddenByFirewall");
        assert!(refused.body["error"]["message"].as_str().unwrap().contains("Client address: "));
    }
    let id = format!("{S}/resourceGroups/rg1/providers/{VAULT}");
    let endpoint = json!({"location": "eastus", "properties": {
        "subnet": {"id": format!("{S}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/vnet/subnets/default")},
        "privateLinkServiceConnections": [{"name": "c", "properties": {"privateLinkServiceId": id, "groupIds": ["vault"]}}],
    }});
    assert!(ask(&twin, "PUT", "Microsoft.Network/privateEndpoints/pe", "2025-05-01", endpoint).status < 300);
    assert_eq!(secret_from(&twin, HOST).body["value"], "v", "through the private endpoint");
    assert_eq!(secret_from(&twin, [127, 0, 0, 1]).status, 403);
    let names = get(&twin, &format!("{VAULT}/secrets"), "2026-02-01");
    assert_eq!(names["value"][0]["name"], "s", "ARM lists names all the same");

    let template: Value = json!({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "parameters": {"p": {"type": "secureString"}}, "resources": []});
    let reference = json!({"p": {"reference": {"keyVault": {"id": id}, "secretName": "s"}}});
    let by_reference = twin.deploy("closed", &template, reference.clone());
    assert_eq!(by_reference["properties"]["provisioningState"], "Succeeded");
    vault(&twin, json!({"bypass": "None", "defaultAction": "Deny"}));
    let deployment = "Microsoft.Resources/deployments/shut";
    let body = json!({"properties": {"mode": "Incremental", "template": template, "parameters": reference}});
    let refused = ask(&twin, "PUT", deployment, "2025-04-01", body);
    assert_eq!((refused.status, refused.code()), (400, "KeyVaultParameterReferenceSecretRetrieveFailed"));
}
