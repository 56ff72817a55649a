//! Role assignments.

use serde_json::{Value, json};

use super::ask::Ask;
use super::{Change, Changes};
use crate::arm::id::ResourceId;
use crate::azure::error::{AzureError, group_not_found, resource_not_found};

/// A role assignment.
pub fn role_assignment(ask: &Ask) -> Changes {
    scope_exists(ask)?;
    assignable(ask)?;
    unchanged(ask)?;
    duplicate(ask)?;
    let now = ask.world.now();
    let mut properties = ask.properties(json!({
        "condition": null, "conditionVersion": null, "delegatedManagedIdentityResourceId": null, "description": null,
    }));
    let kind = ask.world.principal(ask.text("/properties/principalId"));
    let spelled = ask.at("/properties/principalType").as_str().or(kind.map(|kind| kind.as_str()));
    properties.insert("principalType".into(), json!(spelled));
    properties.insert("scope".into(), json!(if ask.id.scope.is_empty() { "/" } else { &ask.id.scope }));
    properties.insert("createdOn".into(), ask.kept("/properties/createdOn", || json!(now)));
    properties.insert("updatedOn".into(), json!(now));
    properties.insert("createdBy".into(), ask.kept("/properties/createdBy", || json!(ask.world.caller_id())));
    properties.insert("updatedBy".into(), json!(ask.world.caller_id()));
    Ok(vec![Change::own(ask, ask.resource(Value::Object(properties)))])
}

/// A role is given on something that is there.
fn scope_exists(ask: &Ask) -> Result<(), AzureError> {
    let group = ask.id.resource_group().unwrap_or_default();
    match ResourceId::parse(&ask.id.scope) {
        Some(scope) if ask.world.resource(&scope.full).is_none() => {
            Err(resource_not_found(&scope.kind, &scope.name, group))
        }
        None if !group.is_empty() && ask.world.resource_group(ask.subscription(), group).is_none() => {
            Err(group_not_found(group))
        }
        _ => Ok(()),
    }
}

fn role<'a>(ask: &'a Ask<'_>) -> &'a str {
    ask.text("/properties/roleDefinitionId").rsplit('/').next().unwrap_or_default()
}

fn assignable(ask: &Ask) -> Result<(), AzureError> {
    let refuse = |code: &str, message: String| Err(AzureError::new(400, code, message));
    if ask.id.last_name().parse::<uuid::Uuid>().is_err() {
        return refuse(
            "InvalidRoleAssignmentId",
            format!(
                "The role assignment ID '{}' is not valid. The role assignment ID must be a GUID.",
                ask.id.last_name()
            ),
        );
    }
    if !ask.world.role_definition(role(ask)) {
        let id = role(ask).replace('-', "");
        return refuse(
            "RoleDefinitionDoesNotExist",
            format!("The specified role definition with ID '{id}' does not exist."),
        );
    }
    let principal = ask.text("/properties/principalId");
    let stated = ask.at("/properties/principalType").as_str();
    match (ask.world.principal(principal), stated) {
        // With a stated type Azure does not look the id up: a new identity may not have spread yet.
        (None, Some("ServicePrincipal")) => Ok(()),
        (None, _) => refuse(
            "PrincipalNotFound",
            format!(
                "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
                principal.replace('-', ""),
                ask.world.tenant_id()
            ),
        ),
        (Some(kind), Some(stated)) if !kind.as_str().eq_ignore_ascii_case(stated) => refuse(
            "UnmatchedPrincipalType",
            format!(
                "The PrincipalId '{}' has type '{}' , which is different from specified PrinciaplType '{stated}'.",
                principal.replace('-', ""),
                kind.as_str()
            ),
        ),
        _ => Ok(()),
    }
}

/// Recorded in Azure/Azure-Landing-Zones issue 2040.
fn unchanged(ask: &Ask) -> Result<(), AzureError> {
    let old = &ask.old["properties"];
    let old_role =
        old["roleDefinitionId"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    if ask.old.is_null()
        || (old["principalId"] == ask.body["properties"]["principalId"] && old_role == role(ask))
    {
        return Ok(());
    }
    let message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
    Err(AzureError::new(400, "RoleAssignmentUpdateNotPermitted", message))
}

/// The same role for the same principal at the same scope, under another name.
fn duplicate(ask: &Ask) -> Result<(), AzureError> {
    let all = ask.world.resources(ask.subscription(), ask.kind);
    let same = |other: &&Value| {
        let text = |member: &str| other["properties"][member].as_str().unwrap_or_default();
        let id = other["id"].as_str().unwrap_or_default();
        !id.eq_ignore_ascii_case(&ask.put.id)
            && text("principalId").eq_ignore_ascii_case(ask.text("/properties/principalId"))
            && text("scope").eq_ignore_ascii_case(&ask.id.scope)
            && text("roleDefinitionId").rsplit('/').next() == Some(role(ask))
    };
    match all.iter().find(same) {
        None => Ok(()),
        Some(other) => {
            let plain = other["name"].as_str().unwrap_or_default().replace('-', "");
            let message = format!(
                "The role assignment already exists. The ID of the existing role assignment is {plain}."
            );
            Err(AzureError::new(409, "RoleAssignmentExists", message))
        }
    }
}
