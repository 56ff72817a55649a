//! `graph.microsoft.com`: who is signed in, and names of principals.

use serde_json::{Value, json};

use super::error::AzureError;
use super::http::Reply;
use super::routes::{Answer, Call, Route, Service};
use super::state::Principal;
use super::tokens::Caller;
use crate::claims::Sure;

const GRAPH: &str = "https://graph.microsoft.com";
const CONTEXT: &str = "https://graph.microsoft.com/v1.0/$metadata#";

/// Rows of this service.
pub const ROUTES: &[Route] = &[
    Route::of(Service::Graph, "GET", "/v1.0/me", me).known_from(
        "recorded: azure-cli, GET /v1.0/me (a service principal gets 400: docs, user-get)",
        Sure::High,
    ),
    Route::of(Service::Graph, "GET", "/v1.0/servicePrincipals", find)
        .known_from("Microsoft Graph reference, serviceprincipal-list", Sure::Medium),
    Route::of(Service::Graph, "GET", "/v1.0/servicePrincipals/{id}", get)
        .known_from("Microsoft Graph reference, serviceprincipal-get", Sure::Medium),
    Route::of(Service::Graph, "POST", "/v1.0/directoryObjects/getByIds", by_ids)
        .known_from("Microsoft Graph reference, directoryobject-getbyids", Sure::Medium),
];

fn caller(call: &Call<'_>) -> Result<Caller, AzureError> {
    let found = call.azure.tokens().caller(call.request.bearer(), GRAPH);
    found.map_err(|_| AzureError::new(401, "InvalidAuthenticationToken", "Access token is empty or invalid."))
}

fn me(call: &Call<'_>) -> Answer {
    let caller = caller(call)?;
    let state = call.azure.state();
    match state.principals.get(&caller.object_id).filter(|one| one.kind == "User") {
        None => Err(AzureError::new(
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        )),
        Some(user) => {
            let mut body = person(user);
            body["@odata.context"] = json!(format!("{CONTEXT}users/$entity"));
            Ok(Reply::json(200, &body))
        }
    }
}

fn find(call: &Call<'_>) -> Answer {
    caller(call)?;
    let filter = call.request.query("$filter").unwrap_or_default();
    let wanted = filter.split('\'').nth(1).unwrap_or_default().to_owned();
    if !filter.starts_with("servicePrincipalNames/any(c:c eq '") {
        return Err(AzureError::new(
            400,
            "Request_UnsupportedQuery",
            format!("Unsupported query '{filter}'."),
        ));
    }
    let state = call.azure.state();
    let matching = state.principals.values().filter(|one| one.kind != "User" && one.app_id == wanted);
    let found: Vec<Value> = matching.map(application).collect();
    Ok(Reply::json(200, &json!({"@odata.context": format!("{CONTEXT}servicePrincipals"), "value": found})))
}

fn get(call: &Call<'_>) -> Answer {
    caller(call)?;
    let id = call.capture("id");
    match call.azure.state().principals.get(id).filter(|one| one.kind != "User") {
        Some(found) => Ok(Reply::json(200, &application(found))),
        None => Err(AzureError::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        )),
    }
}

fn by_ids(call: &Call<'_>) -> Answer {
    caller(call)?;
    let body = call.request.json()?;
    let state = call.azure.state();
    let ids = body["ids"].as_array().cloned().unwrap_or_default();
    let known = ids.iter().filter_map(|id| state.principals.get(id.as_str()?));
    let found: Vec<Value> =
        known.map(|one| if one.kind == "User" { person(one) } else { application(one) }).collect();
    Ok(Reply::json(200, &json!({"@odata.context": format!("{CONTEXT}directoryObjects"), "value": found})))
}

fn person(user: &Principal) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.user", "businessPhones": [], "displayName": "Twin User", "givenName": null,
        "jobTitle": null, "mail": null, "mobilePhone": null, "officeLocation": null, "preferredLanguage": null,
        "surname": null, "userPrincipalName": user.name, "id": user.object_id,
    })
}

fn application(one: &Principal) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.servicePrincipal", "id": one.object_id, "appId": one.app_id,
        "displayName": one.name, "servicePrincipalType": "Application", "servicePrincipalNames": [one.app_id],
    })
}
