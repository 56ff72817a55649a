//! `init`: a commented `config.yaml`, from answers or options; or the templates, to be changed.

mod files;
mod live;
mod questions;

use std::path::Path;

use serde_json::json;

use crate::cli::{Global, InitArgs};
use crate::config::Config;
use crate::dialog::Dialog;
use crate::process::Runner;
use crate::templates;
use crate::ui::{Answer, Event, Ui};
use files::Files;
use questions::{Given, Questions};

/// Writes a configuration, or with `--eject` the templates. Nothing is overwritten.
///
/// # Errors
/// [`crate::failure::Exit::Refused`] for what is there already; [`crate::failure::Exit::Usage`] for wrong options and,
/// without a terminal, missing ones.
pub fn run(global: &Global, args: &InitArgs, ui: &Ui) -> anyhow::Result<Answer> {
    if let Some(folder) = &args.eject {
        return eject(folder);
    }
    let files = Files::beside(&global.config);
    files.check()?;
    let given = Given::of(args)?;
    let runner = Runner::new(ui, false);
    let questions = Questions { allow_unlisted: global.allow_unlisted_size, runner: &runner, ui };
    let (answers, size) = match Dialog::on(ui) {
        Some(mut dialog) => questions.ask(given, &mut dialog)?,
        None => questions.answers_of(given)?,
    };
    files.write(&answers)?;
    let (_, warnings) = Config::load(&global.config, Some(&size))?;
    for warning in warnings {
        ui.event(Event::Warning { text: &warning.to_string() });
    }
    Ok(files.answer())
}

fn eject(folder: &Path) -> anyhow::Result<Answer> {
    templates::eject(folder)?;
    let shown = folder.display();
    Ok(Answer {
        text: format!(
            "bicep/, ansible/ and VERSION are in {shown}; change them, then:\n  ccslurm4ai install --templates {shown}\n"
        ),
        result: json!({ "templates": folder }),
    })
}
