//! The seam to the type rules: which types and api-versions exist.

use super::Azure;
use super::error::AzureError;
use super::subscription::{invalid_namespace, registered};
use crate::arm::World;
use crate::arm::types::{self, Change, Put};

/// Every modelled type with its api-versions.
pub fn all() -> Vec<(&'static str, &'static [&'static str])> {
    types::all().collect()
}

/// What a PUT becomes, by the rules of its type.
pub fn put(put: &Put, world: &dyn World) -> Result<Vec<Change>, AzureError> {
    types::put(put, world)
}

/// Azure's refusal of a type or api-version that is not there. `location` decides the wording where it is known.
pub fn check(
    azure: &Azure,
    kind: &str,
    version: Option<&str>,
    location: Option<&str>,
) -> Result<(), AzureError> {
    let Some(version) = version else { return Err(no_version()) };
    let (namespace, short) = kind.split_once('/').unwrap_or((kind, ""));
    let all = all();
    let Some((_, known)) = all.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)) else {
        let of_namespace =
            |name: &str| name.split('/').next().is_some_and(|one| one.eq_ignore_ascii_case(namespace));
        if !all.iter().any(|(name, _)| of_namespace(name)) {
            return Err(invalid_namespace(namespace));
        }
        let message = format!(
            "The resource type could not be found in the namespace '{namespace}' for api version '{version}'."
        );
        return Err(AzureError::gateway(404, "InvalidResourceType", message));
    };
    if !known.iter().any(|one| one.eq_ignore_ascii_case(version)) {
        return Err(unknown_version(azure, namespace, short, version, known, location));
    }
    if !registered(azure, namespace) {
        return Err(unregistered(namespace));
    }
    Ok(())
}

/// 400 of a request without api-version (Azure Resource Manager, common errors).
pub fn no_version() -> AzureError {
    let message = "The api-version query parameter (?api-version=) is required for all requests.";
    AzureError::gateway(400, "MissingApiVersionParameter", message)
}

/// Wordings: azure-cli issue 28496 with a location, azure-rest-api-specs issue 14807 without.
pub fn unknown_version(
    azure: &Azure,
    namespace: &str,
    kind: &str,
    version: &str,
    known: &[&str],
    location: Option<&str>,
) -> AzureError {
    let supported = known.join(", ");
    let Some(location) = location else {
        let message = format!(
            "The resource type '{kind}' could not be found in the namespace '{namespace}' for api version '{version}'. The supported api-versions are '{}'.",
            known.join(",")
        );
        return AzureError::gateway(404, "InvalidResourceType", message);
    };
    let regions: Vec<&str> = azure.catalog.regions.iter().map(|region| region.name.as_str()).collect();
    let message = format!(
        "No registered resource provider found for location '{location}' and API version '{version}' for type '{kind}'. The supported api-versions are '{supported}'. The supported locations are '{}'.",
        regions.join(", ")
    );
    AzureError::gateway(400, "NoRegisteredProviderFound", message)
}

/// 409 of a namespace that the subscription has not registered (Azure/data-management-zone, known issues).
fn unregistered(namespace: &str) -> AzureError {
    let message = format!(
        "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions."
    );
    AzureError::gateway(409, "MissingSubscriptionRegistration", message.clone())
        .detail(AzureError::new(409, "MissingSubscriptionRegistration", message).target(namespace))
}
