//! The whole resource group is deleted and followed until it is gone. The deletion runs in Azure, so a run can take it
//! up where another left it.

use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::obstacles::SCOPE_LOCKED;
use super::parts;
use super::survey::failed;
use crate::azure::{Az, AzError, Kind, contents, group};
use crate::failure::{Exit, Failure, Problem};
use crate::process::{Output, interrupt};
use crate::threads::joined;
use crate::ui::{Event, Ui};

/// A NetApp volume or a Bastion takes Azure a quarter of an hour; three hours is a hang.
const LIMIT: Duration = Duration::from_secs(3 * 3600);
/// For how long an expired sign-in or a broken network is borne.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How often it is asked for: Azure deletes users beside what they use, and may find something in use still.
const ATTEMPTS: usize = 2;

/// Deletes the group `name` and waits until it is gone; one that Azure is deleting already is followed.
///
/// # Errors
/// [`Exit::Deployment`] or [`Exit::Refused`] with Azure's reasons; [`Exit::Interrupted`] when we are, in which
/// case the deletion goes on.
pub(super) fn remove(az: &Az<'_>, ui: &Ui, name: &str) -> anyhow::Result<()> {
    let removal = Removal { az, ui, name, started: Instant::now() };
    if az.is_dry_run() {
        return Ok(az.run(&group::delete(az, name, LIMIT), "").map(|_| ()).map_err(failed)?);
    }
    for attempt in 1..=ATTEMPTS {
        if removal.is_gone()? {
            return Ok(());
        }
        if attempt > 1 {
            // What az says of a group that came back has no reason in it: Azure's answer spells `Error` and az
            // reads `error` (azure-core, `ODataV4Format`). Each resource by itself has.
            parts::sweep(az, ui, name)?;
        }
        match removal.attempt() {
            Err(error) if attempt == ATTEMPTS || !came_back(&error) => return Err(error),
            _ => {}
        }
    }
    if removal.is_gone()? { Ok(()) } else { Err(removal.remains()) }
}

struct Removal<'a> {
    az: &'a Az<'a>,
    ui: &'a Ui,
    name: &'a str,
    started: Instant,
}

type Waiting<'scope> = ScopedJoinHandle<'scope, Result<Output, AzError>>;

impl Removal<'_> {
    /// Whether the group is gone, once a deletion that runs has ended.
    fn is_gone(&self) -> anyhow::Result<bool> {
        if self.look()?.is_some_and(|found| group::is_deleting(&found)) {
            self.follow(None)?;
        }
        Ok(self.look()?.is_none())
    }

    /// Lets az delete the group and wait, for only who waits hears of a failure; shows beside it what is left.
    fn attempt(&self) -> anyhow::Result<()> {
        let command = group::delete(self.az, self.name, LIMIT);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| self.az.run(&command, "deleting the resource group"));
            self.follow(Some(waiting))
        })
    }

    /// Follows the deletion until the group is gone or back; `waiting` is az.
    fn follow(&self, mut waiting: Option<Waiting<'_>>) -> anyhow::Result<()> {
        let mut last_answer = Instant::now();
        let mut warned = String::new();
        loop {
            let ended = waiting.take_if(|az| az.is_finished());
            if let Some(az) = ended {
                let ended = joined(az);
                self.judge(ended, &mut warned)?;
            }
            match group::look(self.az, self.name) {
                Ok(None) => return Ok(()),
                Ok(Some(found)) if waiting.is_none() && !group::is_deleting(&found) => return Ok(()),
                Ok(Some(_)) => last_answer = Instant::now(),
                Err(error) if matches!(error.kind, Kind::Interrupted) => return Err(self.goes_on()),
                Err(error) if last_answer.elapsed() > PATIENCE => return Err(self.lost(&error)),
                Err(error) => self.warn(&error, &mut warned),
            }
            self.show_what_is_left();
            if self.started.elapsed() > LIMIT {
                return Err(self.too_long());
            }
            self.pause(waiting.as_ref())?;
        }
    }

    /// Between two looks; the end of az is noticed at once.
    fn pause(&self, waiting: Option<&Waiting<'_>>) -> anyhow::Result<()> {
        let pause = Duration::from_secs(if self.started.elapsed().as_secs() < 60 { 3 } else { 15 });
        let until = Instant::now() + pause;
        while Instant::now() < until && !waiting.is_some_and(ScopedJoinHandle::is_finished) {
            interrupt::sleep(Duration::from_millis(200)).map_err(|_| self.goes_on())?;
        }
        Ok(())
    }

    /// What az says at its end. That it lost its way to Azure does not end the deletion.
    fn judge(&self, ended: Result<Output, AzError>, warned: &mut String) -> anyhow::Result<()> {
        let Err(error) = ended else { return Ok(()) };
        match &error.kind {
            Kind::NotFound(_) => Ok(()),
            Kind::Interrupted => Err(self.goes_on()),
            Kind::Refused(_)
            | Kind::Forbidden(_)
            | Kind::Missing
            | Kind::Io { .. }
            | Kind::NoSubscription { .. } => Err(refused(&error).into()),
            _ => {
                self.warn(&error, warned);
                Ok(())
            }
        }
    }

    fn warn(&self, error: &AzError, warned: &mut String) {
        let next = error.remedy().map(|remedy| format!("; next: {remedy}")).unwrap_or_default();
        let text = format!("waiting for the deletion of {}: {error}{next}; trying again", self.name);
        if text != *warned {
            self.ui.event(Event::Warning { text: &text });
            *warned = text;
        }
    }

    fn look(&self) -> anyhow::Result<Option<Value>> {
        Ok(group::look(self.az, self.name).map_err(failed)?)
    }

    /// Only shown, so that a failure is none.
    fn show_what_is_left(&self) {
        let Ok(left) = contents::resources(self.az, self.name) else { return };
        let names: Vec<&str> = left.iter().map(|resource| resource.name.as_str()).take(4).collect();
        let text = format!("{} resources left: {}", left.len(), names.join(", "));
        self.ui.event(Event::Progress { text: &text });
    }

    fn id(&self) -> String {
        self.az.group_id(self.name)
    }

    fn ways_on(&self) -> String {
        format!(
            "follow it: az group wait --deleted --subscription {} --resource-group {}; or run the same command \
             again, which follows it to its end (a deletion cannot be cancelled)",
            self.az.subscription(),
            self.name
        )
    }

    fn goes_on(&self) -> anyhow::Error {
        let message =
            format!("interrupted; the deletion of the resource group {} goes on in Azure", self.name);
        Failure::new(Exit::Interrupted, "Interrupted", message)
            .resource(self.id())
            .remedy(self.ways_on())
            .into()
    }

    fn lost(&self, error: &AzError) -> anyhow::Error {
        let failure = failed(error.clone()).resource(self.id());
        let remedy = error.remedy().map(|remedy| format!("{remedy}; then {}", self.ways_on()));
        failure.remedy(remedy.unwrap_or_else(|| self.ways_on())).into()
    }

    fn too_long(&self) -> anyhow::Error {
        let hours = LIMIT.as_secs() / 3600;
        let message = format!("the resource group {} is not gone after {hours} hours", self.name);
        Failure::new(Exit::Deployment, "DeletionTimeout", message)
            .resource(self.id())
            .remedy(self.ways_on())
            .into()
    }

    fn remains(&self) -> anyhow::Error {
        let message =
            format!("Azure ended the deletion of the resource group {}, and it is still there", self.name);
        Failure::new(Exit::Deployment, "GroupRemains", message)
            .resource(self.id())
            .remedy("see the group's activity log for the reason, then run the same command again")
            .into()
    }
}

/// Azure's no, one problem for each of its reasons.
pub(super) fn refused(error: &AzError) -> Failure {
    let failure = failed(error.clone());
    let leaves = match &error.kind {
        Kind::Refused(leaves) | Kind::Forbidden(leaves) if !leaves.is_empty() => leaves,
        _ => return failure,
    };
    let exit = if leaves.iter().any(|leaf| leaf.code == SCOPE_LOCKED) { Exit::Refused } else { failure.exit };
    let again = "mend this and run the same command again: it goes on where it stopped";
    let remedy =
        error.remedy().map_or_else(|| again.to_owned(), |remedy| format!("{remedy}; then run this again"));
    let problem = |leaf: &crate::azure::error::ArmError| {
        let code = if leaf.code.is_empty() { error.code() } else { leaf.code.clone() };
        let problem = Problem::new(code, format!("{}: {}", error.why, leaf.message)).remedy(remedy.clone());
        Problem { resource: leaf.target.clone(), ..problem }
    };
    Failure::many(exit, leaves.iter().map(problem).collect())
}

/// Whether Azure took the deletion and gave it up, rather than refused it: then the words of az have no code, or the
/// reasons are those of resources.
fn came_back(error: &anyhow::Error) -> bool {
    let Some(failure) = error.downcast_ref::<Failure>() else { return false };
    let of_resource = |problem: &Problem| {
        problem.resource.is_some()
            || ["AzFailed", "ResourceGroupDeletionBlocked"].contains(&problem.code.as_str())
    };
    failure.exit == Exit::Deployment && failure.problems.iter().all(of_resource)
}
