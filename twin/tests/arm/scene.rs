//! A group with one of each resource, for tests of the types' rules.

use ccslurm4ai_twin::arm::types::Put;
use serde_json::{Value, json};

use crate::world::{FakeWorld, SUBSCRIPTION, TENANT};

/// A version that the rules take, by type.
fn version(kind: &str) -> &'static str {
    match kind.split('/').next().unwrap_or_default() {
        "Microsoft.KeyVault" => "2026-02-01",
        "Microsoft.Storage" => "2025-06-01",
        "Microsoft.ManagedIdentity" => "2024-11-30",
        "Microsoft.Authorization" => "2022-04-01",
        "Microsoft.Compute" if kind.ends_with("disks") => "2025-01-02",
        "Microsoft.Compute" => "2025-04-01",
        "Microsoft.NetApp" => "2025-12-01",
        "Microsoft.DBforMySQL" => "2024-12-30",
        "Microsoft.Monitor" => "2025-10-03",
        "Microsoft.Insights" => "2024-03-11",
        "Microsoft.Dashboard" => "2025-08-01",
        "Microsoft.AlertsManagement" => "2023-03-01",
        _ if kind.contains("privateDnsZones") => "2024-06-01",
        _ => "2025-05-01",
    }
}

/// Id of a resource `Type/name/…` in the group `rg1`, or below `scope`.
pub fn id(typed: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/{typed}")
}

/// A write of `Type/name/…`; `eastus` is added where a body says nothing of the location and has one.
pub fn put(typed: &str, body: Value) -> Put {
    let mut parts = typed.split('/');
    let mut kind = parts.next().unwrap_or_default().to_owned();
    parts.step_by(2).for_each(|part| kind = format!("{kind}/{part}"));
    Put { id: id(typed), api_version: version(&kind).into(), body }
}

/// `base` with the members of `more` laid over it, deeply; null takes a member away.
pub fn with(base: &Value, more: Value) -> Value {
    let (Value::Object(base), Value::Object(more)) = (base, &more) else { return more };
    let mut merged = base.clone();
    for (name, value) in more {
        if value.is_null() {
            merged.remove(name);
        } else {
            let old = merged.get(name).cloned().unwrap_or(Value::Null);
            merged.insert(name.clone(), with(&old, value.clone()));
        }
    }
    Value::Object(merged)
}

pub fn public_ip() -> Value {
    json!({"location": "eastus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}})
}

pub fn network() -> Value {
    json!({"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.64.0.0/16"]}, "subnets": [
        {"name": "nodes", "properties": {"addressPrefix": "10.64.1.0/24"}},
        {"name": "small", "properties": {"addressPrefix": "10.64.2.0/29"}},
        {"name": "AzureBastionSubnet", "properties": {"addressPrefix": "10.64.3.0/26"}},
        delegated("files", "10.64.5.0/28", "Microsoft.NetApp/volumes"),
        delegated("data", "10.64.6.0/28", "Microsoft.DBforMySQL/flexibleServers"),
    ]}})
}

/// A subnet that is one service's.
pub fn delegated(name: &str, prefix: &str, service: &str) -> Value {
    let delegation = json!({"name": "d", "properties": {"serviceName": service}});
    json!({"name": name, "properties": {"addressPrefix": prefix, "delegations": [delegation]}})
}

pub fn subnet(name: &str) -> String {
    id(&format!("Microsoft.Network/virtualNetworks/net/subnets/{name}"))
}

pub fn interface(subnet_name: &str) -> Value {
    let properties = json!({"subnet": {"id": subnet(subnet_name)}});
    json!({"location": "eastus", "properties": {"ipConfigurations": [{"name": "default", "properties": properties}]}})
}

pub fn bastion(subnet_name: &str) -> Value {
    let address = json!({"id": id("Microsoft.Network/publicIPAddresses/ip")});
    let properties = json!({"publicIPAddress": address, "subnet": {"id": subnet(subnet_name)}});
    json!({"location": "eastus", "sku": {"name": "Standard"},
        "properties": {"enableTunneling": true, "ipConfigurations": [{"name": "default", "properties": properties}]}})
}

pub fn vault() -> Value {
    json!({"location": "eastus", "properties": {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"},
        "enablePurgeProtection": true, "softDeleteRetentionInDays": 7}})
}

pub fn account() -> Value {
    json!({"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {"allowBlobPublicAccess": false}})
}

pub fn endpoint() -> Value {
    let service = id("Microsoft.KeyVault/vaults/vault1");
    json!({"location": "eastus", "properties": {"subnet": {"id": subnet("nodes")},
        "privateLinkServiceConnections": [{"name": "c", "properties": {"groupIds": ["vault"], "privateLinkServiceId": service}}]}})
}

pub fn assignment(principal: &str) -> Value {
    let role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
    json!({"properties": {"principalId": principal, "principalType": "User", "roleDefinitionId": role}})
}

pub fn machine(interface: &str) -> Value {
    let key = json!({"path": "/home/cycleadmin/.ssh/authorized_keys", "keyData": "ssh-rsa AAAA key"});
    json!({
        "location": "eastus",
        "plan": {"publisher": "azurecyclecloud", "product": "azure-cyclecloud", "name": "cyclecloud8-gen2"},
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
            "storageProfile": {
                "imageReference": {"publisher": "azurecyclecloud", "offer": "azure-cyclecloud", "sku": "cyclecloud8-gen2", "version": "8.9.1"},
                "osDisk": {"createOption": "FromImage"},
                "dataDisks": [{"lun": 0, "createOption": "FromImage"}],
            },
            "osProfile": {"computerName": "server", "adminUsername": "cycleadmin", "customData": "aGk=",
                "linuxConfiguration": {"disablePasswordAuthentication": true, "ssh": {"publicKeys": [key]}}},
            "networkProfile": {"networkInterfaces": [{"id": id(&format!("Microsoft.Network/networkInterfaces/{interface}"))}]},
        },
    })
}

pub fn extension(kind: &str) -> Value {
    json!({"location": "eastus", "properties": {"publisher": "Microsoft.Azure.ActiveDirectory", "type": kind,
        "typeHandlerVersion": "1.0", "autoUpgradeMinorVersion": true}})
}

pub const ASSIGNMENT: &str = "Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-0000-0000-000000000001";

/// Writes of one resource of each type, in an order that works.
pub fn all() -> Vec<Put> {
    let rule = json!({"name": "r", "properties": {"access": "Allow", "direction": "Inbound", "priority": 100, "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRanges": ["22", "443"]}});
    let zone = id("Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net");
    let address = json!({"id": id("Microsoft.Network/publicIPAddresses/ip")});
    let link = json!({"registrationEnabled": false, "virtualNetwork": {"id": id("Microsoft.Network/virtualNetworks/net")}});
    vec![
        put("Microsoft.Network/publicIPAddresses/ip", public_ip()),
        put(
            "Microsoft.Network/natGateways/nat",
            json!({"location": "eastus", "sku": {"name": "Standard"}, "properties": {"publicIpAddresses": [address]}}),
        ),
        put(
            "Microsoft.Network/networkSecurityGroups/nsg",
            json!({"location": "eastus", "properties": {"securityRules": [rule]}}),
        ),
        put(
            "Microsoft.Network/routeTables/routes",
            json!({"location": "eastus", "properties": {"routes": [{"name": "out", "properties": {
                "addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4"}}]}}),
        ),
        put("Microsoft.Network/virtualNetworks/net", network()),
        put(
            "Microsoft.Network/virtualNetworks/net/subnets/more",
            json!({"properties": {"addressPrefix": "10.64.4.0/24"}}),
        ),
        put("Microsoft.Network/networkInterfaces/nic", interface("nodes")),
        put("Microsoft.Network/networkInterfaces/nic2", interface("nodes")),
        put("Microsoft.Network/bastionHosts/bastion", bastion("AzureBastionSubnet")),
        put("Microsoft.KeyVault/vaults/vault1", vault()),
        put("Microsoft.KeyVault/vaults/vault1/secrets/s", json!({"properties": {"value": "hidden value"}})),
        put("Microsoft.Storage/storageAccounts/account1", account()),
        put(
            "Microsoft.Storage/storageAccounts/account1/blobServices/default/containers/cyclecloud",
            json!({}),
        ),
        put("Microsoft.ManagedIdentity/userAssignedIdentities/identity", json!({"location": "East US"})),
        put(
            "Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net",
            json!({"location": "global"}),
        ),
        put(
            "Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net/virtualNetworkLinks/l",
            json!({"location": "global", "properties": link}),
        ),
        put("Microsoft.Network/privateEndpoints/pe", endpoint()),
        put(
            "Microsoft.Network/privateEndpoints/pe/privateDnsZoneGroups/default",
            json!({"properties": {"privateDnsZoneConfigs": [{"name": "z", "properties": {"privateDnsZoneId": zone}}]}}),
        ),
        put(
            "Microsoft.Compute/disks/extra",
            json!({"location": "eastus", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 8}}),
        ),
        put("Microsoft.Compute/virtualMachines/vm", machine("nic")),
        put("Microsoft.Compute/virtualMachines/vm/extensions/sign-in", extension("AADSSHLoginForLinux")),
        put(ASSIGNMENT, assignment(crate::world::CALLER)),
    ]
    .into_iter()
    .chain(crate::services::all())
    .collect()
}

/// The world with all of them.
pub fn world() -> FakeWorld {
    let mut world = FakeWorld::default();
    for put in all() {
        if let Err(error) = world.put(&put) {
            panic!("{}: {error} {error:?}", put.id);
        }
    }
    world
}
