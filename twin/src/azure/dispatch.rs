//! From a request to its route: who asks, which api-version, what right, which row.

use std::sync::Arc;

use super::Azure;
use super::error::AzureError;
use super::http::{Reply, Request};
use super::kinds;
use super::locks;
use super::rbac::Action;
use super::resources::not_allowed;
use super::routes::{Call, Route, Service, Versions, captures, table};
use super::subscription::SUBSCRIPTION;
use super::tokens::{Caller, TENANT};

/// A reply and what the log says about it.
pub struct Outcome {
    /// The reply.
    pub reply: Reply,
    /// Path for the log: secrets in paths are left out.
    pub path: String,
    /// Object id of the caller.
    pub caller: Option<String>,
}

/// Answers a request.
pub fn answer(azure: &Arc<Azure>, request: &Request) -> Outcome {
    let path = request.path.clone();
    let Some(service) = Service::of_host(&request.host) else {
        return Outcome { reply: Reply::empty(421), path, caller: None };
    };
    match service {
        Service::Arm => arm(azure, request),
        _ => other(azure, request, service),
    }
}

/// Services that look at tokens themselves.
fn other(azure: &Arc<Azure>, request: &Request, service: Service) -> Outcome {
    let found = table().filter(|route| route.service == service).find_map(|route| fit(route, request));
    let Some((route, captures)) = found else {
        let error = AzureError::new(
            404,
            "NotFound",
            format!("{} {} is not modelled.", request.method, service.host()),
        );
        return Outcome { reply: error.into(), path: request.path.clone(), caller: None };
    };
    let path = if service == Service::Bastion { route.path.to_owned() } else { request.path.clone() };
    let call = Call { azure, request, captures, caller: None };
    let reply = match data_plane_version(route, call.api_version()) {
        Err(error) => error.into(),
        Ok(()) => (route.answer)(&call).unwrap_or_else(Reply::from),
    };
    Outcome { reply, path, caller: None }
}

fn data_plane_version(route: &Route, version: &str) -> Result<(), AzureError> {
    let Versions::Of(known) = route.versions else { return Ok(()) };
    if known.contains(&version) {
        return Ok(());
    }
    let newest = known.last().copied().unwrap_or_default();
    let message = format!(
        "The specified version ({version}) is not recognized. Consider using the latest supported version ({newest})."
    );
    Err(AzureError::new(400, "BadParameter", message))
}

fn fit(route: &'static Route, request: &Request) -> Option<(&'static Route, Vec<(&'static str, String)>)> {
    let found = captures(route.path, &request.path)?;
    (route.method == request.method).then_some((route, found))
}

fn arm(azure: &Arc<Azure>, request: &Request) -> Outcome {
    let path = request.path.clone();
    let caller = match azure.tokens().arm_caller(request.bearer()) {
        Ok(caller) => caller,
        Err(error) => {
            let header = format!(
                "Bearer authorization_uri=\"https://login.microsoftonline.com/{TENANT}\", error=\"invalid_token\", error_description=\"{}\"",
                error.message
            );
            return Outcome {
                reply: Reply::from(error).header("www-authenticate", header),
                path,
                caller: None,
            };
        }
    };
    let id = caller.object_id.clone();
    let reply = admitted(azure, request, caller).unwrap_or_else(Reply::from);
    Outcome { reply, path, caller: Some(id) }
}

fn admitted(azure: &Arc<Azure>, request: &Request, caller: Caller) -> Result<Reply, AzureError> {
    let (route, captures) = route(request)?;
    check_version(azure, route, request, &captures)?;
    check_subscription(request)?;
    if let Some(right) = route.right {
        azure.require(&caller, Action::Control(right), &scope(route, request))?;
        locks::check(&azure.state(), &request.method, &request.path)?;
    }
    let call = Call { azure, request, captures, caller: Some(caller) };
    (route.answer)(&call)
}

type Found = (&'static Route, Vec<(&'static str, String)>);

/// The first row that fits; a path of the table asked with another method is refused rather than read as a resource.
fn route(request: &Request) -> Result<Found, AzureError> {
    let mut known_path = false;
    for route in table().filter(|route| route.service == Service::Arm) {
        let Some(found) = captures(route.path, &request.path) else { continue };
        let of_type = matches!(route.versions, Versions::OfType);
        if route.method == request.method {
            return Ok((route, found));
        }
        known_path |= !of_type;
    }
    if known_path {
        return Err(not_allowed(&request.method));
    }
    let message = format!("No route of the twin answers {} {}.", request.method, request.path);
    Err(AzureError::gateway(404, "NotFound", message))
}

fn check_version(
    azure: &Azure,
    route: &Route,
    request: &Request,
    captures: &[(&'static str, String)],
) -> Result<(), AzureError> {
    let Versions::Of(known) = route.versions else { return Ok(()) };
    let Some(version) = request.query("api-version") else { return Err(kinds::no_version()) };
    if known.iter().any(|one| one.eq_ignore_ascii_case(version)) {
        return Ok(());
    }
    let provider = route.path.rsplit_once("/providers/").map(|(_, rest)| rest);
    let Some((namespace, kind)) =
        provider.and_then(|rest| rest.split_once('/')).filter(|(name, _)| !name.starts_with('{'))
    else {
        let message = format!(
            "The api-version '{version}' is invalid. The supported versions are '{}'.",
            known.join(",")
        );
        return Err(AzureError::gateway(400, "InvalidApiVersionParameter", message));
    };
    let region = captures.iter().find(|(name, _)| *name == "region").map(|(_, region)| region.as_str());
    let words: Vec<&str> = kind.split('/').filter(|part| !part.starts_with('{')).collect();
    Err(kinds::unknown_version(azure, namespace, &words.join("/"), version, known, region))
}

/// 404 of a subscription that is not the simulated one (Azure Resource Manager, common errors).
fn check_subscription(request: &Request) -> Result<(), AzureError> {
    let mut segments = request.path.trim_start_matches('/').split('/');
    let (first, id) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    if !first.eq_ignore_ascii_case("subscriptions") || id.is_empty() || id.eq_ignore_ascii_case(SUBSCRIPTION)
    {
        return Ok(());
    }
    let message = format!("The subscription '{id}' could not be found.");
    Err(AzureError::gateway(404, "SubscriptionNotFound", message))
}

/// The path up to the last thing it names, as it was spelt: what the right is asked for.
fn scope(route: &Route, request: &Request) -> String {
    let pattern: Vec<&str> = route.path.trim_matches('/').split('/').collect();
    let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let after = pattern.iter().rev().take_while(|part| !part.starts_with('{')).count();
    let kept = path.len().saturating_sub(after);
    format!("/{}", path[..kept].join("/"))
}
