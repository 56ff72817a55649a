//! Versions of marketplace images in a region.

use std::cmp::Ordering;

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;
use crate::images::Image;

/// State of a version that its publisher stands by. Source: Compute's REST reference, `ImageState`.
pub const ACTIVE: &str = "Active";
/// State of a version that no new VM can be made of.
pub const DEPRECATED: &str = "Deprecated";

/// A version that the region has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name: of Ubuntu's images the release and a date.
    pub name: String,
    /// [`ACTIVE`], `ScheduledForDeprecation` or [`DEPRECATED`].
    pub state: String,
    /// From when on no new VM can be made of it.
    pub ends: Option<String>,
}

/// All versions of an image in `region`, the newest last. The path names publisher, offer and sku exactly, where
/// `az vm image list` takes everything that contains the words.
///
/// # Errors
/// As [`Az::json`]; not found when the region has no such publisher, offer or sku.
pub fn versions(az: &Az<'_>, region: &str, image: &Image) -> Result<Vec<Version>, AzError> {
    let Image { publisher, offer, sku, .. } = image;
    let path = format!(
        "/subscriptions/{}/providers/Microsoft.Compute/locations/{region}/publishers/{publisher}/artifacttypes/vmimage/\
         offers/{offer}/skus/{sku}/versions?$expand=properties/imageDeprecationStatus&api-version=2024-11-01",
        az.subscription()
    );
    let why = format!("reading the versions of {publisher}:{offer}:{sku}");
    // No pages here: a bare array.
    let listed = az.rest_get(&path, &why)?;
    let listed =
        listed.as_array().ok_or_else(|| az.unusable(&["rest", "--method", "get", "--url", &path], &why))?;
    let mut versions: Vec<Version> = listed.iter().filter_map(version).collect();
    versions.sort_by(|one, other| compare(&one.name, &other.name));
    Ok(versions)
}

/// Older images come without a state.
fn version(item: &Value) -> Option<Version> {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    Some(Version {
        name: text("/name")?,
        state: text("/properties/imageDeprecationStatus/imageState").unwrap_or_else(|| ACTIVE.to_owned()),
        ends: text("/properties/imageDeprecationStatus/scheduledDeprecationTime"),
    })
}

/// Part by part, as numbers: 8.10 is newer than 8.9.
pub fn compare(one: &str, other: &str) -> Ordering {
    let parts = |text: &str| {
        text.split('.').map(|part| (part.parse::<u64>().ok(), part.to_owned())).collect::<Vec<_>>()
    };
    parts(one).cmp(&parts(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        let cases = [
            ("8.9.12026", "8.10.02026", Ordering::Less),
            ("24.04.729", "24.04.1003", Ordering::Less),
            ("22.04.729", "22.04.729", Ordering::Equal),
            ("8.9", "8.9.1", Ordering::Less),
            ("9.0.0", "10.0.0", Ordering::Less),
            ("1.0.0-beta", "1.0.0", Ordering::Less),
        ];
        for (one, other, expected) in cases {
            assert_eq!(compare(one, other), expected, "{one} {other}");
            assert_eq!(compare(other, one), expected.reverse(), "{other} {one}");
        }
    }

    #[test]
    fn a_recorded_version_is_read() {
        let recorded: Value =
            serde_json::from_str(include_str!("../../tests/data/azure/image-version.json")).unwrap();
        let read = version(&recorded).unwrap();
        assert_eq!(
            (read.name.as_str(), read.state.as_str(), read.ends),
            (recorded["name"].as_str().unwrap(), ACTIVE, None)
        );
        assert_eq!(version(&serde_json::json!({"name": "1.0.0"})).unwrap().state, ACTIVE);
    }
}
