//! Deletion of resources: what Azure refuses, what goes along, and how long it takes.

mod effects;
mod group;
mod polls;
mod rules;

use std::sync::Arc;

use serde_json::json;

use super::Azure;
use super::error::AzureError;
use super::http::Reply;
use super::routes::{Answer, Call};
use super::state::key;

pub use effects::remove;
pub use group::remove as remove_group;
pub use polls::{NETWORK, ROUTES};

/// Deletes the resource `id`: refused while it is used, else at once or as an operation to poll, as its provider does.
pub fn delete(call: &Call<'_>, id: &str) -> Answer {
    let (kind, location) = {
        let mut state = call.azure.state();
        let Some(found) = state.resource(id) else { return Ok(Reply::empty(204)) };
        if let Some(refusal) = rules::refusal(&state, found) {
            return Err(refusal);
        }
        let location = found.body["location"].as_str().unwrap_or("global").to_owned();
        let kind = found.kind.clone();
        if let Some(going) = state.resources.get_mut(&key(id)) {
            going.body["properties"]["provisioningState"] = json!("Deleting");
        }
        (kind, location)
    };
    let (azure, id) = (Arc::clone(call.azure), id.to_owned());
    let work = move || complete(&azure, &id);
    match polls::of(&kind) {
        Some(polled) => Ok(polled.accepted(call, &location, &call.azure.jobs.start(work))),
        None => work().map(|()| Reply::empty(200)),
    }
}

/// A deletion to its end; by then something may use the resource again.
fn complete(azure: &Azure, id: &str) -> Result<(), AzureError> {
    std::thread::sleep(azure.scenario.deletion_seconds);
    let refusal = {
        let state = azure.state();
        state.resource(id).and_then(|found| rules::refusal(&state, found))
    };
    if let Some(refusal) = refusal {
        if let Some(stays) = azure.state().resources.get_mut(&key(id)) {
            stays.body["properties"]["provisioningState"] = json!("Succeeded");
        }
        return Err(refusal);
    }
    remove(azure, id);
    Ok(())
}
