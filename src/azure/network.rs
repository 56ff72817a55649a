//! A virtual network and a Bastion that are there already.

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;
use crate::config::KEPT_BY_AZURE;
use crate::resource_id::BastionId;

const API: &str = "api-version=2025-05-01";

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualNetwork {
    /// Its region.
    pub region: String,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
}

/// A subnet, as its network knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Its name.
    pub name: String,
    /// IPv4 addresses that resources can have.
    pub addresses: u64,
    /// Resource ids of what has an address, one for each.
    pub used_by: Vec<String>,
    /// The services it is delegated to, such as `Microsoft.NetApp/volumes`.
    pub delegations: Vec<String>,
    /// Whether there is a NAT gateway or a route table, without which nothing in it reaches the internet.
    pub has_way_out: bool,
}

/// The virtual network of that id.
///
/// # Errors
/// As [`Az::json`].
pub fn read(az: &Az<'_>, id: &str) -> Result<VirtualNetwork, AzError> {
    let network = az.rest_get(&format!("{id}?{API}"), "reading the virtual network")?;
    let subnets = network.pointer("/properties/subnets").and_then(Value::as_array);
    Ok(VirtualNetwork {
        region: network["location"].as_str().unwrap_or_default().to_owned(),
        subnets: subnets.into_iter().flatten().map(subnet).collect(),
    })
}

/// Whether clients can open tunnels through a Bastion.
///
/// # Errors
/// As [`Az::json`].
pub fn has_tunnels(az: &Az<'_>, bastion: &BastionId) -> Result<bool, AzError> {
    let az = az.on(&bastion.subscription);
    let found = az.rest_get(&format!("{bastion}?{API}"), "reading the Bastion")?;
    Ok(found.pointer("/properties/enableTunneling") == Some(&Value::Bool(true)))
}

fn subnet(item: &Value) -> Subnet {
    let properties = &item["properties"];
    let list = |key: &str| properties[key].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let prefixes = list("addressPrefixes").chain(std::iter::once(&properties["addressPrefix"]));
    let mut prefixes: Vec<&str> = prefixes.filter_map(Value::as_str).collect();
    prefixes.dedup();
    Subnet {
        name: text(&item["name"]),
        addresses: prefixes.into_iter().filter_map(usable).sum(),
        used_by: list("ipConfigurations").map(|one| text(&one["id"])).collect(),
        delegations: list("delegations").map(|one| text(&one["properties"]["serviceName"])).collect(),
        has_way_out: ["natGateway", "routeTable"].iter().any(|key| properties[key]["id"].is_string()),
    }
}

/// IPv4 addresses of a prefix that resources can have; `None` for IPv6.
fn usable(prefix: &str) -> Option<u64> {
    let (address, length) = prefix.split_once('/')?;
    let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
    address.parse::<std::net::Ipv4Addr>().ok()?;
    Some((1_u64 << (32 - length)).saturating_sub(KEPT_BY_AZURE.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recorded_subnet_is_read() {
        let recorded: Value =
            serde_json::from_str(include_str!("../../tests/data/azure/subnet.json")).unwrap();
        let read = subnet(&recorded);
        assert_eq!((read.name.as_str(), read.addresses, read.used_by.len()), ("AzureBastionSubnet", 251, 1));
        assert!(read.delegations.is_empty() && !read.has_way_out);
    }

    #[test]
    fn addresses_are_counted_in_both_spellings() {
        let addresses =
            |properties: Value| subnet(&json!({ "name": "a", "properties": properties })).addresses;
        assert_eq!(addresses(json!({ "addressPrefix": "10.0.0.0/28" })), 11);
        assert_eq!(addresses(json!({ "addressPrefixes": ["10.0.0.0/28"] })), 11);
        assert_eq!(
            addresses(json!({ "addressPrefix": "10.0.0.0/28", "addressPrefixes": ["10.0.0.0/28"] })),
            11
        );
        assert_eq!(addresses(json!({ "addressPrefixes": ["10.0.0.0/28", "10.1.0.0/24", "fd00::/64"] })), 262);
        assert_eq!(addresses(json!({})), 0);
    }
}
