//! `ccslurm4ai-twin`: rehearse ccslurm4ai against a simulated Azure and real hosts.

mod cli;
mod commands;

use std::process::ExitCode;

use ccslurm4ai_twin::hosts::requirements::Unfit;
use clap::Parser;
use cli::{Cli, Command};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run { start, argv } => commands::run(&start, &argv),
        Command::Prepare => commands::prepare(),
        Command::Up { start, place } => commands::up(&start, &place),
        Command::Serve { start, dir } => commands::serve(&start, &dir),
        Command::Down { place } => commands::down(&place),
        Command::Env { place } => commands::env(&place),
        Command::Status { place } => commands::status(&place),
        Command::Exec { place, host, argv } => commands::exec(&place, &host, &argv),
        Command::State { place } => commands::state(&place),
        Command::Requests { place } => commands::requests(&place),
        Command::Claims => commands::claims(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("ccslurm4ai-twin: {error:#}");
        let unfit = error.downcast_ref::<Unfit>();
        ExitCode::from(unfit.map_or(1, Unfit::exit_code))
    })
}
