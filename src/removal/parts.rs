//! In a resource group that others made, only what is ours is deleted: nodes first, while the server they belong to
//! is there to tell them by; then what was deployed, users before what they use.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::group::refused;
use super::obstacles::SCOPE_LOCKED;
use super::survey::{Selection, failed};
use crate::azure::contents::{Contents, Resource};
use crate::azure::made::Made;
use crate::azure::{Az, AzError, Kind, contents, removal};
use crate::failure::{Exit, Failure};
use crate::process::interrupt;
use crate::threads::side_by_side;
use crate::ui::{Event, Ui};

/// Deletions at once.
const SIDE_BY_SIDE: usize = 4;
/// Waits after passes that deleted nothing. Azure counts what is gone as a user for some tens of seconds still.
const PAUSES_S: [u64; 3] = [5, 15, 30];

/// Goes with its VM, and cannot be deleted while that is off.
const EXTENSIONS: &str = "Microsoft.Compute/virtualMachines/extensions";

/// Types that are used by others, in the order in which they can go: what is not here goes first.
const ORDER: [&[&str]; 4] = [
    &[
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Compute/disks",
        "Microsoft.Network/privateDnsZones",
        "Microsoft.NetApp/netAppAccounts/capacityPools",
        "Microsoft.Monitor/accounts",
        "Microsoft.Storage/storageAccounts",
        "Microsoft.KeyVault/vaults",
    ],
    &["Microsoft.Network/virtualNetworks", "Microsoft.NetApp/netAppAccounts"],
    &["Microsoft.Network/networkSecurityGroups", "Microsoft.Network/natGateways"],
    &["Microsoft.Network/publicIPAddresses", "Microsoft.ManagedIdentity/userAssignedIdentities"],
];

/// Deletes what is ours in resource group `group`: what `made` tells and the nodes. Returns how many went.
///
/// # Errors
/// [`Exit::Deployment`] or [`Exit::Refused`] with Azure's reason for each resource that stays;
/// [`Exit::Interrupted`].
pub(super) fn remove(az: &Az<'_>, ui: &Ui, group: &str, made: &Made) -> anyhow::Result<usize> {
    let mut done = BTreeSet::new();
    let mut pauses = PAUSES_S.into_iter();
    loop {
        let left = ours(az, group, made, &done)?;
        if left.is_empty() {
            return Ok(done.len());
        }
        let outcomes = pass(az, ui, &left);
        if az.is_dry_run() {
            return Ok(outcomes.len());
        }
        let (gone, stay): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(_, outcome)| outcome.is_ok());
        done.extend(gone.iter().map(|(resource, _)| resource.id.to_ascii_lowercase()));
        let errors: Vec<(&Resource, AzError)> =
            stay.into_iter().filter_map(|(resource, outcome)| Some((resource, outcome.err()?))).collect();
        if errors.iter().any(|(_, error)| matches!(error.kind, Kind::Interrupted)) {
            return Err(goes_on(group));
        }
        let hopeless = errors.iter().any(|(_, error)| !may_pass(error));
        let pause = if gone.is_empty() { pauses.next() } else { Some(0) };
        match pause.filter(|_| !hopeless) {
            Some(seconds) => interrupt::sleep(Duration::from_secs(seconds))?,
            None => return Err(stays(&errors)),
        }
    }
}

/// Tries once to delete everything in resource group `group`, all of which goes.
///
/// # Errors
/// As [`remove`].
pub(super) fn sweep(az: &Az<'_>, ui: &Ui, group: &str) -> anyhow::Result<()> {
    let mut left = contents::resources(az, group).map_err(failed)?;
    left.retain(goes_alone);
    let outcomes = pass(az, ui, &left);
    let errors: Vec<(&Resource, AzError)> =
        outcomes.into_iter().filter_map(|(resource, outcome)| Some((resource, outcome.err()?))).collect();
    if errors.iter().any(|(_, error)| matches!(error.kind, Kind::Interrupted)) {
        return Err(goes_on(group));
    }
    if errors.is_empty() { Ok(()) } else { Err(stays(&errors)) }
}

/// The nodes, or when there are none any more, what was deployed; without what is `done`, which Azure's list may
/// show for a while.
fn ours(az: &Az<'_>, group: &str, made: &Made, done: &BTreeSet<String>) -> anyhow::Result<Vec<Resource>> {
    let contents = Contents::read(az, group).map_err(failed)?;
    let Selection { mut nodes, mut deployed, .. } = Selection::of(contents, made);
    for list in [&mut nodes, &mut deployed] {
        list.retain(|one| goes_alone(one) && !done.contains(&one.id.to_ascii_lowercase()));
    }
    Ok(if nodes.is_empty() { deployed } else { nodes })
}

fn goes_alone(resource: &Resource) -> bool {
    !resource.kind.eq_ignore_ascii_case(EXTENSIONS)
}

/// Tries to delete each once, in order.
fn pass<'a>(az: &Az<'_>, ui: &Ui, left: &'a [Resource]) -> Vec<(&'a Resource, Result<(), AzError>)> {
    let mut ranks: BTreeMap<(usize, usize), Vec<&Resource>> = BTreeMap::new();
    for resource in left {
        ranks.entry(rank(&resource.kind)).or_default().push(resource);
    }
    let mut outcomes = Vec::new();
    for resources in ranks.values() {
        for some in resources.chunks(SIDE_BY_SIDE) {
            let names: Vec<&str> = some.iter().map(|resource| resource.name.as_str()).collect();
            let text = format!("{} of {}: {}", outcomes.len(), left.len(), names.join(", "));
            ui.event(Event::Progress { text: &text });
            outcomes.extend(side_by_side(some, SIDE_BY_SIDE, |resource| {
                (*resource, removal::delete(az, &resource.id))
            }));
        }
    }
    outcomes
}

/// First by use, then parts before wholes.
fn rank(kind: &str) -> (usize, usize) {
    let place = ORDER.iter().position(|kinds| kinds.iter().any(|one| one.eq_ignore_ascii_case(kind)));
    (place.map_or(0, |place| place + 1), usize::MAX - kind.matches('/').count())
}

/// Whether another pass may delete it: it is used still, or Azure was not reached.
fn may_pass(error: &AzError) -> bool {
    match &error.kind {
        Kind::Refused(leaves) => !leaves
            .iter()
            .any(|leaf| [SCOPE_LOCKED, "RequestDisallowedByPolicy"].contains(&leaf.code.as_str())),
        Kind::NoConnection { .. }
        | Kind::TimedOut { .. }
        | Kind::Killed { .. }
        | Kind::TokenCacheRace { .. } => true,
        _ => false,
    }
}

fn stays(errors: &[(&Resource, AzError)]) -> anyhow::Error {
    let mut all: Option<Failure> = None;
    for (resource, error) in errors {
        let mut one = refused(error);
        for problem in &mut one.problems {
            problem.resource = Some(resource.id.clone());
        }
        match &mut all {
            Some(all) => {
                all.exit = worse(all.exit, one.exit);
                all.problems.extend(one.problems);
            }
            None => all = Some(one),
        }
    }
    all.map_or_else(|| anyhow::anyhow!("nothing was refused, but resources are left"), Into::into)
}

/// What the user must mend first decides.
fn worse(one: Exit, other: Exit) -> Exit {
    let first = [Exit::ProgramMissing, Exit::Access, Exit::Refused];
    first.into_iter().find(|exit| [one, other].contains(exit)).unwrap_or(one)
}

fn goes_on(group: &str) -> anyhow::Error {
    let message = format!("interrupted; the deletions begun in the resource group {group} go on in Azure");
    Failure::new(Exit::Interrupted, "Interrupted", message).remedy(crate::failure::GO_ON).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_go_before_what_they_use() {
        let order = [
            "Microsoft.NetApp/netAppAccounts/capacityPools/volumes",
            "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
            "Microsoft.Compute/virtualMachines",
            "Microsoft.NetApp/netAppAccounts/capacityPools",
            "microsoft.network/networkinterfaces",
            "Microsoft.Network/virtualNetworks",
            "Microsoft.Network/natGateways",
            "Microsoft.Network/publicIPAddresses",
        ];
        let ranks = order.map(rank);
        assert!(ranks.is_sorted(), "{ranks:?}");
        assert!(ranks[2] < ranks[3] && ranks[4] < ranks[5]);
    }
}
