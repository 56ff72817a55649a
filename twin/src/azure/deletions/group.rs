//! Deletion of a resource group: everything in it that nothing outside uses; what remains brings the group back.

use serde_json::json;

use super::{remove as remove_resource, rules};
use crate::azure::Azure;
use crate::azure::error::AzureError;
use crate::azure::groups;
use crate::azure::state::{Resource, State, key};

/// Deletes the group `name` (in lower case), or what of it can be; then it is as before and the refusals are the answer.
pub fn remove(azure: &Azure, name: &str) -> Result<(), AzureError> {
    std::thread::sleep(azure.scenario.deletion_seconds);
    loop {
        let next = next(&azure.state(), name);
        let Some(id) = next else { break };
        remove_resource(azure, &id);
    }
    let blocked = blocked(&azure.state(), name);
    if let Some(error) = blocked {
        if let Some(group) = azure.state().groups.get_mut(name) {
            group.provisioning_state = "Succeeded".into();
        }
        return Err(error);
    }
    clear(azure, name);
    Ok(())
}

/// Takes a group away with whatever is in it still.
pub fn clear(azure: &Azure, name: &str) {
    let prefix = format!("{}/", key(&groups::id(name)));
    let ids: Vec<String> =
        azure.state().resources.keys().filter(|id| id.starts_with(&prefix)).cloned().collect();
    for id in ids {
        remove_resource(azure, &id);
    }
    let mut state = azure.state();
    state.role_assignments.retain(|id, _| !id.starts_with(&prefix));
    state.deployments.retain(|id, _| !id.starts_with(&prefix));
    state.groups.remove(name);
}

/// Resources with a life of their own; parts go with their wholes.
fn tracked<'a>(state: &'a State, name: &str) -> impl Iterator<Item = &'a Resource> {
    let prefix = format!("{}/", key(&groups::id(name)));
    let all = state.resources.iter().filter(move |(id, _)| id.starts_with(&prefix));
    all.map(|(_, resource)| resource).filter(|resource| resource.is_tracked())
}

fn next(state: &State, name: &str) -> Option<String> {
    tracked(state, name).find(|one| rules::refusal(state, one).is_none()).map(|one| one.id.clone())
}

fn blocked(state: &State, name: &str) -> Option<AzureError> {
    let left: Vec<&Resource> = tracked(state, name).collect();
    let reasons: Vec<AzureError> =
        left.iter().filter_map(|one| Some(reason(one, &rules::refusal(state, one)?))).collect();
    let first = left.first()?;
    let names: Vec<String> = left.iter().map(|one| super::rules::typed(&one.id)).collect();
    let group = first.id.split('/').nth(4).unwrap_or(name);
    let message = format!(
        "Deletion of resource group '{group}' failed as resources with identifiers '{}' could not be deleted. The provisioning state of the resource group will be rolled back. The tracking Id is '{}'. Please check audit logs for more details.",
        names.join(","),
        uuid::Uuid::new_v4()
    );
    Some(AzureError { details: reasons, ..AzureError::gateway(409, "ResourceGroupDeletionBlocked", message) })
}

/// A provider's refusal, as text.
fn reason(resource: &Resource, refusal: &AzureError) -> AzureError {
    let text = json!({"error": {"code": refusal.code, "message": refusal.message, "details": []}});
    AzureError::new(refusal.status, "", text.to_string()).target(&resource.id)
}
