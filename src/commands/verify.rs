//! `verify`: did the installation work?

use std::time::Duration;

use crate::azure::cluster::public_key;
use crate::azure::deployment::Deployments;
use crate::azure::outputs::Outputs;
use crate::azure::vault::Vault;
use crate::azure::{Az, account};
use crate::cli::{Global, VerifyArgs};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::keys::{self, OwnKeys};
use crate::process::Runner;
use crate::project;
use crate::ssh::Identity;
use crate::ui::{Answer, Ui};
use crate::verify::{self, Report, Subject};
use crate::workspace::Workspace;

/// Probes the cluster that the newest succeeded deployment belongs to.
///
/// # Errors
/// Exit code 4 with the report when a probe failed; before that, those of finding the cluster.
pub fn run(global: &Global, args: &VerifyArgs, ui: &Ui) -> anyhow::Result<Answer> {
    let runner = Runner::new(ui, false);
    let config = project::configuration(global, &runner, ui)?;
    fits(&config, args)?;
    let workspace = Workspace::open(&global.workspace, &config.resource_group_name, &runner)?;
    let own_keys = OwnKeys {
        public_file: config.ssh_public_key_file.as_deref(),
        private_file: global.ssh_key.as_deref(),
    };
    keys::check(own_keys, &runner)?;
    let az = Az::new(&runner, config.subscription.to_string());
    let caller = account::caller(&az).map_err(|error| error.failure(Exit::Access))?;
    let az = az.on(&caller.subscription_id);
    let deployments = Deployments::new(&az, ui, &config.resource_group_name);
    let ours = deployments.ours()?;
    let newest = deployments.newest(&ours)?;
    let outputs = Outputs::read(&newest.outputs, &newest.name)?;
    let vault = Vault::new(&az, &config.resource_group_name, &config.region, &config.admin_user);
    let server_key = public_key(&az, &outputs.global.cycleserver_id)?;
    let identity = Identity {
        user: outputs.global.cycleserver_admin.clone(),
        key_file: keys::identity(own_keys, &server_key, &vault, &workspace, &runner, ui)?,
        known_hosts: workspace.path("ssh/known_hosts"),
    };
    let subject = Subject {
        config: &config,
        global: &outputs.global,
        server_address: outputs.server_address,
        identity: &identity,
        az: &az,
        logs: workspace.path("logs"),
        patience: patience(),
        settle: Duration::ZERO,
        runner: &runner,
        ui,
    };
    ui.phase("verify", || {
        let mut report = Report::default();
        let failure = match verify::run(&subject, args.gpu, &mut report) {
            Ok(()) => report.failure(),
            Err(_) => {
                Some(Failure::new(Exit::Interrupted, "Interrupted", "interrupted").remedy("run it again"))
            }
        };
        match failure {
            Some(failure) => Err(failure.partial(report.answer()).into()),
            None => Ok((report.answer(), report.counts())),
        }
    })
}

/// Seconds that nodes may take to come up, when `CCSLURM4AI_NODE_TIMEOUT` says so.
fn patience() -> Option<Duration> {
    let seconds = std::env::var("CCSLURM4AI_NODE_TIMEOUT").ok()?.parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn fits(config: &Config, args: &VerifyArgs) -> anyhow::Result<()> {
    let most = config.hpc_node_count();
    match args.gpu {
        Some(count) if count > most => {
            let text = format!("--gpu {count}: the configuration has {most} GPU nodes");
            let remedy = "name fewer, or raise `hpc_max_core_count` and run `ccslurm4ai install`";
            Err(Failure::new(Exit::Usage, "Usage", text).remedy(remedy).into())
        }
        _ => Ok(()),
    }
}
