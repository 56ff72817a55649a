//! `check`: what can be known before anything is created.

use serde_json::json;

use crate::checks;
use crate::cli::{CheckArgs, Global};
use crate::failure::{Exit, Failure};
use crate::images::Images;
use crate::keys::{self, OwnKeys};
use crate::process::Runner;
use crate::project;
use crate::templates::Templates;
use crate::ui::{Answer, Ui};
use crate::workspace;

/// Runs all checks, or prints what one of them is about.
///
/// # Errors
/// With the exit code of an invalid configuration or of the most blocking check; the report goes along.
pub fn run(global: &Global, args: &CheckArgs, ui: &Ui) -> anyhow::Result<Answer> {
    if let Some(id) = &args.explain {
        return explain(id);
    }
    let runner = Runner::new(ui, false);
    let config = project::configuration(global, &runner, ui)?;
    let own_keys = OwnKeys {
        public_file: config.ssh_public_key_file.as_deref(),
        private_file: global.ssh_key.as_deref(),
    };
    let state = workspace::state_folder(&global.workspace, &config.resource_group_name);
    let needs_key = !keys::at_hand(own_keys, &state);
    let images = Images::of(&Templates::open(global.templates.as_deref())?.versions()?, &config)?;
    let (report, _) = checks::run_all(&runner, &config, &images, needs_key, |_| ())?;
    let answer = Answer { text: report.table(), result: report.json() };
    match report.failure() {
        Some(failure) => Err(failure.partial(answer).into()),
        None => Ok(answer),
    }
}

fn explain(id: &str) -> anyhow::Result<Answer> {
    let unknown = || {
        let ids = checks::ids().collect::<Vec<_>>().join(", ");
        Failure::new(Exit::Usage, "Usage", format!("there is no check `{id}`"))
            .remedy(format!("one of: {ids}"))
    };
    let text = checks::explain(id).ok_or_else(unknown)?;
    Ok(Answer { result: json!({ "id": id, "text": text }), text })
}
