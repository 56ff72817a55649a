//! `install`: the phases in the order in which they run.

use std::time::Duration;

use serde_json::{Value, json};

use super::configure::{self, Configuration};
use super::secure;
use crate::ansible::environment::{self, Environment};
use crate::ansible::inventory::{Cluster, NodeImages, Variables};
use crate::azure::Az;
use crate::azure::cluster::{self, ClusterVms};
use crate::azure::deployment::{Deployment, Deployments};
use crate::azure::outputs::Outputs;
use crate::azure::vault::Vault;
use crate::cli::{Global, InstallArgs};
use crate::config::Config;
use crate::connect::{self, Reach, Targets};
use crate::images::{Image, Images};
use crate::infrastructure::{Infrastructure, Site, Survey};
use crate::keys;
use crate::process::Runner;
use crate::project::Project;
use crate::ssh::Identity;
use crate::tunnel::{Route, Way};
use crate::ui::{Answer, Event, Ui};
use crate::verify::{self, Subject};

/// For how long scheduler and login nodes may still be starting: allocation, boot, and the cluster-init of all projects.
const SETTLE: Duration = Duration::from_secs(30 * 60);

/// Deploys, configures and connects; `-b` stops after the infrastructure, `-a` starts after it, `-s` secures
/// what runs in the end.
///
/// # Errors
/// With the exit code of the phase that failed.
pub fn run(global: &Global, args: &InstallArgs, ui: &Ui) -> anyhow::Result<Answer> {
    let runner = Runner::new(ui, args.dry_run);
    let project = Project::open(global, &runner, ui)?;
    let Project { config, images, .. } = &project;
    let (ready, evidence) =
        project.check(!args.bicep, |az| Evidence::gather(args.ansible, az, ui, config, &images.server))?;
    let az = Az::new(&runner, &ready.caller.subscription_id);
    let vault = Vault::new(&az, &config.resource_group_name, &config.region, &config.admin_user);
    let site = project.site(&ready, &az, &vault);

    let (infrastructure, mut result) = phases(&site, args, evidence, images)?;
    if args.dry_run {
        result["would_run"] = runner.shown().into();
    }
    Ok(Answer { text: summary(config, &infrastructure, &result, args.dry_run), result })
}

/// What follows the checks.
fn phases(
    site: &Site<'_>,
    args: &InstallArgs,
    evidence: Evidence,
    images: &Images,
) -> anyhow::Result<(Infrastructure, Value)> {
    let ui = site.ui;
    // Before any money is spent: this needs the network and may fail.
    let environment =
        if args.bicep || args.dry_run { None } else { Some(ansible_environment(site.runner, ui)?) };
    let infrastructure = match evidence {
        Evidence::Deployments(deployments) => site.newest(&deployments)?,
        Evidence::All(survey) => site.deploy(&survey, args.force)?,
    };
    let mut result = json!({
        "resource_group": site.config.resource_group_name,
        "deployment": { "name": infrastructure.deployment, "changed": infrastructure.changed },
    });
    let mut installed = None;
    match (environment, &infrastructure.outputs) {
        (Some(environment), Some(outputs)) => {
            let identity = configure_and_connect(site, outputs, images, &environment, args.force, &mut result)?;
            installed = Some((outputs, identity));
        }
        _ if args.dry_run && !args.bicep => ui.event(Event::Note {
            text: "then: configure CycleCloud with Ansible, start the cluster, write the connection scripts, verify",
        }),
        _ => {}
    }
    match (args.secure, &infrastructure.outputs) {
        (true, Some(_)) => result["secure"] = json!({ "changed": secure::run(site)? }),
        (true, None) => ui.event(Event::Note {
            text: "then: secure the VMs, network security groups and key vault that there are by then",
        }),
        (false, _) => {}
    }
    if let Some((outputs, identity)) = installed {
        works(site, outputs, &identity, &mut result)?;
    }
    Ok((infrastructure, result))
}

/// What Azure already has, as far as this run needs to know.
enum Evidence {
    /// For `-a`.
    Deployments(Vec<Deployment>),
    All(Survey),
}

impl Evidence {
    fn gather(
        ansible_only: bool,
        az: &Az<'_>,
        ui: &Ui,
        config: &Config,
        image: &Image,
    ) -> anyhow::Result<Self> {
        if ansible_only {
            return Deployments::new(az, ui, &config.resource_group_name).ours().map(Self::Deployments);
        }
        Survey::take(az, ui, config, image).map(Self::All)
    }
}

fn ansible_environment(runner: &Runner<'_>, ui: &Ui) -> anyhow::Result<Environment> {
    ui.phase("Ansible environment", || {
        let environment = environment::ensure(runner, ui)?;
        let note = format!("ansible-core {}", environment.version);
        Ok((environment, note))
    })
}

fn configure_and_connect(
    site: &Site<'_>,
    outputs: &Outputs,
    images: &Images,
    environment: &Environment,
    force: bool,
    result: &mut Value,
) -> anyhow::Result<Identity> {
    let Site { config, az, ui, .. } = *site;
    let global = &outputs.global;
    let (server_key, key_file) = ui.phase("SSH key", || {
        let server_key = cluster::public_key(az, &global.cycleserver_id)?;
        let file = keys::identity(site.own_keys, &server_key, site.vault, site.workspace, site.runner, ui)?;
        let note = file.display().to_string();
        Ok(((server_key, file), note))
    })?;
    let identity = Identity {
        user: global.cycleserver_admin.clone(),
        key_file,
        known_hosts: site.workspace.path("ssh/known_hosts"),
    };
    let way = match &global.bastion {
        Some(bastion) => Way::Bastion(bastion.clone()),
        None => Way::Direct(outputs.server_address),
    };
    let route = Route { vm: global.cycleserver_id.clone(), way };
    let recap = ui.phase("configuration", || {
        let variables = Variables {
            global_vars: outputs.global_document.clone(),
            ccslurm4ai: facts(config, images, &server_key, force),
        };
        let plan = Configuration {
            route: &route,
            identity: &identity,
            environment,
            templates: &site.templates.ansible(),
            state: &site.workspace.path(""),
            variables: &variables,
        };
        let recap = configure::run(site.runner, ui, &plan)?;
        let note = format!("changed={}", recap.changed());
        Ok((recap, note))
    })?;
    result["ansible"] = json!({ "changed": recap.changed() });
    let vms = ui.phase("cluster VMs", || {
        let (group, name) = (&config.resource_group_name, &config.cluster_name);
        let vms = cluster::wait_for_vms(az, ui, group, name, config.login_nodes)?;
        Ok((vms, format!("scheduler and {} login nodes", config.login_nodes)))
    })?;
    result["vms"] = json!({
        "cycleserver": global.cycleserver_id, "scheduler": vms.scheduler, "login": vms.logins,
    });
    let written = ui.phase("connection scripts", || {
        let written =
            connect::write(site.workspace.root(), &targets(site, outputs, identity.clone(), &vms)?)?;
        let note = format!("{} files in {}", written.len(), site.workspace.root().display());
        Ok((written, note))
    })?;
    result["scripts"] = written.iter().map(|path| path.display().to_string()).collect();
    Ok(identity)
}

/// Whether what was installed works, as far as that shows without starting anything.
fn works(site: &Site<'_>, outputs: &Outputs, identity: &Identity, result: &mut Value) -> anyhow::Result<()> {
    let subject = Subject {
        config: site.config,
        global: &outputs.global,
        server_address: outputs.server_address,
        identity,
        az: site.az,
        logs: site.workspace.path("logs"),
        patience: None,
        settle: SETTLE,
        runner: site.runner,
        ui: site.ui,
    };
    site.ui.phase("verify", || {
        let mut report = verify::Report::default();
        verify::run(&subject, None, &mut report)?;
        let Answer { text, result: found } = report.answer();
        result["verify"] = found;
        match report.failure() {
            Some(failure) => Err(failure.partial(Answer { text, result: result.clone() }).into()),
            None => Ok(((), report.counts())),
        }
    })
}

/// What the playbook learns from the configuration.
fn facts(config: &Config, images: &Images, public_key: &str, force: bool) -> Cluster {
    let urn = images.node.to_string();
    Cluster {
        cluster_name: config.cluster_name.clone(),
        admin_user: config.admin_user.clone(),
        region: config.region.clone(),
        resource_group: config.resource_group_name.clone(),
        hpc_sku: config.hpc_sku.name.clone(),
        hpc_infiniband: config.hpc_sku.infiniband,
        hpc_unreported_gpus: config.hpc_sku.unreported_gpus.then_some(config.hpc_sku.gpus),
        hpc_max_core_count: config.hpc_max_core_count,
        hpc_node_count: config.hpc_node_count(),
        hpc_max_num_vms: config.hpc_max_num_vms,
        htc_sku: config.htc_sku.clone(),
        htc_max_core_count: config.htc_max_core_count,
        scheduler_sku: config.scheduler_sku.clone(),
        login_sku: config.login_sku.clone(),
        login_nodes: config.login_nodes,
        autoscale: config.autoscale,
        storage: config.storage.clone(),
        accounting: config.accounting,
        monitoring: config.monitoring,
        force,
        node_tags: config.tags.clone(),
        images: NodeImages {
            scheduler: urn.clone(),
            login: urn.clone(),
            htc: urn,
            hpc: images.gpu_node.to_string(),
        },
        zone: config.zone.clone(),
        ssh_public_key: public_key.to_owned(),
    }
}

fn targets(
    site: &Site<'_>,
    outputs: &Outputs,
    identity: Identity,
    vms: &ClusterVms,
) -> anyhow::Result<Targets> {
    let global = &outputs.global;
    let reach = match &global.bastion {
        Some(bastion) => Reach::Bastion(bastion.clone()),
        None => {
            let nodes: Vec<&str> =
                std::iter::once(&vms.scheduler).chain(&vms.logins).map(String::as_str).collect();
            let found = cluster::addresses(site.az, &site.config.resource_group_name, &nodes)?;
            let ids =
                std::iter::once(global.cycleserver_id.clone()).chain(nodes.into_iter().map(str::to_owned));
            Reach::Direct(ids.zip(std::iter::once(outputs.server_address).chain(found)).collect())
        }
    };
    Ok(Targets {
        reach,
        admin_user: identity.user,
        key_file: identity.key_file,
        known_hosts: identity.known_hosts,
        cycleserver_id: global.cycleserver_id.clone(),
        scheduler_id: vms.scheduler.clone(),
        login_ids: (1..).zip(vms.logins.iter().cloned()).collect(),
    })
}

fn summary(config: &Config, infrastructure: &Infrastructure, result: &Value, dry_run: bool) -> String {
    let group = &config.resource_group_name;
    if dry_run {
        return format!("dry run: nothing was changed in {group}\n");
    }
    let infra = if infrastructure.changed { "deployed" } else { "unchanged" };
    let mut text = format!("infrastructure of {group}: {infra} ({})\n", infrastructure.deployment);
    if let Some(changed) = result.pointer("/ansible/changed") {
        text += &format!("configuration: changed={changed}\n");
        text += "sign in: ./bastion_ssh_scheduler.sh\n";
    }
    if let Some(changed) = result.pointer("/secure/changed").and_then(Value::as_array) {
        text += &format!("secure mode: changed={}\n", changed.len());
    }
    text
}
