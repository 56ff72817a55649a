//! Resource groups and tags.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::{AzureError, group_not_found, resource_not_found};
use super::http::Reply;
use super::jobs::Job;
use super::routes::{Answer, Call, Route};
use super::state::{Group, State, key};
use super::subscription::SUBSCRIPTION;
use super::tokens::Caller;
use super::world::View;
use super::{Azure, deletions};
use crate::arm::types::policy::{self, Written};
use crate::claims::Sure;

const VERSIONS: &[&str] =
    &["2020-06-01", "2021-04-01", "2022-09-01", "2024-11-01", "2025-03-01", "2025-04-01"];
const GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups";
const GROUP: &str = "/subscriptions/{subscription}/resourcegroups/{group}";
const GROUP_JOB: &str = "RESOURCEGROUPDELETIONJOB";
const TAGS: &str = "/{*scope}/providers/Microsoft.Resources/tags/default";

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm(
        "GET",
        "/subscriptions/{subscription}/resourcegroups",
        VERSIONS,
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        list,
    )
    .known_from("recorded: azure-dev, GET …/resourcegroups with $filter tagName and tagValue", Sure::High),
    Route::arm("PUT", GROUP, VERSIONS, "Microsoft.Resources/subscriptions/resourceGroups/write", put)
        .known_from(
            "recorded: azure-cli and azure-dev, PUT of a group: 201, tags replaced; again: 200",
            Sure::High,
        ),
    Route::arm("GET", GROUP, VERSIONS, "Microsoft.Resources/subscriptions/resourceGroups/read", get)
        .known_from("recorded: azure-cli, GET of a group", Sure::High),
    Route::arm("HEAD", GROUP, VERSIONS, "Microsoft.Resources/subscriptions/resourceGroups/read", head)
        .known_from(
            "recorded: azure-cli, HEAD of a group: 204, or 404 with the length of a GET's body",
            Sure::High,
        ),
    Route::arm("DELETE", GROUP, VERSIONS, "Microsoft.Resources/subscriptions/resourceGroups/delete", delete)
        .known_from(
            "recorded: azure-cli, azure-service-operator: 202, Location only; polls 202 … 200; again while it goes: 202",
            Sure::High,
        ),
    Route::arm("GET", "/subscriptions/{subscription}/operationresults/{job}", VERSIONS, "", poll)
        .for_everyone()
        .known_from("recorded: azure-cli, polls of a group's deletion and of a what-if", Sure::High),
    Route::arm("GET", TAGS, VERSIONS, "Microsoft.Resources/tags/read", tags)
        .known_from("Azure REST reference, tags/get-at-scope", Sure::Medium),
    Route::arm("PATCH", TAGS, VERSIONS, "Microsoft.Resources/tags/write", patch_tags)
        .known_from("Azure REST reference, tags/update-at-scope", Sure::Medium),
];

/// Id of a group.
pub fn id(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}")
}

/// A group as a GET answers it.
pub fn body(group: &Group) -> Value {
    let mut body = json!({
        "id": id(&group.name), "name": group.name, "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
    });
    if let Some(owner) = &group.managed_by {
        body["managedBy"] = json!(owner);
    }
    if let Some(tags) = &group.tags {
        body["tags"] = Value::Object(tags.clone());
    }
    body["properties"] = json!({"provisioningState": group.provisioning_state});
    body
}

/// The group of this name, or Azure's 404.
pub fn find<'a>(state: &'a State, name: &str) -> Result<&'a Group, AzureError> {
    state.groups.get(&name.to_ascii_lowercase()).ok_or_else(|| group_not_found(name))
}

fn list(call: &Call<'_>) -> Answer {
    let filter = call.request.query("$filter").unwrap_or_default();
    let quoted: Vec<&str> = filter.split('\'').skip(1).step_by(2).collect();
    let keep = |group: &&Group| match quoted[..] {
        [tag, value] => {
            group.tags.as_ref().is_some_and(|tags| tags.get(tag).and_then(Value::as_str) == Some(value))
        }
        _ => true,
    };
    let by_tag = filter.to_ascii_lowercase().starts_with("tagname eq '") && quoted.len() == 2;
    if !filter.is_empty() && !by_tag {
        let message = format!("Invalid $filter '{filter}' specified in the query string.");
        return Err(AzureError::gateway(400, "InvalidFilterInQueryString", message));
    }
    let state = call.azure.state();
    let list: Vec<Value> = state.groups.values().filter(keep).map(body).collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn get(call: &Call<'_>) -> Answer {
    Ok(Reply::json(200, &body(find(&call.azure.state(), call.capture("group"))?)))
}

fn head(call: &Call<'_>) -> Answer {
    find(&call.azure.state(), call.capture("group"))?;
    Ok(Reply::empty(204))
}

fn put(call: &Call<'_>) -> Answer {
    let asked = call.request.json()?;
    let (azure, name) = (call.azure, call.capture("group"));
    let (existed, body) = write(azure, &mut azure.state(), call.caller()?, name, &asked)?;
    Ok(Reply::json(if existed { 200 } else { 201 }, &body))
}

/// Makes a group, or replaces its tags; whether it was there, and what a GET answers now.
pub fn write(
    azure: &Azure,
    state: &mut State,
    caller: &Caller,
    name: &str,
    asked: &Value,
) -> Result<(bool, Value), AzureError> {
    check_name(name)?;
    let location = region(azure, asked["location"].as_str())?;
    let written = Written { subscription: SUBSCRIPTION, kind: GROUPS, name, tags: &asked["tags"] };
    policy::check(&View { azure, state, caller }, &written)?;
    let existing = state.groups.get(&name.to_ascii_lowercase());
    if let Some(existing) = existing {
        check_existing(existing, &location)?;
    }
    let existed = existing.is_some();
    let group = Group {
        name: existing.map_or_else(|| name.to_owned(), |group| group.name.clone()),
        location,
        tags: asked.get("tags").and_then(Value::as_object).map(plain_tags),
        managed_by: None,
        provisioning_state: "Succeeded".into(),
    };
    let body = body(&group);
    state.groups.insert(group.name.to_ascii_lowercase(), group);
    Ok((existed, body))
}

/// Nothing is written to a group that goes.
pub fn check_writable(group: &Group) -> Result<(), AzureError> {
    if group.provisioning_state != "Deleting" {
        return Ok(());
    }
    let message = format!(
        "The resource group '{}' is in deprovisioning state and cannot perform this operation.",
        group.name
    );
    Err(AzureError::gateway(409, "ResourceGroupBeingDeleted", message))
}

fn check_existing(group: &Group, location: &str) -> Result<(), AzureError> {
    check_writable(group)?;
    if group.location != location {
        let message = format!(
            "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
            group.location
        );
        return Err(AzureError::gateway(409, "InvalidResourceGroupLocation", message));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), AzureError> {
    let allowed = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    if name.chars().count() > 90 || name.ends_with('.') || !name.chars().all(allowed) {
        let message = format!(
            "The provided resource group name '{name}' has these invalid characters or is too long. The name can only be a letter, digit, '-', '.', '(', ')' or '_'."
        );
        return Err(AzureError::gateway(400, "InvalidResourceGroup", message));
    }
    Ok(())
}

fn region(azure: &Azure, asked: Option<&str>) -> Result<String, AzureError> {
    let Some(asked) = asked else {
        let message = "The location property is required for this definition.";
        return Err(AzureError::gateway(400, "LocationRequired", message));
    };
    let regions: Vec<&str> = azure.catalog.regions.iter().map(|region| region.name.as_str()).collect();
    match azure.catalog.region(asked) {
        Some(region) => Ok(region.name.clone()),
        None => Err(AzureError::gateway(
            400,
            "LocationNotAvailableForResourceGroup",
            format!(
                "The provided location '{asked}' is not available for resource group. List of available regions is '{}'.",
                regions.join(",")
            ),
        )),
    }
}

/// Tags as text: Azure keeps numbers and booleans as their text.
fn plain_tags(tags: &Map<String, Value>) -> Map<String, Value> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    tags.iter().map(|(name, value)| (name.clone(), Value::String(text(value)))).collect()
}

fn delete(call: &Call<'_>) -> Answer {
    let name = find(&call.azure.state(), call.capture("group"))?.name.to_ascii_lowercase();
    if let Some(group) = call.azure.state().groups.get_mut(&name) {
        group.provisioning_state = "Deleting".into();
    }
    let azure = Arc::clone(call.azure);
    Ok(accepted(GROUP_JOB, &call.azure.jobs.start(move || deletions::remove_group(&azure, &name))))
}

/// 202 with the address to poll, whose last part begins with the kind of the job (recorded: azure-cli).
pub fn accepted(kind: &str, job: &str) -> Reply {
    let address = format!(
        "https://management.azure.com/subscriptions/{SUBSCRIPTION}/operationresults/{kind}--{job}?api-version=2024-11-01"
    );
    Reply::empty(202).header("location", address).header("retry-after", "1")
}

fn poll(call: &Call<'_>) -> Answer {
    let id = call.capture("job");
    let (kind, job) = id.split_once("--").unwrap_or_default();
    match call.azure.jobs.look(job) {
        Some(Job::Running) => Ok(accepted(kind, job)),
        Some(Job::Done(None)) => Ok(Reply::empty(if kind == GROUP_JOB { 200 } else { 204 })),
        Some(Job::Done(Some(answer))) => Ok(Reply::json(200, &answer)),
        Some(Job::Failed(error)) => Ok(Reply::json(error.status, &json!({"Error": pascal(&error)}))),
        None => {
            Err(AzureError::gateway(404, "NotFound", format!("The operation '{id}' could not be found.")))
        }
    }
}

/// The error of a group that could not be deleted, as polls tell it (Azure/azure-sdk-for-go issue 2645).
fn pascal(error: &AzureError) -> Value {
    let details: Value = match error.details.as_slice() {
        [] => Value::Null,
        details => details.iter().map(pascal).collect(),
    };
    let code = (!error.code.is_empty()).then_some(&error.code);
    json!({"Code": code, "Target": error.target, "Message": error.message, "Details": details, "AdditionalInfo": null})
}

fn tags_body(scope: &str, tags: &Map<String, Value>) -> Value {
    json!({
        "id": format!("{scope}/providers/Microsoft.Resources/tags/default"), "name": "default",
        "type": "Microsoft.Resources/tags", "properties": {"tags": tags},
    })
}

/// Reads and changes the tags of a group or resource.
fn with_tags<T>(
    call: &Call<'_>,
    use_tags: impl FnOnce(&str, &mut Map<String, Value>) -> Result<T, AzureError>,
) -> Result<T, AzureError> {
    let scope = format!("/{}", call.capture("scope"));
    let mut state = call.azure.state();
    let segments: Vec<&str> = scope.split('/').collect();
    if let [_, _, _, _, group] = segments[..] {
        let group =
            state.groups.get_mut(&group.to_ascii_lowercase()).ok_or_else(|| group_not_found(group))?;
        let id = id(&group.name);
        return use_tags(&id, group.tags.get_or_insert_default());
    }
    let missing = || resource_not_found("", "", segments.get(4).copied().unwrap_or_default());
    let resource = state.resources.get_mut(&key(&scope)).ok_or_else(missing)?;
    let mut tags = resource.body["tags"].as_object().cloned().unwrap_or_default();
    let answer = use_tags(&resource.id.clone(), &mut tags)?;
    resource.body["tags"] = Value::Object(tags);
    Ok(answer)
}

fn tags(call: &Call<'_>) -> Answer {
    with_tags(call, |scope, tags| Ok(Reply::json(200, &tags_body(scope, tags))))
}

fn patch_tags(call: &Call<'_>) -> Answer {
    let asked = call.request.json()?;
    let given = asked["properties"]["tags"].as_object().map(plain_tags).unwrap_or_default();
    let operation = asked["operation"].as_str().unwrap_or_default().to_ascii_lowercase();
    with_tags(call, |scope, tags| {
        match operation.as_str() {
            "merge" => tags.extend(given),
            "replace" => *tags = given,
            "delete" => tags.retain(|name, value| given.get(name) != Some(value)),
            other => {
                let message = format!("The tags patch operation '{other}' is invalid.");
                return Err(AzureError::gateway(400, "InvalidTagsPatchOperation", message));
            }
        }
        Ok(Reply::json(200, &tags_body(scope, tags)))
    })
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn a_name_is_measured_in_characters() {
        assert!(check_name(&"ö".repeat(90)).is_ok());
        for wrong in ["ö".repeat(91), "a.".to_owned(), "a*b".to_owned()] {
            assert_eq!(check_name(&wrong).unwrap_err().code, "InvalidResourceGroup", "{wrong}");
        }
    }
}
