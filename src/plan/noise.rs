//! Differences that Azure's what-if shows although no deployment makes them; the known ones are in `noise.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::azure::whatif::{Property, PropertyKind};

/// What a difference is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A deployment makes it.
    Real,
    /// No deployment makes it.
    Noise,
    /// What would be there, Azure cannot work out beforehand.
    Open,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    types: Vec<String>,
    paths: Vec<String>,
    value: Option<Value>,
    /// Who says so.
    #[allow(dead_code, reason = "for readers of the table; a test asks for it")]
    source: String,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("noise.yaml")).expect("noise.yaml is checked by a test")
});

/// What the difference `property` of a resource of type `kind` is worth.
pub fn weight(kind: &str, property: &Property) -> Weight {
    if property.kind == PropertyKind::NoEffect || RULES.iter().any(|rule| rule.says(kind, property)) {
        Weight::Noise
    } else if is_open(&property.after) {
        Weight::Open
    } else {
        Weight::Real
    }
}

/// What-if leaves `reference()` and the values of secure parameters as expressions. Source: learn.microsoft.com,
/// azure-resource-manager/templates/deploy-what-if; a recorded reply has `[parameters('secureValue')]`.
pub fn is_open(value: &Value) -> bool {
    let function = value.as_str().and_then(|text| text.strip_prefix('[')?.strip_suffix(']')?.split_once('('));
    function.is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|letter| letter.is_ascii_alphanumeric())
    })
}

impl Rule {
    fn says(&self, kind: &str, property: &Property) -> bool {
        let Property { path, before, after, .. } = property;
        let set = if before.is_null() { after } else { before };
        self.types.iter().any(|own| own == "*" || own.eq_ignore_ascii_case(kind))
            && self.value.as_ref().is_none_or(|value| value == set)
            && self.paths.iter().any(|own| covers(own, path))
    }
}

/// Whether `path` is the place `rule`, or a part of it.
fn covers(rule: &str, path: &str) -> bool {
    let place = steps(path);
    if let Some(last) = rule.strip_prefix("**.") {
        return place.last().is_some_and(|step| step == last);
    }
    let rule = steps(rule);
    rule.len() <= place.len() && rule.iter().zip(&place).all(|(rule, step)| rule == "*" || rule == step)
}

/// The steps of a path: names, and `[]` for an item of a list.
fn steps(path: &str) -> Vec<String> {
    let parts = path.split('.').flat_map(|part| part.split('['));
    parts.map(|part| if part.ends_with(']') { "[]".to_owned() } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const VNET: &str = "Microsoft.Network/virtualNetworks";

    fn deleted(path: &str, before: Value) -> Property {
        Property { path: path.into(), kind: PropertyKind::Delete, before, after: Value::Null }
    }

    #[test]
    fn every_row_has_a_source_and_something_to_say() {
        for rule in RULES.iter() {
            assert!(!rule.types.is_empty() && !rule.paths.is_empty(), "{:?}", rule.paths);
            assert!(rule.source.contains('#') || rule.source.contains("types"), "{}", rule.source);
        }
    }

    #[test]
    fn read_only_properties_and_what_azure_sets_are_noise() {
        let cases = [
            (VNET, "etag", json!("x")),
            (VNET, "properties.subnets[3].etag", json!("x")),
            (VNET, "properties.subnets[3].id", json!("x")),
            (
                "microsoft.network/virtualnetworks",
                "properties.privateEndpointVNetPolicies",
                json!("Disabled"),
            ),
            (VNET, "properties.virtualNetworkPeerings", json!([])),
            ("Microsoft.Storage/storageAccounts", "properties.primaryEndpoints.blob", json!("https://")),
            (
                "Microsoft.Storage/storageAccounts",
                "properties.encryption.services.blob.lastEnabledTime",
                json!("2026"),
            ),
            (
                "Microsoft.NetApp/netAppAccounts/capacityPools/volumes",
                "properties.mountTargets[0].ipAddress",
                json!("10"),
            ),
        ];
        for (kind, path, value) in cases {
            assert_eq!(weight(kind, &deleted(path, value)), Weight::Noise, "{kind} {path}");
        }
        let ignored = Property { kind: PropertyKind::NoEffect, ..deleted("properties.x", json!(1)) };
        assert_eq!(weight(VNET, &ignored), Weight::Noise);
    }

    #[test]
    fn what_a_template_takes_away_is_real() {
        let cases = [
            (VNET, "properties.privateEndpointVNetPolicies", json!("Basic")),
            (VNET, "properties.virtualNetworkPeerings", json!([{"name": "hub"}])),
            (VNET, "properties.subnets[3].properties.natGateway.id", json!("/x")),
            (VNET, "properties.subnets[3]", json!({"name": "x"})),
            (VNET, "properties.dhcpOptions.dnsServers", json!(["10.0.0.4"])),
            (VNET, "tags.id", json!("x")),
            (VNET, "sku.tier", json!("Regional")),
            ("Microsoft.KeyVault/vaults", "properties.accessPolicies", json!([{"objectId": "x"}])),
        ];
        for (kind, path, value) in cases {
            assert_eq!(weight(kind, &deleted(path, value)), Weight::Real, "{kind} {path}");
        }
    }

    #[test]
    fn expressions_are_open_and_text_in_brackets_is_not() {
        let to = |after: Value| Property {
            kind: PropertyKind::Modify,
            after,
            ..deleted("properties.x", json!("a"))
        };
        for open in ["[parameters('mySqlPassword')]", "[reference('/x', '2025-01-01').y]"] {
            assert_eq!(weight(VNET, &to(json!(open))), Weight::Open, "{open}");
        }
        for text in ["[team] (a)", "[team (a)]", "[]", "[a]", "b"] {
            assert_eq!(weight(VNET, &to(json!(text))), Weight::Real, "{text}");
        }
    }
}
