//! Values of a deployment's parameters: what was supplied, Key Vault references, defaults.

use serde_json::{Map, Value, json};

use super::invalid_template;
use super::template::Template;
use crate::arm::World;
use crate::arm::expr::args::get;
use crate::arm::expr::eval::{Env, Phase};
use crate::arm::expr::{Fault, frame::Frame, json, open};
use crate::arm::program::Program;
use crate::arm::schema::{self, Checker, nullable, type_of};
use crate::azure::error::AzureError;

/// Fills `program.parameters` from what was supplied and from defaults, checked against their types.
pub fn resolve(
    program: &mut Program,
    template: &Template,
    supplied: &Map<String, Value>,
    world: &dyn World,
    phase: Phase,
) -> Result<(), AzureError> {
    let declared = template.section("parameters");
    let definitions = template.section("definitions");
    unknown(supplied, &declared)?;
    let mut missing = Vec::new();
    for (name, schema) in &declared {
        let given = get(supplied, name).map(|entry| supplied_value(name, entry, world)).transpose()?;
        match given.filter(|value| !value.is_null()) {
            Some(value) => {
                program.parameters.insert(name.clone(), value);
            }
            None if !schema["defaultValue"].is_null() => missing.push((name, schema)),
            None if nullable(&definitions, schema) => {
                program.parameters.insert(name.clone(), Value::Null);
            }
            None => return Err(not_provided(name)),
        }
    }
    defaults(program, missing, world, phase)?;
    let checker = Checker { definitions: &definitions, what: "parameter" };
    for (name, schema) in declared.iter().filter(|(name, _)| !open::is_in(&program.parameters[*name])) {
        checker.check(name, &program.parameters[name], schema).map_err(invalid_template)?;
    }
    Ok(())
}

/// Puts expressions in the place of secrets, as Azure shows them (recorded: azure-dev, what-if).
pub fn veil(template: &Map<String, Value>, supplied: &mut Map<String, Value>) {
    let section = |name: &str| template.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let (declared, definitions) = (section("parameters"), section("definitions"));
    for (name, entry) in supplied.iter_mut() {
        let Some(schema) = get(&declared, name) else { continue };
        let source = open::call_source("parameters", &[json!(name)]);
        // What a reference leads to is a secret, whatever its declared type.
        let value = match reference(entry) {
            Some(_) => open::open(source),
            None => veiled(&definitions, schema, &entry["value"], &source),
        };
        *entry = json!({ "value": value });
    }
}

/// A value without the secrets in it; `source` is the expression that leads to it.
fn veiled(definitions: &Map<String, Value>, schema: &Value, value: &Value, source: &str) -> Value {
    let chain = schema::resolve(definitions, schema).unwrap_or_default();
    let secure =
        |schema: &&Value| schema["type"].as_str().is_some_and(|kind| is_secure(&kind.to_ascii_lowercase()));
    if !value.is_null() && chain.iter().any(secure) {
        return open::open(source);
    }
    let part = |name: &str| chain.iter().find_map(|schema| schema.get(name));
    match value {
        Value::Array(items) => {
            let inner = part("items").unwrap_or(&Value::Null);
            let each = |(at, item)| veiled(definitions, inner, item, &format!("{source}[{at}]"));
            items.iter().enumerate().map(each).collect()
        }
        Value::Object(object) => {
            let properties = part("properties").and_then(Value::as_object);
            let other = part("additionalProperties").unwrap_or(&Value::Null);
            let each = |(name, value): (&String, &Value)| {
                let inner = properties.and_then(|properties| get(properties, name)).unwrap_or(other);
                let step = open::step(source, &json!(name));
                let source = open::source_of(&step).unwrap_or_default();
                (name.clone(), veiled(definitions, inner, value, source))
            };
            object.iter().map(each).collect()
        }
        plain => plain.clone(),
    }
}

/// Evaluates defaults; one may refer to parameters that come later.
fn defaults(
    program: &mut Program,
    mut missing: Vec<(&String, &Value)>,
    world: &dyn World,
    phase: Phase,
) -> Result<(), AzureError> {
    while !missing.is_empty() {
        let before = missing.len();
        let mut fault = None;
        let mut left = Vec::new();
        for (name, schema) in missing {
            let env = Env::new(program, world, phase);
            match json::value(&env, &schema["defaultValue"], &Frame::default()) {
                Ok(value) => {
                    program.parameters.insert(name.clone(), value);
                }
                Err(why) => {
                    fault.get_or_insert(why);
                    left.push((name, schema));
                }
            }
        }
        if let Some(fault) = fault.filter(|_| left.len() == before) {
            return Err(refused_default(&fault));
        }
        missing = left;
    }
    Ok(())
}

fn refused_default(fault: &Fault) -> AzureError {
    match fault {
        Fault::Azure(error) => error.as_ref().clone(),
        other => invalid_template(other.message()),
    }
}

/// Sentence of Azure's documentation of common deployment errors (`InvalidTemplate`).
fn unknown(supplied: &Map<String, Value>, declared: &Map<String, Value>) -> Result<(), AzureError> {
    let unknown: Vec<&str> =
        supplied.keys().filter(|name| get(declared, name).is_none()).map(String::as_str).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = declared.keys().map(String::as_str).collect();
    Err(invalid_template(format!(
        "The following parameters were supplied, but do not correspond to any parameters defined in the template: '{}'. The parameters defined in the template are: '{}'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
        unknown.join(", "),
        known.join(", ")
    )))
}

/// Recorded by azure-cli (`test_resource_group_deployment.yaml`); lines and columns of the request are not modelled.
fn not_provided(name: &str) -> AzureError {
    invalid_template(format!(
        "The value for the template parameter '{name}' at line '1' and column '1' is not provided. Please see https://aka.ms/arm-parameter-file for usage details."
    ))
}

/// The vault's secret that a supplied parameter stands for; some clients send null beside a value (recorded: azure-dev).
fn reference(entry: &Value) -> Option<&Value> {
    entry.get("reference").filter(|reference| !reference.is_null())
}

fn supplied_value(name: &str, entry: &Value, world: &dyn World) -> Result<Value, AzureError> {
    let known = |key: &String| ["value", "reference", "metadata", "expression"].contains(&key.as_str());
    let Some(object) = entry.as_object().filter(|object| object.keys().all(known)) else {
        return Err(AzureError::gateway(
            400,
            "InvalidRequestContent",
            format!(
                "The request content was invalid and could not be deserialized: 'Error converting value \"{entry}\" to type 'DeploymentParameter'. Path 'properties.parameters.{name}', line 1, position 1.'."
            ),
        ));
    };
    match reference(entry) {
        None => Ok(object.get("value").cloned().unwrap_or(Value::Null)),
        Some(reference) => {
            let vault = reference["keyVault"]["id"].as_str();
            let secret = reference["secretName"].as_str();
            let (Some(vault), Some(secret)) = (vault, secret) else {
                return Err(invalid_template(format!(
                    "The parameter '{name}' has a reference that is not valid: a Key Vault reference needs 'keyVault.id' and 'secretName'."
                )));
            };
            world
                .key_vault_secret(vault, secret, reference["secretVersion"].as_str())
                .map(|value| json!(value))
        }
    }
}

/// The parameters as the deployment's GET shows them: no value of a secure one.
pub fn echo(program: &Program, template: &Template, supplied: &Map<String, Value>) -> Map<String, Value> {
    let definitions = template.section("definitions");
    let mut echo = Map::new();
    for (name, schema) in &template.section("parameters") {
        let kind = type_of(&definitions, schema).unwrap_or_default();
        let mut entry = Map::from_iter([("type".to_owned(), json!(type_label(&kind)))]);
        if let Some(reference) = get(supplied, name).and_then(reference) {
            entry.insert("reference".into(), reference.clone());
        } else if !is_secure(&kind) && !program.parameters[name].is_null() {
            entry.insert("value".into(), program.parameters[name].clone());
        }
        echo.insert(name.clone(), Value::Object(entry));
    }
    echo
}

/// A type as replies spell it (recorded: deployments of azure-cli).
pub fn type_label(kind: &str) -> &'static str {
    match kind {
        "string" => "String",
        "securestring" => "SecureString",
        "int" => "Int",
        "bool" => "Bool",
        "array" => "Array",
        "secureobject" => "SecureObject",
        _ => "Object",
    }
}

/// Whether values of this type (in lower case) are kept out of replies.
pub fn is_secure(kind: &str) -> bool {
    kind.starts_with("secure")
}
