//! Role assignments of our identities that do not go with a resource, and the records of the deployments that made
//! them. They are read by principal while the principals exist; those our template marked are found afterwards too.

use std::collections::BTreeSet;

use serde_json::Value;

use super::group::refused;
use super::survey::{Survey, failed};
use crate::azure::assignments::{self, Assignment, deployed_to};
use crate::azure::contents::Resource;
use crate::azure::{Az, AzError, Kind, group};
use crate::failure::Problem;
use crate::resource_id::is_within;
use crate::ui::{Event, Ui};

const IDENTITIES: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// What of ours lies outside of what goes.
#[derive(Default)]
pub struct Outside {
    /// Role assignments, and whether our template made them.
    pub assignments: Vec<(Assignment, bool)>,
    /// ARM ids of deployment records outside the group.
    pub records: Vec<String>,
}

/// Finds it among `assigned`, all role assignments of the subscriptions where some may be.
pub(super) fn outside(az: &Az<'_>, survey: &Survey, assigned: Vec<Assignment>) -> anyhow::Result<Outside> {
    let principals = principals(az, survey)?;
    let ours = |one: &Assignment| {
        principals.contains(&one.principal.to_ascii_lowercase()) || one.is_for(&survey.group_id)
    };
    let goes_along = |one: &Assignment| {
        let whole = survey.is_whole() && is_within(&one.scope, &survey.group_id);
        whole || survey.going().any(|resource| is_within(&one.scope, &resource.id))
    };
    let mut outside = Outside::default();
    for one in assigned.into_iter().filter(|one| ours(one) && !goes_along(one)) {
        if is_managed(az, survey, &one.scope)? {
            continue;
        }
        let by_us = one.is_for(&survey.group_id) || survey.made.wrote(&one.id);
        outside.assignments.push((one, by_us));
    }
    let ids: Vec<&str> = outside.assignments.iter().map(|(one, _)| one.id.as_str()).collect();
    let scopes: BTreeSet<String> = outside
        .assignments
        .iter()
        .map(|(one, _)| deployed_to(&one.scope).to_ascii_lowercase())
        .filter(|scope| !scope.eq_ignore_ascii_case(&survey.group_id))
        .collect();
    for scope in scopes {
        outside.records.extend(assignments::records(az, &scope, &ids, &survey.made.runs).map_err(failed)?);
    }
    Ok(outside)
}

/// Object ids of the identities that our deployments made, in lower case.
fn principals(az: &Az<'_>, survey: &Survey) -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for resource in &survey.resources.deployed {
        found.extend(resource.principal.clone());
        if resource.kind.eq_ignore_ascii_case(IDENTITIES) {
            found.extend(of_identity(az, resource)?);
        }
    }
    Ok(found.into_iter().map(|id| id.to_ascii_lowercase()).collect())
}

fn of_identity(az: &Az<'_>, identity: &Resource) -> anyhow::Result<Option<String>> {
    let path = format!("{}?api-version=2024-11-30", identity.id);
    match az.rest_get(&path, "reading a managed identity") {
        Err(AzError { kind: Kind::NotFound(_), .. }) => Ok(None),
        found => {
            let found = found.map_err(failed)?;
            Ok(found.pointer("/properties/principalId").and_then(Value::as_str).map(str::to_owned))
        }
    }
}

/// Whether `scope` lies in a group that Azure manages for a resource of ours, such as a Monitor workspace's: it goes with
/// that resource.
fn is_managed(az: &Az<'_>, survey: &Survey, scope: &str) -> anyhow::Result<bool> {
    let subscription = format!("/subscriptions/{}", az.subscription());
    if is_within(scope, &survey.group_id) || !is_within(scope, &subscription) {
        return Ok(false);
    }
    let place = deployed_to(scope);
    let Some(name) = place.split('/').nth(4) else {
        return Ok(false);
    };
    let found = group::find(az, name)?;
    let manager = found.as_ref().and_then(|group| group["managedBy"].as_str());
    Ok(manager.is_some_and(|manager| survey.going().any(|resource| is_within(manager, &resource.id))))
}

/// Deletes it, in an order by which a later run finds the rest: records are known by the assignments they list.
/// Returns what was forbidden: that must not keep the costly rest alive, and is told at the end.
///
/// # Errors
/// When Azure refuses for another reason.
pub fn remove(az: &Az<'_>, ui: &Ui, outside: &Outside) -> anyhow::Result<Vec<Problem>> {
    if outside.assignments.is_empty() {
        return Ok(Vec::new());
    }
    super::phase(az, ui, "role assignments", || {
        let mut forbidden = Vec::new();
        for record in &outside.records {
            forbidden.extend(allowed(record, assignments::delete_record(az, record))?);
        }
        for (one, by_us) in &outside.assignments {
            match (allowed(&one.id, assignments::delete(az, &one.id))?, by_us) {
                (Some(problem), false) => ui.event(Event::Warning { text: &problem.to_string() }),
                (problem, _) => forbidden.extend(problem),
            }
        }
        let note = match forbidden.len() {
            0 => format!("{} deleted", outside.assignments.len()),
            count => format!("{count} deletions forbidden"),
        };
        Ok((forbidden, note))
    })
}

/// What is forbidden about the deletion of `id`.
fn allowed(id: &str, deleted: Result<(), AzError>) -> anyhow::Result<Option<Problem>> {
    let Err(error) = deleted else { return Ok(None) };
    if !matches!(error.kind, Kind::Forbidden(_)) {
        return Err(refused(&error).into());
    }
    let remedy = "an owner of the subscription can run that command; or ask for the right and run this again";
    Ok(Some(Problem::new(error.code(), error.to_string()).resource(id).remedy(remedy)))
}
