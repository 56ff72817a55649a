//! Resources of any type: their rules are the type's, the doors are the same.

use std::sync::Arc;

use serde_json::{Value, json};

use super::deletions;
use super::error::{AzureError, group_not_found, resource_not_found};
use super::groups;
use super::http::Reply;
use super::jobs::Job;
use super::kinds;
use super::locks;
use super::machines;
use super::rbac::Action;
use super::routes::{Answer, Call, Route, Service, Versions};
use super::state::{Resource, State};
use super::subscription::SUBSCRIPTION;
use super::writes::{self, Written};
use crate::arm::id::ResourceId;
use crate::claims::Sure;

const ANY: &str = "/{*resource}";
const SOURCE: &str = "Azure Resource Manager REST reference, resources by id; bodies: the rules of the type";

const fn any(method: &'static str, answer: fn(&Call<'_>) -> Answer) -> Route {
    Route::of(Service::Arm, method, ANY, answer).taking(Versions::OfType).known_from(SOURCE, Sure::Medium)
}

/// Rows of this room; they come after all others of ARM.
pub const ROUTES: &[Route] = &[
    Route::of(
        Service::Arm,
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/operations/{job}",
        poll,
    )
    .known_from("recorded: azure-cli, Compute polls InProgress, then Succeeded", Sure::High),
    any("GET", get),
    any("HEAD", head),
    any("PUT", put),
    any("DELETE", delete),
];

/// 404 of a resource, or of its group when that is not there.
pub fn missing(id: &str) -> AzureError {
    match ResourceId::parse(id) {
        Some(parsed) => {
            resource_not_found(&parsed.kind, &parsed.name, parsed.resource_group().unwrap_or_default())
        }
        None => AzureError::gateway(404, "NotFound", format!("The path '{id}' does not name a resource.")),
    }
}

/// The resource id in the path, or of a list the scope and the type.
enum Target {
    One(ResourceId),
    All { scope: String, kind: String },
}

fn target(path: &str) -> Option<Target> {
    if let Some(id) = ResourceId::parse(path) {
        return Some(Target::One(id));
    }
    let (parent, last) = path.trim_end_matches('/').rsplit_once('/')?;
    if let Some(id) = ResourceId::parse(parent) {
        let (scope, kind) = (id.full.clone(), format!("{}/{last}", id.kind));
        return Some(Target::All { scope, kind });
    }
    let (rest, namespace) = parent.rsplit_once('/')?;
    let scope = rest.get(..rest.len().checked_sub("/providers".len())?)?;
    let providers = rest.get(scope.len()..)?;
    providers
        .eq_ignore_ascii_case("/providers")
        .then(|| Target::All { scope: scope.to_owned(), kind: format!("{namespace}/{last}") })
}

/// Takes the path apart and makes sure that its type, api-version and group are known and the caller has the right.
fn admit(call: &Call<'_>, verb: &str) -> Result<Target, AzureError> {
    let path = &call.request.path;
    let target = target(path).ok_or_else(|| missing(path))?;
    let (kind, scope, group) = match &target {
        Target::One(id) => (id.kind.clone(), id.full.clone(), id.resource_group().map(str::to_owned)),
        Target::All { scope, kind } => {
            (kind.clone(), scope.clone(), scope.split('/').nth(4).map(str::to_owned))
        }
    };
    let body = if call.request.method == "PUT" { call.request.json()? } else { Value::Null };
    kinds::check(call.azure, &kind, call.request.query("api-version"), body["location"].as_str())?;
    call.azure.require(call.caller()?, Action::Control(&format!("{kind}/{verb}")), &scope)?;
    locks::check(&call.azure.state(), &call.request.method, path)?;
    if let Some(group) =
        group.filter(|name| !call.azure.state().groups.contains_key(&name.to_ascii_lowercase()))
    {
        return Err(group_not_found(&group));
    }
    Ok(target)
}

fn get(call: &Call<'_>) -> Answer {
    match admit(call, "read")? {
        Target::One(id) => {
            let expand = call.request.query("$expand").unwrap_or_default();
            let state = call.azure.state();
            let found = state.resource(&id.full).ok_or_else(|| missing(&id.full))?;
            let mut body = found.body.clone();
            machines::add_extensions(&mut body, &state, found, true);
            if expand.eq_ignore_ascii_case("instanceView") {
                machines::add_instance_view(&mut body, &state, found);
            }
            let reply = Reply::json(200, &body);
            Ok(match body["etag"].as_str() {
                Some(etag) => reply.header("etag", etag),
                None => reply,
            })
        }
        Target::All { scope, kind } => {
            let status_only = call.request.query("statusOnly") == Some("true");
            Ok(Reply::json(200, &json!({"value": listed(&call.azure.state(), &scope, &kind, status_only)})))
        }
    }
}

fn listed(state: &State, scope: &str, kind: &str, status_only: bool) -> Vec<Value> {
    let shown = |one: &Resource| {
        if status_only {
            return machines::status(state, one);
        }
        let mut body = one.body.clone();
        machines::add_extensions(&mut body, state, one, false);
        body
    };
    state.resources_of(scope, kind).map(shown).collect()
}

fn head(call: &Call<'_>) -> Answer {
    let found = get(call)?;
    Ok(Reply { status: 204, body: Vec::new(), headers: Vec::new(), ..found })
}

fn put(call: &Call<'_>) -> Answer {
    match admit(call, "write")? {
        Target::One(_) => {
            let body = call.request.json()?;
            write(call, body)
        }
        Target::All { .. } => Err(not_allowed("PUT")),
    }
}

/// What a method gets that a path does not have.
pub fn not_allowed(method: &str) -> AzureError {
    AzureError::gateway(
        405,
        "MethodNotAllowed",
        format!("The requested resource does not support http method '{method}'."),
    )
}

/// Writes the resource of the path and answers as Azure does: 200 or 201, with a poll address while a VM boots.
pub fn write(call: &Call<'_>, body: Value) -> Answer {
    let caller = call.caller()?;
    let written = writes::put(call.azure, caller, &call.request.path, call.api_version(), body)?;
    let status = written.status();
    follow(call, status, written)
}

/// The reply to a write that was taken, with a poll address if something is left to happen.
pub fn follow(call: &Call<'_>, status: u16, written: Written) -> Answer {
    let Written { body, rest, failure, .. } = written;
    if rest.is_none() && failure.is_none() {
        return Ok(Reply::json(status, &body));
    }
    let azure = Arc::clone(call.azure);
    let region = body["location"].as_str().unwrap_or_default().to_owned();
    let job = call.azure.jobs.start(move || match (failure, rest) {
        (Some(error), _) => Err(error),
        (None, Some(rest)) => rest.finish(&azure),
        (None, None) => Ok(()),
    });
    Ok(with_poll_address(Reply::json(status, &body), &region, &job))
}

/// The reply with the address that tells how far a job of the compute service is.
pub fn with_poll_address(reply: Reply, region: &str, job: &str) -> Reply {
    let address = format!(
        "https://management.azure.com/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/locations/{region}/operations/{job}?api-version=2025-04-01"
    );
    let reply = reply.header("azure-asyncoperation", address);
    reply.header("azure-asyncnotification", "Enabled").header("retry-after", "1")
}

fn poll(call: &Call<'_>) -> Answer {
    let name = call.capture("job");
    let start = jiff::Timestamp::now().to_string();
    match call.azure.jobs.look(name) {
        Some(Job::Running) => {
            Ok(Reply::json(200, &json!({"startTime": start, "status": "InProgress", "name": name})))
        }
        Some(Job::Done(_)) => Ok(Reply::json(
            200,
            &json!({"startTime": start, "endTime": start, "status": "Succeeded", "name": name}),
        )),
        Some(Job::Failed(error)) => Ok(Reply::json(
            200,
            &json!({"startTime": start, "endTime": start, "status": "Failed", "error": error.body(), "name": name}),
        )),
        None => Err(AzureError::new(404, "NotFound", format!("Operation '{name}' was not found."))),
    }
}

fn delete(call: &Call<'_>) -> Answer {
    match admit(call, "delete")? {
        Target::One(id) => deletions::delete(call, &id.full),
        Target::All { .. } => Err(not_allowed("DELETE")),
    }
}

/// The group of an id exists, and stays.
pub fn require_group(state: &State, id: &ResourceId) -> Result<(), AzureError> {
    id.resource_group().map_or(Ok(()), |name| groups::check_writable(groups::find(state, name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_lists_from_resources() {
        let group = "/subscriptions/s/resourceGroups/g";
        let list = |path: &str| match target(path) {
            Some(Target::All { scope, kind }) => (scope, kind),
            _ => panic!("{path}"),
        };
        assert_eq!(list(&format!("{group}/providers/N/t")), (group.into(), "N/t".into()));
        assert_eq!(list("/subscriptions/s/providers/N/t/"), ("/subscriptions/s".into(), "N/t".into()));
        let one = format!("{group}/providers/N/t/a");
        assert_eq!(list(&format!("{one}/u")), (one.clone(), "N/t/u".into()));
        assert!(matches!(target(&one), Some(Target::One(_))));
        for path in ["/", "/subscriptions", "/subscriptions/s/resourceGroups/g", "/x/y/z"] {
            assert!(target(path).is_none(), "{path}");
        }
    }
}
