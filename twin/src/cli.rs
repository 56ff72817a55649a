//! The command line of the twin.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Rehearse ccslurm4ai against a simulated Azure and real hosts on this machine.
#[derive(Debug, Parser)]
#[command(name = "ccslurm4ai-twin", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How a twin is started.
#[derive(Args, Debug)]
pub struct Start {
    /// YAML file that says what differs from a friendly Azure.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Virtual machines exist in Azure's state only: no root needed.
    #[arg(long)]
    pub no_hosts: bool,
}

/// Which running twin is meant.
#[derive(Args, Debug)]
pub struct Place {
    /// Folder of the twin [default: the one of the last `up`].
    #[arg(long, env = "CCSLURM4AI_TWIN_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a twin, run a command in its environment, stop the twin; exits with the command's status.
    Run {
        #[command(flatten)]
        start: Start,
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, required = true, value_name = "CMD")]
        argv: Vec<String>,
    },
    /// Make the hosts' root file system now (about a minute, once) and print its folder; `up` and `run` do it when
    /// it is absent.
    Prepare,
    /// Start a twin that stays until `down`.
    Up {
        #[command(flatten)]
        start: Start,
        #[command(flatten)]
        place: Place,
    },
    /// Stop the twin that `up` started.
    Down {
        #[command(flatten)]
        place: Place,
    },
    /// Print the environment of the running twin, for `eval`.
    Env {
        #[command(flatten)]
        place: Place,
    },
    /// Print how the running twin is doing, as JSON.
    Status {
        #[command(flatten)]
        place: Place,
    },
    /// Run a command as root inside a host of the running twin.
    Exec {
        #[command(flatten)]
        place: Place,
        /// Computer name of the VM.
        host: String,
        /// The command and its arguments.
        #[arg(last = true, required = true, value_name = "CMD")]
        argv: Vec<String>,
    },
    /// Print the whole simulated Azure as JSON; secrets show as hashes.
    State {
        #[command(flatten)]
        place: Place,
    },
    /// Print the requests so far, a JSON object a line.
    Requests {
        #[command(flatten)]
        place: Place,
    },
    /// Print what the twin plays, where that is known from and how sure it is (`twin/CLAIMS.md`).
    Claims,
    /// What `up` starts in the background.
    #[command(hide = true)]
    Serve {
        #[command(flatten)]
        start: Start,
        /// Folder of the twin.
        #[arg(long)]
        dir: PathBuf,
    },
}
