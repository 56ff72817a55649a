//! Management locks: listed, removed, and obeyed by every route of Azure Resource Manager.

use serde::Serialize;
use serde_json::{Value, json};

use super::error::AzureError;
use super::http::Reply;
use super::routes::{Answer, Call, Route};
use super::state::{State, key};
use crate::claims::Sure;

const VERSIONS: &[&str] = &["2015-01-01", "2016-09-01", "2020-05-01"];
const ALL: &str = "/{*scope}/providers/Microsoft.Authorization/locks";
const ONE: &str = "/{*scope}/providers/Microsoft.Authorization/locks/{lock}";

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm("GET", ALL, VERSIONS, "Microsoft.Authorization/locks/read", list).known_from(
        "Azure REST reference, management-locks/list-at-resource-group-level: those at and below the scope",
        Sure::Medium,
    ),
    Route::arm("GET", ONE, VERSIONS, "Microsoft.Authorization/locks/read", get)
        .known_from("Azure REST reference, management-locks/get-by-scope", Sure::Medium),
    Route::arm("DELETE", ONE, VERSIONS, "Microsoft.Authorization/locks/delete", delete).known_from(
        "Azure REST reference, management-locks/delete-by-scope: 200, or 204 when there is none",
        Sure::Medium,
    ),
];

/// A lock.
#[derive(Clone, Debug, Serialize)]
pub struct Lock {
    /// Canonical id.
    pub id: String,
    /// What it locks, with all below.
    pub scope: String,
    /// `CanNotDelete` or `ReadOnly`.
    pub level: String,
}

impl Lock {
    /// The lock `name` at `scope`.
    pub fn new(scope: &str, name: &str, level: &str) -> Lock {
        let id = format!("{scope}/providers/Microsoft.Authorization/locks/{name}");
        Lock { id, scope: scope.to_owned(), level: level.to_owned() }
    }

    fn body(&self) -> Value {
        json!({
            "properties": {"level": self.level}, "id": self.id, "type": "Microsoft.Authorization/locks",
            "name": self.id.rsplit('/').next(),
        })
    }
}

fn is_within(id: &str, scope: &str) -> bool {
    key(id).strip_prefix(&key(scope)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Refuses what a lock forbids: to delete what it covers or what contains it, and with `ReadOnly` to write what it covers.
pub fn check(state: &State, method: &str, path: &str) -> Result<(), AzureError> {
    let operation = match method {
        "DELETE" => "delete",
        "PUT" | "PATCH" => "write",
        _ => return Ok(()),
    };
    if key(path).contains("/providers/microsoft.authorization/locks/") {
        return Ok(());
    }
    let forbids = |lock: &&Lock| match operation {
        "delete" => is_within(path, &lock.scope) || is_within(&lock.scope, path),
        _ => lock.level == "ReadOnly" && is_within(path, &lock.scope),
    };
    let scopes: Vec<&str> = state.locks.values().filter(forbids).map(|lock| lock.scope.as_str()).collect();
    if scopes.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The scope '{path}' cannot perform {operation} operation because following scope(s) are locked: '{}'. Please remove the lock and try again.",
        scopes.join(",")
    );
    Err(AzureError::gateway(409, "ScopeLocked", message))
}

fn list(call: &Call<'_>) -> Answer {
    let scope = format!("/{}", call.capture("scope"));
    let state = call.azure.state();
    let found: Vec<Value> =
        state.locks.values().filter(|lock| is_within(&lock.scope, &scope)).map(Lock::body).collect();
    Ok(Reply::json(200, &json!({"value": found})))
}

fn get(call: &Call<'_>) -> Answer {
    let state = call.azure.state();
    let missing = || {
        let message = format!("The lock '{}' could not be found.", call.capture("lock"));
        AzureError::gateway(404, "LockNotFound", message)
    };
    state.locks.get(&key(&call.request.path)).map(|lock| Reply::json(200, &lock.body())).ok_or_else(missing)
}

fn delete(call: &Call<'_>) -> Answer {
    let gone = call.azure.state().locks.remove(&key(&call.request.path));
    Ok(Reply::empty(if gone.is_some() { 200 } else { 204 }))
}
