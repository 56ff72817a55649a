//! One file a verb; each composes the rooms in reading order.

pub mod check;
pub mod completions;
pub mod configure;
pub mod destroy;
pub mod init;
pub mod install;
pub mod plan;
pub mod secure;
pub mod setup;
pub mod verify;

use crate::cli::{Cli, Command};
use crate::failure::Exit;
use crate::process::Runner;
use crate::ui::{Answer, Ui};

/// Runs the command that was typed; its answer, and the exit code of a command that went well.
///
/// # Errors
/// A [`crate::failure::Failure`] with the exit code.
pub fn run(cli: &Cli, ui: &Ui) -> anyhow::Result<(Answer, Exit)> {
    let done = |answer| (answer, Exit::Done);
    match &cli.command {
        Command::Install(args) => install::run(&cli.global, args, ui).map(done),
        Command::Init(args) => init::run(&cli.global, args, ui).map(done),
        Command::Setup => setup::run(&Runner::new(ui, false), ui).map(done),
        Command::Check(args) => check::run(&cli.global, args, ui).map(done),
        Command::Plan(args) => plan::run(&cli.global, args, ui),
        Command::Destroy(args) => destroy::run(&cli.global, args, ui).map(done),
        Command::Verify(args) => verify::run(&cli.global, args, ui).map(done),
        Command::Completions(args) => completions::run(args).map(done),
    }
}
