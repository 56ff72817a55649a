//! Role assignments, and the records of the deployments that made them at a scope outside the group.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::az::Az;
use super::contents::typed;
use super::failed::{AzError, Kind};
use crate::resource_id::is_within;

const ASSIGNMENTS: &str = "api-version=2022-04-01";
const DEPLOYMENTS: &str = "api-version=2025-04-01";

/// A role assignment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Assignment {
    /// ARM id.
    pub id: String,
    /// ARM id of where it counts.
    pub scope: String,
    /// Object id of whom it is given to.
    pub principal: String,
    /// ARM id of the role's definition.
    pub role: String,
    /// What it is for.
    pub description: Option<String>,
}

impl Assignment {
    /// Whether a deployment into the resource group `group` (ARM id) made it: our template ends the
    /// description of assignments outside the group with that id (`bicep/modules/subscriptionRoles.bicep`).
    pub fn is_for(&self, group: &str) -> bool {
        let ending = format!(" {group}").to_ascii_lowercase();
        self.description.as_ref().is_some_and(|text| text.to_ascii_lowercase().ends_with(&ending))
    }

    /// The role's name where `bicep/roles.json` knows it, else the id of its definition.
    pub fn role_name(&self) -> &str {
        let id = self.role.rsplit('/').next().unwrap_or_default();
        ROLES.iter().find(|role| role.role_id == id).map_or(id, |role| role.name.as_str())
    }
}

/// An entry of `bicep/roles.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    name: String,
    role_id: String,
}

static ROLES: std::sync::LazyLock<Vec<Role>> = std::sync::LazyLock::new(|| {
    serde_json::from_str(include_str!("../../bicep/roles.json")).unwrap_or_default()
});

/// All role assignments on a subscription and below it.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn list(az: &Az<'_>, subscription: &str) -> Result<Vec<Assignment>, AzError> {
    let subscription = format!("/subscriptions/{subscription}");
    let path = format!("{subscription}/providers/Microsoft.Authorization/roleAssignments?{ASSIGNMENTS}");
    let item = "{id: id, scope: properties.scope, principal: properties.principalId, \
                role: properties.roleDefinitionId, description: properties.description}";
    let mut all: Vec<Assignment> = typed(az.rest_list_of(&path, item, "reading the role assignments")?);
    // The list has those of the management groups above, too.
    all.retain(|one| is_within(&one.scope, &subscription));
    Ok(all)
}

/// Deletes one; it may be gone already.
///
/// # Errors
/// As [`Az::run`].
pub fn delete(az: &Az<'_>, id: &str) -> Result<(), AzError> {
    let url = format!("{id}?{ASSIGNMENTS}");
    let command = az.command(&["rest", "--method", "delete", "--url", &url, "--output", "none"]).changes();
    gone(az.run(&command, "deleting a role assignment"))
}

/// ARM ids of the deployment records of one of `runs`, or that list one of `written`, at the subscription or in the
/// resource group that `scope` lies in.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn records(
    az: &Az<'_>,
    scope: &str,
    written: &[&str],
    runs: &BTreeSet<String>,
) -> Result<Vec<String>, AzError> {
    let path = format!("{}/providers/Microsoft.Resources/deployments?{DEPLOYMENTS}", deployed_to(scope));
    let item = "{id: id, run: properties.correlationId, written: properties.outputResources[].id}";
    let found = az.rest_list_of(&path, item, "reading deployments outside the resource group")?;
    let of_ours = |record: &Value| {
        let ids = record["written"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut ids = ids.filter(|id| written.iter().any(|ours| ours.eq_ignore_ascii_case(id)));
        let of_run = record["run"].as_str().is_some_and(|run| runs.contains(run));
        record["id"].as_str().filter(|_| of_run || ids.next().is_some()).map(str::to_owned)
    };
    Ok(found.iter().filter_map(of_ours).collect())
}

/// The scope of the deployment that wrote at `scope`: the subscription, or a resource group of it.
pub fn deployed_to(scope: &str) -> String {
    let parts: Vec<&str> = scope.split('/').collect();
    let in_group = parts.get(3).is_some_and(|part| part.eq_ignore_ascii_case("resourceGroups"));
    parts[..parts.len().min(if in_group { 5 } else { 3 })].join("/")
}

/// Begins to delete the record of a deployment; what it deployed stays.
///
/// # Errors
/// As [`Az::run`].
pub fn delete_record(az: &Az<'_>, id: &str) -> Result<(), AzError> {
    let url = format!("{id}?{DEPLOYMENTS}");
    let command = az.command(&["rest", "--method", "delete", "--url", &url, "--output", "none"]).changes();
    gone(az.run(&command, "deleting the record of a deployment"))
}

/// Whether the record of a deployment is there still.
///
/// # Errors
/// As [`Az::rest_get`].
pub fn has_record(az: &Az<'_>, id: &str) -> Result<bool, AzError> {
    match az.rest_get(&format!("{id}?{DEPLOYMENTS}"), "looking whether the record of a deployment is gone") {
        Err(error) if matches!(error.kind, Kind::NotFound(_)) => Ok(false),
        found => found.map(|_| true),
    }
}

/// A deletion of what is not there has succeeded.
pub(super) fn gone<T>(deleted: Result<T, AzError>) -> Result<(), AzError> {
    match deleted {
        Err(error) if matches!(error.kind, Kind::NotFound(_)) => Ok(()),
        deleted => deleted.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(description: &str) -> Assignment {
        let reader = ROLES.iter().find(|role| role.name == "Reader").expect("a role of ours");
        Assignment {
            id: String::new(),
            scope: String::new(),
            principal: String::new(),
            role: format!("/x/roleDefinitions/{}", reader.role_id),
            description: Some(description.into()),
        }
    }

    #[test]
    fn an_assignment_says_for_which_group_it_is() {
        let group = "/subscriptions/s/resourceGroups/g";
        assert!(assignment("why; for the cluster in /subscriptions/S/resourcegroups/G").is_for(group));
        assert!(!assignment("why; for the cluster in /subscriptions/s/resourceGroups/big").is_for(group));
        assert!(!assignment(&format!("{group}2")).is_for(group));
        assert_eq!(assignment("").role_name(), "Reader");
    }

    #[test]
    fn a_deployment_is_at_the_subscription_or_in_a_group() {
        let cases = [
            ("/subscriptions/s", "/subscriptions/s"),
            ("/subscriptions/s/providers/N/t/a", "/subscriptions/s"),
            ("/subscriptions/s/resourceGroups/g", "/subscriptions/s/resourceGroups/g"),
            ("/subscriptions/s/resourcegroups/g/providers/N/t/a/u/b", "/subscriptions/s/resourcegroups/g"),
        ];
        for (scope, expected) in cases {
            assert_eq!(deployed_to(scope), expected);
        }
    }
}
