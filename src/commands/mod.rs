//! One file a verb; each composes the rooms in reading order.

pub mod check;
pub mod configure;
pub mod install;
pub mod secure;
pub mod setup;

use crate::cli::{Cli, Command};
use crate::process::Runner;
use crate::ui::{Answer, Ui};

/// Runs the command that was typed.
///
/// # Errors
/// A [`crate::failure::Failure`] with the exit code.
pub fn run(cli: &Cli, ui: &Ui) -> anyhow::Result<Answer> {
    match &cli.command {
        Command::Install(args) => install::run(&cli.global, args, ui),
        Command::Setup => setup::run(&Runner::new(ui, false), ui),
        Command::Check(args) => check::run(&cli.global, args, ui),
    }
}
