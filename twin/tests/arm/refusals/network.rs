//! What Network refuses.

use serde_json::{Value, json};

use super::{Refused, refused};
use crate::scene::*;

/// Every refusal of this file.
pub fn all() -> Vec<Refused> {
    [addresses(), groups(), interfaces(), private()].into_iter().flatten().collect()
}

/// Public IP addresses, and what holds for every type.
fn addresses() -> Vec<Refused> {
    let ip = "Microsoft.Network/publicIPAddresses/new";
    vec![
        refused(
            "basic address",
            put(ip, with(&public_ip(), json!({"sku": null}))),
            "IPv4BasicSkuPublicIpCountLimitReached",
            "Cannot create more than 0 IPv4 Basic SKU",
        ),
        refused(
            "dynamic address",
            put(ip, with(&public_ip(), json!({"properties": {"publicIPAllocationMethod": "Dynamic"}}))),
            "StandardSkuPublicIPAddressesMustBeStatic",
            "must have AllocationMethod set to Static",
        ),
        refused(
            "unknown member",
            put(ip, with(&public_ip(), json!({"properties": {"colour": 1}}))),
            "InvalidRequestFormat",
            "Could not find member 'colour' on object of type 'PublicIPAddressesProperties'. Path 'properties.colour'",
        ),
        refused(
            "unknown member of the resource",
            put(ip, with(&public_ip(), json!({"colour": 1}))),
            "InvalidRequestContent",
            "Could not find member 'colour' on object of type 'ResourceDefinition'",
        ),
        refused(
            "no location",
            put(ip, with(&public_ip(), json!({"location": null}))),
            "LocationRequired",
            "location property is required",
        ),
        refused(
            "another region",
            put("Microsoft.Network/publicIPAddresses/ip", with(&public_ip(), json!({"location": "westus"}))),
            "InvalidResourceLocation",
            "already exists in location 'eastus'",
        ),
        refused(
            "bad name",
            put("Microsoft.Network/publicIPAddresses/-x", public_ip()),
            "InvalidResourceName",
            "Resource name -x is invalid",
        ),
    ]
}

/// Security groups.
fn groups() -> Vec<Refused> {
    let rules = |rules: Value| json!({"location": "eastus", "properties": {"securityRules": rules}});
    let rule = |priority: i64, name: &str| {
        json!({"name": name, "properties": {"access": "Deny", "direction": "Inbound", "priority": priority, "protocol": "*", "sourceAddressPrefix": "*",
            "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*"}})
    };
    let nsg = "Microsoft.Network/networkSecurityGroups/new";
    vec![
        refused(
            "rule twice",
            put(nsg, rules(json!([rule(100, "a"), rule(100, "b")]))),
            "SecurityRuleConflict",
            "Security rule a conflicts with rule b",
        ),
        refused(
            "priority out of range",
            put(nsg, rules(json!([rule(99, "a")]))),
            "SecurityRuleInvalidPriority",
            "Allowed range 100-4096",
        ),
    ]
}

/// Network interfaces and their addresses.
fn interfaces() -> Vec<Refused> {
    let nic = "Microsoft.Network/networkInterfaces/new";
    let fixed = |address: &str| {
        let mut body = interface("nodes");
        let properties = &mut body["properties"]["ipConfigurations"][0]["properties"];
        properties["privateIPAllocationMethod"] = json!("Static");
        properties["privateIPAddress"] = json!(address);
        put(nic, body)
    };
    vec![
        refused(
            "full subnet",
            put(nic, interface("small")),
            "SubnetIsFull",
            "Subnet small with address prefix 10.64.2.0/29 does not have enough capacity",
        )
        .after(|world| {
            for at in 0..3 {
                world
                    .put(&put(&format!("Microsoft.Network/networkInterfaces/full{at}"), interface("small")))
                    .expect("room for three");
            }
        }),
        refused(
            "interface without subnet",
            put(nic, interface("none")),
            "InvalidResourceReference",
            "subnets/none referenced by resource",
        ),
        refused(
            "interface elsewhere",
            put(nic, with(&interface("nodes"), json!({"location": "westus"}))),
            "InvalidResourceReference",
            "both resources are in the same region",
        ),
        refused(
            "address outside",
            fixed("10.64.9.9"),
            "PrivateIPAddressNotInSubnet",
            "10.64.9.9 does not belong to the range of subnet prefix 10.64.1.0/24",
        ),
        refused("reserved address", fixed("10.64.1.3"), "PrivateIPAddressInReservedRange", "reserved"),
        refused("address in use", fixed("10.64.1.4"), "PrivateIPAddressIsAllocated", "already allocated"),
    ]
}

/// Bastion, private endpoints and DNS zones.
fn private() -> Vec<Refused> {
    let host = "Microsoft.Network/bastionHosts/new";
    vec![
        refused(
            "bastion elsewhere",
            put(host, bastion("nodes")),
            "SubnetNameMustBeAzureBastionSubnet",
            "only be created in subnet with name 'AzureBastionSubnet'",
        ),
        refused(
            "basic bastion with tunnels",
            put(host, with(&bastion("AzureBastionSubnet"), json!({"sku": {"name": "Basic"}}))),
            "BastionFeatureNotSupportedForSku",
            "enableTunneling is not supported",
        ),
        refused(
            "endpoint to the wrong part",
            put(
                "Microsoft.Network/privateEndpoints/new",
                with(
                    &endpoint(),
                    json!({"properties": {"privateLinkServiceConnections": [{"name": "c", "properties": {"groupIds": ["blob"], "privateLinkServiceId": id("Microsoft.KeyVault/vaults/vault1")}}]}}),
                ),
            ),
            "PrivateEndpointInvalidGroupId",
            "group id 'blob'",
        ),
        refused(
            "zone in a region",
            put("Microsoft.Network/privateDnsZones/a.example", json!({"location": "eastus"})),
            "LocationNotAvailableForResourceType",
            "'global'",
        ),
        refused(
            "group of no endpoint",
            put(
                "Microsoft.Network/privateEndpoints/none/privateDnsZoneGroups/default",
                json!({"properties": {"privateDnsZoneConfigs": []}}),
            ),
            "ParentResourceNotFound",
            "privateEndpoints/none' could not be found",
        ),
    ]
}
