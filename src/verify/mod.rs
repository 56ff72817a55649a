//! Did the installation work? Probes from the outside in: the server, Slurm on a login node, a job, its record, shared
//! files, a container, metrics, and on demand GPU nodes.
//!
//! Nothing is started that costs money unless GPU nodes are asked for: without a node that runs, what needs one is
//! `unknown`. What is started is stopped again, whatever happens.

mod gpu;
mod jobs;
mod login;
mod metrics;
mod outputs;
mod pairs;
mod report;
mod server;
mod slurm;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gpu::{Fleet, Gpus};
use jobs::Bench;
pub use report::Report;
use server::CloudNode;
use slurm::{Node, Partition};

use crate::azure::outputs::GlobalVars;
use crate::azure::{Az, cluster};
use crate::config::Config;
use crate::process::{ProcessError, Runner, interrupt};
use crate::remote::{Host, Trouble};
use crate::ssh::Identity;
use crate::tunnel::{Route, Way};
use crate::ui::{Event, Ui};

/// Between two looks at nodes that are starting.
const PAUSE: Duration = Duration::from_secs(5);

/// The installation that is looked at.
pub struct Subject<'a> {
    /// The user's configuration.
    pub config: &'a Config,
    /// What the deployment made.
    pub global: &'a GlobalVars,
    /// The private address of the server.
    pub server_address: IpAddr,
    /// Who signs in.
    pub identity: &'a Identity,
    /// Azure.
    pub az: &'a Az<'a>,
    /// Where what tunnels say is kept.
    pub logs: PathBuf,
    /// How long nodes may take to come up, when not as long as Slurm bears it.
    pub patience: Option<Duration>,
    /// How long scheduler and login nodes are waited for, when they were started a moment ago.
    pub settle: Duration,
    /// Runs programs.
    pub runner: &'a Runner<'a>,
    /// Progress.
    pub ui: &'a Ui,
}

/// Runs all probes, with `gpus` GPU nodes when said. What was found until an interrupt is in `report`.
///
/// # Errors
/// [`ProcessError::Interrupted`] only; what fails is in the report.
pub fn run(subject: &Subject<'_>, gpus: Option<u32>, report: &mut Report) -> Result<(), ProcessError> {
    let config = subject.config;
    subject.progress("the CycleCloud server");
    let server = subject.reach("cycleserver", &subject.global.cycleserver_id, subject.server_address);
    let (server, asked) = match server {
        Ok(host) => {
            let asked = subject.settled(&host);
            (Some(host), asked)
        }
        Err(trouble) => (None, Err(trouble)),
    };
    for finding in server::findings(asked, config.login_nodes)? {
        report.add(finding);
    }
    subject.progress("a login node");
    match subject.entry() {
        Ok(Entry { login, scheduler }) => {
            let inside =
                Inside { subject, login: &login, scheduler: scheduler.as_ref(), server: server.as_ref() };
            inside.probe(gpus, report)?;
        }
        Err(trouble) => {
            let remedy = "are its VM and the Bastion running? `./bastion_ssh_login.sh`";
            report.add(login::sinfo().conclude(Err(trouble), remedy)?);
            let why = "no login node can be reached";
            report.add(login::partitions(config).skipped(why));
            report.add(jobs::shared_probe().skipped(why));
            skip_jobs(gpus, why, report);
        }
    }
    if config.monitoring {
        subject.progress("metrics");
        let is_new = !subject.settle.is_zero();
        report.add(metrics::arrive(subject.az, config, &subject.global.monitor_workspace_id, is_new)?);
    }
    Ok(())
}

/// Where users come in, and the scheduler where that is another machine.
struct Entry<'a> {
    login: Host<'a>,
    scheduler: Option<Host<'a>>,
}

impl<'a> Subject<'a> {
    /// What CycleCloud says of the nodes, once none is still starting or the time for that is over.
    fn settled(&self, server: &Host<'_>) -> Result<Vec<CloudNode>, Trouble> {
        let deadline = Instant::now() + self.settle;
        loop {
            let nodes = server::nodes(server, &self.config.cluster_name)?;
            if server::are_settled(&nodes, self.config.login_nodes) || Instant::now() >= deadline {
                return Ok(nodes);
            }
            self.progress("waiting until scheduler and login nodes are started");
            interrupt::sleep(PAUSE)?;
        }
    }

    fn progress(&self, text: &str) {
        self.ui.event(Event::Progress { text });
    }

    fn reach(&self, name: &str, vm: &str, address: IpAddr) -> Result<Host<'a>, Trouble> {
        let way = match &self.global.bastion {
            Some(bastion) => Way::Bastion(bastion.clone()),
            None => Way::Direct(address),
        };
        let route = Route { vm: vm.to_owned(), way };
        Ok(Host::reach(self.runner, self.ui, name, &route, self.identity, &self.logs)?)
    }

    /// Signs in to the first login node, or to the scheduler where there is none.
    fn entry(&self) -> Result<Entry<'a>, Trouble> {
        let Config { resource_group_name: group, cluster_name, login_nodes, .. } = self.config;
        let vms = cluster::vms(self.az, group, cluster_name, *login_nodes)?;
        let find = |name: &str| {
            let id = vms.get(name).ok_or_else(|| Trouble::Unanswered(format!("there is no VM of {name}")))?;
            self.reach(name, id, self.address_of(id)?)
        };
        if *login_nodes == 0 {
            return Ok(Entry { login: find("scheduler")?, scheduler: None });
        }
        Ok(Entry { login: find("login1")?, scheduler: Some(find("scheduler")?) })
    }

    /// Its private address, where that is how it is reached.
    fn address_of(&self, vm: &str) -> Result<IpAddr, Trouble> {
        if self.global.bastion.is_some() {
            return Ok(self.server_address);
        }
        let found = cluster::addresses(self.az, &self.config.resource_group_name, &[vm])?;
        found.first().copied().ok_or_else(|| Trouble::Unanswered("Azure names no private address".to_owned()))
    }
}

/// What is probed from inside the cluster.
struct Inside<'a> {
    subject: &'a Subject<'a>,
    login: &'a Host<'a>,
    scheduler: Option<&'a Host<'a>>,
    server: Option<&'a Host<'a>>,
}

impl Inside<'_> {
    fn probe(&self, gpus: Option<u32>, report: &mut Report) -> Result<(), ProcessError> {
        let config = self.subject.config;
        let answers = login::answers(self.login);
        let works = answers.is_ok();
        report.add(login::sinfo().conclude(answers, login::LOOK_AT_SLURM)?);
        if !works {
            report.add(login::partitions(config).skipped("Slurm does not answer"));
            return self.with_bench(gpus, report, |_, bench, report| {
                report.add(jobs::shared(bench, self.scheduler, None)?);
                skip_jobs(gpus, "Slurm does not answer", report);
                Ok(())
            });
        }
        let partitions = login::read_partitions(self.login);
        let found = partitions.clone().unwrap_or_default();
        let compared = partitions.map(|partitions| login::compare(config, &partitions));
        report.add(login::partitions(config).conclude(compared, login::LOOK_AT_SLURM)?);
        self.with_bench(gpus, report, |inside, bench, report| match gpus {
            None => inside.jobs(bench, report),
            Some(count) => inside.with_gpus(bench, count, &found, report),
        })
    }

    /// Does `work` with a folder for jobs, which is removed whatever happens.
    fn with_bench(
        &self,
        gpus: Option<u32>,
        report: &mut Report,
        work: impl FnOnce(&Self, &Bench<'_>, &mut Report) -> Result<(), ProcessError>,
    ) -> Result<(), ProcessError> {
        let bench = match Bench::open(self.login) {
            Ok(bench) => bench,
            Err(trouble) => {
                let remedy = "is the home folder there and not full? `df -h ~` on a login node";
                report.add(jobs::shared_probe().conclude(Err(trouble), remedy)?);
                skip_jobs(gpus, "the home folder cannot be written", report);
                return Ok(());
            }
        };
        let result = work(self, &bench, report);
        bench.close();
        result
    }

    /// What needs a node that runs, one without GPUs first.
    fn jobs(&self, bench: &Bench<'_>, report: &mut Report) -> Result<(), ProcessError> {
        let probe = jobs::job_probe();
        let idle = match login::nodes(self.login) {
            Ok(nodes) => Ok(nodes.into_iter().filter(Node::is_idle).min_by_key(is_gpu_node)),
            Err(trouble) => Err(trouble),
        };
        let node = idle.as_ref().ok().cloned().flatten();
        let ran = match (&idle, &node) {
            (Ok(_), Some(node)) => jobs::job(bench, node),
            (Ok(_), None) => Ok((probe.unknown("no node is idle", jobs::START_A_NODE), None)),
            (Err(trouble), _) => Err(trouble.clone()),
        };
        let (finding, ran) = match ran {
            Ok((finding, ran)) => (finding, ran),
            Err(trouble) => (probe.conclude(Err(trouble), login::LOOK_AT_SLURM)?, None),
        };
        report.add(finding);
        if self.subject.config.accounting {
            report.add(jobs::accounting(self.login, ran.as_ref())?);
        }
        report.add(jobs::shared(bench, self.scheduler, ran.as_ref())?);
        report.add(jobs::container(bench, node.as_ref())?);
        Ok(())
    }

    /// The same with GPU nodes, and their own tests; stops those it started.
    fn with_gpus(
        &self,
        bench: &Bench<'_>,
        count: u32,
        partitions: &[Partition],
        report: &mut Report,
    ) -> Result<(), ProcessError> {
        let nodes = login::nodes(self.login);
        let fleet = match nodes {
            Ok(nodes) => gpu::choose(count, partitions, &nodes).map_err(Trouble::Unanswered),
            Err(trouble) => Err(trouble),
        };
        let fleet = match fleet {
            Ok(fleet) => fleet,
            Err(trouble) => {
                let remedy =
                    "`sinfo` and `scontrol show nodes --future` on a login node show what keeps them";
                report.add(gpu::nodes_probe(count).conclude(Err(trouble), remedy)?);
                return self.jobs(bench, report);
            }
        };
        let gpus = Gpus {
            config: self.subject.config,
            login: self.login,
            scheduler: self.scheduler.unwrap_or(self.login),
            server: self.server,
            ui: self.subject.ui,
        };
        if interrupt::requested() {
            return Err(ProcessError::Interrupted);
        }
        let result = self.on_fleet(bench, &gpus, &fleet, report);
        // Jobs end first, for a node with one may refuse to.
        bench.cancel();
        if let Some(finding) = gpus.stop(&fleet) {
            report.add(finding);
        }
        result
    }

    fn on_fleet(
        &self,
        bench: &Bench<'_>,
        gpus: &Gpus<'_>,
        fleet: &Fleet,
        report: &mut Report,
    ) -> Result<(), ProcessError> {
        let (finding, up) = gpus.start(fleet, self.subject.patience)?;
        report.add(finding);
        self.jobs(bench, report)?;
        gpus.test(bench, &up, report)
    }
}

fn skip_jobs(gpus: Option<u32>, why: &str, report: &mut Report) {
    report.add(jobs::job_probe().skipped(why));
    if let Some(count) = gpus {
        report.add(gpu::nodes_probe(count).skipped(why));
    }
}

/// Whether a node is in the partition of GPU nodes: others are asked first.
fn is_gpu_node(node: &Node) -> bool {
    node.partitions.iter().any(|name| name == "hpc")
}
