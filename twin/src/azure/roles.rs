//! Role definitions, role assignments and the caller's permissions.

use serde_json::{Value, json};

use super::catalog::Role;
use super::error::AzureError;
use super::http::Reply;
use super::rbac;
use super::resources;
use super::routes::{Answer, Call, Route};
use super::state::key;
use super::subscription::SUBSCRIPTION;
use crate::claims::Sure;

const ASSIGNMENTS: &[&str] =
    &["2018-09-01-preview", "2020-04-01-preview", "2020-08-01-preview", "2022-04-01"];
const DEFINITIONS: &[&str] = &["2018-01-01-preview", "2022-04-01", "2022-05-01-preview"];
const PERMISSIONS: &[&str] = &["2015-07-01", "2018-07-01", "2022-04-01"];

/// Type of a role assignment.
pub const ASSIGNMENT: &str = "Microsoft.Authorization/roleAssignments";

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm(
        "GET",
        "/{*scope}/providers/Microsoft.Authorization/roleDefinitions",
        DEFINITIONS,
        "Microsoft.Authorization/roleDefinitions/read",
        definitions,
    )
    .known_from(
        "recorded: azure-cli, roleDefinitions with $filter roleName, letter case ignored",
        Sure::High,
    ),
    Route::arm(
        "GET",
        "/{*scope}/providers/Microsoft.Authorization/roleDefinitions/{id}",
        DEFINITIONS,
        "Microsoft.Authorization/roleDefinitions/read",
        definition,
    )
    .known_from("recorded: azure-dev, GET of a role definition", Sure::High),
    Route::arm(
        "GET",
        "/{*scope}/providers/Microsoft.Authorization/roleAssignments",
        ASSIGNMENTS,
        "Microsoft.Authorization/roleAssignments/read",
        assignments,
    )
    .known_from(
        "recorded: azure-cli and azure-dev, lists with atScope(), principalId eq, assignedTo()",
        Sure::High,
    ),
    Route::arm(
        "GET",
        "/{*scope}/providers/Microsoft.Authorization/permissions",
        PERMISSIONS,
        "Microsoft.Authorization/permissions/read",
        permissions,
    )
    .known_from("recorded: azure-dev, permissions of a scope", Sure::High),
    Route::arm(
        "PUT",
        "/{*scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        ASSIGNMENTS,
        "Microsoft.Authorization/roleAssignments/write",
        put,
    )
    .known_from("recorded: azure-cli, PUT 201 with createdBy null; 409 RoleAssignmentExists", Sure::High),
    Route::arm(
        "DELETE",
        "/{*scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        ASSIGNMENTS,
        "Microsoft.Authorization/roleAssignments/delete",
        delete,
    )
    .known_from(
        "Azure REST reference, role-assignments/delete: 200 with the assignment, 204 when there is none",
        Sure::Medium,
    ),
];

fn definitions(call: &Call<'_>) -> Answer {
    let filter = call.request.query("$filter").unwrap_or_default();
    let wanted = filter.strip_prefix("roleName eq '").and_then(|rest| rest.strip_suffix('\''));
    if !filter.is_empty() && wanted.is_none() {
        let message = format!("The filter '{filter}' is not supported.");
        return Err(AzureError::new(400, "UnsupportedQuery", message));
    }
    let roles = call.azure.catalog.roles.iter();
    let roles = roles.filter(|role| wanted.is_none_or(|name| role.name.eq_ignore_ascii_case(name)));
    let list: Vec<Value> = roles.map(role_body).collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn definition(call: &Call<'_>) -> Answer {
    let id = call.capture("id");
    match call.azure.catalog.role(id) {
        Some(role) => Ok(Reply::json(200, &role_body(role))),
        None => {
            let message = format!("The specified role definition with ID '{id}' does not exist.");
            Err(AzureError::new(404, "RoleDefinitionDoesNotExist", message))
        }
    }
}

fn role_body(role: &Role) -> Value {
    json!({
        "properties": {
            "roleName": role.name, "type": "BuiltInRole", "description": format!("Built-in role {}.", role.name),
            "assignableScopes": ["/"], "permissions": [permission(role)],
            "createdOn": "2015-02-02T21:55:09.8806423Z", "updatedOn": "2021-11-11T20:13:45.8978856Z",
            "createdBy": null, "updatedBy": null,
        },
        "id": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{}", role.id),
        "type": "Microsoft.Authorization/roleDefinitions", "name": role.id,
    })
}

fn permission(role: &Role) -> Value {
    json!({"actions": role.actions, "notActions": role.not_actions, "dataActions": role.data_actions, "notDataActions": []})
}

fn permissions(call: &Call<'_>) -> Answer {
    let scope = format!("/{}", call.capture("scope"));
    let caller = call.caller()?;
    let state = call.azure.state();
    let roles = rbac::effective(&state, &caller.object_id, &scope);
    let list: Vec<Value> =
        roles.filter_map(|one| call.azure.catalog.role(&one.role)).map(permission).collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn assignments(call: &Call<'_>) -> Answer {
    let scope = key(&format!("/{}", call.capture("scope")));
    let filter = call.request.query("$filter").unwrap_or_default();
    let principal = filter.split('\'').nth(1).map(str::to_ascii_lowercase);
    let by_principal = filter.starts_with("principalId eq '") || filter.starts_with("assignedTo('");
    if !(filter.is_empty() || filter == "atScope()" || by_principal) {
        return Err(AzureError::new(
            400,
            "UnsupportedQuery",
            format!("The filter '{filter}' is not supported."),
        ));
    }
    let inside = |outer: &str, inner: &str| inner == outer || inner.starts_with(&format!("{outer}/"));
    let state = call.azure.state();
    let list: Vec<Value> = state
        .role_assignments
        .values()
        .filter(|one| {
            let at = key(&one.scope);
            let above = inside(&at, &scope);
            let below = filter != "atScope()" && !filter.starts_with("assignedTo") && inside(&scope, &at);
            (above || below) && principal.as_ref().is_none_or(|id| one.principal.eq_ignore_ascii_case(id))
        })
        .filter_map(|one| Some(state.resource(&one.id)?.body.clone()))
        .collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn delete(call: &Call<'_>) -> Answer {
    let own = key(&call.request.path);
    let mut state = call.azure.state();
    state.role_assignments.remove(&own);
    Ok(state.resources.remove(&own).map_or(Reply::empty(204), |gone| Reply::json(200, &gone.body)))
}

fn put(call: &Call<'_>) -> Answer {
    let scope = format!("/{}", call.capture("scope"));
    let body = call.request.json()?;
    if key(&scope).matches('/').count() > 4 && call.azure.state().resource(&scope).is_none() {
        return Err(resources::missing(&scope));
    }
    resources::write(call, body)
}
