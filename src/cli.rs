//! The command line; types only.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::ui::Format;

/// Installs and looks after a Slurm GPU cluster on Azure, run by CycleCloud.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The cluster's configuration
    #[arg(long, global = true, value_name = "FILE", default_value = "config.yaml")]
    pub config: PathBuf,
    /// The folder for connection scripts and the state cache
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub workspace: PathBuf,
    /// Use the bicep/ and ansible/ of this folder instead of the bundled ones
    #[arg(long, global = true, value_name = "DIR", env = "CCSLURM4AI_TEMPLATES")]
    pub templates: Option<PathBuf>,
    /// The private SSH key of the admin user, when the vault cannot be read from here
    #[arg(long, global = true, value_name = "FILE")]
    pub ssh_key: Option<PathBuf>,
    /// Take an hpc_sku that this version does not know as Azure lists it
    #[arg(long, global = true)]
    pub allow_unlisted_size: bool,
    /// How the answer on standard output is written
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// Show each step
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// No colours
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented config.yaml: asks on a terminal, takes options elsewhere; never overwrites
    Init(InitArgs),
    /// Make the pinned Ansible environment in the cache folder (`install` does it when absent)
    Setup,
    /// Check configuration, programs, sign-in, sizes, permissions and quota; changes nothing
    Check(CheckArgs),
    /// Show what an installation would change, whom it gives rights, and what bills; changes nothing
    Plan(PlanArgs),
    /// Deploy the infrastructure, configure it, start the cluster and write connection scripts
    Install(InstallArgs),
    /// Delete what `install` made: the resource group, its role assignments elsewhere, the local files
    Destroy(DestroyArgs),
    /// Probe an installed cluster from the outside in: server, Slurm, a job, shared files, metrics, GPUs
    Verify(VerifyArgs),
    /// Print what makes a shell complete our commands and options
    Completions(CompletionsArgs),
}

impl Command {
    /// The command's name as typed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Setup => "setup",
            Self::Check(_) => "check",
            Self::Plan(_) => "plan",
            Self::Install(_) => "install",
            Self::Destroy(_) => "destroy",
            Self::Verify(_) => "verify",
            Self::Completions(_) => "completions",
        }
    }
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The subscription that is billed
    #[arg(long, value_name = "NAME|ID")]
    pub subscription: Option<String>,
    /// Azure region, such as eastus
    #[arg(long)]
    pub region: Option<String>,
    /// The resource group that will hold everything
    #[arg(long, value_name = "NAME")]
    pub resource_group: Option<String>,
    /// Size of the GPU nodes, such as Standard_ND96isr_H100_v5
    #[arg(long)]
    pub size: Option<String>,
    /// How many GPU nodes there are at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub nodes: Option<u32>,
    /// Instead write bicep/ and ansible/ into DIR, to be changed and used with --templates DIR
    #[arg(long, value_name = "DIR", conflicts_with_all = ["subscription", "region", "resource_group", "size", "nodes"])]
    pub eject: Option<PathBuf>,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Print what a check needs, when it passes and how to prove it by hand
    #[arg(long, value_name = "ID")]
    pub explain: Option<String>,
}

/// Options of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// End with 20 instead of 0 when an installation would change something
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Options of `install`.
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// Only Ansible, on the newest succeeded deployment
    #[arg(short, long, conflicts_with = "bicep")]
    pub ansible: bool,
    /// Only the infrastructure (Bicep)
    #[arg(short, long)]
    pub bicep: bool,
    /// Then secure what runs: extensions and identity on each VM, rules of policies, the key vault's firewall
    #[arg(short, long)]
    pub secure: bool,
    /// Show what would be run and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Deploy even when nothing changed since the last deployment, and overwrite what was edited by hand in CycleCloud
    #[arg(long)]
    pub force: bool,
}

/// Options of `destroy`.
#[derive(Debug, Args)]
pub struct DestroyArgs {
    /// Do not ask for the resource group's name
    #[arg(long)]
    pub yes: bool,
    /// Show what would be deleted and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Start up to N GPU nodes, test their GPUs and the network between them, and stop those again
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub gpu: Option<u32>,
}
