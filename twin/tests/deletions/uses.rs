//! What is used cannot be deleted, and what a resource takes along.

use ccslurm4ai_twin::azure::state::{Principal, key};
use serde_json::{Value, json};

use super::azure_support::{S, Twin};
use super::{delete, gone, id, put};

const ACCOUNT: &str = "Microsoft.NetApp/netAppAccounts/n";
const POOL: &str = "Microsoft.NetApp/netAppAccounts/n/capacityPools/p";
const VOLUME: &str = "Microsoft.NetApp/netAppAccounts/n/capacityPools/p/volumes/v";

/// What is asked for, status, code, and a part of the sentence.
type Refusal<'a> = (&'a str, u16, &'a str, &'a str);

fn refused(twin: &Twin, rows: &[Refusal<'_>]) {
    for (path, status, code, part) in rows {
        let got = delete(twin, path);
        assert_eq!((got.status, got.code()), (*status, *code), "{path}: {}", got.body);
        let message = got.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{path}: {message}");
    }
    println!("{} refusals", rows.len());
}

#[test]
fn what_is_used_cannot_be_deleted_and_can_when_its_users_are_gone() {
    let twin = Twin::with_group("");
    twin.deploy_machine();
    surroundings(&twin);
    let made = |part: &str| {
        let state = twin.azure.state();
        let found = state.resources.values().find(|one| one.id.contains(part)).unwrap();
        found.id.split("/providers/").nth(1).unwrap().to_owned()
    };
    let (disk, endpoint_nic) = (made("/disks/"), made(".nic."));
    refused(&twin, &in_use(&disk, &endpoint_nic));
    all_gone(&twin, &disk, &endpoint_nic);
}

/// What has a user; two names are given by Azure.
fn in_use<'a>(disk: &'a str, endpoint_nic: &'a str) -> [Refusal<'a>; 14] {
    [
        ("Microsoft.Network/virtualNetworks/vnet", 400, "InUseSubnetCannotBeDeleted", "is in use by"),
        (
            "Microsoft.Network/virtualNetworks/vnet/subnets/default",
            400,
            "InUseSubnetCannotBeDeleted",
            "/networkInterfaces/nic/ipConfigurations/main and cannot be deleted",
        ),
        (
            "Microsoft.Network/virtualNetworks/vnet/subnets/AzureBastionSubnet",
            400,
            "InUseSubnetCannotBeDeleted",
            "/bastionHosts/bastion/",
        ),
        (
            "Microsoft.Network/virtualNetworks/other/subnets/anf",
            400,
            "InUseSubnetCannotBeDeleted",
            "/volumes/v ",
        ),
        ("Microsoft.Network/networkInterfaces/nic", 400, "NicInUse", "is used by existing VM"),
        (endpoint_nic, 400, "NicInUseWithPrivateEndpoint", "/privateEndpoints/endpoint)"),
        (
            "Microsoft.Network/publicIPAddresses/address",
            400,
            "PublicIPAddressCannotBeDeleted",
            "/bastionHosts/bastion/",
        ),
        (
            "Microsoft.Network/publicIPAddresses/nat-ip",
            400,
            "PublicIPAddressCannotBeDeleted",
            "/natGateways/nat.",
        ),
        ("Microsoft.Network/natGateways/nat", 400, "InUseNatGatewayCannotBeDeleted", "/subnets/a"),
        (
            "Microsoft.Network/networkSecurityGroups/nsg",
            400,
            "InUseNetworkSecurityGroupCannotBeDeleted",
            "/subnets/a",
        ),
        (disk, 409, "OperationNotAllowed", "is attached to VM"),
        (
            "Microsoft.Network/privateDnsZones/z.example",
            409,
            "CannotDeleteResource",
            "'Microsoft.Network/privateDnsZones/z.example/virtualNetworkLinks/l'",
        ),
        (ACCOUNT, 409, "CannotDeleteResource", "'Microsoft.NetApp/netAppAccounts/n/capacityPools/p'"),
        (POOL, 409, "CannotDeleteResource", "/capacityPools/p/volumes/v'"),
    ]
}

/// Users first, everything goes; the interface of the endpoint with the endpoint.
fn all_gone(twin: &Twin, disk: &str, endpoint_nic: &str) {
    for path in [
        "Microsoft.Compute/virtualMachines/vm1",
        disk,
        "Microsoft.Network/networkInterfaces/nic",
        "Microsoft.Network/bastionHosts/bastion",
        "Microsoft.Network/privateEndpoints/endpoint",
        "Microsoft.Network/virtualNetworks/vnet",
        "Microsoft.Network/publicIPAddresses/address",
        "Microsoft.Network/privateDnsZones/z.example/virtualNetworkLinks/l",
        "Microsoft.Network/privateDnsZones/z.example",
    ] {
        gone(twin, path);
    }
    assert!(twin.azure.state().resource(&id(endpoint_nic)).is_none(), "it went with the endpoint");
    for path in [
        VOLUME,
        POOL,
        ACCOUNT,
        "Microsoft.Network/virtualNetworks/other",
        "Microsoft.Network/natGateways/nat",
        "Microsoft.Network/networkSecurityGroups/nsg",
        "Microsoft.Network/publicIPAddresses/nat-ip",
    ] {
        gone(twin, path);
    }
    let vault =
        twin.arm("GET", &format!("{}?api-version=2026-02-01", id("Microsoft.KeyVault/vaults/kv1")), None);
    assert_eq!(vault.body["properties"]["privateEndpointConnections"], json!([]), "{}", vault.body);
}

/// A second network with a NAT gateway, a security group and a volume, and a vault with an endpoint and a DNS zone.
fn surroundings(twin: &Twin) {
    const N: &str = "2025-05-01";
    put(
        twin,
        "Microsoft.Network/publicIPAddresses/nat-ip",
        N,
        json!({"location": "eastus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}),
    );
    let address = id("Microsoft.Network/publicIPAddresses/nat-ip");
    put(
        twin,
        "Microsoft.Network/natGateways/nat",
        N,
        json!({"location": "eastus", "sku": {"name": "Standard"}, "properties": {"publicIpAddresses": [{"id": address}]}}),
    );
    put(
        twin,
        "Microsoft.Network/networkSecurityGroups/nsg",
        N,
        json!({"location": "eastus", "properties": {}}),
    );
    let (nat, nsg) =
        (id("Microsoft.Network/natGateways/nat"), id("Microsoft.Network/networkSecurityGroups/nsg"));
    let subnets = json!([
        {"name": "a", "properties": {"addressPrefix": "10.0.0.0/24", "natGateway": {"id": nat}, "networkSecurityGroup": {"id": nsg}}},
        {"name": "anf", "properties": {"addressPrefix": "10.0.1.0/24",
            "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.NetApp/volumes"}}]}},
    ]);
    put(
        twin,
        "Microsoft.Network/virtualNetworks/other",
        N,
        json!({"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": subnets}}),
    );
    files(twin);
    put(
        twin,
        "Microsoft.KeyVault/vaults/kv1",
        "2026-02-01",
        json!({"location": "eastus", "properties": {"tenantId": "22222222-2222-4222-8222-222222222222",
            "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": true}}),
    );
    let connection = json!({"name": "c", "properties": {"privateLinkServiceId": id("Microsoft.KeyVault/vaults/kv1"), "groupIds": ["vault"]}});
    put(
        twin,
        "Microsoft.Network/privateEndpoints/endpoint",
        N,
        json!({"location": "eastus", "properties": {"subnet": {"id": id("Microsoft.Network/virtualNetworks/other/subnets/a")},
            "privateLinkServiceConnections": [connection]}}),
    );
    put(twin, "Microsoft.Network/privateDnsZones/z.example", "2024-06-01", json!({"location": "global"}));
    put(
        twin,
        "Microsoft.Network/privateDnsZones/z.example/virtualNetworkLinks/l",
        "2024-06-01",
        json!({"location": "global", "properties": {"registrationEnabled": false,
            "virtualNetwork": {"id": id("Microsoft.Network/virtualNetworks/other")}}}),
    );
}

/// A volume in the second network.
fn files(twin: &Twin) {
    let volume = json!({"creationToken": "v", "subnetId": id("Microsoft.Network/virtualNetworks/other/subnets/anf"),
        "usageThreshold": 1_u64 << 40, "protocolTypes": ["NFSv4.1"],
        "exportPolicy": {"rules": [{"ruleIndex": 1, "allowedClients": "0.0.0.0/0", "nfsv41": true}]}});
    let pool = json!({"serviceLevel": "Premium", "size": 1_u64 << 40});
    for (path, properties) in [(ACCOUNT, json!({})), (POOL, pool), (VOLUME, volume)] {
        put(twin, path, "2025-12-01", json!({"location": "eastus", "properties": properties}));
    }
}

#[test]
fn a_network_is_as_before_when_its_users_are_gone() {
    let twin = Twin::with_group("");
    surroundings(&twin);
    let network = id("Microsoft.Network/virtualNetworks/other");
    let subnets = || twin.azure.state().resource(&network).unwrap().body["properties"]["subnets"].clone();
    let used = |subnets: &Value, at: usize, list: &str| subnets[at]["properties"].get(list).is_some();
    let before = subnets();
    assert!(used(&before, 0, "privateEndpoints") && used(&before, 1, "ipConfigurations"), "{before}");
    gone(&twin, "Microsoft.Network/privateEndpoints/endpoint");
    gone(&twin, VOLUME);
    let after = subnets();
    for list in ["ipConfigurations", "privateEndpoints"] {
        assert!(!used(&after, 0, list) && !used(&after, 1, list), "{after}");
    }
    assert_eq!(after[1]["properties"]["delegations"], before[1]["properties"]["delegations"]);
}

#[test]
fn a_vm_leaves_its_parts_or_takes_them_along_and_its_identity_is_forgotten() {
    let twin = Twin::with_group("role_delay: 0");
    twin.deploy_machine();
    let vm = id("Microsoft.Compute/virtualMachines/vm1");
    let principal = "99999999-0000-4000-8000-000000000001".to_owned();
    {
        let mut state = twin.azure.state();
        let machine = state.resources.get_mut(&key(&vm)).unwrap();
        machine.body["identity"] = json!({"type": "SystemAssigned", "principalId": principal});
        let (app_id, kind, name) = ("a".into(), "ServicePrincipal".into(), "vm1".into());
        let identity = Principal { object_id: principal.clone(), app_id, kind, name, secret: None };
        state.principals.insert(principal.clone(), identity);
    }
    let role =
        format!("{S}/providers/Microsoft.Authorization/roleAssignments/88888888-0000-4000-8000-000000000777");
    let reader =
        format!("{S}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7");
    let got = twin.arm(
        "PUT",
        &format!("{role}?api-version=2022-04-01"),
        Some(json!({"properties": {"roleDefinitionId": reader, "principalId": principal, "principalType": "ServicePrincipal"}})),
    );
    assert_eq!(got.status, 201, "{}", got.body);
    gone(&twin, "Microsoft.Compute/virtualMachines/vm1");
    {
        let state = twin.azure.state();
        let disk = state.resources_of(S, "Microsoft.Compute/disks").next().unwrap();
        assert_eq!(
            (&disk.body["properties"]["diskState"], &disk.body["managedBy"]),
            (&json!("Unattached"), &Value::Null)
        );
        let nic = state.resource(&id("Microsoft.Network/networkInterfaces/nic")).unwrap();
        assert_eq!(nic.body["properties"].get("virtualMachine"), None);
        assert!(!state.principals.contains_key(&principal), "the directory forgets it");
    }
    let read = format!(
        "{S}/providers/Microsoft.Authorization/roleAssignments?$filter=principalId eq '{principal}'&api-version=2022-04-01"
    );
    assert_eq!(
        twin.arm("GET", &read, None).body["value"].as_array().map(Vec::len),
        Some(1),
        "its roles stay"
    );
    let deleted = twin.arm("DELETE", &format!("{role}?api-version=2022-04-01"), None);
    assert_eq!((deleted.status, &deleted.body["properties"]["principalId"]), (200, &json!(principal)));
    assert_eq!(twin.arm("DELETE", &format!("{role}?api-version=2022-04-01"), None).status, 204);
    assert_eq!(twin.arm("GET", &read, None).body["value"], json!([]));

    let twin = Twin::with_group("");
    twin.deploy_machine();
    if let Some(machine) = twin.azure.state().resources.get_mut(&key(&vm)) {
        machine.body["properties"]["storageProfile"]["osDisk"]["deleteOption"] = json!("Delete");
        machine.body["properties"]["networkProfile"]["networkInterfaces"][0]["properties"]["deleteOption"] =
            json!("Delete");
    }
    gone(&twin, "Microsoft.Compute/virtualMachines/vm1");
    let state = twin.azure.state();
    assert_eq!(state.resources_of(S, "Microsoft.Compute/disks").count(), 0);
    assert!(state.resource(&id("Microsoft.Network/networkInterfaces/nic")).is_none());
}
