//! What Network refuses of subnets, of what goes into them, and of DNS zones for them.

use serde_json::{Value, json};

use super::{Refused, refused};
use crate::scene::*;

/// Every refusal of this file.
pub fn all() -> Vec<Refused> {
    [subnets(), links(), delegations(), zones()].into_iter().flatten().collect()
}

/// Ranges of subnets.
fn subnets() -> Vec<Refused> {
    let net = "Microsoft.Network/virtualNetworks/net";
    let new = "Microsoft.Network/virtualNetworks/new";
    let subnets = |subnets: Value| with(&network(), json!({"properties": {"subnets": subnets}}));
    vec![
        refused(
            "subnet outside",
            put(new, subnets(json!([{"name": "a", "properties": {"addressPrefix": "10.65.0.0/24"}}]))),
            "NetcfgSubnetRangeOutsideVnet",
            "outside the IP address range of virtual network 'new'",
        ),
        refused(
            "subnets overlap",
            put(
                new,
                subnets(
                    json!([{"name": "a", "properties": {"addressPrefix": "10.64.0.0/24"}}, {"name": "b", "properties": {"addressPrefix": "10.64.0.128/25"}}]),
                ),
            ),
            "NetcfgSubnetRangesOverlap",
            "Subnet 'b' is not valid because its IP address range overlaps",
        ),
        refused(
            "tiny subnet",
            put(new, subnets(json!([{"name": "a", "properties": {"addressPrefix": "10.64.0.0/30"}}]))),
            "NetcfgInvalidSubnet",
            "Subnet 'a' is not valid in virtual network 'new'",
        ),
        refused(
            "no prefix",
            put(new, subnets(json!([{"name": "a", "properties": {"addressPrefix": "10.64.0.0"}}]))),
            "InvalidAddressPrefixFormat",
            "10.64.0.0 has an invalid format",
        ),
        refused(
            "used subnet left out",
            put(net, subnets(json!([]))),
            "InUseSubnetCannotBeDeleted",
            "Subnet nodes is in use by",
        ),
    ]
}

/// What subnets refer to.
fn links() -> Vec<Refused> {
    let new = "Microsoft.Network/virtualNetworks/new";
    let subnets = |subnets: Value| with(&network(), json!({"properties": {"subnets": subnets}}));
    vec![
        refused(
            "unknown gateway",
            put(
                new,
                subnets(
                    json!([{"name": "a", "properties": {"addressPrefix": "10.64.0.0/24", "natGateway": {"id": id("Microsoft.Network/natGateways/none")}}}]),
                ),
            ),
            "InvalidResourceReference",
            "natGateways/none referenced by resource",
        ),
        refused(
            "no id",
            put(
                new,
                subnets(
                    json!([{"name": "a", "properties": {"addressPrefix": "10.64.0.0/24", "natGateway": {"id": "nat"}}}]),
                ),
            ),
            "InvalidRequestFormat",
            "Reference Id nat is not formatted correctly",
        ),
        refused(
            "bastion subnet with routes",
            put(
                new,
                subnets(
                    json!([{"name": "AzureBastionSubnet", "properties": {"addressPrefix": "10.64.0.0/26", "routeTable": {"id": id("Microsoft.Network/routeTables/routes")}}}]),
                ),
            ),
            "RouteTableCannotBeAttachedForAzureBastionSubnet",
            "Route table cannot be attached",
        ),
        refused(
            "bastion subnet without its rules",
            put(
                new,
                subnets(
                    json!([{"name": "AzureBastionSubnet", "properties": {"addressPrefix": "10.64.0.0/26", "networkSecurityGroup": {"id": id("Microsoft.Network/networkSecurityGroups/nsg")}}}]),
                ),
            ),
            "NetworkSecurityGroupNotCompliantForAzureBastionSubnet",
            "Network security group nsg does not have necessary rules",
        ),
    ]
}

/// Subnets that are one service's.
fn delegations() -> Vec<Refused> {
    let subnet = |name: &str| format!("Microsoft.Network/virtualNetworks/net/subnets/{name}");
    let body = |prefix: &str, service: &str| with(&delegated("x", prefix, service), json!({"name": null}));
    let mut endpoint = endpoint();
    endpoint["properties"]["subnet"]["id"] = json!(crate::scene::subnet("files"));
    vec![
        refused(
            "service that takes no subnets",
            put(&subnet("new"), body("10.64.8.0/28", "Microsoft.NetApp/pools")),
            "InvalidServiceNameOnDelegation",
            "Invalid service name Microsoft.NetApp/pools",
        ),
        refused(
            "delegation of a subnet in use",
            put(&subnet("nodes"), body("10.64.1.0/24", "Microsoft.NetApp/volumes")),
            "SubnetDelegationsCannotChangeWhenSubnetUsedByResource",
            "cannot be changed from [] to [Microsoft.NetApp/volumes] because it is being used by the resource",
        ),
        refused(
            "delegation taken from a volume",
            put(&subnet("files"), json!({"properties": {"addressPrefix": "10.64.5.0/28"}})),
            "SubnetDelegationsCannotChangeWhenSubnetUsedByResource",
            "cannot be changed from [Microsoft.NetApp/volumes] to []",
        ),
        refused(
            "interface in a delegated subnet",
            put("Microsoft.Network/networkInterfaces/new", interface("files")),
            "SubnetIsDelegatedAndCannotBeUsed",
            "is delegated to Microsoft.NetApp/volumes",
        ),
        refused(
            "endpoint in a delegated subnet",
            put("Microsoft.Network/privateEndpoints/new", endpoint),
            "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated",
            "is delegated to Microsoft.NetApp/volumes",
        ),
        refused(
            "endpoint in another region",
            put(
                "Microsoft.Network/privateEndpoints/new",
                with(&crate::scene::endpoint(), json!({"location": "westus"})),
            ),
            "InvalidResourceReference",
            "both resources are in the same region",
        ),
    ]
}

/// One network does not resolve two zones of a name.
fn zones() -> Vec<Refused> {
    let zone = "Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net";
    let network = json!({"id": id("Microsoft.Network/virtualNetworks/net")});
    let link = json!({"location": "global", "properties": {"registrationEnabled": false, "virtualNetwork": network}});
    let mut elsewhere = put(&format!("{zone}/virtualNetworkLinks/l"), link);
    elsewhere.id = elsewhere.id.replace("/rg1/", "/hub/");
    vec![
        refused(
            "second zone of a name",
            elsewhere,
            "BadRequest",
            "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual network with 'privatelink.vaultcore.azure.net' and 'privatelink.vaultcore.azure.net' zones.",
        )
        .after(|world| {
            let mut zone = put("Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net", json!({"location": "global"}));
            zone.id = zone.id.replace("/rg1/", "/hub/");
            world.put(&zone).expect("a zone in another group");
        }),
    ]
}
