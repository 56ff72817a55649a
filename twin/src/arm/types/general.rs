//! What Azure Resource Manager itself looks at before a provider sees a write.

use regex::Regex;

use super::ask::{self, Ask};
use super::policy::{self, Written};
use super::rules::{Place, Rule};
use crate::azure::error::AzureError;

/// Version, name, location, policies.
pub fn check(rule: &Rule, ask: &Ask) -> Result<(), AzureError> {
    registered(rule, ask)?;
    if rule.place != Place::None {
        // Azure's policies about tags look at types that have tags and a location (mode `Indexed`).
        let (name, tags) = (ask.id.last_name(), &ask.body["tags"]);
        let written = Written { subscription: ask.subscription(), kind: rule.kind, name, tags };
        policy::check(ask.world, &written)?;
    }
    Ok(())
}

fn registered(rule: &Rule, ask: &Ask) -> Result<(), AzureError> {
    if !rule.versions.contains(&ask.put.api_version.as_str()) {
        return Err(not_registered(rule, ask));
    }
    let fits = Regex::new(rule.name).is_ok_and(|name| name.is_match(ask.id.last_name()));
    if !fits {
        return Err(bad_name(rule, ask));
    }
    let given = ask.body["location"].as_str();
    match (rule.place, given) {
        (Place::Region | Place::Global, None) => Err(AzureError::gateway(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        )),
        (Place::Global, Some(location)) if location != "global" => Err(not_here(rule, location, "global")),
        (Place::Region, Some(location)) => {
            let regions: Vec<String> = ask.world.regions().into_iter().map(|region| region.name).collect();
            if !regions.contains(&ask.location()) {
                return Err(not_here(rule, location, &regions.join(",")));
            }
            moved(ask)
        }
        _ => Ok(()),
    }
}

/// Azure's documentation of common deployment errors.
fn not_here(rule: &Rule, location: &str, supported: &str) -> AzureError {
    let message = format!(
        "The provided location '{location}' is not available for resource type '{}'. List of available regions for the resource type is '{supported}'.",
        rule.kind
    );
    AzureError::gateway(400, "LocationNotAvailableForResourceType", message)
}

/// Azure's documentation of common deployment errors (`InvalidResourceLocation`).
fn moved(ask: &Ask) -> Result<(), AzureError> {
    let old = ask::region(ask.old["location"].as_str().unwrap_or_default());
    if old.is_empty() || old == ask.location() {
        return Ok(());
    }
    let message = format!(
        "The resource '{}' already exists in location '{old}' in resource group '{}'. A resource with the same name cannot be created in location '{}'. Please select a new resource name.",
        ask.id.last_name(),
        ask.id.resource_group().unwrap_or_default(),
        ask.location()
    );
    Err(AzureError::gateway(409, "InvalidResourceLocation", message))
}

fn not_registered(rule: &Rule, ask: &Ask) -> AzureError {
    let message = format!(
        "No registered resource provider found for location '{}' and API version '{}' for type '{}'. The supported api-versions are '{}'. The supported locations are ''.",
        ask.location(),
        ask.put.api_version,
        rule.kind.split_once('/').map_or("", |(_, kind)| kind),
        rule.versions.join(", ")
    );
    AzureError::gateway(400, "NoRegisteredProviderFound", message)
}

fn bad_name(rule: &Rule, ask: &Ask) -> AzureError {
    let name = ask.id.last_name();
    match rule.kind {
        "Microsoft.KeyVault/vaults" => AzureError::new(
            400,
            "VaultNameNotValid",
            format!(
                "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742"
            ),
        ),
        "Microsoft.Storage/storageAccounts" => AzureError::new(
            400,
            "AccountNameInvalid",
            format!(
                "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."
            ),
        ),
        "Microsoft.DBforMySQL/flexibleServers" => AzureError::new(
            400,
            "InvalidServerName",
            format!(
                "The specified server name '{name}' is not valid. It can contain only lowercase letters, numbers and '-', must not start or end with '-', and must have between 3 and 63 characters."
            ),
        ),
        kind if kind.starts_with("Microsoft.Network/") => AzureError::new(
            400,
            "InvalidResourceName",
            format!(
                "Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'."
            ),
        ),
        kind => AzureError::new(
            400,
            "InvalidParameter",
            format!("The name '{name}' of a resource of type '{kind}' is not valid."),
        ),
    }
}

/// 404 of a child whose parent is not there: Azure names the parent.
pub fn parent_not_found(ask: &Ask) -> AzureError {
    let parent = ask.id.parent().map(|id| id.full).unwrap_or_default();
    let kind = ask.kind.split_once('/').map_or("", |(_, kind)| kind);
    let message = format!(
        "Failed to perform 'write' on resource(s) of type '{kind}', because the parent resource '{parent}' could not be found."
    );
    AzureError::gateway(404, "ParentResourceNotFound", message)
}
