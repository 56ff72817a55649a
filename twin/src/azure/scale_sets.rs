//! Scale sets: machines of one that are deleted by their numbers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Azure;
use super::deletions;
use super::error::AzureError;
use super::http::Reply;
use super::resources;
use super::routes::{Answer, Call, Route};
use super::state::{Resource, key};
use super::writes;
use crate::arm::types::{items, notified};
use crate::claims::Sure;

const VERSIONS: &[&str] = &["2024-07-01", "2024-11-01", "2025-04-01", "2025-11-01"];
const DELETE: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{set}/delete";

/// Rows of this room.
pub const ROUTES: &[Route] = &[Route::arm(
    "POST",
    DELETE,
    VERSIONS,
    "Microsoft.Compute/virtualMachineScaleSets/delete/action",
    delete,
)
.known_from(
    "Azure REST reference, virtual-machine-scale-sets/delete-instances; with hosts a set's terminate notification delays it",
    Sure::Medium,
)];

/// Deletes machines of a set; the reply tells where to ask how far that is.
fn delete(call: &Call<'_>) -> Answer {
    let path = call.request.path.trim_end_matches('/');
    let id = path.rsplit_once('/').map_or(path, |(set, _)| set).to_owned();
    let set = call.azure.state().resource(&id).cloned().ok_or_else(|| resources::missing(&id))?;
    let machines = named(call, &id)?;
    for machine in &machines {
        writes::set_provisioning_state(&mut call.azure.state(), &machine.id, "Deleting");
    }
    let region = set.body["location"].as_str().unwrap_or_default().to_owned();
    let azure = Arc::clone(call.azure);
    let job = call.azure.jobs.start(move || {
        std::thread::scope(|scope| {
            for machine in &machines {
                scope.spawn(|| end(&azure, &set, machine));
            }
        });
        Ok(())
    });
    Ok(resources::with_poll_address(Reply::empty(202), &region, &job))
}

/// The machines that the body names by number.
fn named(call: &Call<'_>, set: &str) -> Result<Vec<Resource>, AzureError> {
    let body = call.request.json()?;
    let numbers: Vec<&str> = items(&body["instanceIds"]).iter().filter_map(Value::as_str).collect();
    let state = call.azure.state();
    let found = numbers.iter().map(|number| {
        let machine = state.resource(&format!("{set}/virtualMachines/{number}")).cloned();
        machine.ok_or_else(|| unknown(number))
    });
    if numbers.is_empty() { Err(unknown("")) } else { found.collect() }
}

fn unknown(number: &str) -> AzureError {
    let message =
        format!("The provided instanceId {number} is not an active Virtual Machine Scale Set VM instanceId.");
    AzureError::new(400, "InvalidParameter", message).target("instanceIds")
}

/// Ends a machine, after it has agreed to that where the set wants it asked.
fn end(azure: &Azure, set: &Resource, machine: &Resource) {
    let minutes = notified(&set.body).filter(|_| azure.hosts.is_some());
    if let (Some(minutes), Some(name)) = (minutes, machine.body["name"].as_str()) {
        azure.events.await_consent(&set.id, name, Duration::from_secs(60 * u64::from(minutes)));
    }
    deletions::remove(azure, &machine.id);
    if let Some(set) = azure.state().resources.get_mut(&key(&set.id)) {
        let left = set.body["sku"]["capacity"].as_u64().unwrap_or_default().saturating_sub(1);
        set.body["sku"]["capacity"] = json!(left);
    }
}
