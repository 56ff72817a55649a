//! `setup`: the pinned ansible-core is there.

use serde_json::json;

use crate::ansible::environment;
use crate::process::Runner;
use crate::ui::{Answer, Ui};

/// Makes the environment when it is absent.
///
/// # Errors
/// Those of [`environment::ensure`].
pub fn run(runner: &Runner<'_>, ui: &Ui) -> anyhow::Result<Answer> {
    let (environment, what) = ui.phase("Ansible environment", || {
        let environment = environment::ensure(runner, ui)?;
        let what = if environment.made { "installed" } else { "already there" };
        let note = format!("ansible-core {} {what}", environment.version);
        Ok(((environment, what), note))
    })?;
    let version = &environment.version;
    let folder = environment.folder.display().to_string();
    Ok(Answer {
        text: format!("ansible-core {version} is in {folder} ({what})\n"),
        result: json!({ "ansible_core": version, "folder": folder, "made": environment.made }),
    })
}
