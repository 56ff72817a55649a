//! Subnets: what a range, a security group and a delegation must be, and who uses a subnet.

use serde_json::{Value, json};

use super::address::used_by_subnet;
use super::ask::{self, Ask, items, over};
use super::nsg::serves_bastion;
use super::{Change, refuse};
use crate::arm::net::Cidr;
use crate::azure::error::AzureError;

/// Type of a subnet.
pub const SUBNETS: &str = "Microsoft.Network/virtualNetworks/subnets";

/// Services that a subnet can be delegated to, as far as the twin knows any (learn.microsoft.com,
/// subnet-delegation-overview), and whether it may make network interfaces there itself.
const SERVICES: &[(&str, bool)] = &[
    ("Microsoft.NetApp/volumes", true),
    ("Microsoft.DBforMySQL/flexibleServers", false),
    ("Microsoft.DBforPostgreSQL/flexibleServers", false),
    ("Microsoft.App/environments", false),
    ("Microsoft.ContainerInstance/containerGroups", false),
    ("Microsoft.Web/serverFarms", false),
];

/// Members that Azure keeps about the users of a subnet.
const USERS: [&str; 2] = ["ipConfigurations", "privateEndpoints"];

/// Where a subnet is to be: the network's name and ranges, and the subnets beside it.
pub struct Place<'a> {
    /// Name of the network.
    pub network: &'a str,
    /// Its address ranges.
    pub spaces: &'a [Cidr],
    /// The other subnets.
    pub others: &'a [Value],
}

/// Whether two subnets have the same name.
pub fn same_name(a: &Value, b: &Value) -> bool {
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_ascii_lowercase();
    name(a) == name(b)
}

/// An address range in CIDR notation.
pub fn cidr(text: &str) -> Result<Cidr, AzureError> {
    Cidr::parse(text).ok_or_else(|| {
        refusal("InvalidAddressPrefixFormat", format!("The address prefix {text} has an invalid format."))
    })
}

fn refusal(code: &str, message: String) -> AzureError {
    AzureError::new(400, code, message)
}

/// First prefix of a subnet, in either form.
pub fn prefix_of(subnet: &Value) -> &str {
    let properties = &subnet["properties"];
    let many = items(&properties["addressPrefixes"]).first().and_then(Value::as_str);
    properties["addressPrefix"].as_str().or(many).unwrap_or_default()
}

/// The service that a subnet is delegated to.
pub fn delegated_to(subnet: &Value) -> Option<&str> {
    items(&subnet["properties"]["delegations"]).first()?["properties"]["serviceName"].as_str()
}

/// Refuses a subnet whose range, security group or delegation Azure does not take; `old` is what it was.
pub fn check(ask: &Ask, subnet: &Value, old: &Value, place: &Place) -> Result<(), AzureError> {
    range(subnet, place)?;
    bastion(ask, subnet)?;
    delegation(subnet, old)
}

fn range(subnet: &Value, place: &Place) -> Result<(), AzureError> {
    let (name, network) = (subnet["name"].as_str().unwrap_or_default(), place.network);
    let range = cidr(prefix_of(subnet))?;
    if !place.spaces.iter().any(|space| space.contains(&range)) {
        return Err(refusal(
            "NetcfgSubnetRangeOutsideVnet",
            format!(
                "Subnet '{name}' is not valid because its IP address range is outside the IP address range of virtual network '{network}'."
            ),
        ));
    }
    if range.prefix > 29 {
        return Err(refusal(
            "NetcfgInvalidSubnet",
            format!("Subnet '{name}' is not valid in virtual network '{network}'."),
        ));
    }
    for other in place.others {
        if cidr(prefix_of(other))?.overlaps(&range) {
            return Err(refusal(
                "NetcfgSubnetRangesOverlap",
                format!(
                    "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '{network}'."
                ),
            ));
        }
    }
    Ok(())
}

/// Bastion's subnet takes no route table, and a security group only with the rules that Bastion needs.
fn bastion(ask: &Ask, subnet: &Value) -> Result<(), AzureError> {
    let name = subnet["name"].as_str().unwrap_or_default();
    if name != "AzureBastionSubnet" {
        return Ok(());
    }
    if subnet["properties"]["routeTable"]["id"].is_string() {
        let message = format!("Route table cannot be attached to subnet {name}.");
        return Err(refusal("RouteTableCannotBeAttachedForAzureBastionSubnet", message));
    }
    let Some(group) = subnet["properties"]["networkSecurityGroup"]["id"].as_str() else { return Ok(()) };
    if ask.world.resource(group).is_some_and(|group| serves_bastion(&group)) {
        return Ok(());
    }
    Err(refusal(
        "NetworkSecurityGroupNotCompliantForAzureBastionSubnet",
        format!(
            "Network security group {} does not have necessary rules for Azure Bastion Subnet {name}.",
            ask::last_of(group)
        ),
    ))
}

/// Codes reported by users of Azure Container Registry task pools and of virtual nodes of Azure Kubernetes Service; the
/// sentence of a change in MicrosoftDocs/azure-docs issue 26179.
fn delegation(subnet: &Value, old: &Value) -> Result<(), AzureError> {
    let (wanted, before) = (delegated_to(subnet), delegated_to(old));
    if let Some(service) = wanted
        && !SERVICES.iter().any(|(known, _)| known.eq_ignore_ascii_case(service))
    {
        return Err(refusal(
            "InvalidServiceNameOnDelegation",
            format!(
                "Invalid service name {service} on delegation of subnet {}.",
                subnet["name"].as_str().unwrap_or_default()
            ),
        ));
    }
    let same = wanted.unwrap_or_default().eq_ignore_ascii_case(before.unwrap_or_default());
    match user(old).filter(|_| !same) {
        None => Ok(()),
        Some(user) => Err(refusal(
            "SubnetDelegationsCannotChangeWhenSubnetUsedByResource",
            format!(
                "Delegations of subnet {} cannot be changed from [{}] to [{}] because it is being used by the resource {user}.",
                old["id"].as_str().unwrap_or_default(),
                before.unwrap_or_default(),
                wanted.unwrap_or_default()
            ),
        )),
    }
}

/// Something that is in a subnet: the id of its IP configuration, endpoint or volume.
fn user(subnet: &Value) -> Option<&str> {
    USERS.iter().flat_map(|list| items(&subnet["properties"][*list])).find_map(|entry| entry["id"].as_str())
}

/// Refuses to take a subnet away that is used. Text reported by users of hashicorp/terraform-provider-azurerm.
pub fn unused(subnet: &Value) -> Result<(), AzureError> {
    match user(subnet) {
        None => Ok(()),
        Some(user) => Err(refusal(
            "InUseSubnetCannotBeDeleted",
            format!(
                "Subnet {} is in use by {user} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.",
                subnet["name"].as_str().unwrap_or_default(),
            ),
        )),
    }
}

/// Refuses what a delegated subnet does not take: everything but its own service.
pub fn not_delegated(ask: &Ask, subnet: &str, code: &str) -> Result<(), AzureError> {
    let body = ask.world.resource(subnet).unwrap_or(Value::Null);
    match delegated_to(&body) {
        None => Ok(()),
        Some(service) => Err(refusal(
            code,
            format!(
                "Resource {} cannot be created as subnet {subnet} is delegated to {service}.",
                ask.put.id
            ),
        )),
    }
}

/// A subnet as replies show it (recorded: azure-cli, `vnet-subnet`; delegations from the Azure REST reference, subnets).
pub fn completed(ask: &Ask, network: &str, subnet: &Value, old: &Value) -> Value {
    let base = json!({"delegations": [], "privateEndpointNetworkPolicies": "Disabled", "privateLinkServiceNetworkPolicies": "Enabled"});
    let mut properties = over(base, &subnet["properties"]);
    properties.insert("provisioningState".into(), json!("Succeeded"));
    for used_by in USERS {
        if let Some(users) = old["properties"].get(used_by) {
            properties.insert(used_by.into(), users.clone());
        }
    }
    let (name, etag) = (subnet["name"].as_str().unwrap_or_default(), ask.etag());
    let id = format!("{network}/subnets/{name}");
    let delegations = items(&subnet["properties"]["delegations"]);
    let delegations: Vec<Value> = delegations.iter().map(|one| delegated(one, &id, &etag)).collect();
    properties.insert("delegations".into(), json!(delegations));
    json!({"name": name, "id": id, "etag": etag, "type": SUBNETS, "properties": properties})
}

fn delegated(delegation: &Value, subnet: &str, etag: &str) -> Value {
    let name = delegation["name"].as_str().unwrap_or_default();
    let service = &delegation["properties"]["serviceName"];
    let interfaces = SERVICES.iter().any(|(known, own)| *own && service.as_str() == Some(known));
    let join = "Microsoft.Network/virtualNetworks/subnets/join/action";
    let actions =
        if interfaces { json!(["Microsoft.Network/networkinterfaces/*", join]) } else { json!([join]) };
    json!({
        "name": name, "id": format!("{subnet}/delegations/{name}"), "etag": etag, "type": format!("{SUBNETS}/delegations"),
        "properties": {"provisioningState": "Succeeded", "serviceName": service, "actions": actions},
    })
}

/// The NAT gateway, security group and route table of a subnet learn of it. `done` are changes of the same write, so that one who
/// serves two subnets knows both.
pub fn linked(ask: &Ask, subnet: &Value, done: &[Change]) -> Vec<Change> {
    let own = subnet["id"].as_str().unwrap_or_default();
    let users = ["natGateway", "networkSecurityGroup", "routeTable"];
    let ids = users.iter().filter_map(|member| subnet["properties"][member]["id"].as_str());
    ids.filter_map(|id| match super::changed(done, id) {
        Some(mut body) => {
            ask::link(&mut body, "subnets", own);
            Some(Change::other(ask, id, body))
        }
        None => used_by_subnet(ask, id, own),
    })
    .collect()
}

/// Tells a subnet, and its network, that an IP configuration, endpoint or volume is in it.
pub fn occupied(ask: &Ask, subnet: &str, list: &str, user: &str) -> Vec<Change> {
    let Some(mut body) = ask.world.resource(subnet) else { return Vec::new() };
    ask::link(&mut body, list, user);
    let network = network_of(subnet);
    let mut changes = vec![Change::other(ask, subnet, body.clone())];
    if let Some(mut whole) = ask.world.resource(network) {
        if let Value::Array(subnets) = &mut whole["properties"]["subnets"] {
            subnets
                .iter_mut()
                .filter(|other| same_name(other, &body))
                .for_each(|other| *other = body.clone());
        }
        changes.push(Change::other(ask, network, whole));
    }
    changes
}

/// Id of the network of a subnet.
pub fn network_of(subnet: &str) -> &str {
    subnet.rsplit_once("/subnets/").map(|(network, _)| network).unwrap_or_default()
}

/// Refuses a subnet of another region than the resource that goes into it.
pub fn same_region(ask: &Ask, subnet: &str) -> Result<(), AzureError> {
    let network = ask.world.resource(network_of(subnet)).unwrap_or(Value::Null);
    let region = ask::region(network["location"].as_str().unwrap_or_default());
    if region == ask.location() { Ok(()) } else { Err(refuse::missing_reference(ask, subnet)) }
}
