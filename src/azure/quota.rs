//! vCPU quota of a region.

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;
use crate::sizes::same_family;

/// Name of the limit on all vCPUs of a region.
pub const REGIONAL: &str = "cores";

/// One limit and what of it is used, in vCPUs for the limits we look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The limit's name: `cores` or a family.
    pub name: String,
    /// Used by the whole subscription in the region.
    pub used: u64,
    /// Approved.
    pub limit: u64,
}

/// The limits of `region`.
///
/// # Errors
/// As [`Az::rest_list`]. A subscription that never had a VM may answer 409 `SubscriptionHasNoUsages`
/// (Azure/azqr issue 1026).
pub fn usages(az: &Az<'_>, region: &str) -> Result<Vec<Usage>, AzError> {
    let subscription = az.subscription();
    let path = format!(
        "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/usages?api-version=2024-11-01"
    );
    let items = az.rest_list(&path, &format!("reading the vCPU quota of {region}"))?;
    Ok(items.iter().filter_map(usage).collect())
}

fn usage(item: &Value) -> Option<Usage> {
    Some(Usage {
        name: item.pointer("/name/value")?.as_str()?.trim().to_owned(),
        used: count(item.get("currentValue")?)?,
        limit: count(item.get("limit")?)?,
    })
}

/// Numbers come as numbers or as strings, by api-version.
fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The limit of that name; spellings of one family differ in case and spaces.
pub fn find<'a>(usages: &'a [Usage], name: &str) -> Option<&'a Usage> {
    usages.iter().find(|usage| same_family(&usage.name, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recorded_usages_are_read() {
        let page: Value =
            serde_json::from_str(include_str!("../../tests/data/azure/usages.json")).expect("JSON");
        let usages: Vec<_> = page["value"].as_array().expect("a list").iter().filter_map(usage).collect();
        assert_eq!(usages.len(), 14);
        assert_eq!(
            find(&usages, "Standard DSv3 family").map(|usage| (usage.used, usage.limit)),
            Some((4, 100))
        );
        assert_eq!(find(&usages, REGIONAL).map(|usage| (usage.used, usage.limit)), Some((9, 100)));
        assert_eq!(find(&usages, "standardNDSH100v5Family"), None);
    }

    #[test]
    fn odd_numbers_and_spaces() {
        let read = |used: Value, limit: Value| {
            usage(&json!({"name": {"value": " standardNDISR GB300V6 Family "}, "currentValue": used, "limit": limit}))
                .map(|usage| (usage.used, usage.limit))
        };
        assert_eq!(read(json!("5"), json!(" 10 ")), Some((5, 10)));
        assert_eq!(read(json!(5), json!(-1)), None);
        assert_eq!(read(json!(null), json!(10)), None);
        assert_eq!(usage(&json!({"name": "cores", "currentValue": 1, "limit": 1})), None);
    }
}
