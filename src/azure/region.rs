//! Regions of a subscription.

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;

/// Whether two spellings name one region: `East US` is `eastus`.
pub fn same_region(one: &str, other: &str) -> bool {
    let letters = |name: &str| name.replace(' ', "").to_ascii_lowercase();
    letters(one) == letters(other)
}

/// Names of the regions with datacenters that the subscription sees, as in `eastus`.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn regions(az: &Az<'_>) -> Result<Vec<String>, AzError> {
    let path = format!("/subscriptions/{}/locations?api-version=2022-12-01", az.subscription());
    let items = az.rest_list(&path, "reading the regions")?;
    Ok(items.iter().filter_map(physical).collect())
}

/// Logical locations (`global`, `unitedstates`, staging) take no VMs.
fn physical(item: &Value) -> Option<String> {
    let kind = item.pointer("/metadata/regionType").and_then(Value::as_str);
    (kind != Some("Logical")).then(|| item.get("name")?.as_str().map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_regions_are_read() {
        let page: Value =
            serde_json::from_str(include_str!("../../tests/data/azure/locations.json")).expect("JSON");
        let names: Vec<_> = page["value"].as_array().expect("a list").iter().filter_map(physical).collect();
        assert_eq!(
            names,
            ["eastus", "westeurope", "eastasia", "eastus2euap", "southcentralus", "centraluseuap"]
        );
    }
}
