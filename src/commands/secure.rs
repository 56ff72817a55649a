//! Secure mode: what can only be done once VMs run, and what policies undo. Reads first, and changes only what
//! is not so.

use crate::azure::machine::{self, Extension, Machine};
use crate::azure::{AzError, Kind, Step, security_group};
use crate::failure::{Exit, Failure, GO_ON};
use crate::infrastructure::Site;
use crate::threads::{joined, side_by_side};
use crate::ui::Event;

/// How many az run at once: each takes about 100 MB.
const SIDE_BY_SIDE: usize = 8;

/// Secures the running VMs, the network security groups and the key vault of the resource group; what was
/// changed, in words.
///
/// # Errors
/// When Azure does not answer; [`Exit::Deployment`] or [`Exit::Access`] when it refuses a change, while the other
/// resources are secured all the same.
pub fn run(site: &Site<'_>) -> anyhow::Result<Vec<String>> {
    site.ui.phase("secure mode", || {
        let extensions = Extension::of(&site.templates.versions()?)?;
        let resources = look(site, &extensions).map_err(|error| error.failure(Exit::Deployment))?;
        let at_once = if site.runner.is_dry_run() { 1 } else { SIDE_BY_SIDE };
        let ends = side_by_side(&resources, at_once, |steps| take(site, steps));
        if site.runner.is_dry_run() {
            return Ok((Vec::new(), "only shown: dry run".to_owned()));
        }
        let (changed, failed): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
        let changed: Vec<String> = changed.concat();
        for what in &changed {
            site.ui.event(Event::Note { text: what });
        }
        failure(failed.into_iter().flatten().collect()).map_or(Ok(()), Err)?;
        let note = match changed.len() {
            0 => "nothing to change".to_owned(),
            number => format!("changed={number}"),
        };
        Ok((changed, note))
    })
}

/// What there is to do: the steps of each resource.
fn look(site: &Site<'_>, extensions: &[Extension]) -> Result<Vec<Vec<Step>>, AzError> {
    let (az, group) = (site.az, site.config.resource_group_name.as_str());
    std::thread::scope(|scope| {
        let rules = scope.spawn(|| security_group::unwanted_rules(az, group));
        let closing = scope.spawn(|| site.vault.closing());
        let names = machine::names(az, group)?;
        let machines = side_by_side(&names, SIDE_BY_SIDE, |name| machine::look(az, group, name, extensions));
        let mut resources = Vec::new();
        for machine in machines {
            match machine? {
                Some(Machine::Running(steps)) => resources.push(steps),
                Some(Machine::Other(name)) => {
                    let text = format!("{name}: left alone, for it is no running Linux VM");
                    site.ui.event(Event::Note { text: &text });
                }
                None => {}
            }
        }
        resources.extend(joined(rules)?);
        resources.extend(joined(closing)?.map(|step| vec![step]));
        Ok(resources)
    })
}

/// Takes the steps of one resource until one fails: what was done, and why not the rest.
fn take(site: &Site<'_>, steps: &[Step]) -> (Vec<String>, Option<AzError>) {
    let mut done = Vec::new();
    for step in steps {
        site.ui.event(Event::Progress { text: step.what() });
        if let Err(error) = step.take(site.az) {
            return (done, Some(error));
        }
        done.push(step.what().to_owned());
    }
    (done, None)
}

/// All that failed as one failure; an interrupt is the reason for all.
fn failure(errors: Vec<AzError>) -> Option<Failure> {
    let interrupted = errors.iter().position(|error| matches!(error.kind, Kind::Interrupted));
    let first = errors.get(interrupted.unwrap_or_default())?.failure(Exit::Deployment);
    if interrupted.is_some() {
        return Some(first);
    }
    let problems = errors.iter().flat_map(|error| error.failure(Exit::Deployment).problems);
    let with_remedy = problems.map(|problem| match problem.remedy {
        None => problem.remedy(GO_ON),
        Some(_) => problem,
    });
    Some(Failure::many(first.exit, with_remedy.collect()))
}
