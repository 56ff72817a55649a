//! What Azure asks the resource providers before a deployment runs.

use super::place::{GROUPS, check_group};
use super::{Action, Fault, Plan};
use crate::arm::World;
use crate::arm::expr::eval::{Env, Phase};
use crate::arm::scope::Scope;
use crate::arm::types::{self, Put};
use crate::azure::error::{AzureError, group_not_found};

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
    let policies: Vec<AzureError> =
        details.iter().filter(|error| error.code == "RequestDisallowedByPolicy").cloned().collect();
    let message = match policies.len() {
        0 => format!(
            "The template deployment '{}' is not valid according to the validation procedure. The tracking id is '{}'. See inner errors for details.",
            plan.program.name,
            world.new_uuid()
        ),
        // Sentences of Azure/ARO-RP; a policy stands before the providers.
        1 => "The template deployment failed because of policy violation. Please see details for more information.".into(),
        _ => "The template deployment failed with multiple errors. Please see details for more information.".into(),
    };
    let mut error = AzureError::gateway(400, "InvalidTemplateDeployment", message);
    error.details = if policies.is_empty() { details } else { policies };
    Err(error)
}

/// Bodies that are known before anything runs; a nested deployment with parameters that are not is left out.
fn collect(plan: &Plan, world: &dyn World, depth: usize, puts: &mut Vec<Put>) -> Result<(), AzureError> {
    for step in 0..plan.steps.len() {
        match plan.evaluate(step, &Env::new(&plan.program, world, Phase::Start)) {
            Ok(Action::Put(put)) if plan.steps[step].kind.eq_ignore_ascii_case(GROUPS) => {
                check_group(&put.api_version)?;
            }
            Ok(Action::Put(put)) => puts.push(put),
            Ok(Action::Deploy(request)) if depth < MAX_DEPTH => {
                group_exists(&request.scope, world)?;
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

/// 404 of a nested deployment into a group that is not there (recorded: azure-cli, validation).
fn group_exists(scope: &Scope, world: &dyn World) -> Result<(), AzureError> {
    match scope {
        Scope::ResourceGroup { subscription, name } if world.resource_group(subscription, name).is_none() => {
            Err(group_not_found(name))
        }
        _ => Ok(()),
    }
}
