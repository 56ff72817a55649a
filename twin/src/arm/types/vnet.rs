//! Virtual networks and their subnets. A subnet is kept in its network's body and under its own id.

use serde_json::{Value, json};

use super::address::used_by_subnet;
use super::ask::{Ask, items, over};
use super::nsg::serves_bastion;
use super::{Change, Changes};
use crate::arm::net::Cidr;
use crate::azure::error::AzureError;

const SUBNETS: &str = "Microsoft.Network/virtualNetworks/subnets";

/// A virtual network. Without `subnets` in the body those it has stay.
pub fn virtual_network(ask: &Ask) -> Changes {
    let spaces = items(ask.at("/properties/addressSpace/addressPrefixes"));
    let spaces = spaces
        .iter()
        .map(|prefix| cidr(prefix.as_str().unwrap_or_default()))
        .collect::<Result<Vec<Cidr>, _>>()?;
    let old = items(&ask.old["properties"]["subnets"]);
    let wanted = match ask.at("/properties/subnets") {
        Value::Array(subnets) => subnets.clone(),
        _ => old.iter().map(writable).collect(),
    };
    for gone in old.iter().filter(|subnet| !wanted.iter().any(|other| same_name(other, subnet))) {
        in_use(gone)?;
    }
    let mut changes = Vec::new();
    let mut subnets = Vec::new();
    for subnet in &wanted {
        let before = old.iter().find(|other| same_name(other, subnet)).cloned().unwrap_or(Value::Null);
        check_subnet(ask, last_of(&ask.put.id), subnet, &spaces, &subnets)?;
        let done = completed(ask, &ask.put.id, subnet, &before);
        changes.extend(linked(ask, &done, &changes));
        changes.push(Change::other(ask, done["id"].as_str().unwrap_or_default(), done.clone()));
        subnets.push(done);
    }
    let mut properties = ask.properties(json!({"virtualNetworkPeerings": [], "enableDdosProtection": false}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("resourceGuid".into(), ask.guid("/properties/resourceGuid"));
    properties.insert("subnets".into(), json!(subnets));
    let mut body = ask.resource(Value::Object(properties));
    body["etag"] = json!(ask.etag());
    changes.insert(0, Change::own(ask, body));
    Ok(changes)
}

/// A subnet written by itself.
pub fn subnet(ask: &Ask) -> Changes {
    let parent = ask.id.parent().map(|id| id.full).unwrap_or_default();
    let Some(mut network) = ask.world.resource(&parent) else {
        let group = ask.id.resource_group().unwrap_or_default();
        return Err(crate::azure::error::resource_not_found(
            "Microsoft.Network/virtualNetworks",
            last_of(&parent),
            group,
        ));
    };
    let spaces = items(&network["properties"]["addressSpace"]["addressPrefixes"]);
    let spaces = spaces
        .iter()
        .map(|prefix| cidr(prefix.as_str().unwrap_or_default()))
        .collect::<Result<Vec<Cidr>, _>>()?;
    let mut wanted = ask.body.clone();
    wanted["name"] = json!(ask.id.last_name());
    let all = items(&network["properties"]["subnets"]).to_vec();
    let others: Vec<Value> = all.iter().filter(|other| !same_name(other, &wanted)).cloned().collect();
    check_subnet(ask, last_of(&parent), &wanted, &spaces, &others)?;
    let done = completed(ask, &parent, &wanted, &ask.old);
    let place = all.iter().position(|other| same_name(other, &wanted)).unwrap_or(all.len());
    let mut subnets = others;
    subnets.insert(place, done.clone());
    network["properties"]["subnets"] = json!(subnets);
    let mut changes = vec![Change::own(ask, done.clone()), Change::other(ask, &parent, network)];
    changes.extend(linked(ask, &done, &[]));
    Ok(changes)
}

fn same_name(a: &Value, b: &Value) -> bool {
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_ascii_lowercase();
    name(a) == name(b)
}

fn last_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// A subnet as it was written.
fn writable(subnet: &Value) -> Value {
    json!({"name": subnet["name"], "properties": subnet["properties"]})
}

fn cidr(text: &str) -> Result<Cidr, AzureError> {
    Cidr::parse(text).ok_or_else(|| {
        AzureError::new(
            400,
            "InvalidAddressPrefixFormat",
            format!("The address prefix {text} has an invalid format."),
        )
    })
}

/// First prefix of a subnet, in either form.
pub fn prefix_of(subnet: &Value) -> &str {
    let properties = &subnet["properties"];
    let many = items(&properties["addressPrefixes"]).first().and_then(Value::as_str);
    properties["addressPrefix"].as_str().or(many).unwrap_or_default()
}

fn check_subnet(
    ask: &Ask,
    network: &str,
    subnet: &Value,
    spaces: &[Cidr],
    others: &[Value],
) -> Result<(), AzureError> {
    let name = subnet["name"].as_str().unwrap_or_default();
    let refuse = |code: &str, message: String| Err(AzureError::new(400, code, message));
    let range = cidr(prefix_of(subnet))?;
    if !spaces.iter().any(|space| space.contains(&range)) {
        return refuse(
            "NetcfgSubnetRangeOutsideVnet",
            format!(
                "Subnet '{name}' is not valid because its IP address range is outside the IP address range of virtual network '{network}'."
            ),
        );
    }
    if range.prefix > 29 {
        return refuse(
            "NetcfgInvalidSubnet",
            format!("Subnet '{name}' is not valid in virtual network '{network}'."),
        );
    }
    for other in others {
        if cidr(prefix_of(other))?.overlaps(&range) {
            return refuse(
                "NetcfgSubnetRangesOverlap",
                format!(
                    "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '{network}'."
                ),
            );
        }
    }
    let group = subnet["properties"]["networkSecurityGroup"]["id"].as_str();
    if let Some(group) = group.filter(|_| name == "AzureBastionSubnet")
        && !ask.world.resource(group).is_some_and(|group| serves_bastion(&group))
    {
        return refuse(
            "NetworkSecurityGroupNotCompliantForAzureBastionSubnet",
            format!(
                "Network security group {} does not have necessary rules for Azure Bastion Subnet {name}.",
                last_of(group)
            ),
        );
    }
    Ok(())
}

/// Text reported by users of hashicorp/terraform-provider-azurerm.
fn in_use(subnet: &Value) -> Result<(), AzureError> {
    let users = [&subnet["properties"]["ipConfigurations"], &subnet["properties"]["privateEndpoints"]];
    match users.iter().find_map(|list| items(list).first()) {
        None => Ok(()),
        Some(user) => Err(AzureError::new(
            400,
            "InUseSubnetCannotBeDeleted",
            format!(
                "Subnet {} is in use by {} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.",
                subnet["name"].as_str().unwrap_or_default(),
                user["id"].as_str().unwrap_or_default()
            ),
        )),
    }
}

/// A subnet as replies show it (recorded: azure-cli, `vnet-subnet`).
fn completed(ask: &Ask, network: &str, subnet: &Value, old: &Value) -> Value {
    let base = json!({"delegations": [], "privateEndpointNetworkPolicies": "Disabled", "privateLinkServiceNetworkPolicies": "Enabled"});
    let mut properties = over(base, &subnet["properties"]);
    properties.insert("provisioningState".into(), json!("Succeeded"));
    for used_by in ["ipConfigurations", "privateEndpoints"] {
        if let Some(users) = old["properties"].get(used_by) {
            properties.insert(used_by.into(), users.clone());
        }
    }
    let name = subnet["name"].as_str().unwrap_or_default();
    json!({"name": name, "id": format!("{network}/subnets/{name}"), "etag": ask.etag(), "type": SUBNETS, "properties": properties})
}

/// The NAT gateway and security group of a subnet learn of it. `done` are changes of the same write, so that one who
/// serves two subnets knows both.
fn linked(ask: &Ask, subnet: &Value, done: &[Change]) -> Vec<Change> {
    let own = subnet["id"].as_str().unwrap_or_default();
    let users = ["natGateway", "networkSecurityGroup"];
    let ids = users.iter().filter_map(|member| subnet["properties"][member]["id"].as_str());
    ids.filter_map(|id| match super::changed(done, id) {
        Some(mut body) => {
            super::ask::link(&mut body, "subnets", own);
            Some(Change::other(ask, id, body))
        }
        None => used_by_subnet(ask, id, own),
    })
    .collect()
}

/// Tells a subnet, and its network, that an IP configuration or private endpoint is in it.
pub fn occupied(ask: &Ask, subnet: &str, list: &str, user: &str) -> Vec<Change> {
    let Some(mut body) = ask.world.resource(subnet) else { return Vec::new() };
    super::ask::link(&mut body, list, user);
    let network = subnet.rsplit_once("/subnets/").map(|(network, _)| network).unwrap_or_default();
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
