//! The rules of the resource types: what they add, what stays over a rewrite, what they refuse.

use ccslurm4ai_twin::arm::World;
use ccslurm4ai_twin::arm::types;
use ccslurm4ai_twin::arm::world::{PrincipalKind, Quota};
use serde_json::{Value, json};

use crate::scene::*;
use crate::services::{GRAFANA, POOL, SERVER, VOLUME, WORKSPACE};
use crate::world::SUBSCRIPTION;

#[test]
fn resources_have_what_azure_adds() {
    let world = world();
    let get = |typed: &str| world.resource(&id(typed)).expect(typed);
    for (typed, pointer, value) in [
        ("Microsoft.Network/publicIPAddresses/ip", "/properties/ipAddress", json!("203.0.113.1")),
        (
            "Microsoft.Network/publicIPAddresses/ip",
            "/properties/natGateway/id",
            json!(id("Microsoft.Network/natGateways/nat")),
        ),
        (
            "Microsoft.Network/networkSecurityGroups/nsg",
            "/properties/defaultSecurityRules/5/name",
            json!("DenyAllOutBound"),
        ),
        ("Microsoft.Network/virtualNetworks/net", "/properties/subnets/5/name", json!("more")),
        (
            "Microsoft.Network/networkInterfaces/nic",
            "/properties/ipConfigurations/0/properties/privateIPAddress",
            json!("10.64.1.4"),
        ),
        (
            "Microsoft.Network/networkInterfaces/nic2",
            "/properties/ipConfigurations/0/properties/privateIPAddress",
            json!("10.64.1.5"),
        ),
        (
            "Microsoft.Network/networkInterfaces/nic",
            "/properties/virtualMachine/id",
            json!(id("Microsoft.Compute/virtualMachines/vm")),
        ),
        (
            "Microsoft.KeyVault/vaults/vault1",
            "/properties/vaultUri",
            json!("https://vault1.vault.azure.net/"),
        ),
        (
            "Microsoft.KeyVault/vaults/vault1",
            "/properties/privateEndpointConnections/0/properties/privateLinkServiceConnectionState/status",
            json!("Approved"),
        ),
        (
            "Microsoft.Storage/storageAccounts/account1",
            "/properties/primaryEndpoints/blob",
            json!("https://account1.blob.core.windows.net/"),
        ),
        ("Microsoft.Storage/storageAccounts/account1/blobServices/default", "/name", json!("default")),
        ("Microsoft.ManagedIdentity/userAssignedIdentities/identity", "/location", json!("eastus")),
        (
            "Microsoft.Network/privateEndpoints/pe",
            "/properties/customDnsConfigs/0",
            json!({"fqdn": "vault1.vault.azure.net", "ipAddresses": ["10.64.1.6"]}),
        ),
        (
            "Microsoft.Network/privateEndpoints/pe/privateDnsZoneGroups/default",
            "/properties/privateDnsZoneConfigs/0/properties/recordSets/0/fqdn",
            json!("vault1.privatelink.vaultcore.azure.net"),
        ),
        (
            "Microsoft.Compute/virtualMachines/vm",
            "/properties/storageProfile/imageReference/exactVersion",
            json!("8.9.1"),
        ),
        ("Microsoft.Compute/virtualMachines/vm", "/identity/tenantId", json!(crate::world::TENANT)),
        (ASSIGNMENT, "/properties/scope", json!(format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1"))),
    ] {
        assert_eq!(get(typed).pointer(pointer), Some(&value), "{typed} {pointer}");
    }
    for bare in [
        "Microsoft.Network/virtualNetworks/net",
        "Microsoft.Compute/virtualMachines/vm",
        "Microsoft.KeyVault/vaults/vault1",
    ] {
        assert_eq!(get(bare)["properties"]["provisioningState"], "Succeeded", "{bare}");
    }
    let vm = get("Microsoft.Compute/virtualMachines/vm");
    let disk = vm["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"].as_str().expect("a disk");
    assert_eq!(world.resource(disk).expect("the disk")["managedBy"], vm["id"]);
    assert_eq!(
        world.principal(vm["identity"]["principalId"].as_str().expect("an id")),
        Some(PrincipalKind::ServicePrincipal)
    );
}

#[test]
fn services_have_what_azure_adds() {
    let world = world();
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/MA_metrics_eastus_managed");
    let collection = format!("{group}/providers/Microsoft.Insights/dataCollectionRules/metrics");
    for (typed, pointer, value) in [
        (VOLUME, "/name", json!("files/pool/shared")),
        (VOLUME, "/properties/mountTargets/0/ipAddress", json!("10.64.5.4")),
        (VOLUME, "/properties/serviceLevel", json!("Premium")),
        (VOLUME, "/properties/exportPolicy/rules/0/nfsv3", json!(false)),
        (POOL, "/properties/totalThroughputMibps", json!(256)),
        (SERVER, "/location", json!("East US")),
        (SERVER, "/properties/fullyQualifiedDomainName", json!("mysql-1.mysql.database.azure.com")),
        (SERVER, "/properties/storage/iops", json!(684)),
        (
            SERVER,
            "/properties/privateEndpointConnections/0/properties/privateLinkServiceConnectionState/status",
            json!("Approved"),
        ),
        (
            "Microsoft.Network/privateEndpoints/pe-mysql",
            "/properties/customDnsConfigs/0/fqdn",
            json!("mysql-1.mysql.database.azure.com"),
        ),
        (WORKSPACE, "/properties/defaultIngestionSettings/dataCollectionRuleResourceId", json!(collection)),
        (GRAFANA, "/type", json!("microsoft.dashboard/grafana")),
        (
            "Microsoft.Network/virtualNetworks/net/subnets/files",
            "/properties/delegations/0/properties/actions/0",
            json!("Microsoft.Network/networkinterfaces/*"),
        ),
    ] {
        let body = world.resource(&id(typed)).expect(typed);
        assert_eq!(body.pointer(pointer), Some(&value), "{typed} {pointer}");
    }
    let rule = world.resource(&collection).expect("the rule that comes with the workspace");
    let workspace = world.resource(&id(WORKSPACE)).expect("the workspace");
    let settings = &workspace["properties"]["defaultIngestionSettings"];
    assert_eq!(rule["properties"]["immutableId"], settings["dataCollectionRuleImmutableId"]);
    let endpoint = settings["dataCollectionEndpointResourceId"].as_str().expect("an id");
    let endpoint = world.resource(endpoint).expect("the endpoint that comes with the workspace");
    assert_eq!(
        endpoint["properties"]["metricsIngestion"]["endpoint"],
        settings["ingestionEndpoints"]["metrics"]
    );
    assert!(world.groups.contains(&"MA_metrics_eastus_managed".into()));
    let grafana = world.resource(&id(GRAFANA)).expect("Grafana");
    let principal = grafana["identity"]["principalId"].as_str().expect("an id");
    assert_eq!(world.principal(principal), Some(PrincipalKind::ServicePrincipal));
}

#[test]
fn secrets_are_kept_out_of_bodies() {
    let world = world();
    assert_eq!(world.secrets, [("s".to_owned(), "hidden value".to_owned())]);
    assert_eq!(world.hidden(&id("Microsoft.Compute/virtualMachines/vm"))["customData"], "aGk=");
    for (id, (body, _)) in &world.resources {
        let text = body.to_string();
        let secrets = ["hidden value", "aGk=", "Hidden-Value-1"];
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{id}: {text}");
    }
}

/// A body without what Azure writes anew each time.
pub fn lasting(body: &Value) -> Value {
    match body {
        Value::Object(members) => {
            let fleeting =
                ["etag", "updatedOn", "lastModifiedAt", "lastModifiedTime", "secretUriWithVersion"];
            let kept = members.iter().filter(|(name, _)| !fleeting.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), lasting(value))).collect())
        }
        Value::Array(items) => items.iter().map(lasting).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_same_writes_again_leave_the_same_resources() {
    let mut world = world();
    let before: Vec<(String, Value)> =
        world.resources.iter().map(|(id, (body, _))| (id.clone(), lasting(body))).collect();
    let (hidden, principals) =
        (world.hidden(&id("Microsoft.Compute/virtualMachines/vm")), world.principals.clone());
    for put in all() {
        world.put(&put).unwrap_or_else(|error| panic!("{}: {error}", put.id));
    }
    for (id, body) in &before {
        assert_eq!(&lasting(&world.resource(id).expect("still there")), body, "{id}");
    }
    assert_eq!(world.resources.len(), before.len());
    assert_eq!(world.hidden(&id("Microsoft.Compute/virtualMachines/vm")), hidden);
    assert_eq!(world.principals, principals);
}

#[test]
fn preflight_tells_all_reasons_at_once() {
    let mut world = world();
    world.quota = Quota { limit: 10, used: 4 };
    world.taken.push("account2".into());
    let puts = [
        put("Microsoft.Compute/virtualMachines/one", machine("nic2")),
        put("Microsoft.Compute/virtualMachines/two", machine("nic2")),
        put("Microsoft.Storage/storageAccounts/account2", account()),
    ];
    let codes: Vec<String> = types::preflight(&puts, &world).into_iter().map(|error| error.code).collect();
    assert_eq!(
        codes,
        ["StorageAccountAlreadyTaken", "QuotaExceeded", "QuotaExceeded"],
        "two machines of 4 vCPUs do not fit in 6"
    );
    assert_eq!(types::preflight(&puts[..1], &world), []);
    let unknown = types::preflight(&[put("Microsoft.Network/unicorns/u", json!({}))], &world);
    assert_eq!(unknown[0].code, "InvalidResourceType");
}
