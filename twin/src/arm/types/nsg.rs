//! Network security groups.

use serde_json::{Value, json};

use super::ask::{Ask, items, over};
use super::{Change, Changes};
use crate::azure::error::AzureError;

/// A network security group with its rules.
pub fn security_group(ask: &Ask) -> Changes {
    let rules = items(ask.at("/properties/securityRules"));
    for (at, rule) in rules.iter().enumerate() {
        check_rule(ask, rule, &rules[..at])?;
    }
    let etag = ask.etag();
    let written = rules.iter().map(|rule| completed(ask, rule, "securityRules", &etag));
    let defaults: Vec<Value> =
        default_rules().iter().map(|rule| completed(ask, rule, "defaultSecurityRules", &etag)).collect();
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "resourceGuid": ask.guid("/properties/resourceGuid"),
        "securityRules": written.collect::<Vec<Value>>(),
        "defaultSecurityRules": defaults,
    });
    for used_by in ["subnets", "networkInterfaces"] {
        if let Some(users) = ask.old["properties"].get(used_by) {
            properties[used_by] = users.clone();
        }
    }
    let mut body = ask.resource(properties);
    body["etag"] = json!(etag);
    Ok(vec![Change::own(ask, body)])
}

fn check_rule(ask: &Ask, rule: &Value, before: &[Value]) -> Result<(), AzureError> {
    let (name, properties) = (rule["name"].as_str().unwrap_or_default(), &rule["properties"]);
    let invalid = |code: &str, message: String| Err(AzureError::new(400, code, message));
    let priority = properties["priority"].as_i64().unwrap_or_default();
    if !(100..=4096).contains(&priority) {
        return invalid(
            "SecurityRuleInvalidPriority",
            format!(
                "Security rule has invalid Priority. Value provided: {priority} Allowed range 100-4096. See https://aka.ms/nsgrules."
            ),
        );
    }
    let same = |other: &&Value| {
        let other = &other["properties"];
        other["priority"] == properties["priority"] && other["direction"] == properties["direction"]
    };
    if let Some(other) = before.iter().find(same) {
        return invalid(
            "SecurityRuleConflict",
            format!(
                "Security rule {} conflicts with rule {name}. Rules cannot have the same Priority and Direction. See https://aka.ms/nsgrules.",
                other["name"].as_str().unwrap_or_default()
            ),
        );
    }
    for (one, many, what) in [
        ("sourceAddressPrefix", "sourceAddressPrefixes", "SourceAddressPrefix"),
        ("sourcePortRange", "sourcePortRanges", "SourcePortRange"),
        ("destinationAddressPrefix", "destinationAddressPrefixes", "DestinationAddressPrefix"),
        ("destinationPortRange", "destinationPortRanges", "DestinationPortRange"),
    ] {
        let list = items(&properties[many]);
        if properties[one].as_str().is_none_or(str::is_empty) && list.is_empty() {
            return invalid(
                "SecurityRuleParameterMissing",
                format!("Security rule {} is missing parameter {what}.", rule_id(ask, name)),
            );
        }
        if list.iter().any(|value| value == "*") {
            return invalid(
                &format!("SecurityRuleParameterContainsUnsupportedValue{what}s"),
                format!(
                    "Security rule parameter {what}s for rule with Id {} cannot have * in a list.",
                    rule_id(ask, name)
                ),
            );
        }
    }
    Ok(())
}

fn rule_id(ask: &Ask, name: &str) -> String {
    format!("{}/securityRules/{name}", ask.put.id)
}

/// A rule as replies show it: both forms of prefixes and ranges, an id and a type.
fn completed(ask: &Ask, rule: &Value, list: &str, etag: &str) -> Value {
    let name = rule["name"].as_str().unwrap_or_default();
    let base = json!({
        "provisioningState": "Succeeded", "sourcePortRanges": [], "destinationPortRanges": [], "sourceAddressPrefixes": [],
        "destinationAddressPrefixes": [],
    });
    json!({
        "name": name,
        "id": format!("{}/{list}/{name}", ask.put.id),
        "etag": etag,
        "type": format!("Microsoft.Network/networkSecurityGroups/{list}"),
        "properties": over(base, &rule["properties"]),
    })
}

/// The rules that every group has (recorded: azure-cli, `az network nsg create`; names and order from the documentation).
fn default_rules() -> Vec<Value> {
    let rule = |name: &str,
                description: &str,
                access: &str,
                priority: i64,
                direction: &str,
                from: &str,
                to: &str| {
        json!({"name": name, "properties": {
            "description": description, "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
            "sourceAddressPrefix": from, "destinationAddressPrefix": to, "access": access, "priority": priority, "direction": direction,
        }})
    };
    let (network, balancer) = ("VirtualNetwork", "AzureLoadBalancer");
    vec![
        rule(
            "AllowVnetInBound",
            "Allow inbound traffic from all VMs in VNET",
            "Allow",
            65000,
            "Inbound",
            network,
            network,
        ),
        rule(
            "AllowAzureLoadBalancerInBound",
            "Allow inbound traffic from azure load balancer",
            "Allow",
            65001,
            "Inbound",
            balancer,
            "*",
        ),
        rule("DenyAllInBound", "Deny all inbound traffic", "Deny", 65500, "Inbound", "*", "*"),
        rule(
            "AllowVnetOutBound",
            "Allow outbound traffic from all VMs to all VMs in VNET",
            "Allow",
            65000,
            "Outbound",
            network,
            network,
        ),
        rule(
            "AllowInternetOutBound",
            "Allow outbound traffic from all VMs to Internet",
            "Allow",
            65001,
            "Outbound",
            "*",
            "Internet",
        ),
        rule("DenyAllOutBound", "Deny all outbound traffic", "Deny", 65500, "Outbound", "*", "*"),
    ]
}

/// Whether a group has the rules that Azure Bastion's subnet needs (learn.microsoft.com, bastion-nsg): 443 from the
/// internet and the gateway manager, 22 and 3389 to the network, 443 to Azure.
pub fn serves_bastion(group: &Value) -> bool {
    let rules = items(&group["properties"]["securityRules"]);
    let allows = |direction: &str, side: &str, prefix: &str, port: &str| {
        rules.iter().map(|rule| &rule["properties"]).any(|rule| {
            let ports =
                [&rule["destinationPortRange"]].into_iter().chain(items(&rule["destinationPortRanges"]));
            let other = &rule[side];
            rule["access"] == "Allow"
                && rule["direction"] == direction
                && (other == prefix || other == "*")
                && ports.into_iter().any(|one| one == port || one == "*")
        })
    };
    allows("Inbound", "sourceAddressPrefix", "Internet", "443")
        && allows("Inbound", "sourceAddressPrefix", "GatewayManager", "443")
        && allows("Outbound", "destinationAddressPrefix", "VirtualNetwork", "22")
        && allows("Outbound", "destinationAddressPrefix", "VirtualNetwork", "3389")
        && allows("Outbound", "destinationAddressPrefix", "AzureCloud", "443")
}
