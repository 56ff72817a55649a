//! Jobs on the cluster, as a user submits them, in a folder of their own in the administrator's home.

use std::time::{Duration, Instant};

use super::login::LOOK_AT_SLURM;
use super::report::{Fault, Finding, Probe};
use super::slurm::{self, Job, Node};
use crate::process::{ProcessError, interrupt};
use crate::remote::{Host, Trouble};

/// Between two looks at a job.
const PAUSE: Duration = Duration::from_secs(2);
/// A job that prints two lines, on a node that waits for it.
const SHORT_JOB: Duration = Duration::from_secs(120);
/// slurmctld hands jobs to the database in the background.
const ACCOUNTING: Duration = Duration::from_secs(60);
/// A new file in a new folder is looked up on the server; this is for a server that is busy.
const FILE: Duration = Duration::from_secs(20);
/// Pulling and unpacking a small image.
const CONTAINER: Duration = Duration::from_secs(600);
/// A small image, by pyxis's way of naming registries (github.com/NVIDIA/pyxis, `--container-image`).
const IMAGE: &str = "mcr.microsoft.com#azurelinux/base/core:3.0";
/// What is in the file that others must see.
const WORD: &str = "word";

/// A folder for outputs, and a name by which all jobs of this run are found.
pub struct Bench<'a> {
    login: &'a Host<'a>,
    folder: String,
}

impl<'a> Bench<'a> {
    /// Makes the folder, with a file in it whose content is the folder's name.
    ///
    /// # Errors
    /// When the home cannot be written.
    pub fn open(login: &'a Host<'a>) -> Result<Self, Trouble> {
        let folder = login.command(&["mktemp", "-d", "ccslurm4ai-verify.XXXXXXXX"]).run()?;
        let bench = Self { login, folder: folder.trim().to_owned() };
        login.command(&["tee", &bench.path(WORD)]).input(bench.folder.clone()).run()?;
        Ok(bench)
    }

    /// Cancels what still waits or runs; also after an interrupt. A job that stays ends by its own time limit.
    pub fn cancel(&self) {
        let _ = self.login.command(&["scancel", "--me", "--name", &self.folder]).cleans_up().run();
    }

    /// Cancels jobs and removes the folder, also after an interrupt. One that stays is a few kilobytes, and its name
    /// says whose it is.
    pub fn close(self) {
        self.cancel();
        let _ = self.login.command(&["rm", "-rf", "--", &self.folder]).cleans_up().run();
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Submits `script` with `options` of sbatch; its output goes to the file `output`. The job's id.
    ///
    /// # Errors
    /// When Slurm does not take it.
    pub fn submit(&self, options: &[String], script: &str, output: &str) -> Result<String, Trouble> {
        let name = format!("--job-name={}", self.folder);
        let file = format!("--output={}", self.path(output));
        let mut words = vec!["sbatch", "--parsable", &name, &file];
        words.extend(options.iter().map(String::as_str));
        let said = self.login.command(&words).input(script).run()?;
        // With several clusters the cluster's name follows (sbatch(1), --parsable).
        Ok(said.trim().split(';').next().unwrap_or_default().to_owned())
    }

    /// Waits until the jobs have ended; one that has not by then is cancelled.
    ///
    /// # Errors
    /// When Slurm does not answer, or interrupted.
    pub fn wait(&self, ids: &[String], limit: Duration) -> Result<Vec<Job>, Trouble> {
        let deadline = Instant::now() + limit;
        ids.iter().map(|id| self.wait_for(id, deadline, limit)).collect()
    }

    fn wait_for(&self, id: &str, deadline: Instant, limit: Duration) -> Result<Job, Trouble> {
        loop {
            let text = self.login.command(&["scontrol", "show", "job", id, "--json"]).run()?;
            match slurm::job(&text) {
                Some(Job::Going(state)) if Instant::now() >= deadline => {
                    self.login.command(&["scancel", id]).run()?;
                    let text = format!("still {state} after {} s, and cancelled", limit.as_secs());
                    return Ok(Job::Ended(text));
                }
                Some(Job::Going(_)) => interrupt::sleep(PAUSE)?,
                Some(ended) => return Ok(ended),
                None => {
                    return Err(Trouble::Unanswered(format!("`scontrol show job {id}` shows no job")));
                }
            }
        }
    }

    /// What a job wrote into `output`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn output(&self, output: &str) -> Result<String, Trouble> {
        read(self.login, &self.path(output))
    }
}

/// Reads a file that another machine wrote a moment ago.
fn read(host: &Host<'_>, path: &str) -> Result<String, Trouble> {
    let deadline = Instant::now() + FILE;
    loop {
        match host.command(&["cat", "--", path]).run() {
            Err(Trouble::Failed(..)) if Instant::now() < deadline => interrupt::sleep(PAUSE)?,
            answer => return answer,
        }
    }
}

/// A job that ran.
pub struct Ran {
    id: String,
    node: String,
    /// Whether the node saw the file that the login node wrote.
    saw_file: bool,
}

/// The probe `job`.
pub fn job_probe() -> Probe {
    Probe::new("job", "a job of one node ends well")
}

/// Runs a job of one node on `node`.
///
/// # Errors
/// When Slurm does not answer, or interrupted.
pub fn job(bench: &Bench<'_>, node: &Node) -> Result<(Finding, Option<Ran>), Trouble> {
    let probe = job_probe();
    let script = format!("#!/bin/sh\nhostname\ncat {}\n", bench.path(WORD));
    let id = bench.submit(&on(node, "2"), &script, "job.out")?;
    match bench.wait(std::slice::from_ref(&id), SHORT_JOB)?.pop() {
        Some(Job::Completed) => {
            let saw_file = bench.output("job.out")?.contains(&bench.folder);
            let ran = Ran { id: id.clone(), node: node.name.clone(), saw_file };
            Ok((probe.ok(format!("job {id} ended well on {}", node.name)), Some(ran)))
        }
        Some(Job::Ended(state) | Job::Going(state)) => {
            let said = bench.output("job.out").unwrap_or_default();
            if said.contains(WORD) {
                // The job did start; what failed is reading the shared file.
                let ran = Ran { id: id.clone(), node: node.name.clone(), saw_file: false };
                let finding = probe.failed(
                    Fault::Installation,
                    format!("job {id} on {}: {state}", node.name),
                    REMEDY_FILE,
                );
                return Ok((finding, Some(ran)));
            }
            let remedy =
                format!("`scontrol show job {id}` and `scontrol show node {}` on a login node", node.name);
            Ok((
                probe.failed(Fault::Installation, format!("job {id} on {}: {state}", node.name), remedy),
                None,
            ))
        }
        None => Ok((probe.skipped("no job was submitted"), None)),
    }
}

const REMEDY_FILE: &str =
    "on both machines: `findmnt /shared`, and `systemctl status` of the mount where it is missing";

/// The options of sbatch and srun for one node, with a time limit in minutes.
fn on(node: &Node, minutes: &str) -> Vec<String> {
    let mut options =
        vec!["--nodes=1".to_owned(), format!("--nodelist={}", node.name), format!("--time={minutes}")];
    options.extend(node.partitions.first().map(|partition| format!("--partition={partition}")));
    options
}

/// What makes a job's probes known, when no node runs.
pub const START_A_NODE: &str = "start a node, or let verify do so: `ccslurm4ai verify --gpu 1`";

/// Whether the database has the job.
///
/// # Errors
/// When interrupted.
pub fn accounting(login: &Host<'_>, ran: Option<&Ran>) -> Result<Finding, ProcessError> {
    let probe = Probe::new("accounting", "sacct has the job, ended well");
    let remedy = "on the scheduler: `systemctl status slurmdbd`, and /var/log/slurmctld/slurmdbd.log";
    let Some(ran) = ran else {
        let asked = login.command(&["sacct", "--allocations", "--starttime=now-1minutes"]).run();
        let answers =
            asked.map(|_| probe.unknown("sacct answers, but no job ended well", "see what `job` says"));
        return probe.conclude(answers, remedy);
    };
    probe.conclude(row(&probe, login, ran, remedy), remedy)
}

fn row(probe: &Probe, login: &Host<'_>, ran: &Ran, remedy: &str) -> Result<Finding, Trouble> {
    let deadline = Instant::now() + ACCOUNTING;
    loop {
        let text = login.command(&["sacct", "--allocations", "--json", "--jobs", &ran.id]).run()?;
        let found = match slurm::accounted(&text) {
            Some((Job::Completed, node)) => {
                return Ok(probe.ok(format!("sacct has job {} on {node}", ran.id)));
            }
            Some((Job::Going(state) | Job::Ended(state), _)) => {
                format!("sacct says of job {}: {state}", ran.id)
            }
            None => format!("sacct does not have job {}", ran.id),
        };
        if Instant::now() >= deadline {
            let text = format!("{found}, {} s after its end", ACCOUNTING.as_secs());
            return Ok(probe.failed(Fault::Installation, text, remedy));
        }
        interrupt::sleep(PAUSE)?;
    }
}

/// The probe `shared-folder`.
pub fn shared_probe() -> Probe {
    Probe::new("shared-folder", "what a login node writes into the home folder, the others read")
}

/// Whether the scheduler, where that is another machine, and the job's node see the file written on the login node.
///
/// # Errors
/// When interrupted.
pub fn shared(
    bench: &Bench<'_>,
    scheduler: Option<&Host<'_>>,
    ran: Option<&Ran>,
) -> Result<Finding, ProcessError> {
    let probe = shared_probe();
    let mut readers = Vec::new();
    if let Some(scheduler) = scheduler {
        let text = match read(scheduler, &bench.path(WORD)) {
            Err(Trouble::Failed(..)) => String::new(),
            Err(trouble) => return probe.conclude(Err(trouble), REMEDY_FILE),
            Ok(text) => text,
        };
        readers.push((scheduler.name(), text == bench.folder));
    }
    readers.extend(ran.map(|ran| (ran.node.as_str(), ran.saw_file)));
    let blind: Vec<&str> = readers.iter().filter(|(_, saw)| !saw).map(|(name, _)| *name).collect();
    let writer = bench.login.name();
    if !blind.is_empty() {
        let found = format!("a file of {writer} is not seen by {}", blind.join(" and "));
        return Ok(probe.failed(Fault::Installation, found, REMEDY_FILE));
    }
    if readers.is_empty() {
        return Ok(probe.unknown("there is no other machine to read on", START_A_NODE));
    }
    let all: Vec<&str> = readers.iter().map(|(name, _)| *name).collect();
    Ok(probe.ok(format!("written on {writer}, read on {}", all.join(" and "))))
}

/// Runs a container on a node, where Slurm can do that.
///
/// # Errors
/// When interrupted.
pub fn container(bench: &Bench<'_>, node: Option<&Node>) -> Result<Finding, ProcessError> {
    let probe = Probe::new("container", "`srun --container-image` runs a container");
    probe.conclude(run_container(&probe, bench, node), LOOK_AT_SLURM)
}

fn run_container(probe: &Probe, bench: &Bench<'_>, node: Option<&Node>) -> Result<Finding, Trouble> {
    if !bench.login.command(&["srun", "--help"]).run()?.contains("--container-image") {
        let text = "not supported here: srun has no option --container-image, for there is no pyxis";
        return Ok(probe
            .unknown(text, "the platform brings pyxis with Azure's Ubuntu images for HPC; use one of them"));
    }
    let Some(node) = node else { return Ok(probe.unknown("no node runs", START_A_NODE)) };
    let (name, image) = (format!("--job-name={}", bench.folder), format!("--container-image={IMAGE}"));
    let options = on(node, "10");
    let mut words = vec!["srun", &name, "--ntasks=1", &image];
    words.extend(options.iter().map(String::as_str));
    words.extend(["cat", "/etc/os-release"]);
    match bench.login.command(&words).limit(CONTAINER).run() {
        Ok(text) if text.contains("ID=azurelinux") => {
            Ok(probe.ok(format!("a container ran on {}", node.name)))
        }
        Ok(_) => {
            let text = format!("the job on {} ran, but not in the container", node.name);
            Ok(probe.failed(
                Fault::Installation,
                text,
                "see `srun --container-image` in slurmd's log on the node",
            ))
        }
        Err(Trouble::Failed(_, said)) => {
            let remedy =
                "can the node reach the registry? `enroot` and pyxis say more in slurmd's log on the node";
            Ok(probe.failed(Fault::Installation, format!("on {}: {said}", node.name), remedy))
        }
        Err(trouble) => Err(trouble),
    }
}
