//! Replies of the twin have the status, the headers a client acts on and the shape of those recorded from the real Azure.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

mod azure_support;
#[path = "azure_recordings/table.rs"]
mod table;

use azure_support::{S, Twin, differences, recorded};
use serde_json::{Value, json};
use table::{OTHER_TEMPLATE, Row, TEMPLATE, rows, secure_mode};

const SCENARIO: &str = "
deleted_vaults: [{name: kvlost, group: rg1, location: eastus, secrets: {a: b}}]
restrictions: [{size: Standard_ND96asr_v4, region: eastus}]
roles: [{role: Owner}, {role: Key Vault Secrets Officer}]
role_delay: 0
";

#[test]
fn replies_have_the_recorded_shape() {
    compare(&Twin::new(SCENARIO), &rows());
}

#[test]
fn what_secure_mode_asks_for_has_the_recorded_shape() {
    let twin = Twin::with_group("nrms_rules: true");
    twin.deploy_machine();
    compare(&twin, &secure_mode());
}

/// Asks for each row and compares status, headers and body with what was recorded.
fn compare(twin: &Twin, rows: &[Row]) {
    for row in rows {
        let name = format!("{} {}: {} {}", row.file, row.index, row.method, row.path);
        let recorded = recorded(row.file, row.index);
        let got = twin.arm(row.method, &row.path, row.body.clone());
        let wire = recorded.get("kind").is_none();
        assert!(
            !wire || got.status == recorded["response"]["status"],
            "{name}: status {}\n{}",
            got.status,
            got.body
        );
        let mut found = Vec::new();
        for header in ["azure-asyncoperation", "location", "x-ms-failure-cause", "content-type"] {
            let there = recorded["response"]["headers"].get(header).is_some();
            if wire && there != got.header(header).is_some() {
                found.push(format!("header {header}"));
            }
        }
        if row.method != "HEAD" {
            differences(&recorded["response"]["body"], &got.body, "", &mut found);
        }
        found.retain(|difference| !row.except.iter().any(|(known, _)| difference.contains(known)));
        assert!(found.is_empty(), "{name}\n{found:#?}\n{:#}", got.body);
    }
    println!("{} replies compared", rows.len());
}

#[test]
fn an_ended_deployment_has_the_recorded_shape() {
    let twin = Twin::with_group(SCENARIO);
    let template: Value = serde_json::from_str(TEMPLATE).unwrap();
    let got = twin.deploy("d1", &template, json!({"p": {"value": "x"}}));
    let mut found = Vec::new();
    differences(&recorded("deployment-get", 1)["response"]["body"], &got, "", &mut found);
    found.retain(|difference| !OTHER_TEMPLATE.iter().any(|(known, _)| difference.contains(known)));
    assert!(found.is_empty(), "{found:#?}");
    let operations = twin.arm(
        "GET",
        &format!("{S}/resourcegroups/rg1/deployments/d1/operations?api-version=2021-04-01"),
        None,
    );
    let recorded = recorded("deployment-operations", 0);
    let of_outputs = recorded["response"]["body"]["value"].as_array().unwrap().last().unwrap().clone();
    differences(&of_outputs, operations.body["value"].as_array().unwrap().last().unwrap(), "", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_vaults_data_plane_has_the_recorded_shape() {
    let twin = Twin::with_group(SCENARIO);
    let vault =
        format!("{S}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kvlost?api-version=2021-10-01");
    let recovered =
        twin.arm("PUT", &vault, Some(json!({"location": "eastus", "properties": {"createMode": "recover"}})));
    assert_eq!(recovered.status, 200);
    let token = twin.token("https://vault.azure.net");
    let url = "https://kvlost.vault.azure.net/secrets";
    let challenge = twin.ask("GET", &format!("{url}/a?api-version=7.4"), None, None);
    let set = twin.ask(
        "PUT",
        &format!("{url}/b?api-version=7.4"),
        Some(&token),
        Some(json!({"value": "v", "tags": {"file-encoding": "utf-8"}})),
    );
    let list = twin.ask("GET", &format!("{url}?api-version=7.4"), Some(&token), None);
    for (index, got) in [(5, &challenge), (1, &set), (4, &list)] {
        let recorded = recorded("keyvault-secret", index);
        assert_eq!(got.status, recorded["response"]["status"], "{}", got.body);
        let mut found = Vec::new();
        differences(&recorded["response"]["body"], &got.body, "", &mut found);
        found.retain(|one| !one.ends_with(".recoverableDays is new") && !one.ends_with(".tags lacks"));
        assert!(found.is_empty(), "{index} {found:#?}");
    }
    let header = challenge.header("www-authenticate").unwrap();
    assert!(header.starts_with("Bearer authorization=\"https://login.microsoftonline.com/"), "{header}");
}

#[test]
fn machines_and_bastions_have_the_recorded_shape() {
    let twin = Twin::with_group("");
    assert_eq!(twin.deploy_machine()["properties"]["provisioningState"], "Succeeded");
    let group = format!("{S}/resourceGroups/rg1/providers");
    let cases: [(&str, usize, String, &[&str]); 2] = [
        (
            "bastion",
            1,
            format!("{group}/Microsoft.Network/bastionHosts/bastion?api-version=2025-05-01"),
            // properties of a newer api-version and of the Standard SKU
            &[".sku", ".properties.enable", ".properties.disable", ".properties.virtualNetwork"],
        ),
        (
            "vm",
            0,
            format!("{group}/Microsoft.Compute/virtualMachines/vm1?api-version=2025-04-01"),
            // what the recorded VM has by its own template: passwords, trusted launch, caching
            &[
                ".tags lacks",
                ".caching lacks",
                ".securityProfile lacks",
                ".linuxConfiguration",
                ".diagnosticsProfile lacks",
                ".properties.primary is new",
                ".networkInterfaces[].properties is new",
                ".networkInterfaces[].resourceGroup lacks",
            ],
        ),
    ];
    for (file, index, path, known) in cases {
        let got = twin.arm("GET", &path, None);
        assert!(got.header("etag").is_some(), "{file}");
        let mut found = Vec::new();
        differences(&recorded(file, index)["response"]["body"], &got.body, "", &mut found);
        found.retain(|one| !known.iter().any(|part| one.contains(part)));
        assert!(found.is_empty(), "{file} {found:#?}");
    }
}

/// Network, volume, database, workspace and Grafana, written one after the other.
fn services(twin: &Twin) {
    let subnet = json!({"name": "files", "properties": {"addressPrefix": "10.0.0.0/28",
        "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.NetApp/volumes"}}]}});
    let network = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/24"]}, "subnets": [subnet]});
    let files =
        format!("{S}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/net/subnets/files");
    let rule = json!({"ruleIndex": 1, "allowedClients": "0.0.0.0/0", "nfsv41": true});
    let volume = json!({"creationToken": "v", "subnetId": files, "usageThreshold": 107_374_182_400_i64,
        "protocolTypes": ["NFSv4.1"], "exportPolicy": {"rules": [rule]}});
    let server = json!({"administratorLogin": "myadmin", "administratorLoginPassword": "Hidden-Value-1",
        "storage": {"storageSizeGB": 128}, "version": "8.0.21"});
    for (typed, version, more) in [
        ("Microsoft.Network/virtualNetworks/net", "2025-05-01", json!({"properties": network})),
        ("Microsoft.NetApp/netAppAccounts/a", "2021-10-01", json!({})),
        (
            "Microsoft.NetApp/netAppAccounts/a/capacityPools/p",
            "2021-10-01",
            json!({"properties": {"serviceLevel": "Premium", "size": 1_i64 << 40}}),
        ),
        (VOLUME, "2021-10-01", json!({"tags": {"Tag2": "Value1"}, "properties": volume})),
        (
            "Microsoft.DBforMySQL/flexibleServers/mysql-1",
            "2023-06-30",
            json!({"sku": {"name": "Standard_D4ds_v4", "tier": "GeneralPurpose"}, "properties": server}),
        ),
        (
            "Microsoft.Monitor/accounts/metrics",
            "2023-04-03",
            json!({"tags": {"tag": "test", "tag2": "test2"}}),
        ),
        (
            "Microsoft.Dashboard/grafana/grafana-1",
            "2022-08-01",
            json!({"sku": {"name": "Standard"}, "identity": {"type": "SystemAssigned"}, "tags": {"foo": "doo"}, "properties": {}}),
        ),
    ] {
        let mut body = more;
        body["location"] = json!("eastus");
        let path = format!("{S}/resourceGroups/rg1/providers/{typed}?api-version={version}");
        let made = twin.arm("PUT", &path, Some(body));
        assert!(made.status < 300, "{typed}: {}", made.body);
    }
}

const VOLUME: &str = "Microsoft.NetApp/netAppAccounts/a/capacityPools/p/volumes/v";

#[test]
fn services_have_the_recorded_shape() {
    let twin = Twin::with_group("");
    services(&twin);
    let cases: [(&str, usize, &str, &str, &[&str]); 4] = [
        // the tag is a policy's of the recorded subscription
        ("netapp", 4, VOLUME, "2021-10-01", &[".tags.CreatedOnDate lacks"]),
        ("mysql-server", 3, "Microsoft.DBforMySQL/flexibleServers/mysql-1", "2023-06-30", &[]),
        (
            "monitor-account",
            1,
            "Microsoft.Monitor/accounts/metrics",
            "2023-04-03",
            // properties of a newer api-version
            &[".dataCollectionRuleImmutableId is new", ".ingestionEndpoints is new"],
        ),
        ("grafana", 3, "Microsoft.Dashboard/grafana/grafana-1", "2022-08-01", &[]),
    ];
    for (file, index, typed, version, known) in cases {
        let path = format!("{S}/resourceGroups/rg1/providers/{typed}?api-version={version}");
        let got = twin.arm("GET", &path, None);
        let recorded = &recorded(file, index)["response"];
        assert_eq!(got.status, recorded["status"], "{file}");
        let mut found = Vec::new();
        differences(&recorded["body"], &got.body, "", &mut found);
        found.retain(|one| !known.iter().any(|part| one.contains(part)));
        assert!(found.is_empty(), "{file} {found:#?}");
        assert_eq!(got.body["type"], recorded["body"]["type"], "{file}");
    }
    let recorded = recorded("netapp", 4)["response"]["body"]["properties"].clone();
    let path = format!("{S}/resourceGroups/rg1/providers/{VOLUME}?api-version=2021-10-01");
    let volume = twin.arm("GET", &path, None).body["properties"].clone();
    for same in
        ["throughputMibps", "exportPolicy", "networkFeatures", "unixPermissions", "maximumNumberOfFiles"]
    {
        assert_eq!(volume[same], recorded[same], "{same}");
    }
    assert_eq!(volume["mountTargets"][0]["ipAddress"], "10.0.0.4", "as recorded");
}

#[test]
fn a_failure_two_levels_deep_is_told_as_recorded() {
    let twin = Twin::with_group(
        "failing_writes: [{id: 'roleAssignments/', code: RoleAssignmentExists, message: it is there}]",
    );
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    let nest = |name: &str, resources: Value| {
        json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": name, "properties": {
            "mode": "Incremental",
            "template": {"$schema": schema, "contentVersion": "1.0.0.0", "resources": resources},
        }})
    };
    let role =
        format!("{S}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7");
    let leaf = json!([{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "32a3ed4a-0b5a-4b5a-8b5a-000000000001",
        "properties": {"roleDefinitionId": role, "principalId": "77777777-7777-4777-8777-777777777777", "principalType": "User"}}]);
    let template = json!({"$schema": schema, "contentVersion": "1.0.0.0", "resources": [nest("outer", json!([nest("inner", leaf)]))]});
    let got = twin.deploy("d1", &template, json!({}));
    assert_eq!(got["properties"]["provisioningState"], "Failed");
    let recorded = recorded("deployment-operation-status", 4);
    let parsed = |error: &Value| -> Value {
        assert_eq!(error["code"], "DeploymentFailed");
        assert_eq!(error["details"][0]["code"], "Conflict");
        let text = error["details"][0]["message"].as_str().unwrap();
        assert!(text.contains("\r\n"), "{text}");
        serde_json::from_str(text).unwrap()
    };
    let (ours, theirs) =
        (parsed(&got["properties"]["error"]), parsed(&recorded["response"]["body"]["error"]));
    let mut found = Vec::new();
    differences(
        &theirs["error"]["details"][0]["target"],
        &ours["error"]["details"][0]["target"],
        "",
        &mut found,
    );
    assert_eq!(ours["error"]["code"], theirs["error"]["code"]);
    assert_eq!(ours["error"]["details"][0]["code"], theirs["error"]["details"][0]["code"]);
    assert!(found.is_empty(), "{found:#?}");
    let inner = &ours["error"]["details"][0]["details"][0];
    assert_eq!(inner["code"], "ResourceDeploymentFailure");
    assert!(inner["target"].as_str().unwrap().ends_with("/deployments/inner"), "{inner}");
    assert_eq!(inner["details"][0]["details"][0]["code"], "RoleAssignmentExists");
    let operation = |name: &str| {
        let path = format!("{S}/resourceGroups/rg1/deployments/{name}/operations?api-version=2025-04-01");
        twin.arm("GET", &path, None).body["value"][0]["properties"].clone()
    };
    assert_eq!(operation("outer")["statusMessage"]["error"]["details"][0]["code"], "RoleAssignmentExists");
    assert_eq!(
        (&operation("inner")["statusCode"], &operation("inner")["statusMessage"]["error"]["code"]),
        (&json!("Conflict"), &json!("RoleAssignmentExists"))
    );
}
