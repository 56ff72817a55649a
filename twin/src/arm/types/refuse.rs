//! Azure's words for a body that a provider does not take. Each namespace has its own.

use super::ask::Ask;
use super::shape::Finding;
use crate::azure::error::AzureError;

/// The refusal of a finding.
pub fn finding(ask: &Ask, finding: &Finding) -> AzureError {
    match (ask.namespace(), finding) {
        (_, Finding::Unknown(path, member)) if path.is_empty() => {
            content(could_not_find(member, "ResourceDefinition", path))
        }
        ("Microsoft.Network", finding) => network(ask, finding),
        ("Microsoft.Compute", finding) => compute(finding),
        ("Microsoft.NetApp", finding) => netapp(finding),
        (_, finding) => bad_request(ask, finding),
    }
}

/// Recorded in Azure/azure-cli issue 16205 (unknown member) and MSOpenTech/azure-xplat-cli issue 497 (no id):
/// `InvalidRequestFormat` with the parser's sentence as detail.
fn network(ask: &Ask, finding: &Finding) -> AzureError {
    let (code, message) = match finding {
        Finding::Unknown(path, member) => {
            ("InvalidJson", could_not_find(member, &object_type(ask, path), path))
        }
        Finding::Missing(path, member) => (
            "MissingJsonProperty",
            format!("Required property '{member}' not found in JSON. Path '{path}', line 1, position 1."),
        ),
        Finding::Wrong(path, value, _) => (
            "InvalidJson",
            format!("Error converting value \"{value}\" at '{path}'. Path '{path}', line 1, position 1."),
        ),
        Finding::NoId(path, text, kind) => (
            "InvalidJsonReferenceFormat",
            format!(
                "Reference Id {text} is not formatted correctly. The Id is expected to reference resources of type {}. Path {path}.",
                kind.rsplit('/').next().unwrap_or(kind)
            ),
        ),
        Finding::Reference(_, id) => return missing_reference(ask, id),
    };
    let detail = AzureError::new(400, code, message);
    AzureError::new(400, "InvalidRequestFormat", "Cannot parse the request.").detail(detail)
}

/// Recorded for missing parameters ("Required parameter … is missing (null)"), reported by many users of Compute.
fn compute(finding: &Finding) -> AzureError {
    match finding {
        Finding::Unknown(path, member) => {
            AzureError::new(400, "BadRequest", could_not_find(member, "VirtualMachine", path))
                .target(path.as_str())
        }
        Finding::Missing(_, member) => {
            let message = format!("Required parameter '{member}' is missing (null).");
            AzureError::new(400, "InvalidParameter", message).target(member.as_str())
        }
        Finding::Wrong(path, value, allowed) => {
            let name = path.trim_start_matches("properties.");
            let message = format!(
                "The value '{value}' of parameter '{name}' is not allowed. Allowed values are: {allowed}."
            );
            AzureError::new(400, "InvalidParameter", message).target(name)
        }
        Finding::NoId(path, text, _) => {
            let name = path.rsplit('.').next().unwrap_or(path);
            AzureError::new(
                400,
                "InvalidParameter",
                format!("The value '{text}' of parameter '{name}' is invalid."),
            )
            .target(name)
        }
        Finding::Reference(_, id) => resource_gone(id),
    }
}

/// Sentences of learn.microsoft.com, azure-netapp-files-troubleshoot-resource-provider-errors.
fn netapp(finding: &Finding) -> AzureError {
    let message = match finding {
        Finding::Unknown(_, member) => format!("Value received for an unknown property '{member}'."),
        Finding::Missing(_, member) => format!("Missing value for '{member}'."),
        Finding::Wrong(path, value, _) | Finding::NoId(path, value, _) => {
            format!("An invalid value '{value}' was received for {}.", path.trim_start_matches("properties."))
        }
        Finding::Reference(_, id) => return resource_gone(id),
    };
    AzureError::new(400, "BadRequest", message)
}

fn bad_request(ask: &Ask, finding: &Finding) -> AzureError {
    match finding {
        Finding::Unknown(path, member) => content(could_not_find(member, &object_type(ask, path), path)),
        Finding::Missing(path, member) => {
            let whole = if path.is_empty() { member.clone() } else { format!("{path}.{member}") };
            AzureError::new(
                400,
                "BadRequest",
                format!("The parameter {whole} is missing. It must have a value."),
            )
        }
        Finding::Wrong(path, value, allowed) => AzureError::new(
            400,
            "BadRequest",
            format!("An invalid value was provided for '{path}': '{value}'. Allowed values are: {allowed}."),
        ),
        Finding::NoId(path, text, _) => AzureError::new(
            400,
            "BadRequest",
            format!("An invalid value was provided for '{path}': '{text}'."),
        ),
        Finding::Reference(_, id) => resource_gone(id),
    }
}

/// Azure Resource Manager's own answer to a body it cannot read.
fn content(why: String) -> AzureError {
    let message = format!("The request content was invalid and could not be deserialized: '{why}'.");
    AzureError::gateway(400, "InvalidRequestContent", message)
}

fn could_not_find(member: &str, kind: &str, path: &str) -> String {
    let whole = if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") };
    format!(
        "Could not find member '{member}' on object of type '{kind}'. Path '{whole}', line 1, position 1."
    )
}

/// Name of the object at a path as the provider's own classes may be called; not recorded for most.
fn object_type(ask: &Ask, path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    let name = last.split('[').next().unwrap_or_default();
    let kind = ask.id.kind.rsplit('/').next().unwrap_or_default();
    let name =
        if name.is_empty() || name == "properties" { format!("{kind}Properties") } else { name.to_owned() };
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// Recorded in microsoft/MCW-Building-a-resilient-IaaS-architecture issue 35.
pub fn missing_reference(ask: &Ask, id: &str) -> AzureError {
    AzureError::new(
        400,
        "InvalidResourceReference",
        format!(
            "Resource {id} referenced by resource {} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
            ask.put.id
        ),
    )
}

fn resource_gone(id: &str) -> AzureError {
    AzureError::new(404, "NotFound", format!("Resource '{id}' was not found."))
}
