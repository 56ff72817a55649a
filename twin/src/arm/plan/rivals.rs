//! Writes that may run side by side and that their service takes one at a time only.

use std::collections::BTreeSet;

use super::{Plan, Step};
use crate::arm::id::ResourceId;
use crate::arm::types;
use crate::azure::error::AzureError;

/// Refuses a step that an earlier one of the template may meet: the twin runs one step after the other, Azure does not.
pub fn check(plan: &Plan, at: usize) -> Result<(), AzureError> {
    let step = &plan.steps[at];
    let Some(owner) = owner(step) else { return Ok(()) };
    let waits = |later: usize, earlier: usize| waits_for(plan, later).contains(&earlier);
    let meets = |other: usize| {
        let same =
            self::owner(&plan.steps[other]).is_some_and(|one| one.full.eq_ignore_ascii_case(&owner.full));
        same && !waits(at, other) && !waits(other, at)
    };
    if !(0..at).any(meets) {
        return Ok(());
    }
    // Sentence: Azure/azure-postgresql issue 134; MySQL's servers answer with the same code.
    let message = format!(
        "Cannot complete operation while server '{}' is busy processing another operation. Try again later.",
        owner.last_name()
    );
    Err(AzureError::new(409, "ServerIsBusy", message))
}

/// The resource that is busy while the step runs.
fn owner(step: &Step) -> Option<ResourceId> {
    let id = ResourceId::parse(&step.id)?;
    types::one_at_a_time(&id.kind).then(|| id.parent()).flatten()
}

/// All steps that must be done before.
fn waits_for(plan: &Plan, at: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> = plan.steps[at].depends_on.iter().copied().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(&plan.steps[next].depends_on);
        }
    }
    found
}
