//! The resources of a template one by one: loops unrolled, conditions decided, ids known.

use serde_json::{Map, Value};

use super::invalid_template;
use super::place::Place;
use super::template::Template;
use crate::arm::expr::args::get;
use crate::arm::expr::eval::Env;
use crate::arm::expr::{Fault, frame::Frame, json, open};
use crate::arm::program::Instance;
use crate::azure::error::AzureError;

/// Type of nested deployments.
pub const DEPLOYMENTS: &str = "Microsoft.Resources/deployments";

/// One resource of a template.
#[derive(Debug, Clone)]
pub struct Node {
    /// Key in the template: symbolic name, or position.
    pub symbol: String,
    /// Index in its loop, and the loop's name.
    pub copy: Option<(String, i64)>,
    /// Type, as declared.
    pub kind: String,
    /// Full name.
    pub name: String,
    /// Whether it is only read.
    pub existing: bool,
    /// Id, api-version and condition.
    pub instance: Instance,
    /// What it is written to.
    pub place: Place,
    /// The declaration.
    pub template: Map<String, Value>,
}

impl Node {
    /// What the expressions of the resource see.
    pub fn frame(&self) -> Frame {
        self.copy.as_ref().map_or_else(Frame::default, |(name, index)| Frame::in_loop(name, *index))
    }
}

/// Unrolls all resources.
pub fn unroll(env: &Env, template: &Template) -> Result<Vec<Node>, AzureError> {
    let mut nodes = Vec::new();
    for (symbol, resource) in template.resources() {
        let resource = resource.as_object().cloned().unwrap_or_default();
        let copy = resource.get("copy").cloned();
        let fail = |fault: Fault| refused(&symbol, &resource, fault);
        let Some(copy) = copy else {
            nodes.push(node(env, &symbol, None, &resource).map_err(fail)?);
            continue;
        };
        let name = copy["name"].as_str().unwrap_or(&symbol).to_owned();
        let count = json::count(env, &copy["count"], &Frame::default()).map_err(|fault| match fault {
            Fault::Text(message) => invalid_template(message),
            other => fail(other),
        })?;
        for index in 0..count {
            let place = Some((name.clone(), index));
            nodes.push(node(env, &symbol, place, &resource).map_err(fail)?);
        }
    }
    duplicates(&nodes)?;
    Ok(nodes)
}

fn node(
    env: &Env,
    symbol: &str,
    copy: Option<(String, i64)>,
    resource: &Map<String, Value>,
) -> Result<Node, Fault> {
    let frame = copy.as_ref().map_or_else(Frame::default, |(name, index)| Frame::in_loop(name, *index));
    let text = |key: &str| -> Result<Option<String>, Fault> {
        match resource.get(key).map(|value| json::value(env, value, &frame)).transpose()? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Fault::text(format!("The value '{other}' of '{key}' is not a string."))),
        }
    };
    let present = match resource.get("condition").map(|value| json::value(env, value, &frame)).transpose()? {
        None => true,
        Some(Value::Bool(present)) => present,
        // Azure does not tell either: it is taken for a resource that is written.
        Some(condition) if open::is_in(&condition) => true,
        Some(other) => {
            return Err(Fault::text(format!("The value '{other}' of 'condition' is not a boolean.")));
        }
    };
    let kind = text("type")?.unwrap_or_default();
    let api_version = text("apiVersion")?.ok_or_else(|| {
        Fault::text("The api-version property is not defined. Please see https://aka.ms/arm-syntax-resources for usage details.")
    })?;
    let named = || {
        let name = text("name")?.unwrap_or_default();
        let place =
            Place::of(&env.program.scope, text("scope")?, text("subscriptionId")?, text("resourceGroup")?);
        let id = place.id(&kind, &name).ok_or_else(|| wrong_name(&kind, &name))?;
        Ok::<_, Fault>((name, id, place))
    };
    let (name, id, place) = match named() {
        // A name may be nonsense when the condition says that there is no such resource.
        Err(_) if !present => (String::new(), String::new(), Place::Tenant),
        named => named?,
    };
    let existing = resource.get("existing") == Some(&Value::Bool(true));
    let instance = Instance { id, api_version, present };
    let template = resource.clone();
    Ok(Node { symbol: symbol.into(), copy, kind, name, existing, instance, place, template })
}

fn wrong_name(kind: &str, name: &str) -> Fault {
    Fault::text(format!(
        "The template resource '{name}' of type '{kind}' at line '1' and column '1' has an invalid name. The name '{name}' contains '{}' name segment(s) separated by '/', but '{}' segment(s) were expected. Please see https://aka.ms/arm-syntax-resources for usage details.",
        name.split('/').count(),
        kind.split('/').count().saturating_sub(1)
    ))
}

/// The refusal of a resource whose name, condition or loop has no value.
fn refused(symbol: &str, resource: &Map<String, Value>, fault: Fault) -> AzureError {
    match fault {
        Fault::Azure(error) => *error,
        Fault::Text(message) if message.starts_with("The template resource") => invalid_template(message),
        other => {
            let name = resource.get("name").and_then(Value::as_str).unwrap_or(symbol);
            let name = if symbol.parse::<usize>().is_ok() { name } else { symbol };
            invalid_template(format!(
                "The template resource '{name}' at line '1' and column '1' is not valid: {}. Please see https://aka.ms/arm-functions for usage details.",
                other.message()
            ))
        }
    }
}

/// Text of Azure's documentation of `InvalidTemplate`; a false condition takes a resource out of the count.
fn duplicates(nodes: &[Node]) -> Result<(), AzureError> {
    let mut seen = std::collections::BTreeSet::new();
    for node in nodes.iter().filter(|node| node.instance.present && !node.existing) {
        if !seen.insert(node.instance.id.to_ascii_lowercase()) {
            return Err(invalid_template(format!(
                "The resource '{}' at line '1' and column '1' is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.",
                node.instance.id
            )));
        }
    }
    Ok(())
}

/// A member of a resource, its name compared without regard to case.
pub fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Value> {
    get(&node.template, name)
}
