//! Who may do what, where, and since when.

use jiff::Timestamp;

use super::catalog::{Catalog, Role};
use super::error::AzureError;
use super::state::{RoleAssignment, State, key};

/// An action of the control plane or of a data plane.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// `Microsoft.Compute/virtualMachines/read`.
    Control(&'a str),
    /// `Microsoft.KeyVault/vaults/secrets/getSecret/action`.
    Data(&'a str),
}

impl Action<'_> {
    /// The action's name.
    pub fn name(&self) -> &str {
        match self {
            Action::Control(name) | Action::Data(name) => name,
        }
    }

    fn granted_by(&self, role: &Role) -> bool {
        let any = |patterns: &[String], name: &str| patterns.iter().any(|pattern| matches(pattern, name));
        match self {
            Action::Control(name) => any(&role.actions, name) && !any(&role.not_actions, name),
            Action::Data(name) => any(&role.data_actions, name),
        }
    }
}

/// The assignments that count for a principal at a scope now: those at the scope or above it.
pub fn effective<'a>(
    state: &'a State,
    principal: &'a str,
    scope: &str,
) -> impl Iterator<Item = &'a RoleAssignment> {
    let (scope, now) = (key(scope), Timestamp::now());
    state.role_assignments.values().filter(move |assignment| {
        assignment.principal.eq_ignore_ascii_case(principal)
            && assignment.effective <= now
            && covers(&assignment.scope, &scope)
    })
}

/// Whether a principal may do `action` at `scope` now.
pub fn allowed(state: &State, catalog: &Catalog, principal: &str, action: Action<'_>, scope: &str) -> bool {
    effective(state, principal, scope)
        .filter_map(|assignment| catalog.role(&assignment.role))
        .any(|role| action.granted_by(role))
}

/// 403 as ARM words it (recorded by Azure/mpf; the scope is spelt as the request spelt it).
pub fn forbidden(client: &str, object_id: &str, action: &str, scope: &str) -> AzureError {
    AzureError::gateway(
        403,
        "AuthorizationFailed",
        format!(
            "The client '{client}' with object id '{object_id}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
        ),
    )
}

fn covers(assigned: &str, scope: &str) -> bool {
    let assigned = key(assigned);
    scope == assigned || scope.strip_prefix(&assigned).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a role's pattern names the action; `*` stands for any text, letter case does not matter.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = action.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut open = false;
    for part in parts {
        open = true;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || (open && pattern.ends_with('*')) || (open && ends_with_last_part(&pattern, &action))
}

fn ends_with_last_part(pattern: &str, action: &str) -> bool {
    pattern.rsplit('*').next().is_some_and(|last| action.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cases = [
            ("*", "Microsoft.Compute/virtualMachines/write", true),
            ("*/read", "Microsoft.Compute/virtualMachines/read", true),
            ("*/read", "Microsoft.Compute/virtualMachines/read/action", false),
            ("*/read", "Microsoft.Compute/virtualMachines/write", false),
            ("Microsoft.Authorization/*/Write", "microsoft.authorization/roleAssignments/write", true),
            ("Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/read", false),
            (
                "Microsoft.KeyVault/vaults/secrets/*",
                "Microsoft.KeyVault/vaults/secrets/getSecret/action",
                true,
            ),
            ("Microsoft.KeyVault/vaults/secrets/*", "Microsoft.KeyVault/vaults/keys/read", false),
            ("Microsoft.Compute/disks/read", "Microsoft.Compute/disks/read", true),
            ("Microsoft.Compute/disks/read", "Microsoft.Compute/disks/readAll", false),
            ("a/*/b/*/c", "a/x/b/y/b/z/c", true),
        ];
        for (pattern, action, expected) in cases {
            assert_eq!(matches(pattern, action), expected, "{pattern} {action}");
        }
    }

    #[test]
    fn scopes_cover_what_is_below_them() {
        assert!(covers("/subscriptions/S", "/subscriptions/s/resourcegroups/g"));
        assert!(covers("/subscriptions/S/", "/subscriptions/s"));
        assert!(!covers("/subscriptions/s/resourceGroups/g", "/subscriptions/s/resourcegroups/g2"));
        assert!(!covers("/subscriptions/s/resourceGroups/g", "/subscriptions/s"));
    }
}
