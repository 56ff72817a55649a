//! Bastion hosts.

use serde_json::{Value, json};

use super::ask::{Ask, items, over};
use super::subnet::{occupied, prefix_of};
use super::{Change, Changes};
use crate::arm::net::Cidr;
use crate::azure::error::AzureError;

/// A Bastion host.
pub fn host(ask: &Ask) -> Changes {
    let configurations = items(ask.at("/properties/ipConfigurations"));
    let [configuration] = configurations else {
        let message = format!("Azure Bastion {} must have exactly one ipConfiguration.", ask.put.id);
        return Err(AzureError::new(400, "BastionHostMustHaveOneIpConfiguration", message));
    };
    let subnet = configuration["properties"]["subnet"]["id"].as_str().unwrap_or_default();
    let address = configuration["properties"]["publicIPAddress"]["id"].as_str().unwrap_or_default();
    check_subnet(ask, subnet)?;
    check_sku(ask, address)?;
    let etag = ask.etag();
    let name = configuration["name"].as_str().unwrap_or_default();
    let id = format!("{}/bastionHostIpConfigurations/{name}", ask.put.id);
    let base = json!({"provisioningState": "Succeeded", "privateIPAllocationMethod": "Dynamic"});
    let done = json!({
        "name": name, "id": id, "etag": etag, "type": "Microsoft.Network/bastionHosts/bastionHostIpConfigurations",
        "properties": over(base, &configuration["properties"]),
    });
    let mut properties = ask.properties(json!({"scaleUnits": 2}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    let dns = || json!(format!("bst-{}.bastion.azure.com", ask.world.new_uuid()));
    properties.insert("dnsName".into(), ask.kept("/properties/dnsName", dns));
    properties.insert("ipConfigurations".into(), json!([done]));
    let mut body = ask.resource(Value::Object(properties));
    body["etag"] = json!(etag);
    let mut changes = vec![Change::own(ask, body)];
    changes.extend(occupied(ask, subnet, "ipConfigurations", &id));
    let mut public = ask.world.resource(address).unwrap_or(Value::Null);
    public["properties"]["ipConfiguration"] = json!({ "id": id });
    changes.push(Change::other(ask, address, public));
    Ok(changes)
}

fn check_subnet(ask: &Ask, subnet: &str) -> Result<(), AzureError> {
    if !subnet.ends_with("/AzureBastionSubnet") {
        let message = format!(
            "Subnet name {subnet} is invalid for Azure Bastion. Azure Bastion can only be created in subnet with name 'AzureBastionSubnet'."
        );
        return Err(AzureError::new(400, "SubnetNameMustBeAzureBastionSubnet", message));
    }
    let range = ask.world.resource(subnet).and_then(|body| Cidr::parse(prefix_of(&body)));
    if range.is_none_or(|range| range.prefix > 26) {
        let message = format!(
            "Subnet {subnet} is too small for Azure Bastion: the prefix must be smaller than or equal to 26."
        );
        return Err(AzureError::new(400, "BastionSubnetPrefixTooLong", message));
    }
    Ok(())
}

fn check_sku(ask: &Ask, address: &str) -> Result<(), AzureError> {
    let sku = ask.text("/sku/name");
    let features = ["enableTunneling", "enableIpConnect", "enableShareableLink", "enableFileCopy"];
    let feature = features.iter().find(|name| ask.at(&format!("/properties/{name}")) == true);
    if let Some(feature) =
        feature.filter(|_| !["Standard", "Premium"].iter().any(|one| one.eq_ignore_ascii_case(sku)))
    {
        let message = format!(
            "Feature {feature} is not supported for Bastion sku '{}'.",
            if sku.is_empty() { "Basic" } else { sku }
        );
        return Err(AzureError::new(400, "BastionFeatureNotSupportedForSku", message));
    }
    if address.is_empty() {
        let message = format!("Bastion host {} must have a public IP address.", ask.put.id);
        return Err(AzureError::new(400, "BastionHostPublicIpAddressMissing", message));
    }
    Ok(())
}
