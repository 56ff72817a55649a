//! What is looked at before a deployment runs: template, providers' preflight, the caller's rights.

use serde_json::Value;

use super::Azure;
use super::error::AzureError;
use super::groups;
use super::rbac::Action as Right;
use super::state::State;
use super::tokens::Caller;
use super::world::View;
use crate::arm::plan::GROUPS;
use crate::arm::{Plan, Request, Step};

/// The right to make a resource group.
pub const WRITE_GROUP: &str = "Microsoft.Resources/subscriptions/resourceGroups/write";

/// How much of a deployment is validated before it runs. Source: REST reference, Deployments, `ValidationLevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// The template alone.
    Template,
    /// And the providers' preflight.
    ProviderNoRbac,
    /// And the caller's rights; also when nothing is said.
    Provider,
}

impl Validation {
    /// The level of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "Template" => Some(Self::Template),
            "ProviderNoRbac" => Some(Self::ProviderNoRbac),
            "Provider" => Some(Self::Provider),
            _ => None,
        }
    }
}

/// Template and providers' preflight, as far as `level` says.
pub fn preflight(
    azure: &Azure,
    caller: &Caller,
    request: Request,
    state: &State,
    level: Validation,
) -> Result<Plan, AzureError> {
    let view = View { azure, state, caller };
    let plan = Plan::build(request, &view)?;
    if level == Validation::Template {
        return Ok(plan);
    }
    match with_groups(azure, caller, state, &plan.groups(&view))? {
        None => plan.preflight(&view)?,
        Some(state) => plan.preflight(&View { azure, state: &state, caller })?,
    }
    Ok(plan)
}

/// The state with the groups that a deployment makes, for what it deploys into them; none if it makes none.
pub fn with_groups(
    azure: &Azure,
    caller: &Caller,
    state: &State,
    groups: &[(String, Value)],
) -> Result<Option<State>, AzureError> {
    if groups.is_empty() {
        return Ok(None);
    }
    let mut state = state.clone();
    for (name, body) in groups {
        groups::write(azure, &mut state, caller, name, body)?;
    }
    Ok(Some(state))
}

/// What the caller may not write is told for all resources at once (recorded by Azure/mpf), if `level` asks for it.
pub fn rights(azure: &Azure, caller: &Caller, steps: &[Step], level: Validation) -> Result<(), AzureError> {
    if level != Validation::Provider {
        return Ok(());
    }
    let right = |step: &Step| match step.kind.eq_ignore_ascii_case(GROUPS) {
        true => WRITE_GROUP.to_owned(),
        false => format!("{}/write", step.kind),
    };
    let refused: Vec<String> = steps
        .iter()
        .filter(|step| azure.require(caller, Right::Control(&right(step)), &step.id).is_err())
        .map(|step| {
            format!(
                "Authorization failed for template resource '{}' of type '{}'. The client '{}' with object id '{}' does not have permission to perform action '{}' at scope '{}'.",
                step.name, step.kind, caller.client, caller.object_id, right(step), step.id
            )
        })
        .collect();
    let message = match refused.as_slice() {
        [] => return Ok(()),
        [one] => format!("The template deployment failed with error: '{one}'."),
        all => format!("Deployment failed with multiple errors: '{}'", all.join(":")),
    };
    Err(AzureError::gateway(403, "InvalidTemplateDeployment", message))
}
