//! The caller may deploy and may give roles: without that a deployment fails only minutes later.
//!
//! - Inputs: the caller's permissions on the subscription, or with `subscription_reader: existing` on the
//!   resource group if it exists.
//! - Pass: `Microsoft.Resources/deployments/write` and `Microsoft.Authorization/roleAssignments/write` are
//!   allowed without a condition. Owner has both; Contributor and "Role Based Access Control Administrator"
//!   together, too.
//! - Fail: one is not allowed; exit code 10.
//! - Unknown: the permissions cannot be read, or depend on a condition, which is not evaluated here.
//! - By hand: `az role assignment list --assignee OBJECT_ID --include-inherited --include-groups --scope
//!   /subscriptions/SUBSCRIPTION --output table`

use super::Item;
use crate::azure::account::Caller;
use crate::azure::rights::{Permission, permissions};
use crate::azure::{Az, AzError, Kind};
use crate::config::{Config, SubscriptionReader};
use crate::failure::Exit;

pub(super) const ID: &str = "permissions";

const NEEDED: [(&str, &str); 2] = [
    ("Microsoft.Resources/deployments/write", "Contributor"),
    ("Microsoft.Authorization/roleAssignments/write", "Role Based Access Control Administrator"),
];

/// The scope where the roles are given, and the caller's permissions there.
pub(super) fn read(az: &Az<'_>, config: &Config) -> (String, Result<Vec<Permission>, AzError>) {
    let subscription = format!("/subscriptions/{}", az.subscription());
    if config.subscription_reader == SubscriptionReader::Existing {
        let group = format!("{subscription}/resourceGroups/{}", config.resource_group_name);
        match permissions(az, &group) {
            Err(AzError { kind: Kind::NotFound(_), .. }) => {}
            answer => return (group, answer),
        }
    }
    let answer = permissions(az, &subscription);
    (subscription, answer)
}

pub(super) fn check(
    caller: &Caller,
    (scope, granted): &(String, Result<Vec<Permission>, AzError>),
) -> Vec<Item> {
    let granted = match granted {
        Ok(granted) => granted,
        Err(error) => return vec![Item::undecided(ID, "deploy and give roles", error)],
    };
    let judge = |(action, role): (&str, &str)| {
        let allowing: Vec<_> = granted.iter().filter(|permission| permission.allows(action)).collect();
        if allowing.iter().any(|permission| permission.condition.as_deref().unwrap_or_default().is_empty()) {
            return Item::ok(ID, action, format!("allowed on {scope}"));
        }
        let remedy = format!(
            "ask an owner for: az role assignment create --role '{role}' --assignee-object-id {} \
             --assignee-principal-type {} --scope {scope}",
            caller.object_id,
            caller.principal_type.as_str()
        );
        match allowing.is_empty() {
            true => Item::failed(ID, action, format!("not allowed on {scope}"))
                .code("PermissionMissing")
                .exit(Exit::Access)
                .remedy(remedy),
            false => Item::unknown(ID, action, format!("allowed on {scope} under a condition")),
        }
    };
    NEEDED.into_iter().map(judge).collect()
}
