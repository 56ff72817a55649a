//! Slurm as a user on a login node sees it: it answers, with the partitions and nodes of the configuration.

use std::collections::BTreeMap;

use super::report::{Fault, Finding, Probe};
use super::slurm::{self, Node, Partition};
use crate::config::Config;
use crate::remote::{Host, Trouble};
use crate::sizes;

/// What to do when Slurm does not answer.
pub const LOOK_AT_SLURM: &str =
    "on the scheduler: `systemctl status slurmctld munge`, and /var/log/slurmctld/slurmctld.log";

/// The probe `sinfo`.
pub fn sinfo() -> Probe {
    Probe::new("sinfo", "Slurm answers `sinfo` on a login node")
}

/// Asks `sinfo`.
///
/// # Errors
/// When it fails or does not answer.
pub fn answers(login: &Host<'_>) -> Result<Finding, Trouble> {
    login.command(&["sinfo"]).run()?;
    Ok(sinfo().ok(format!("Slurm answers on {}", login.name())))
}

/// How many nodes each partition has by the configuration; `None` where the size of its nodes is not known here.
fn configured(config: &Config) -> BTreeMap<&'static str, Option<u32>> {
    let htc = sizes::find(&config.htc_sku).map(|size| config.htc_max_core_count / size.vcpus);
    BTreeMap::from([("hpc", Some(config.hpc_node_count())), ("htc", htc)])
}

/// The probe `partitions`.
pub fn partitions(config: &Config) -> Probe {
    let count = |(name, count): (&str, Option<u32>)| match count {
        Some(count) => format!("{name} with {count} nodes"),
        None => format!("{name} with nodes"),
    };
    let wanted: Vec<String> = configured(config).into_iter().map(count).collect();
    Probe::new("partitions", format!("partitions {}", wanted.join(" and ")))
}

/// The partitions as Slurm has them.
///
/// # Errors
/// When Slurm does not answer.
pub fn read_partitions(login: &Host<'_>) -> Result<Vec<Partition>, Trouble> {
    Ok(slurm::partitions(&login.command(&["scontrol", "show", "partition", "--oneliner"]).run()?))
}

/// Holds Slurm's partitions against the configuration.
pub fn compare(config: &Config, found: &[Partition]) -> Finding {
    let probe = partitions(config);
    let mut wrong = Vec::new();
    for (name, count) in configured(config) {
        let nodes = |partition: &Partition| u32::try_from(partition.nodes.len()).unwrap_or(u32::MAX);
        match (found.iter().find(|partition| partition.name == name), count) {
            (None, _) => wrong.push(format!("there is no {name}")),
            (Some(partition), _) if !partition.is_up => wrong.push(format!("{name} is not up")),
            (Some(partition), Some(count)) if nodes(partition) != count => {
                wrong.push(format!("{name} has {} nodes", nodes(partition)));
            }
            (Some(partition), None) if partition.nodes.is_empty() => {
                wrong.push(format!("{name} has no nodes"))
            }
            _ => {}
        }
    }
    if wrong.is_empty() {
        let all =
            found.iter().map(|partition| format!("{}: {} nodes", partition.name, partition.nodes.len()));
        return probe.ok(all.collect::<Vec<_>>().join(", "));
    }
    let remedy = "run `ccslurm4ai install -a`, which imports the configuration; if it stays so, on the scheduler: \
                  `sudo -i azslurm scale`";
    probe.failed(Fault::Installation, wrong.join(", "), remedy)
}

/// All nodes, those that are off too.
///
/// # Errors
/// When Slurm does not answer, or not as expected.
pub fn nodes(login: &Host<'_>) -> Result<Vec<Node>, Trouble> {
    let text = login.command(&["scontrol", "show", "nodes", "--future", "--json"]).run()?;
    slurm::nodes(&text)
        .ok_or_else(|| Trouble::Unanswered("`scontrol show nodes` printed no list of nodes".into()))
}
