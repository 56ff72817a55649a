//! What forbids a removal, known before anything is deleted.

use super::survey::Survey;
use crate::azure::Az;
use crate::azure::deployment::Deployments;
use crate::azure::locks::{self, Lock};
use crate::config::Config;
use crate::failure::{Exit, Failure, Problem};
use crate::process::quote;
use crate::ui::Ui;

/// Azure's code for what a lock forbids.
pub(super) const SCOPE_LOCKED: &str = "ScopeLocked";

/// The group is ours to clear, no deployment would fill it again, and no lock stands.
///
/// # Errors
/// [`Exit::Refused`] for another's group and for locks; [`Exit::Busy`] while a deployment runs.
pub fn check(az: &Az<'_>, ui: &Ui, survey: &Survey, config: &Config) -> anyhow::Result<()> {
    let name = &config.resource_group_name;
    let Some(group) = &survey.group else { return Ok(()) };
    if !group.is_ours && survey.made.records.is_empty() {
        let message = format!("ccslurm4ai did not make the resource group {name} and has not deployed to it");
        return Err(Failure::new(Exit::Refused, "NotOurs", message)
            .resource(survey.group_id.clone())
            .remedy("see whether config.yaml names the right resource_group_name and subscription")
            .into());
    }
    // A deployment that goes on brings a deleted group back (Azure/azure-sdk-tools issue 611).
    if let Some(active) = survey.made.deployments.iter().find(|one| one.is_active() && !group.is_going) {
        return Err(Deployments::new(az, ui, name)
            .busy(active, "it would create again what is deleted")
            .into());
    }
    match survey.locks.as_slice() {
        [] => Ok(()),
        locks => Err(Failure::many(Exit::Refused, locks.iter().map(locked).collect()).into()),
    }
}

/// `error` with the names of the locks behind a refusal that only names what is locked; one was set after the survey,
/// or could not be read then.
pub(super) fn name_locks(az: &Az<'_>, error: anyhow::Error) -> anyhow::Error {
    let mut failure = match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => return error,
    };
    if failure.problems.iter().any(|problem| problem.code == SCOPE_LOCKED) {
        let locks = locks::list(az, az.subscription()).unwrap_or_default();
        for problem in failure.problems.iter_mut().filter(|problem| problem.code == SCOPE_LOCKED) {
            let quoted = |lock: &&Lock| {
                problem.message.to_lowercase().contains(&format!("'{}'", lock.scope().to_lowercase()))
            };
            let names: Vec<String> =
                locks.iter().filter(quoted).map(|lock| format!("`{}`", lock.name)).collect();
            if !names.is_empty() {
                problem.message += &format!(" (lock {})", names.join(", "));
            }
            problem.remedy =
                Some("see `az lock list`, agree with who set it, remove it, and run this again".to_owned());
        }
    }
    failure.into()
}

fn locked(lock: &Lock) -> Problem {
    let Lock { id, name, level } = lock;
    Problem::new(
        SCOPE_LOCKED,
        format!("the lock `{name}` ({level}) forbids to delete it; nothing was deleted"),
    )
    .resource(lock.scope())
    .remedy(format!("agree with who set it, then: az lock delete --ids {}", quote(id)))
}
