//! Prometheus rule groups of Azure Monitor.
//!
//! Sentences have the form of one that users of Azure/prometheus-collector reported (pull request 672); limits: Azure
//! REST reference, prometheus-rule-groups 2023-03-01.

use serde_json::{Value, json};

use super::ask::{Ask, items};
use super::{Change, Changes, monitor};
use crate::arm::id::ResourceId;
use crate::azure::error::AzureError;

/// A rule group.
pub fn rule_group(ask: &Ask) -> Changes {
    scope(ask)?;
    let interval = ask.at("/properties/interval").as_str().unwrap_or("PT1M");
    if !minutes(interval).is_some_and(|minutes| (1..=15).contains(&minutes)) {
        return Err(refusal("Interval", interval, "must be between 1 and 15 minutes"));
    }
    let rules = items(ask.at("/properties/rules"));
    if !(1..=20).contains(&rules.len()) {
        return Err(refusal("Rules", &rules.len().to_string(), "must have between 1 and 20 rules"));
    }
    for (at, rule) in rules.iter().enumerate() {
        one(at, rule)?;
    }
    let properties = ask.properties(json!({"enabled": true, "interval": "PT1M"}));
    Ok(vec![Change::own(ask, ask.resource(Value::Object(properties)))])
}

fn refusal(name: &str, value: &str, why: &str) -> AzureError {
    let message = format!("Property name: {name}, Attempted value: {value}, Error: '{name}' {why}.");
    AzureError::new(400, "BadRequest", message)
}

/// The first scope is a workspace that exists, in the region of the group; a second may be the cluster whose metrics are
/// meant.
fn scope(ask: &Ask) -> Result<(), AzureError> {
    let scopes = items(ask.at("/properties/scopes"));
    let first = scopes.first().and_then(Value::as_str).unwrap_or_default();
    if !(1..=2).contains(&scopes.len())
        || !ResourceId::parse(first).is_some_and(|id| id.is(monitor::WORKSPACES))
    {
        return Err(refusal("Scopes", first, "must be the resource id of an Azure Monitor workspace"));
    }
    match ask.world.resource(first) {
        None => Err(refusal("Scopes", first, "was not found")),
        Some(workspace) if workspace["location"] != ask.location().as_str() => {
            Err(refusal("Scopes", first, "must be in the region of the rule group"))
        }
        Some(_) => Ok(()),
    }
}

/// Whole minutes of an ISO 8601 duration such as `PT1M`.
pub fn minutes(text: &str) -> Option<u32> {
    text.strip_prefix("PT")?.strip_suffix('M')?.parse().ok()
}

/// A rule either records a metric or raises an alert.
fn one(at: usize, rule: &Value) -> Result<(), AzureError> {
    let name = |member: &str| format!("Rules[{at}].{member}");
    let (record, alert) = (rule["record"].as_str(), rule["alert"].as_str());
    if record.is_some() == alert.is_some() {
        return Err(refusal(
            &name("Record"),
            record.unwrap_or_default(),
            "or an alert must be specified, not both",
        ));
    }
    if rule["expression"].as_str().is_none_or(|text| text.trim().is_empty()) {
        return Err(refusal(&name("Expression"), "", "must not be empty"));
    }
    let metric = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || "_:".contains(c))
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
    };
    if let Some(wrong) = record.filter(|text| !metric(text)) {
        return Err(refusal(&name("Record"), wrong, "is not a valid metric name"));
    }
    match rule["severity"].as_i64().filter(|severity| !(0..=4).contains(severity)) {
        Some(wrong) => Err(refusal(&name("Severity"), &wrong.to_string(), "must be between 0 and 4")),
        None => Ok(()),
    }
}
