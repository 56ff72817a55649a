//! What-if: a deployment is worked out on a copy of the state, so that nothing can change.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Azure;
use super::error::AzureError;
use super::state::{State, key};
use super::tokens::Caller;
use super::validation::{self, Validation};
use super::world::View;
use crate::arm::Request;
use crate::arm::id::ResourceId;
use crate::arm::plan::predict::{self, Predicted};
use crate::arm::scope::Scope;
use crate::arm::whatif::{self, Format};

/// What a deployment would change, or why it would be refused.
pub fn result(
    azure: &Azure,
    caller: &Caller,
    request: Request,
    level: Validation,
    format: Format,
) -> Result<Value, AzureError> {
    let mut state = azure.state().clone();
    // What-if does not see vaults that are kept as deleted (azure-cli issue 19846).
    state.deleted_vaults.clear();
    let plan = validation::preflight(azure, caller, request.clone(), &state, level)?;
    validation::rights(azure, caller, plan.steps(), level)?;
    let groups = plan.groups(&View { azure, state: &state, caller });
    let later = validation::with_groups(azure, caller, &state, &groups)?;
    let view = |state| View { azure, state, caller };
    let limit = azure.scenario.what_if_nested.unwrap_or(usize::MAX);
    let predicted = predict::predict(request.clone(), &view(later.as_ref().unwrap_or(&state)), limit)?;
    let now = view(&state);
    let mut changes: Vec<Value> =
        predicted.resources.iter().map(|one| whatif::change(one, &now, format)).collect();
    changes.extend(untouched(&state, &request.scope, &predicted.resources, format));
    let mut properties = json!({"correlationId": Uuid::new_v4().simple().to_string(), "changes": changes});
    if !predicted.skipped.is_empty() {
        properties["diagnostics"] = predicted.skipped.iter().map(|id| skipped(id, limit)).collect();
    }
    Ok(json!({"status": "Succeeded", "properties": properties}))
}

/// Said of a nested deployment that was not looked into (printed by az in Azure/arm-template-whatif issue 402).
fn skipped(id: &str, limit: usize) -> Value {
    json!({
        "level": "Warning", "code": "NestedDeploymentSkippedFromInternalExpansion", "target": id,
        "message": format!(
            "When nested deployments are expanded, all its inner resources are retrieved for further validation. This process is performed in batch of: '{limit}' at a time. Nested deployments exceeding this batch count are skipped from expansion."
        ),
    })
}

/// Resources of the deployment's groups that the template does not name.
fn untouched(state: &State, scope: &Scope, predicted: &[Predicted], format: Format) -> Vec<Value> {
    let ids = predicted.iter().map(|one| key(&one.id));
    let named: BTreeSet<String> = ids.collect();
    let group = |id: &str| ResourceId::parse(id)?.resource_group().map(str::to_ascii_lowercase);
    let mut groups: BTreeSet<String> = named.iter().filter_map(|id| group(id)).collect();
    if let Scope::ResourceGroup { name, .. } = scope {
        groups.insert(name.to_ascii_lowercase());
    }
    let tracked = state.resources.iter().filter(|(id, one)| {
        let ours = group(id).is_some_and(|group| groups.contains(&group));
        ours && !named.contains(*id) && one.kind.matches('/').count() == 1 && one.body["location"].is_string()
    });
    tracked.map(|(_, one)| whatif::ignored(&one.id, &one.kind, &one.api_version, &one.body, format)).collect()
}
