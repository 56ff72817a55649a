//! Deployments: validate, start, follow, cancel.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::engine::{self, Prepared};
use super::error::AzureError;
use super::groups;
use super::http::Reply;
use super::routes::{Answer, Call, Route};
use super::state::{Deployment, key};
use super::subscription::SUBSCRIPTION;
use super::validation::Validation;
use super::whatif;
use crate::arm::Request;
use crate::arm::scope::Scope;
use crate::arm::whatif::Format;
use crate::claims::Sure;

const VERSIONS: &[&str] = &[
    "2020-06-01",
    "2020-10-01",
    "2021-04-01",
    "2022-09-01",
    "2024-03-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
];
const ALL: &str = "/{*scope}/providers/Microsoft.Resources/deployments";
const ONE: &str = "/{*scope}/providers/Microsoft.Resources/deployments/{deployment}";

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm("POST", "/{*scope}/providers/Microsoft.Resources/deployments/{deployment}/validate", VERSIONS, "Microsoft.Resources/deployments/validate/action", validate)
        .known_from("recorded: azure-cli and azure-dev, validate: 200; 400 InvalidTemplate, InvalidTemplateDeployment", Sure::High),
    Route::arm("POST", "/{*scope}/providers/Microsoft.Resources/deployments/{deployment}/whatIf", VERSIONS, "Microsoft.Resources/deployments/whatIf/action", what_if)
        .known_from("recorded: azure-cli and azure-dev, whatIf: 202 with Location alone, then 200; a refusal is 200 with status Failed (azure-cli `_what_if_deploy_arm_template_core`); expressions as `bicep snapshot` prints them", Sure::High),
    Route::arm("PUT", ONE, VERSIONS, "Microsoft.Resources/deployments/write", put)
        .known_from("recorded: azure-dev, PUT 201, again 200, Azure-AsyncOperation", Sure::High),
    Route::arm("GET", ONE, VERSIONS, "Microsoft.Resources/deployments/read", get)
        .known_from("recorded: azure-cli and azure-dev, GET with and without outputs; `error` of a failed one as operationStatuses tells it", Sure::High),
    Route::arm("DELETE", ONE, VERSIONS, "Microsoft.Resources/deployments/delete", delete)
        .known_from("recorded: azure-cli, polls of a deletion: 202 … 204; REST reference, deployments/delete: not of a running one", Sure::High),
    Route::arm("GET", ALL, VERSIONS, "Microsoft.Resources/deployments/read", list)
        .known_from("recorded: azure-dev, list of deployments", Sure::High),
    Route::arm("GET", "/{*scope}/deployments/{deployment}/operations", VERSIONS, "Microsoft.Resources/deployments/operations/read", operations)
        .known_from("recorded: azure-cli, operations of a deployment; failed ones printed by az in August 2026; the path with providers/Microsoft.Resources answers too", Sure::High),
    Route::arm("GET", "/{*scope}/providers/Microsoft.Resources/deployments/{deployment}/operationStatuses/{operation}", VERSIONS, "Microsoft.Resources/deployments/operationstatuses/read", status)
        .known_from("recorded: azure-dev (Succeeded), Azure/mpf (Failed: 200, causes as JSON text)", Sure::High),
    Route::arm("POST", "/{*scope}/providers/Microsoft.Resources/deployments/{deployment}/cancel", VERSIONS, "Microsoft.Resources/deployments/cancel/action", cancel)
        .known_from("recorded: azure-cli, cancel: 204, then Canceled; the refusal of an ended one is the REST reference's", Sure::High),
];

/// The scope of the path, which must be the subscription or a group of it that exists.
fn scope(call: &Call<'_>) -> Result<Scope, AzureError> {
    let path = call.capture("scope");
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| {
            !part.eq_ignore_ascii_case("providers") && !part.eq_ignore_ascii_case("Microsoft.Resources")
        })
        .collect();
    let subscription = SUBSCRIPTION.to_owned();
    match parts[..] {
        [_, _] => Ok(Scope::Subscription { subscription }),
        [_, _, kind, group] if kind.eq_ignore_ascii_case("resourceGroups") => {
            let name = groups::find(&call.azure.state(), group)?.name.clone();
            Ok(Scope::ResourceGroup { subscription, name })
        }
        _ => Err(AzureError::gateway(
            404,
            "NotFound",
            format!("'/{path}' is no scope that the twin deploys to."),
        )),
    }
}

fn id(call: &Call<'_>) -> Result<String, AzureError> {
    Ok(format!(
        "{}/providers/Microsoft.Resources/deployments/{}",
        scope(call)?.id(),
        call.capture("deployment")
    ))
}

fn invalid(message: impl Into<String>) -> AzureError {
    AzureError::gateway(400, "InvalidRequestContent", message)
}

/// What a body asks for.
struct Asked {
    request: Request,
    tags: Option<Value>,
    level: Validation,
    /// The properties beside template and parameters.
    properties: Map<String, Value>,
}

/// The deployment of a body; `more` is a property that this request may have.
fn asked(call: &Call<'_>, more: &str) -> Result<Asked, AzureError> {
    let scope = scope(call)?;
    let mut body = call.request.json()?;
    let location = body["location"].as_str().map(str::to_owned);
    if location.is_none() && matches!(scope, Scope::Subscription { .. }) {
        let message = "The 'location' property must be specified for a deployment at subscription scope.";
        return Err(AzureError::gateway(400, "InvalidDeployment", message));
    }
    let tags = body.get("tags").cloned();
    let properties =
        body["properties"].as_object_mut().ok_or_else(|| invalid("The request has no 'properties'."))?;
    for (name, value) in properties.iter() {
        let known = match name.as_str() {
            "template" => true,
            "parameters" => value.is_object() || value.is_null(),
            "mode" => value.as_str().is_some_and(|mode| mode.eq_ignore_ascii_case("Incremental")),
            "debugSetting" => true,
            "validationLevel" => value.is_null() || value.as_str().and_then(Validation::named).is_some(),
            other => other == more,
        };
        if !known {
            return Err(invalid(format!(
                "The twin does not model '{name}' of a deployment, or not this value of it."
            )));
        }
    }
    let template =
        properties.remove("template").ok_or_else(|| invalid("The deployment has no 'template'."))?;
    let parameters = match properties.remove("parameters") {
        Some(Value::Object(parameters)) => parameters,
        _ => Map::new(),
    };
    let request =
        Request { scope, name: call.capture("deployment").to_owned(), location, template, parameters };
    let level = properties.get("validationLevel").and_then(|level| Validation::named(level.as_str()?));
    let level = level.unwrap_or(Validation::Provider);
    Ok(Asked { request, tags, level, properties: std::mem::take(properties) })
}

/// The deployment of a body, validated.
fn prepare(call: &Call<'_>) -> Result<Prepared, AzureError> {
    let Asked { request, tags, level, .. } = asked(call, "")?;
    engine::prepare(call.azure, call.caller()?, request, tags, level)
}

fn what_if(call: &Call<'_>) -> Answer {
    let Asked { request, level, properties, .. } = asked(call, "whatIfSettings")?;
    let settings = properties.get("whatIfSettings").unwrap_or(&Value::Null);
    let format = match settings["resultFormat"].as_str() {
        None | Some("FullResourcePayloads") => Format::FullResourcePayloads,
        Some("ResourceIdOnly") => Format::ResourceIdOnly,
        Some(other) => return Err(invalid(format!("'{other}' is no format of what-if results."))),
    };
    let result = whatif::result(call.azure, call.caller()?, request, level, format);
    let answer = result.unwrap_or_else(|error| json!({"status": "Failed", "error": error.body()}));
    Ok(groups::accepted("DeploymentWhatIfJob", &call.azure.jobs.answered(answer)))
}

fn validate(call: &Call<'_>) -> Answer {
    let prepared = prepare(call)?;
    let mut body = prepared.body("Succeeded", &uuid::Uuid::new_v4().to_string());
    body["properties"]["validatedResources"] = Value::Array(prepared.resources());
    Ok(Reply::json(200, &body))
}

fn put(call: &Call<'_>) -> Answer {
    if let Scope::ResourceGroup { name, .. } = scope(call)? {
        groups::check_writable(groups::find(&call.azure.state(), &name)?)?;
    }
    let prepared = prepare(call)?;
    let (body, operation, existed) = engine::start(call.azure, call.caller()?.clone(), prepared)?;
    let address = format!(
        "https://management.azure.com{}/operationStatuses/{operation}?api-version={}",
        call.request.path.trim_end_matches('/'),
        call.api_version()
    );
    let status = if existed { 200 } else { 201 };
    Ok(Reply::json(status, &body).header("azure-asyncoperation", address).header("retry-after", "1"))
}

/// Looks at the deployment of the path.
fn with<T>(call: &Call<'_>, look: impl FnOnce(&mut Deployment) -> T) -> Result<T, AzureError> {
    let id = id(call)?;
    let mut state = call.azure.state();
    let found = state.deployments.get_mut(&key(&id));
    found.map(look).ok_or_else(|| {
        AzureError::gateway(
            404,
            "DeploymentNotFound",
            format!("Deployment '{}' could not be found.", call.capture("deployment")),
        )
    })
}

fn get(call: &Call<'_>) -> Answer {
    with(call, |deployment| Reply::json(200, &deployment.body))
}

/// Takes the record away; what was deployed stays.
fn delete(call: &Call<'_>) -> Answer {
    let own = key(&id(call)?);
    let mut state = call.azure.state();
    let Some(deployment) = state.deployments.get_mut(&own) else { return Ok(Reply::empty(204)) };
    if deployment.active() {
        let message = format!("Unable to delete deployment '{}': it is still active.", deployment.name);
        return Err(AzureError::gateway(409, "DeploymentActive", message));
    }
    deployment.body["properties"]["provisioningState"] = json!("Deleting");
    drop(state);
    let azure = Arc::clone(call.azure);
    let job = call.azure.jobs.start(move || {
        std::thread::sleep(azure.scenario.deletion_seconds);
        azure.state().deployments.remove(&own);
        Ok(())
    });
    Ok(groups::accepted("DeploymentDeletionJob", &job))
}

fn list(call: &Call<'_>) -> Answer {
    let prefix = key(&format!("{}/providers/Microsoft.Resources/deployments/", scope(call)?.id()));
    let filter = call.request.query("$filter").unwrap_or_default();
    let wanted = filter.strip_prefix("provisioningState eq '").and_then(|rest| rest.strip_suffix('\''));
    if !filter.is_empty() && wanted.is_none() {
        let message = format!("Invalid $filter '{filter}' specified in the query string.");
        return Err(AzureError::gateway(400, "InvalidFilterInQueryString", message));
    }
    let state = call.azure.state();
    let mut found: Vec<&Deployment> = state
        .deployments
        .iter()
        .filter(|(id, one)| {
            id.starts_with(&prefix)
                && wanted.is_none_or(|state| one.provisioning_state().eq_ignore_ascii_case(state))
        })
        .map(|(_, one)| one)
        .collect();
    found.sort_by(|a, b| {
        b.body["properties"]["timestamp"].as_str().cmp(&a.body["properties"]["timestamp"].as_str())
    });
    let list: Vec<&Value> = found.iter().map(|one| &one.body).collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn operations(call: &Call<'_>) -> Answer {
    with(call, |deployment| Reply::json(200, &json!({"value": deployment.operations})))
}

fn status(call: &Call<'_>) -> Answer {
    let asked = call.capture("operation");
    with(call, |deployment| {
        if deployment.operation != asked {
            return Err(AzureError::gateway(
                404,
                "DeploymentOperationNotFound",
                format!("The operation '{asked}' could not be found."),
            ));
        }
        let mut body = json!({"status": deployment.provisioning_state()});
        if let Some(error) = &deployment.error {
            body["error"] = error.clone();
        }
        let reply = Reply::json(200, &body);
        Ok(if deployment.active() { reply.header("retry-after", "1") } else { reply })
    })?
}

fn cancel(call: &Call<'_>) -> Answer {
    with(call, |deployment| {
        if !deployment.active() {
            let message = format!(
                "The deployment '{}' cannot be cancelled: its provisioning state is '{}'.",
                deployment.name,
                deployment.provisioning_state()
            );
            return Err(AzureError::gateway(409, "DeploymentCannotBeCancelled", message));
        }
        deployment.cancel = true;
        Ok(Reply::empty(204))
    })?
}
