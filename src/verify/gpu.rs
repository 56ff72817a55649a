//! GPU nodes: started, counted, and stopped again.

mod all_reduce;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::jobs::Bench;
use super::login;
use super::outputs;
use super::report::{Fault, Finding, Probe, Report};
use super::server;
use super::slurm::{Job, Node, Partition};
use crate::config::Config;
use crate::process::{ProcessError, interrupt};
use crate::remote::{Host, Trouble};
use crate::sizes::{Size, Variant};
use crate::ui::{Event, Ui};

/// How long nodes may take: Slurm's own ResumeTimeout of 30 minutes on CycleCloud, and some.
const UP: Duration = Duration::from_secs(35 * 60);
/// Between two looks at them.
const PAUSE: Duration = Duration::from_secs(5);
/// `azslurm` waits for CycleCloud, and for nodes that are still ending.
const AZSLURM: Duration = Duration::from_secs(40 * 60);
/// Asking for a node's end is one request.
const STOP: Duration = Duration::from_secs(300);
/// One `nvidia-smi`, started by Slurm.
const COUNT: Duration = Duration::from_secs(180);
const PARTITION: &str = "hpc";

/// What the tests of GPUs work with.
pub struct Gpus<'a> {
    /// The user's configuration.
    pub config: &'a Config,
    /// Where jobs are submitted.
    pub login: &'a Host<'a>,
    /// Where nodes are started.
    pub scheduler: &'a Host<'a>,
    /// The CycleCloud server, to ask why a node does not come.
    pub server: Option<&'a Host<'a>>,
    /// Progress.
    pub ui: &'a Ui,
}

/// The nodes of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    /// All of them.
    pub nodes: Vec<String>,
    /// Those that are off and must be started, and stopped again.
    pub off: Vec<String>,
}

/// The probe `gpu-nodes`.
pub fn nodes_probe(count: u32) -> Probe {
    Probe::new("gpu-nodes", format!("{count} nodes of {PARTITION} come up"))
}

fn count_probe(size: &Size) -> Probe {
    Probe::new("gpu-count", format!("{} GPUs on each node", size.gpus))
}

/// Chooses `count` nodes: idle ones first, for they cost nothing more, then those that are off.
///
/// # Errors
/// How many there are, when too few.
pub fn choose(count: u32, partitions: &[Partition], nodes: &[Node]) -> Result<Fleet, String> {
    let names = partitions.iter().filter(|one| one.name == PARTITION).flat_map(|one| &one.nodes);
    let ours: Vec<&Node> = names.filter_map(|name| nodes.iter().find(|node| node.name == *name)).collect();
    let of = |is: fn(&Node) -> bool| ours.iter().filter(move |node| is(node)).map(|node| node.name.clone());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let chosen: Vec<String> = of(Node::is_idle).chain(of(Node::is_off)).take(count).collect();
    if chosen.len() < count {
        return Err(format!("{} of {} nodes are idle or off", chosen.len(), ours.len()));
    }
    let off = of(Node::is_off).filter(|name| chosen.contains(name)).collect();
    Ok(Fleet { nodes: chosen, off })
}

impl Gpus<'_> {
    /// Starts what is off, waits, and says which nodes are up. An error does not mean that none was started.
    ///
    /// # Errors
    /// When interrupted.
    pub fn start(
        &self,
        fleet: &Fleet,
        limit: Option<Duration>,
    ) -> Result<(Finding, Vec<String>), ProcessError> {
        let probe = nodes_probe(u32::try_from(fleet.nodes.len()).unwrap_or(u32::MAX));
        let up = self.power(&fleet.off, true).and_then(|()| self.wait(fleet, limit.unwrap_or(UP)));
        match up {
            Ok(waited) => Ok(waited.finding(&probe)),
            Err(trouble) => {
                let remedy = "on the scheduler: /opt/azurehpc/slurm/logs/resume.log; `ccslurm4ai check` looks at the quota";
                Ok((probe.conclude(Err(trouble), remedy)?, Vec::new()))
            }
        }
    }

    /// Stops what was started, also after an interrupt.
    pub fn stop(&self, fleet: &Fleet) -> Option<Finding> {
        if fleet.off.is_empty() {
            return None;
        }
        self.ui.event(Event::Progress { text: "stopping the nodes that were started" });
        let probe = Probe::new("gpu-stop", "the nodes that were started are stopped again");
        let list = fleet.off.join(",");
        Some(match self.power(&fleet.off, false) {
            Ok(()) => probe.ok(format!("asked {list} to end")),
            Err(trouble) => {
                let by_hand = self.power_words(false, &list).join(" ");
                let remedy = format!("they cost money: on the scheduler: {by_hand}");
                probe.failed(Fault::Installation, format!("{list}: {trouble}"), remedy)
            }
        })
    }

    fn power(&self, nodes: &[String], on: bool) -> Result<(), Trouble> {
        if nodes.is_empty() {
            return Ok(());
        }
        let words = self.power_words(on, &nodes.join(","));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = self.scheduler.command(&words);
        let command = if on { command.limit(AZSLURM) } else { command.limit(STOP).cleans_up() };
        command.run().map(|_| ())
    }

    /// With autoscale slurmctld starts and ends nodes and must know of it; without, azslurm does and tells it
    /// (README of Azure/cyclecloud-slurm, manual scaling). azslurm is on root's own path.
    fn power_words(&self, on: bool, list: &str) -> Vec<String> {
        let words: Vec<String> = if self.config.autoscale {
            let (names, state) =
                (format!("NodeName={list}"), if on { "State=POWER_UP" } else { "State=POWER_DOWN" });
            ["sudo", "-n", "scontrol", "update", &names, state].map(str::to_owned).into()
        } else {
            let verb = if on { "resume" } else { "suspend" };
            ["sudo", "-n", "-i", "azslurm", verb, "--node-list", list].map(str::to_owned).into()
        };
        words
    }

    fn wait(&self, fleet: &Fleet, limit: Duration) -> Result<Waited, Trouble> {
        let deadline = Instant::now() + limit;
        loop {
            let mut waited = self.look(fleet)?;
            if waited.pending.is_empty() {
                return Ok(waited);
            }
            if Instant::now() >= deadline {
                let late = waited.pending.iter().map(|(name, state)| {
                    (name.clone(), format!("not up after {} s: {state}", limit.as_secs()))
                });
                waited.lost.extend(late.collect::<Vec<_>>());
                return Ok(waited);
            }
            let names: Vec<&str> = waited.pending.keys().map(String::as_str).collect();
            self.ui.event(Event::Progress { text: &format!("waiting for {}", names.join(", ")) });
            interrupt::sleep(PAUSE)?;
        }
    }

    /// Slurm's word counts, and where it has none yet, CycleCloud's.
    fn look(&self, fleet: &Fleet) -> Result<Waited, Trouble> {
        let slurm = login::nodes(self.login)?;
        let cloud = match self.server {
            Some(server) => server::nodes(server, &self.config.cluster_name)?,
            None => Vec::new(),
        };
        let mut waited = Waited::default();
        for name in &fleet.nodes {
            let in_slurm = slurm.iter().find(|node| node.name == *name);
            let in_cloud = cloud.iter().find(|node| node.name == *name);
            let condition = in_slurm.map(Node::condition).unwrap_or_default();
            match (in_slurm, in_cloud) {
                (Some(node), _) if node.is_up() => waited.up.push(name.clone()),
                (Some(node), _) if node.is_sick() => {
                    waited.lost.insert(name.clone(), condition);
                }
                (_, Some(node)) if node.has_failed() => {
                    waited.lost.insert(name.clone(), node.condition());
                }
                (_, Some(node)) => {
                    let text = format!("Slurm says {condition}, CycleCloud {}", node.condition());
                    waited.pending.insert(name.clone(), text);
                }
                (_, None) => {
                    waited.pending.insert(name.clone(), format!("Slurm says {condition}"));
                }
            }
        }
        Ok(waited)
    }

    /// Counts GPUs and measures the network of nodes that are up.
    ///
    /// # Errors
    /// When interrupted.
    pub fn test(&self, bench: &Bench<'_>, up: &[String], report: &mut Report) -> Result<(), ProcessError> {
        let size = &self.config.hpc_sku;
        if size.image == Variant::Rocm {
            let text = "not tested: these are AMD GPUs, and what is run here are NVIDIA's tools";
            let remedy = "on a login node: `sbatch -N 2 ~/diagnostics/rccl_allreduce_mi300x.sh`";
            report.add(count_probe(size).unknown(text, remedy));
            return Ok(());
        }
        let (finding, complete) = self.count(bench, up)?;
        report.add(finding);
        match size.all_reduce {
            Some(figures) => report.add(self.all_reduce(bench, &complete, &figures)?),
            None if size.gpus > 1 => {
                report.add(all_reduce::without_figures(size));
            }
            None => {}
        }
        Ok(())
    }

    /// The finding, and the nodes with as many GPUs as their size has.
    fn count(&self, bench: &Bench<'_>, up: &[String]) -> Result<(Finding, Vec<String>), ProcessError> {
        let expected = self.config.hpc_sku.gpus;
        let probe = count_probe(&self.config.hpc_sku);
        if up.is_empty() {
            return Ok((probe.skipped("no GPU node is up"), Vec::new()));
        }
        let (mut complete, mut wrong, mut broken) = (Vec::new(), Vec::new(), Vec::new());
        for node in up {
            match self.count_on(bench, node, expected) {
                Err(Trouble::Interrupted) => return Err(ProcessError::Interrupted),
                Err(trouble) => broken.push((node.clone(), trouble.to_string())),
                Ok(count) if count == expected => complete.push(node.clone()),
                Ok(count) => wrong.push((node.clone(), format!("{count} GPUs"))),
            }
        }
        let told = |list: &[(String, String)]| {
            let lines = list.iter().map(|(node, what)| format!("{node}: {what}"));
            lines.collect::<Vec<_>>().join("; ")
        };
        let remedy = "drain such a node (`scontrol update NodeName=… State=DRAIN Reason=GPU`), stop it, and start another";
        if broken.len() == up.len() {
            let remedy = "run `srun --partition=hpc --gpus-per-node=1 nvidia-smi -L` on a login node";
            return Ok((probe.failed(Fault::Test, told(&broken), remedy), Vec::new()));
        }
        wrong.extend(broken);
        let finding = if wrong.is_empty() {
            probe.ok(format!("{expected} on each of {} nodes", complete.len()))
        } else {
            let nodes = wrong.iter().map(|(node, _)| node.clone()).collect();
            probe.failed(Fault::Node(nodes), told(&wrong), remedy)
        };
        Ok((finding, complete))
    }

    fn count_on(&self, bench: &Bench<'_>, node: &str, expected: u32) -> Result<u32, Trouble> {
        let script = "#!/bin/sh\nexec nvidia-smi -L\n";
        let output = format!("gpus-{node}.out");
        let id = bench.submit(&group_options(&[node], expected, 1), script, &output)?;
        match bench.wait(&[id], COUNT)?.pop() {
            Some(Job::Completed) => Ok(outputs::gpus(&bench.output(&output)?)),
            Some(Job::Ended(state) | Job::Going(state)) => Err(Trouble::Unanswered(state)),
            None => Err(Trouble::Unanswered("no job was submitted".to_owned())),
        }
    }
}

/// Options of a job that has whole nodes, with so many tasks on each.
fn group_options(nodes: &[&str], gpus: u32, tasks: u32) -> Vec<String> {
    vec![
        format!("--partition={PARTITION}"),
        format!("--nodes={}", nodes.len()),
        format!("--nodelist={}", nodes.join(",")),
        format!("--gpus-per-node={gpus}"),
        format!("--ntasks-per-node={tasks}"),
        "--exclusive".to_owned(),
        "--mem=0".to_owned(),
        "--time=10".to_owned(),
    ]
}

/// How far the nodes of a fleet are, by name with state and reason.
#[derive(Default)]
struct Waited {
    up: Vec<String>,
    lost: BTreeMap<String, String>,
    pending: BTreeMap<String, String>,
}

impl Waited {
    fn finding(self, probe: &Probe) -> (Finding, Vec<String>) {
        if self.lost.is_empty() {
            return (probe.ok(self.up.join(", ")), self.up);
        }
        let text =
            self.lost.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; ");
        let remedy =
            "the node's events are in CycleCloud's portal; `sinfo -R` lists what Slurm keeps jobs from";
        (probe.failed(Fault::Node(self.lost.into_keys().collect()), text, remedy), self.up)
    }
}
