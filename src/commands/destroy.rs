//! `destroy`: what `install` made is read, shown, consented to, and deleted.

use crate::azure::{Az, account};
use crate::cli::{DestroyArgs, Global};
use crate::config::Config;
use crate::connect;
use crate::failure::{Exit, Failure};
use crate::process::Runner;
use crate::project;
use crate::removal::{self, Survey};
use crate::ui::{Answer, Event, Ui};
use crate::workspace::Workspace;

/// Deletes role assignments outside the group, the group or what is ours of it, and the local files.
///
/// # Errors
/// With the exit code of what is in the way: no consent, a lock or a foreign group (12), a deployment (8), no access
/// (10); what Azure could not delete (5).
pub fn run(global: &Global, args: &DestroyArgs, ui: &Ui) -> anyhow::Result<Answer> {
    let runner = Runner::new(ui, args.dry_run);
    let config = project::configuration(global, &runner, ui)?;
    let asks = !args.yes && !args.dry_run;
    if asks && !ui.can_ask() {
        return Err(no_terminal());
    }
    let workspace = Workspace::open(&global.workspace, &config.resource_group_name, &runner)?;
    let az = signed_in(&runner, &config)?;
    let survey = ui.phase("survey", || {
        let survey = Survey::take(&az, ui, &config)?;
        let note = format!("{} resources to delete", survey.going().count());
        Ok((survey, note))
    })?;
    removal::check(&az, ui, &survey, &config)?;
    let listing = removal::listing(&survey, &config);
    if !args.dry_run && !listing.is_empty() {
        ui.event(Event::Note { text: listing.trim_end() });
    }
    if asks && survey.has_work() {
        ask(ui, &config)?;
    }
    let forbidden = removal::remove_outside(&az, ui, &survey.outside)?;
    removal::remove_inside(&az, ui, &survey, &config)?;
    let files = removal_of_files(ui, &workspace, &config, &az, args.dry_run)?;

    let mut result = removal::result(&survey, &config);
    result["changed"] = (survey.has_work() && !args.dry_run).into();
    result["local_files"] = files.into();
    if args.dry_run {
        result["would_run"] = runner.shown().into();
        return Ok(Answer { text: format!("{listing}dry run: nothing was deleted\n"), result });
    }
    let answer = Answer { text: removal::summary(&survey, &config), result };
    if forbidden.is_empty() {
        return Ok(answer);
    }
    Err(Failure::many(Exit::Access, forbidden).partial(answer).into())
}

fn no_terminal() -> anyhow::Error {
    let message = "destroy asks for the name of the resource group, and there is no terminal to ask on";
    Failure::new(Exit::Refused, "NotConfirmed", message)
        .remedy("see with `ccslurm4ai destroy --dry-run` what goes, then run it with --yes")
        .into()
}

/// `az`, bound to the subscription of `config`, whose sign-in works.
fn signed_in<'a>(runner: &'a Runner<'a>, config: &Config) -> anyhow::Result<Az<'a>> {
    let az = Az::new(runner, config.subscription.to_string());
    let caller = account::caller(&az).map_err(|error| error.failure(Exit::Check))?;
    Ok(az.on(caller.subscription_id))
}

fn ask(ui: &Ui, config: &Config) -> anyhow::Result<()> {
    let name = &config.resource_group_name;
    let answer = ui.ask(&format!("Type the name of the resource group, {name}, to delete all this: "))?;
    if answer.trim() == name {
        return Ok(());
    }
    let message = format!("`{}` is not the name of the resource group: nothing was deleted", answer.trim());
    Err(Failure::new(Exit::Refused, "NotConfirmed", message).into())
}

/// The connection scripts of this cluster and its state folder; the names of what goes.
fn removal_of_files(
    ui: &Ui,
    workspace: &Workspace,
    config: &Config,
    az: &Az<'_>,
    dry_run: bool,
) -> anyhow::Result<Vec<String>> {
    let written = connect::written(workspace.root(), &az.group_id(&config.resource_group_name));
    let mut files: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    files.push(workspace.path("").display().to_string());
    if dry_run {
        return Ok(files);
    }
    ui.phase("local files", || {
        connect::remove(&written)?;
        workspace.remove()?;
        let note = format!("{} scripts and the state folder", written.len());
        Ok((files, note))
    })
}
