//! Rules about what the template deploys, held against the official evaluator's prediction.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::compiler::{SUBSCRIPTION, predict};

/// Types that Azure keeps no tags on, or that belong to a tagged parent.
const UNTAGGED: [&str; 4] = [
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Network/virtualNetworks/subnets",
];

/// Most characters a name may have, and those allowed beside letters and digits; by type.
/// Source: <https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>
const NAMES: [(&str, usize, usize, &str); 15] = [
    ("Microsoft.Compute/virtualMachines", 1, 64, "-"),
    ("Microsoft.KeyVault/vaults", 3, 24, "-"),
    ("Microsoft.KeyVault/vaults/secrets", 1, 127, "-"),
    ("Microsoft.ManagedIdentity/userAssignedIdentities", 3, 128, "-_"),
    ("Microsoft.Network/bastionHosts", 1, 80, "-_."),
    ("Microsoft.Network/natGateways", 1, 80, "-_."),
    ("Microsoft.Network/networkInterfaces", 1, 80, "-_."),
    ("Microsoft.Network/networkSecurityGroups", 1, 80, "-_."),
    ("Microsoft.Network/privateDnsZones", 1, 63, "-."),
    ("Microsoft.Network/privateDnsZones/virtualNetworkLinks", 1, 80, "-_."),
    ("Microsoft.Network/privateEndpoints", 2, 64, "-_."),
    ("Microsoft.Network/privateEndpoints/privateDnsZoneGroups", 1, 80, "-_."),
    ("Microsoft.Network/publicIPAddresses", 1, 80, "-_."),
    ("Microsoft.Network/virtualNetworks", 2, 64, "-_."),
    ("Microsoft.Storage/storageAccounts/blobServices/containers", 3, 63, "-"),
];

fn of_type<'a>(prediction: &'a Value, kind: &str) -> Vec<&'a Value> {
    resources(prediction).iter().filter(|resource| resource["type"] == kind).collect()
}

fn resources(prediction: &Value) -> &Vec<Value> {
    prediction["predictedResources"].as_array().expect("predictedResources is a list")
}

fn check_name(resource: &Value) {
    let kind = resource["type"].as_str().expect("a type");
    let name = resource["name"].as_str().expect("a name").rsplit('/').next().expect("a last part");
    // Left as expressions: names made of identities yet unknown, and of the cloud's domain, which is known to Azure only.
    if kind == "Microsoft.Authorization/roleAssignments" || name.contains("environment().suffixes") {
        return;
    }
    if kind == "Microsoft.Storage/storageAccounts" {
        let fits = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        assert!(fits && (3..=24).contains(&name.len()), "storage account {name}");
        return;
    }
    let rule = NAMES.iter().find(|rule| rule.0 == kind);
    let (_, least, most, marks) = rule.unwrap_or_else(|| panic!("no name rule for {kind}"));
    let allowed = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    assert!(name.chars().all(allowed), "{kind} {name}");
    assert!((*least..=*most).contains(&name.len()), "{kind} {name} has {} characters", name.len());
    assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()), "{kind} {name}");
    assert!(name.ends_with(|c: char| c.is_ascii_alphanumeric()), "{kind} {name}");
}

/// The object ids of the identities are known only after their resources are made: the evaluator leaves a reference.
fn principal(id: &Value, caller: &str) -> &'static str {
    let id = id.as_str().expect("principalId");
    match () {
        () if id == caller => "caller",
        () if id.contains("/virtualMachines/cycleserver'") => "server",
        () if id.contains("/userAssignedIdentities/ccslurm4ai-locker'") => "locker",
        () => panic!("unknown principal {id}"),
    }
}

fn scope(id: &str) -> &'static str {
    match () {
        () if id.contains("Microsoft.Storage/storageAccounts/") => "locker",
        () if id.contains("Microsoft.KeyVault/vaults/") => "keyVault",
        () if id.starts_with("[resourceId(") => "resourceGroup",
        () if id.starts_with(&format!("[subscriptionResourceId('{SUBSCRIPTION}'")) => "subscription",
        () => panic!("unknown scope {id}"),
    }
}

#[test]
fn names_fit_whatever_the_resource_group_is_called() {
    let longest = "Long_(group).name-".repeat(5);
    let mut accounts = BTreeSet::new();
    for group in ["g", "rg1", &longest] {
        let prediction = predict("first", group);
        resources(&prediction).iter().for_each(check_name);
        accounts.insert(prediction["outputs"]["globalVars"]["lockerAccountName"].to_string());
    }
    assert_eq!(longest.len(), 90);
    assert_eq!(accounts.len(), 3, "each group has an account of its own: {accounts:?}");
}

#[test]
fn every_resource_has_the_tags() {
    let first = predict("first", "rg1");
    let expected = json!({"team": "ai", "cost center": "42", "ccslurm4ai-cluster": "slurmcluster"});
    for resource in resources(&first) {
        let kind = resource["type"].as_str().expect("a type");
        match resource.get("tags") {
            Some(tags) => assert_eq!(tags, &expected, "{kind}"),
            None => assert!(UNTAGGED.contains(&kind), "{kind} has no tags"),
        }
    }
    let again = predict("again", "rg1");
    assert_eq!(
        of_type(&again, "Microsoft.Compute/virtualMachines")[0]["tags"],
        json!({"ccslurm4ai-cluster": "other"})
    );
}

#[test]
fn machines_have_no_public_address() {
    let prediction = predict("first", "rg1");
    let interfaces = of_type(&prediction, "Microsoft.Network/networkInterfaces");
    assert_eq!(interfaces.len(), 1);
    for interface in interfaces {
        assert!(!interface.to_string().contains("publicIP"), "{interface}");
    }
    let addresses = of_type(&prediction, "Microsoft.Network/publicIPAddresses");
    let names: Vec<_> = addresses.iter().map(|address| &address["name"]).collect();
    assert_eq!(names, ["ccslurm4ai-nat-ip", "ccslurm4ai-bastion-ip"]);
    for address in addresses {
        assert_eq!(address["sku"]["name"], "Standard");
        assert_eq!(address["properties"]["publicIPAllocationMethod"], "Static");
    }
}

#[test]
fn every_subnet_is_closed_by_a_security_group_of_its_own() {
    for (parameters, compute) in
        [("first", "10.64.128.0/17"), ("again", "192.168.3.0/24"), ("repair", "10.128.0.0/9")]
    {
        let prediction = predict(parameters, "rg1");
        let subnets = &of_type(&prediction, "Microsoft.Network/virtualNetworks")[0]["properties"]["subnets"];
        let subnets = subnets.as_array().expect("subnets");
        let mut groups = BTreeSet::new();
        for subnet in subnets {
            let properties = &subnet["properties"];
            assert_eq!(properties["defaultOutboundAccess"], false);
            let group = properties["networkSecurityGroup"]["id"].as_str().expect("a security group");
            groups.insert(group);
            let machines = subnet["name"] == "compute" || subnet["name"] == "cyclecloud";
            assert_eq!(properties["natGateway"].is_object(), machines, "{}", subnet["name"]);
            let all = of_type(&prediction, "Microsoft.Network/networkSecurityGroups");
            let group = all.iter().find(|one| one["id"] == group).expect("the group is deployed");
            check_rules(group);
        }
        assert_eq!(groups.len(), subnets.len());
        assert_eq!(subnets[1]["properties"]["addressPrefix"], compute);
    }
}

fn check_rules(group: &Value) {
    let rules = group["properties"]["securityRules"].as_array().expect("rules");
    let inbound: Vec<_> = rules.iter().filter(|rule| rule["properties"]["direction"] == "Inbound").collect();
    let last = &inbound.last().expect("an inbound rule")["properties"];
    assert_eq!((&last["access"], &last["priority"]), (&json!("Deny"), &json!(4096)), "{}", group["name"]);
    let priorities: BTreeSet<_> =
        inbound.iter().map(|rule| rule["properties"]["priority"].as_i64()).collect();
    assert_eq!(priorities.len(), inbound.len(), "{}: a priority twice", group["name"]);
    for rule in inbound {
        let open = rule["properties"]["access"] == "Allow"
            && ["Internet", "*", "0.0.0.0/0"]
                .iter()
                .any(|any| rule["properties"]["sourceAddressPrefix"] == *any);
        assert!(!open || rule["name"] == "AllowHttpsInbound", "{} lets anyone in: {rule}", group["name"]);
    }
}

#[test]
fn the_locker_and_the_vault_are_closed() {
    let prediction = predict("first", "rg1");
    let locker = &of_type(&prediction, "Microsoft.Storage/storageAccounts")[0]["properties"];
    for (key, value) in [
        ("allowBlobPublicAccess", json!(false)),
        ("allowSharedKeyAccess", json!(false)),
        ("minimumTlsVersion", json!("TLS1_2")),
        ("publicNetworkAccess", json!("Disabled")),
    ] {
        assert_eq!(locker[key], value, "{key}");
    }
    let vault = &of_type(&prediction, "Microsoft.KeyVault/vaults")[0]["properties"];
    for key in [
        "enablePurgeProtection",
        "enableRbacAuthorization",
        "enableSoftDelete",
        "enabledForTemplateDeployment",
    ] {
        assert_eq!(vault[key], true, "{key}");
    }
    assert_eq!(vault.get("createMode"), None, "a deleted vault is recovered before, never by the template");
    assert_eq!(of_type(&prediction, "Microsoft.Network/privateEndpoints").len(), 2);
}

#[test]
fn only_the_named_secrets_are_written() {
    let all = ["cycleadmin-CycleCloudPwd", "cycleadmin-SshPrivateKey", "cycleadmin-SshPublicKey"];
    for (parameters, expected) in [("first", &all[..]), ("again", &[]), ("repair", &all[..1])] {
        let prediction = predict(parameters, "rg1");
        let secrets = of_type(&prediction, "Microsoft.KeyVault/vaults/secrets");
        let names: BTreeSet<_> = secrets
            .iter()
            .map(|secret| {
                secret["name"].as_str().and_then(|name| name.split('/').next_back()).expect("a name")
            })
            .collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), expected, "{parameters}");
    }
}

#[test]
fn exactly_the_listed_roles_are_given() {
    let roles = std::fs::read(crate::templates().join("roles.json")).expect("reading roles.json");
    let roles: Vec<Value> = serde_json::from_slice(&roles).expect("JSON");
    for (parameters, caller, on_subscription) in [
        ("first", "11111111-1111-1111-1111-111111111111", true),
        ("again", "22222222-2222-2222-2222-222222222222", false),
    ] {
        let text = |role: &Value, key: &str| role[key].as_str().expect("text").to_owned();
        let expected: BTreeSet<_> = roles
            .iter()
            .filter(|role| on_subscription || role["scope"] != "subscription")
            .map(|role| (text(role, "scope"), text(role, "principal"), text(role, "roleId")))
            .collect();
        let prediction = predict(parameters, "rg1");
        let given = of_type(&prediction, "Microsoft.Authorization/roleAssignments");
        assert_eq!(given.len(), expected.len(), "{parameters}");
        let given: BTreeSet<_> = given
            .iter()
            .map(|assignment| {
                let properties = &assignment["properties"];
                let role = text(properties, "roleDefinitionId");
                let role = role.rsplit('/').next().expect("a last part").to_owned();
                let to = principal(&properties["principalId"], caller).to_owned();
                (scope(assignment["id"].as_str().expect("an id")).to_owned(), to, role)
            })
            .collect();
        assert_eq!(given, expected, "{parameters}");
    }
}

#[test]
fn the_zone_is_that_of_the_server_and_its_way_out() {
    for (parameters, zones) in [("first", Value::Null), ("again", json!(["2"]))] {
        let prediction = predict(parameters, "rg1");
        for name in ["cycleserver", "ccslurm4ai-nat", "ccslurm4ai-nat-ip"] {
            let all = resources(&prediction);
            let resource = all.iter().find(|resource| resource["name"] == name).expect("the resource");
            assert_eq!(resource["zones"], zones, "{parameters}: {name}");
        }
    }
}

#[test]
fn the_outputs_are_those_the_driver_reads() {
    let prediction = predict("again", "My.Group");
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/My.Group/providers");
    let mut variables = prediction["outputs"]["globalVars"].clone();
    let locker = variables["lockerAccountName"].take();
    assert!(locker.as_str().expect("a name").starts_with("ccslurm4ai"));
    assert_eq!(
        variables,
        json!({
            "bastionName": "ccslurm4ai-bastion",
            "cycleserverName": "cycleserver",
            "cycleserverId": format!("{group}/Microsoft.Compute/virtualMachines/cycleserver"),
            "cycleserverAdmin": "azureuser",
            "clusterSubnetName": "compute",
            "keyVaultName": "kv1",
            "lockerAccountName": null,
            "lockerIdentityId": format!("{group}/Microsoft.ManagedIdentity/userAssignedIdentities/ccslurm4ai-locker"),
            "region": "westeurope",
            "resourceGroup": "My.Group",
            "subscriptionId": SUBSCRIPTION,
            "subscriptionName": "The \"other\" subscription",
            "tenantId": "00000000-0000-0000-0000-000000000002",
            "vnetName": "ccslurm4ai-vnet",
            "loginNodeCount": 0
        })
    );
    assert_eq!(prediction["outputs"]["inputHash"], "hash of a later run");
    let inventory = prediction["outputs"]["ansible_inventory"].as_str().expect("an expression");
    assert!(inventory.contains("networkInterfaces/cycleserver-nic") && inventory.contains("'azureuser'"));
    assert_eq!(prediction["outputs"].as_object().expect("outputs").len(), 3);
}
