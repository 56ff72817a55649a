//! The state that a rehearsal begins with.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::catalog::Catalog;
use super::locks::Lock;
use super::scenario::{Grant, LostVault, Scenario, SignIn};
use super::state::{DeletedVault, Principal, Resource, RoleAssignment, SecretVersion, State, key};
use super::subscription::SUBSCRIPTION;
use super::{roles, vaults};

/// Object id of the service principal that signs in.
pub const APP_OBJECT: &str = "55555555-5555-4555-8555-555555555555";
/// Application id of that service principal.
pub const APP: &str = "66666666-6666-4666-8666-666666666666";
/// Object id of the user that signs in.
pub const USER_OBJECT: &str = "77777777-7777-4777-8777-777777777777";
/// User principal name of that user.
pub const USER: &str = "twin.user@contoso.example";

/// The state at the start: who there is, what they may do, what was deleted before.
pub fn initial(scenario: &Scenario, catalog: &Catalog) -> Result<State> {
    let mut state = State::default();
    for principal in [application(), user()] {
        state.principals.insert(principal.object_id.clone(), principal);
    }
    let (signed_in, kind) = match scenario.sign_in {
        SignIn::User | SignIn::Expired => (USER_OBJECT, "User"),
        SignIn::ServicePrincipal | SignIn::None => (APP_OBJECT, "ServicePrincipal"),
    };
    for (number, grant) in scenario.roles.iter().enumerate() {
        give(&mut state, catalog, grant, signed_in, kind, number)?;
    }
    for lost in &scenario.deleted_vaults {
        lose(&mut state, lost);
    }
    for row in &scenario.locks {
        let lock = Lock::new(
            &format!("/subscriptions/{SUBSCRIPTION}{}", row.scope),
            &row.name,
            &format!("{:?}", row.level),
        );
        state.locks.insert(key(&lock.id), lock);
    }
    state.terms_accepted = scenario.terms_accepted.iter().map(|plan| plan.to_ascii_lowercase()).collect();
    Ok(state)
}

fn application() -> Principal {
    Principal {
        object_id: APP_OBJECT.into(),
        app_id: APP.into(),
        kind: "ServicePrincipal".into(),
        name: "twin".into(),
        secret: Some(secret()),
    }
}

fn user() -> Principal {
    Principal {
        object_id: USER_OBJECT.into(),
        app_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46".into(),
        kind: "User".into(),
        name: USER.into(),
        secret: Some(secret()),
    }
}

fn secret() -> String {
    format!("twin~{}", uuid::Uuid::new_v4().simple())
}

fn give(
    state: &mut State,
    catalog: &Catalog,
    grant: &Grant,
    to: &str,
    kind: &str,
    number: usize,
) -> Result<()> {
    let role = catalog.role_named(&grant.role).with_context(|| format!("unknown role '{}'", grant.role))?;
    let scope = format!("/subscriptions/{SUBSCRIPTION}{}", grant.scope);
    let name = format!("88888888-0000-4000-8000-{number:012}");
    let id = format!("{scope}/providers/{}/{name}", roles::ASSIGNMENT);
    let now = Timestamp::now() - SignedDuration::from_hours(24);
    let body = json!({
        "properties": {
            "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{}", role.id),
            "principalId": to, "principalType": kind, "scope": scope, "condition": null, "conditionVersion": null,
            "createdOn": now.to_string(), "updatedOn": now.to_string(), "createdBy": to, "updatedBy": to,
            "delegatedManagedIdentityResourceId": null, "description": null,
        },
        "id": id, "type": roles::ASSIGNMENT, "name": name,
    });
    let assignment = RoleAssignment {
        id: id.clone(),
        scope,
        role: role.id.clone(),
        principal: to.into(),
        principal_type: kind.into(),
        created_by: to.into(),
        created: now,
        effective: now,
    };
    state.role_assignments.insert(key(&id), assignment);
    let kind = roles::ASSIGNMENT.to_owned();
    state
        .resources
        .insert(key(&id), Resource { id, kind, api_version: "2022-04-01".into(), body, hidden: Value::Null });
    Ok(())
}

fn lose(state: &mut State, lost: &LostVault) {
    let deleted = Timestamp::now() - SignedDuration::from_hours(24);
    let secrets: BTreeMap<String, Vec<SecretVersion>> = lost
        .secrets
        .iter()
        .map(|(name, value)| {
            let version = SecretVersion {
                name: name.clone(),
                version: uuid::Uuid::new_v4().simple().to_string(),
                value: value.clone(),
                extra: Map::new(),
                created: deleted.as_second(),
            };
            (name.to_ascii_lowercase(), vec![version])
        })
        .collect();
    let vault = vaults::lost(&lost.name, &lost.group, &lost.location);
    state
        .deleted_vaults
        .insert(lost.name.to_ascii_lowercase(), DeletedVault { vault, parts: Vec::new(), secrets, deleted });
}
