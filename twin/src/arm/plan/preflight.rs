//! What Azure asks the resource providers before a deployment runs.

use super::{Action, Fault, Plan};
use crate::arm::World;
use crate::arm::expr::eval::{Env, Phase};
use crate::arm::types::{self, Put};
use crate::azure::error::AzureError;

/// Deepest nesting of deployments that is looked into (Azure stops at five).
const MAX_DEPTH: usize = 5;

/// Refuses a deployment that a provider would refuse, all reasons at once.
pub fn check(plan: &Plan, world: &dyn World) -> Result<(), AzureError> {
    let mut puts = Vec::new();
    collect(plan, world, 0, &mut puts)?;
    let mut details = types::preflight(&puts, world);
    if details.is_empty() {
        return Ok(());
    }
    // Azure asks the marketplace before the providers, and answers with its refusal alone.
    if let Some(at) = details.iter().position(|error| error.code == "MarketplacePurchaseEligibilityFailed") {
        return Err(details.swap_remove(at));
    }
    let mut error = AzureError::gateway(
        400,
        "InvalidTemplateDeployment",
        format!(
            "The template deployment '{}' is not valid according to the validation procedure. The tracking id is '{}'. See inner errors for details.",
            plan.program.name,
            world.new_uuid()
        ),
    );
    error.details = details;
    Err(error)
}

/// Bodies that are known before anything runs; a nested deployment with parameters that are not is left out.
fn collect(plan: &Plan, world: &dyn World, depth: usize, puts: &mut Vec<Put>) -> Result<(), AzureError> {
    for step in 0..plan.steps.len() {
        match plan.evaluate(step, &Env::new(&plan.program, world, Phase::Start)) {
            Ok(Action::Put(put)) => puts.push(put),
            Ok(Action::Deploy(request)) if depth < MAX_DEPTH => {
                collect(&Plan::build(*request, world)?, world, depth + 1, puts)?;
            }
            Ok(Action::Deploy(_)) | Err(Fault::Late(_)) => {}
            Err(Fault::Azure(error)) => return Err(*error),
            Err(Fault::Text(message)) => {
                return Err(super::invalid_template(format!(
                    "The template resource '{}' at line '1' and column '1' is not valid: {message}. Please see https://aka.ms/arm-functions for usage details.",
                    plan.steps[step].name
                )));
            }
        }
    }
    Ok(())
}
