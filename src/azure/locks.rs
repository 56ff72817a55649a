//! Management locks. Azure's refusal names the locked scope, not the lock.

use serde::Deserialize;

use super::az::Az;
use super::contents::typed;
use super::failed::AzError;
use crate::resource_id::is_within;

/// A lock; either level forbids deletion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Lock {
    /// ARM id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `CanNotDelete` or `ReadOnly`.
    pub level: String,
}

impl Lock {
    /// ARM id of what it locks, with all below.
    pub fn scope(&self) -> &str {
        let end = self.id.to_ascii_lowercase().rfind("/providers/microsoft.authorization/locks/");
        &self.id[..end.unwrap_or(self.id.len())]
    }

    /// Whether it forbids the deletion of `id`, itself or by something inside that must go along.
    pub fn forbids(&self, id: &str) -> bool {
        is_within(id, self.scope()) || is_within(self.scope(), id)
    }
}

/// All locks of a subscription, whatever they lock in it.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn list(az: &Az<'_>, subscription: &str) -> Result<Vec<Lock>, AzError> {
    let path = format!(
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/locks?api-version=2016-09-01"
    );
    let item = "{id: id, name: name, level: properties.level}";
    Ok(typed(az.rest_list_of(&path, item, "reading the locks")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_forbids_what_it_covers_and_what_contains_it() {
        let lock = |scope: &str| Lock {
            id: format!("{scope}/providers/Microsoft.Authorization/locks/keep"),
            name: "keep".into(),
            level: "CanNotDelete".into(),
        };
        let group = "/subscriptions/s/resourceGroups/g";
        assert!(lock("/subscriptions/s").forbids(group));
        assert!(lock(group).forbids(&format!("{group}/providers/N/t/a")));
        assert!(lock(&format!("{group}/providers/N/t/a")).forbids(group));
        assert!(!lock("/subscriptions/s/resourceGroups/other").forbids(group));
        assert!(!lock(&format!("{group}/providers/N/t/a")).forbids(&format!("{group}/providers/N/t/b")));
    }
}
