//! The network between GPU nodes: NCCL's all-reduce over groups of them.

use std::time::Duration;

use super::{Gpus, group_options};
use crate::process::ProcessError;
use crate::remote::Trouble;
use crate::sizes::{AllReduce, Size};
use crate::ui::Event;
use crate::verify::jobs::Bench;
use crate::verify::login;
use crate::verify::outputs;
use crate::verify::pairs::{self, Figures, Found, Outcome, Test};
use crate::verify::report::{Fault, Finding, Probe};
use crate::verify::slurm::Job;

/// One all-reduce, with its start; Slurm ends it after ten minutes.
const LIMIT: Duration = Duration::from_secs(12 * 60);
const SCRIPT: &str = include_str!("../allreduce.sh");
const ID: &str = "all-reduce";

/// The finding for a size of which no figure is known.
pub fn without_figures(size: &Size) -> Finding {
    let text = format!("not measured: no figure of a healthy {} is published", size.name);
    let remedy = "compare nodes with each other by the example jobs in ~/diagnostics";
    Probe::new(ID, "as fast as a healthy node".to_owned()).unknown(text, remedy)
}

impl Gpus<'_> {
    /// Measures the network between `nodes`.
    ///
    /// # Errors
    /// When interrupted.
    pub(super) fn all_reduce(
        &self,
        bench: &Bench<'_>,
        nodes: &[String],
        sheet: &AllReduce,
    ) -> Result<Finding, ProcessError> {
        let figures = Figures { node: f64::from(sheet.node), pair: sheet.pair.map(f64::from) };
        let expected = match (nodes.len(), sheet.pair) {
            (0..=1, _) => format!("{} GB/s of NCCL's all-reduce on one node", sheet.node),
            (_, Some(pair)) => format!("{pair} GB/s of NCCL's all-reduce over each pair of nodes"),
            (_, None) => "all pairs of nodes equally fast in NCCL's all-reduce".to_owned(),
        };
        let probe = Probe::new(ID, expected);
        if nodes.is_empty() {
            return Ok(probe.skipped("no GPU node passed the tests before"));
        }
        let mut round = 0;
        let mut measure = |groups: &[Vec<usize>]| {
            round += 1;
            let text = format!("all-reduce, round {round}: {} groups of nodes", groups.len());
            self.ui.event(Event::Progress { text: &text });
            self.measure(bench, nodes, groups, sheet.message, round)
        };
        match pairs::hunt(nodes.len(), figures, &mut measure) {
            Ok((found, measured)) => Ok(verdict(&probe, &found, &measured, nodes)),
            Err(Trouble::Interrupted) => Err(ProcessError::Interrupted),
            Err(trouble) => Ok(probe.failed(Fault::Test, trouble.to_string(), login::LOOK_AT_SLURM)),
        }
    }

    /// Runs one all-reduce a group, all at once as far as they share no node; Slurm keeps the others waiting.
    fn measure(
        &self,
        bench: &Bench<'_>,
        nodes: &[String],
        groups: &[Vec<usize>],
        message: u64,
        round: usize,
    ) -> Result<Vec<Outcome>, Trouble> {
        let gpus = self.config.hpc_sku.gpus;
        let mut jobs = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let names: Vec<&str> = group.iter().map(|node| nodes[*node].as_str()).collect();
            let mut options = group_options(&names, gpus, gpus);
            options.push(format!("--export=ALL,MESSAGE={message}"));
            let output = format!("all-reduce-{round}-{at}.out");
            jobs.push((bench.submit(&options, SCRIPT, &output)?, output));
        }
        let shared = (0..nodes.len()).map(|node| groups.iter().filter(|group| group.contains(&node)).count());
        let turns = u32::try_from(shared.max().unwrap_or(1)).unwrap_or(1);
        let ids: Vec<String> = jobs.iter().map(|(id, _)| id.clone()).collect();
        let ended = bench.wait(&ids, LIMIT * turns)?;
        jobs.iter().zip(ended).map(|((id, output), ended)| outcome(bench, id, output, &ended)).collect()
    }
}

fn outcome(bench: &Bench<'_>, id: &str, output: &str, ended: &Job) -> Result<Outcome, Trouble> {
    let said = match bench.output(output) {
        Err(Trouble::Failed(..)) => String::new(),
        answer => answer?,
    };
    Ok(match (ended, outputs::bus_bandwidth(&said)) {
        (Job::Completed, Some(bandwidth)) => Outcome::Measured(bandwidth),
        (Job::Completed, None) => Outcome::Broken(format!("job {id} printed no result")),
        (Job::Ended(state) | Job::Going(state), _) => {
            let last = said.lines().map(str::trim).rfind(|line| line.contains(char::is_alphanumeric));
            let last = last.unwrap_or("it printed nothing");
            Outcome::Broken(format!("job {id}: {state}: {last}"))
        }
    })
}

/// The finding `all-reduce`.
fn verdict(probe: &Probe, found: &Found, measured: &[Test], nodes: &[String]) -> Finding {
    let speeds = measured.iter().filter_map(|(group, outcome)| match outcome {
        Outcome::Measured(speed) => {
            let names: Vec<&str> = group.iter().map(|node| nodes[*node].as_str()).collect();
            Some(format!("{} {speed:.0} GB/s", names.join("+")))
        }
        Outcome::Broken(_) => None,
    });
    let speeds = speeds.collect::<Vec<_>>().join(", ");
    match found {
        Found::Good => probe.ok(speeds),
        Found::NoFigure => probe.unknown(
            format!("{speeds}; no figure is published for pairs of this size"),
            "test four nodes or more: then the pairs are compared with each other",
        ),
        Found::Bad(bad) => {
            let why = bad.iter().map(|(node, why)| format!("{}: {why}", nodes[*node]));
            let text = format!("{} (measured: {speeds})", why.collect::<Vec<_>>().join("; "));
            let names = bad.keys().map(|node| nodes[*node].clone()).collect();
            let remedy = "drain such a node (`scontrol update NodeName=… State=DRAIN Reason=bandwidth`), stop it, and start \
                          another";
            probe.failed(Fault::Node(names), text, remedy)
        }
        Found::Undecided(suspects) => {
            let names: Vec<String> = suspects.iter().map(|node| nodes[*node].clone()).collect();
            let text = format!("slow between {}, each well alone: {speeds}", names.join(" and "));
            let remedy =
                "test more nodes, so that there is a good one to pair them with: `ccslurm4ai verify --gpu 4`";
            probe.failed(Fault::Node(names), text, remedy)
        }
        Found::TestFailed(why) => {
            let remedy = "the test ended on every node, so none is accused; run ~/diagnostics on a login node to see all of it";
            probe.failed(Fault::Test, why.clone(), remedy)
        }
    }
}
