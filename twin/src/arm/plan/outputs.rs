//! Outputs of a deployment that is done.

use serde_json::{Map, Value, json};

use super::parameters::{is_secure, type_label};
use super::template::Template;
use crate::arm::expr::eval::Env;
use crate::arm::expr::frame::Frame;
use crate::arm::expr::{Fault, json, open};
use crate::arm::schema::{Checker, nullable, type_of};
use crate::azure::error::AzureError;

/// Evaluates all outputs; every one that fails is a detail of the error.
pub fn evaluate(env: &Env, template: &Template) -> Result<Map<String, Value>, AzureError> {
    let mut outputs = Map::new();
    let mut failed = Vec::new();
    for (name, output) in &template.section("outputs") {
        match one(env, template, name, output) {
            Ok(Some(entry)) => {
                outputs.insert(name.clone(), entry);
            }
            Ok(None) => {}
            Err(fault) => failed.push((name.clone(), fault)),
        }
    }
    if failed.is_empty() { Ok(outputs) } else { Err(refused(&failed)) }
}

/// The outputs as far as they can be told beforehand. One that cannot has no `value`, nor has one with a loop: the
/// official evaluator leaves those open.
pub fn foreseen(env: &Env, template: &Template) -> Map<String, Value> {
    let told = |(name, output): (&String, &Value)| {
        let told = match output.get("copy") {
            None => one(env, template, name, output).ok().flatten(),
            Some(_) => None,
        };
        (name.clone(), told.unwrap_or_else(|| json!({})))
    };
    template.section("outputs").iter().map(told).collect()
}

fn one(env: &Env, template: &Template, name: &str, output: &Value) -> Result<Option<Value>, Fault> {
    let frame = Frame::default();
    if json::value(env, &output["condition"], &frame)? == json!(false) {
        return Ok(None);
    }
    let value = match output.get("copy") {
        None => json::value(env, &output["value"], &frame)?,
        Some(copy) => {
            let count = json::count(env, &copy["count"], &frame)?;
            (0..count)
                .map(|index| json::value(env, &copy["input"], &Frame::in_loop(name, index)))
                .collect::<Result<_, _>>()?
        }
    };
    let definitions = template.section("definitions");
    if value.is_null() && nullable(&definitions, output) {
        return Ok(None);
    }
    if !open::is_in(&value) {
        let checker = Checker { definitions: &definitions, what: "output" };
        checker.check(name, &value, output).map_err(Fault::Text)?;
    }
    let kind = type_of(&definitions, output).map_err(Fault::Text)?;
    let mut entry = json!({"type": type_label(&kind)});
    if !is_secure(&kind) {
        entry["value"] = value;
    }
    Ok(Some(entry))
}

/// Azure's error for outputs (reported by users of Azure/bicep and Azure/azure-quickstart-templates).
fn refused(failed: &[(String, Fault)]) -> AzureError {
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    let mut error = AzureError::new(
        400,
        "DeploymentOutputEvaluationFailed",
        format!(
            "Unable to evaluate template outputs: '{}'. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.",
            names.join(",")
        ),
    );
    for (name, fault) in failed {
        let detail = AzureError::new(
            400,
            "DeploymentOutputEvaluationFailed",
            format!("The template output '{name}' is not valid: {}.", fault.message()),
        );
        error = error.detail(detail.target(name.as_str()));
    }
    error
}
