//! What the caller may do at a scope, and what the subscription is registered for.

use serde::Deserialize;
use serde_json::Value;

use super::az::Az;
use super::failed::AzError;

/// What one role assignment of the caller allows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// Allowed actions, with `*` for any text.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Those of them that are not allowed after all.
    #[serde(default)]
    pub not_actions: Vec<String>,
    /// A condition on the assignment, which we cannot evaluate.
    #[serde(default)]
    pub condition: Option<String>,
}

impl Permission {
    /// Whether `action` is allowed, its condition left aside.
    pub fn allows(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        any(&self.actions) && !any(&self.not_actions)
    }
}

/// The caller's permissions at `scope`, such as `/subscriptions/{id}`, inherited ones included.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn permissions(az: &Az<'_>, scope: &str) -> Result<Vec<Permission>, AzError> {
    let path = format!("{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01");
    let items = az.rest_list(&path, "reading your permissions")?;
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

/// Namespaces of resource providers with their state (`Registered`, `NotRegistered`, `Unregistered`, …).
///
/// # Errors
/// As [`Az::rest_list`].
pub fn providers(az: &Az<'_>) -> Result<Vec<(String, String)>, AzError> {
    let path = format!("/subscriptions/{}/providers?api-version=2024-11-01", az.subscription());
    let item = "{namespace: namespace, registrationState: registrationState}";
    let items = az.rest_list_of(&path, item, "reading the resource providers")?;
    let text = |item: &Value, name: &str| item.get(name)?.as_str().map(str::to_owned);
    Ok(items
        .iter()
        .filter_map(|item| Some((text(item, "namespace")?, text(item, "registrationState")?)))
        .collect())
}

/// Whether `action` is what `pattern` means; `*` stands for any text, case does not matter.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == action };
    let Some(mut left) = action.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_permissions_allow_what_they_name() {
        let page: Value =
            serde_json::from_str(include_str!("../../tests/data/azure/permissions.json")).expect("JSON");
        let recorded: Permission = serde_json::from_value(page["value"][0].clone()).expect("a permission");
        assert!(recorded.allows("microsoft.authorization/roleAssignments/read"));
        assert!(!recorded.allows("Microsoft.Authorization/roleAssignments/write"));
        let contributor = Permission {
            actions: vec!["*".into()],
            not_actions: vec!["Microsoft.Authorization/*/Write".into()],
            condition: None,
        };
        assert!(contributor.allows("Microsoft.Resources/deployments/write"));
        assert!(!contributor.allows("Microsoft.Authorization/roleAssignments/write"));
    }

    #[test]
    fn stars_stand_for_any_text() {
        let cases = [
            ("*", "a/b", true),
            ("*/read", "a/b/read", true),
            ("*/read", "a/b/write", false),
            ("a/*/c", "A/b/b/C", true),
            ("a/*/c/*/e", "a/b/c/d/e", true),
            ("a/*/c/*/e", "a/c/e", false),
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
            ("", "a", false),
        ];
        for (pattern, action, expected) in cases {
            assert_eq!(matches(pattern, action), expected, "{pattern} {action}");
        }
    }
}
