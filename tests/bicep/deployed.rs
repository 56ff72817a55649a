//! Rules about what the template deploys, held against the official evaluator's prediction.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::compiler::{SUBSCRIPTION, predict, snapshot};
use crate::sets::{GROUP, all, of_type, prediction, resources, resources_of, text};

/// Types that Azure keeps no tags on.
/// Source: <https://learn.microsoft.com/azure/azure-resource-manager/management/tag-support>
const UNTAGGED: [&str; 4] = [
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.DBforMySQL/flexibleServers/configurations",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
];

/// Types that `monitorTags` are for.
const MONITORING: [&str; 3] = [
    "Microsoft.AlertsManagement/prometheusRuleGroups",
    "Microsoft.Dashboard/grafana",
    "Microsoft.Monitor/accounts",
];

fn laid_over(mut tags: Value, others: &Value) -> Value {
    for (name, value) in others.as_object().expect("tags") {
        tags[name] = value.clone();
    }
    tags
}

#[test]
fn every_resource_has_the_tags() {
    for (name, set) in all() {
        let cluster = json!({"ccslurm4ai-cluster": set.parameters["clusterName"]});
        let tags = laid_over(set.parameters["tags"].clone(), &cluster);
        let monitor = laid_over(tags.clone(), &set.parameters["monitorTags"]);
        for resource in resources(name) {
            let kind = text(resource, "type");
            let expected = if MONITORING.contains(&kind) { &monitor } else { &tags };
            match resource.get("tags") {
                Some(tags) => assert_eq!(tags, expected, "{name}: {kind}"),
                None => assert!(UNTAGGED.contains(&kind), "{name}: {kind} has no tags"),
            }
        }
    }
    let laid = &of_type("repair", "Microsoft.Monitor/accounts")[0]["tags"];
    assert_eq!(
        laid,
        &json!({"team": "watchers", "ccslurm4ai-cluster": "slurmcluster", "purpose": "metrics"})
    );
}

fn assert_properties(resource: &Value, expected: &[(&str, Value)]) {
    for (pointer, value) in expected {
        let found = resource["properties"].pointer(pointer);
        assert_eq!(found, Some(value), "{} {pointer}", resource["name"]);
    }
}

#[test]
fn the_locker_and_the_vault_are_closed() {
    for (name, set) in all() {
        let locker = of_type(name, "Microsoft.Storage/storageAccounts")[0];
        let closed = [
            ("/allowBlobPublicAccess", json!(false)),
            ("/allowSharedKeyAccess", json!(false)),
            ("/minimumTlsVersion", json!("TLS1_2")),
            ("/publicNetworkAccess", json!("Disabled")),
            ("/networkAcls/defaultAction", json!("Deny")),
        ];
        assert_properties(locker, &closed);
        let vault = of_type(name, "Microsoft.KeyVault/vaults")[0];
        let guarded = [
            ("/enablePurgeProtection", json!(true)),
            ("/enableRbacAuthorization", json!(true)),
            ("/enableSoftDelete", json!(true)),
            ("/enabledForTemplateDeployment", json!(true)),
            ("/networkAcls/defaultAction", set.parameters["keyVaultDefaultAction"].clone()),
            ("/networkAcls/bypass", json!("AzureServices")),
        ];
        assert_properties(vault, &guarded);
        let mode = vault["properties"].get("createMode");
        assert_eq!(mode, None, "a deleted vault is recovered before, never by the template");
    }
    let action =
        |set: &str| of_type(set, "Microsoft.KeyVault/vaults")[0]["properties"]["networkAcls"].clone();
    assert_eq!(action("again")["defaultAction"], "Deny", "a closed vault is not opened by a later run");
}

#[test]
fn every_private_service_has_its_endpoint() {
    for (name, set) in all() {
        let mut expected = vec!["blob", "vault"];
        expected.extend((set.parameters["accounting"] == true).then_some("mysqlServer"));
        expected.sort_unstable();
        let endpoints = of_type(name, "Microsoft.Network/privateEndpoints");
        let mut found = Vec::new();
        for endpoint in endpoints {
            let connection = &endpoint["properties"]["privateLinkServiceConnections"][0]["properties"];
            let service = text(connection, "privateLinkServiceId");
            assert!(resources(name).iter().any(|resource| resource["id"] == service), "{name}: {service}");
            found.push(connection["groupIds"][0].as_str().expect("a group"));
        }
        found.sort_unstable();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn files_are_for_the_cluster_only() {
    let kind = "Microsoft.NetApp/netAppAccounts/capacityPools/volumes";
    for (name, set) in all() {
        let volumes = of_type(name, kind);
        let storage = &set.parameters["storage"];
        assert_eq!(volumes.len(), usize::from(storage["type"] == "anf"), "{name}");
        for volume in volumes {
            let size = storage["sizeTiB"].as_u64().expect("a size") << 40;
            let expected = [
                ("/networkFeatures", json!("Standard")),
                ("/protocolTypes", json!(["NFSv4.1"])),
                ("/serviceLevel", storage["serviceLevel"].clone()),
                ("/usageThreshold", json!(size)),
                ("/exportPolicy/rules/0/nfsv3", json!(false)),
                ("/exportPolicy/rules/0/nfsv41", json!(true)),
            ];
            assert_properties(volume, &expected);
            assert_eq!(volume["properties"]["exportPolicy"]["rules"].as_array().map(Vec::len), Some(1));
            let pool = of_type(name, "Microsoft.NetApp/netAppAccounts/capacityPools")[0];
            assert_properties(
                pool,
                &[("/size", json!(size)), ("/serviceLevel", storage["serviceLevel"].clone())],
            );
        }
    }
    let clients = |set: &str| {
        text(&of_type(set, kind)[0]["properties"]["exportPolicy"]["rules"][0], "allowedClients").to_owned()
    };
    assert_eq!(clients("first"), "10.64.128.0/17,10.64.0.64/26");
    assert_eq!(clients("again"), "192.168.3.0/24,192.168.2.64/26");
    let read = clients("existing-network");
    for subnet in ["hub/subnets/nodes'", "hub/subnets/servers'"] {
        assert!(read.contains(subnet) && read.contains("addressPrefix"), "{read}");
    }
    assert!(!read.contains("hub/subnets/endpoints"), "{read}");
}

#[test]
fn the_database_is_private_and_wants_tls() {
    for (name, set) in all() {
        let servers = of_type(name, "Microsoft.DBforMySQL/flexibleServers");
        assert_eq!(servers.len(), usize::from(set.parameters["accounting"] == true), "{name}");
        for server in servers {
            let version = crate::json("versions.json")["mySql"].clone();
            let expected = [
                ("/network/publicNetworkAccess", json!("Disabled")),
                ("/version", version),
                ("/backup/backupRetentionDays", json!(35)),
            ];
            assert_properties(server, &expected);
        }
    }
    let settings = of_type("first", "Microsoft.DBforMySQL/flexibleServers/configurations").into_iter();
    let settings: Vec<_> = settings
        .map(|setting| {
            let name = text(setting, "name").rsplit('/').next().expect("a name");
            (name, text(&setting["properties"], "value"))
        })
        .collect();
    let expected = [
        ("innodb_lock_wait_timeout", "900"),
        ("max_allowed_packet", "16777216"),
        ("require_secure_transport", "ON"),
    ];
    assert_eq!(settings, expected);
}

#[test]
fn settings_of_the_database_are_written_one_after_another() {
    let main = crate::json("main.json");
    let templates = crate::nested_templates(&main);
    let all = templates.iter().flat_map(|template| crate::members(template, "resources"));
    let settings: Vec<_> = all
        .filter(|(_, resource)| resource["type"] == "Microsoft.DBforMySQL/flexibleServers/configurations")
        .collect();
    assert_eq!(settings.len(), 1);
    let copy = &settings[0].1["copy"];
    assert_eq!((&copy["mode"], &copy["batchSize"]), (&json!("serial"), &json!(1)));
}

#[test]
fn only_the_named_secrets_are_written() {
    for (name, set) in all() {
        let admin = text_of(&set.parameters["adminUser"]);
        let wanted = set.parameters["createSecrets"].as_array().expect("a list").iter();
        let wanted: BTreeSet<_> = wanted.map(|kind| format!("{admin}-{}", text_of(kind))).collect();
        let secrets = of_type(name, "Microsoft.KeyVault/vaults/secrets");
        let written: BTreeSet<_> = secrets
            .iter()
            .map(|secret| text(secret, "name").split('/').next_back().expect("a name").to_owned())
            .collect();
        assert_eq!(written, wanted, "{name}");
    }
    assert_eq!(of_type("first", "Microsoft.KeyVault/vaults/secrets").len(), 4);
    assert_eq!(of_type("again", "Microsoft.KeyVault/vaults/secrets").len(), 0);
}

#[test]
fn a_later_run_deploys_the_same_but_for_secrets() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sets = std::path::Path::new(crate::ROOT).join("tests/data/bicep");
    let first = std::fs::read_to_string(sets.join("first.bicepparam")).expect("the set");
    // The driver leaves these out when the vault has all secrets; the database's password it gives as a reference.
    let secret = ["param createSecrets", "param sshPrivateKey", "param cycleCloudPassword"];
    let kept = first.lines().filter(|line| !secret.iter().any(|start| line.starts_with(start)));
    let later = kept.chain(["param createSecrets = []"]).collect::<Vec<_>>().join("\n");
    std::fs::write(folder.path().join("later.bicepparam"), later).expect("writing");
    std::fs::copy(crate::templates().join("main.json"), folder.path().join("main.json"))
        .expect("copying main.json");
    let again = snapshot(folder.path(), "later", GROUP);
    let lasting = |resource: &&Value| resource["type"] != "Microsoft.KeyVault/vaults/secrets";
    let before: Vec<_> = resources("first").iter().filter(lasting).collect();
    assert_eq!(resources_of(&again).iter().collect::<Vec<_>>(), before);
    assert_eq!(again["outputs"], prediction("first")["outputs"]);
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn the_zone_is_that_of_everything_with_a_place() {
    let machines = ["cycleserver", "ccslurm4ai-nat", "ccslurm4ai-nat-ip", "ccslurm4ai-anf/shared/shared"];
    for (set, zones) in [("first", Value::Null), ("again", json!(["2"]))] {
        for name in machines {
            let resource = resources(set).iter().find(|resource| resource["name"] == name);
            assert_eq!(resource.expect("the resource")["zones"], zones, "{set}: {name}");
        }
        let database = of_type(set, "Microsoft.DBforMySQL/flexibleServers")[0];
        assert_eq!(database["properties"]["availabilityZone"], zones[0], "{set}");
    }
}

#[test]
fn the_outputs_are_those_the_driver_reads() {
    let prediction = predict("least", "My.Group");
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/My.Group/providers");
    let mut variables = prediction["outputs"]["globalVars"].clone();
    let locker = variables["lockerAccountName"].take();
    assert!(locker.as_str().expect("a name").starts_with("ccslurm4ai"));
    assert_eq!(
        variables,
        json!({
            "bastionName": "",
            "bastionId": "",
            "cycleserverName": "cycleserver",
            "cycleserverId": format!("{group}/Microsoft.Compute/virtualMachines/cycleserver"),
            "cycleserverAdmin": "cycleadmin",
            "clusterSubnetName": "nodes",
            "clusterSubnetResourceGroup": "hub-network",
            "keyVaultName": "ccslurm4ai-0123456789abc",
            "lockerAccountName": null,
            "lockerIdentityId": format!("{group}/Microsoft.ManagedIdentity/userAssignedIdentities/ccslurm4ai-locker"),
            "region": "eastus",
            "resourceGroup": "My.Group",
            "subscriptionId": SUBSCRIPTION,
            "subscriptionName": "The subscription",
            "tenantId": "00000000-0000-0000-0000-000000000002",
            "vnetName": "hub",
            "loginNodeCount": 0,
            "anfSharedIP": "",
            "anfSharedPath": "",
            "mySqlFqdn": "",
            "mySqlUser": "",
            "managedGrafanaName": "",
            "grafanaEndpoint": "",
            "monitorMetricsIngestionEndpoint": "",
            "monitorIdentityClientId": "",
            "monitorWorkspaceId": ""
        })
    );
    assert_eq!(prediction["outputs"]["inputHash"], "hash of the first run");
    let inventory = prediction["outputs"]["ansible_inventory"].as_str().expect("an expression");
    assert!(inventory.contains("networkInterfaces/cycleserver-nic") && inventory.contains("'cycleadmin'"));
    assert_eq!(prediction["outputs"].as_object().expect("outputs").len(), 3);
}

/// The expression that the evaluator leaves for an output of a set with everything, up to the next key.
fn output(set: &str, key: &str) -> String {
    let all = prediction(set)["outputs"]["globalVars"].as_str().expect("an expression");
    let start = format!("'{key}', ");
    let rest = all.split_once(&start).unwrap_or_else(|| panic!("no {key} in {all}")).1;
    rest.split_once(", '").map_or(rest, |(value, _)| value).to_owned()
}

#[test]
fn the_outputs_lead_to_what_was_made() {
    for (key, expected) in [
        ("bastionName", "'ccslurm4ai-bastion'"),
        ("vnetName", "'ccslurm4ai-vnet'"),
        ("clusterSubnetName", "'compute'"),
        ("clusterSubnetResourceGroup", "'rg1'"),
        ("anfSharedPath", "'/ccslurm4ai-jbcjr6kddcemg'"),
        ("mySqlUser", "'slurmdbd'"),
        ("managedGrafanaName", "'ccs4ai-jbcjr6kddcemg'"),
    ] {
        assert_eq!(output("first", key), expected, "{key}");
    }
    let bastion = &all()["existing-zones"].parameters["network"]["bastionId"];
    assert_eq!(output("existing-zones", "bastionId"), format!("'{}'", text_of(bastion)));
    assert_eq!(output("existing-zones", "bastionName"), "'hub-bastion'");
    for (key, part) in [
        ("anfSharedIP", "/volumes/shared'"),
        ("mySqlFqdn", "/flexibleServers/ccslurm4ai-jbcjr6kddcemg'"),
        ("grafanaEndpoint", "/Microsoft.Dashboard/grafana/ccs4ai-jbcjr6kddcemg'"),
        ("monitorIdentityClientId", "/userAssignedIdentities/ccslurm4ai-locker'"),
    ] {
        assert!(output("first", key).contains(part), "{key}: {}", output("first", key));
    }
}
