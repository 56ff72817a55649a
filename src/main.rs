//! `ccslurm4ai`: a Slurm GPU cluster on Azure with one command.

mod ansible;
mod azure;
mod checks;
mod cli;
mod commands;
mod config;
mod connect;
mod dialog;
mod failure;
mod images;
mod infrastructure;
mod keys;
mod known_errors;
mod offers;
mod parameters;
mod plan;
mod process;
mod project;
mod remote;
mod removal;
mod resource_id;
mod sizes;
mod ssh;
mod templates;
mod threads;
mod tunnel;
mod ui;
mod unlisted;
mod verify;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use failure::{Exit, Failure, Problem};
use process::ProcessError;
use ui::{Format, Ui};

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ui = Ui::new(cli.global.output, !cli.global.no_color, cli.global.verbose);
    let name = cli.command.name();
    let result = process::interrupt::watch().map_err(Into::into).and_then(|()| commands::run(&cli, &ui));
    match result {
        Ok((answer, exit)) => {
            ui.answer(name, exit, &answer);
            ExitCode::from(exit as u8)
        }
        Err(error) => {
            let failure = as_failure(&error);
            ui.failure(name, failure.exit, &failure.problems, failure.partial.as_deref());
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Finds the exit code in an error; what no room foresaw is a fault of ours.
fn as_failure(error: &anyhow::Error) -> Failure {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    let text = format!("{error:#}");
    match error.downcast_ref::<ProcessError>() {
        Some(ProcessError::Interrupted) => {
            Failure::new(Exit::Interrupted, "Interrupted", "interrupted").remedy(failure::GO_ON)
        }
        Some(ProcessError::NotFound { program }) => {
            Failure::new(Exit::ProgramMissing, "ProgramMissing", text)
                .remedy(format!("install `{program}`; `ccslurm4ai check` names the command"))
        }
        _ => Failure::new(Exit::Internal, "Internal", text),
    }
}

/// Help and version are answers; anything else clap says is a usage error, in JSON when asked.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let args: Vec<_> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let wants_json = args.iter().any(|arg| arg == "--output=json")
        || args.windows(2).any(|pair| pair == ["--output", "json"]);
    if wants_json {
        let problem = Problem::new("Usage", error.to_string().trim().to_owned());
        Ui::new(Format::Json, false, false).document("", Exit::Usage, &serde_json::Value::Null, &[problem]);
    }
    ExitCode::from(Exit::Usage as u8)
}
