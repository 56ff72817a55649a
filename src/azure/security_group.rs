//! Security rules that a tenant's policy puts into every network security group.

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;
use super::step::Step;

/// They let a whole company in, on every port. Their description says that they can be deleted.
const UNWANTED: [&str; 2] = ["NRMS-Rule-103", "NRMS-Rule-104"];

/// For each security group of `group` that has such rules, the steps that delete them. The rules of one
/// security group cannot be changed side by side.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn unwanted_rules(az: &Az<'_>, group: &str) -> Result<Vec<Vec<Step>>, AzError> {
    let path = format!(
        "{}/providers/Microsoft.Network/networkSecurityGroups?api-version=2025-05-01",
        az.group_id(group)
    );
    let security_groups = az.rest_list_if_any(&path, "listing the network security groups")?;
    Ok(security_groups
        .iter()
        .map(|found| deletions(az, group, found))
        .filter(|steps| !steps.is_empty())
        .collect())
}

fn deletions(az: &Az<'_>, group: &str, found: &Value) -> Vec<Step> {
    let name = found["name"].as_str().unwrap_or_default();
    let rules = found["properties"]["securityRules"].as_array().into_iter().flatten();
    let unwanted = rules.filter_map(|rule| rule["name"].as_str()).filter(|rule| UNWANTED.contains(rule));
    let command = |rule: &str| {
        az.command(&["network", "nsg", "rule", "delete", "--resource-group", group]).args([
            "--nsg-name",
            name,
            "--name",
            rule,
        ])
    };
    unwanted.map(|rule| Step::new(format!("{name}: without the rule {rule}"), command(rule))).collect()
}
