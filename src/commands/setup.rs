//! `setup`: the pinned ansible-core is there.

use serde_json::json;

use crate::ansible::environment;
use crate::process::Runner;
use crate::ui::{Answer, Event, Ui};

/// Makes the environment when it is absent.
///
/// # Errors
/// Those of [`environment::ensure`].
pub fn run(runner: &Runner<'_>, ui: &Ui) -> anyhow::Result<Answer> {
    ui.event(Event::PhaseStarted { name: "Ansible environment" });
    let environment = environment::ensure(runner, ui)?;
    let what = if environment.made { "installed" } else { "already there" };
    let version = &environment.version;
    ui.event(Event::PhaseDone { note: &format!("ansible-core {version} {what}") });
    let folder = environment.folder.display().to_string();
    Ok(Answer {
        text: format!("ansible-core {version} is in {folder} ({what})\n"),
        result: json!({ "ansible_core": version, "folder": folder, "made": environment.made }),
    })
}
