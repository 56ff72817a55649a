//! What Slurm's commands print, read. Nodes and jobs come from `--json`, whose form has been the same since 24.05;
//! partitions from `scontrol show partition --oneliner`, which knows nodes that are off (State=FUTURE) too.

use serde_json::Value;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its state and flags, as in `["IDLE", "DRAIN"]`.
    state: Vec<String>,
    /// The partitions it is in.
    pub partitions: Vec<String>,
    /// Why it is not well, in Slurm's words; may be empty.
    pub reason: String,
}

/// Flags with which no job can start.
const NOT_READY: [&str; 14] = [
    "DOWN",
    "DRAIN",
    "DRAINING",
    "ERROR",
    "FAIL",
    "FUTURE",
    "INVALID_REG",
    "MAINTENANCE",
    "NOT_RESPONDING",
    "POWERED_DOWN",
    "POWERING_DOWN",
    "POWERING_UP",
    "POWER_UP",
    "UNKNOWN",
];
/// Flags of a node that came up and is not well.
const SICK: [&str; 3] = ["DRAIN", "FAIL", "INVALID_REG"];

impl Node {
    fn has(&self, flags: &[&str]) -> bool {
        self.state.iter().any(|state| flags.contains(&state.as_str()))
    }

    /// Whether a job could start on it now.
    pub fn is_idle(&self) -> bool {
        self.has(&["IDLE"]) && !self.has(&NOT_READY)
    }

    /// Whether it is up, for a job now or when another's ends.
    pub fn is_up(&self) -> bool {
        self.has(&["IDLE", "MIXED", "ALLOCATED"]) && !self.has(&NOT_READY)
    }

    /// Whether it has no VM and none was asked for.
    pub fn is_off(&self) -> bool {
        self.has(&["FUTURE", "POWERED_DOWN"])
            && !self.has(&SICK)
            && !self.has(&["POWERING_DOWN", "POWERING_UP", "POWER_UP"])
    }

    /// Whether it came up and Slurm gives it no jobs.
    pub fn is_sick(&self) -> bool {
        self.has(&SICK) && !self.has(&["FUTURE", "POWERED_DOWN", "POWERING_UP", "POWER_UP"])
    }

    /// State and reason for a person, as in `IDLE+DRAIN (ECC memory error)`.
    pub fn condition(&self) -> String {
        let state = self.state.join("+");
        if self.reason.is_empty() { state } else { format!("{state} ({})", self.reason) }
    }
}

/// Nodes of `scontrol show nodes --json`.
pub fn nodes(text: &str) -> Option<Vec<Node>> {
    let document: Value = serde_json::from_str(text).ok()?;
    document["nodes"].as_array()?.iter().map(node).collect()
}

fn node(item: &Value) -> Option<Node> {
    Some(Node {
        name: item["name"].as_str()?.to_owned(),
        state: words(&item["state"]),
        partitions: words(&item["partitions"]),
        reason: item["reason"].as_str().unwrap_or_default().to_owned(),
    })
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// It waits or runs; its state and why it waits.
    Going(String),
    /// It ended well.
    Completed,
    /// It ended otherwise; its state.
    Ended(String),
}

/// States of a job that has not ended (slurm.schedmd.com/squeue.html, job state codes).
const GOING: [&str; 10] = [
    "PENDING",
    "RUNNING",
    "CONFIGURING",
    "COMPLETING",
    "SUSPENDED",
    "REQUEUED",
    "REQUEUE_HOLD",
    "RESIZING",
    "SIGNALING",
    "STAGE_OUT",
];

/// The one job of `scontrol show job ID --json`.
pub fn job(text: &str) -> Option<Job> {
    let document: Value = serde_json::from_str(text).ok()?;
    let job = document["jobs"].as_array()?.first()?;
    let reason = job["state_reason"].as_str().filter(|reason| *reason != "None");
    state_of_job(&words(&job["job_state"]), reason)
}

/// The one job of `sacct --json`, with the nodes it ran on; `None` when there is no row of it.
pub fn accounted(text: &str) -> Option<(Job, String)> {
    let document: Value = serde_json::from_str(text).ok()?;
    let job = document["jobs"].as_array()?.first()?;
    let state = state_of_job(&words(&job["state"]["current"]), None)?;
    Some((state, job["nodes"].as_str().unwrap_or_default().to_owned()))
}

fn state_of_job(state: &[String], reason: Option<&str>) -> Option<Job> {
    let text = state.join("+");
    let text = reason.map_or(text.clone(), |reason| format!("{text} ({reason})"));
    if state.iter().any(|one| GOING.contains(&one.as_str())) {
        return Some(Job::Going(text));
    }
    match state.first()?.as_str() {
        "COMPLETED" => Some(Job::Completed),
        _ => Some(Job::Ended(text)),
    }
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// Whether jobs may start in it.
    pub is_up: bool,
    /// Names of its nodes.
    pub nodes: Vec<String>,
}

/// Partitions of `scontrol show partition --oneliner`.
pub fn partitions(text: &str) -> Vec<Partition> {
    text.lines().filter_map(partition).collect()
}

fn partition(line: &str) -> Option<Partition> {
    let value = |key: &str| {
        line.split_whitespace().find_map(|word| word.strip_prefix(key)).filter(|value| *value != "(null)")
    };
    Some(Partition {
        name: value("PartitionName=")?.to_owned(),
        is_up: value("State=") == Some("UP"),
        nodes: value("Nodes=").map(expand).unwrap_or_default(),
    })
}

/// The names in a host list such as `a-[1-2,05],b`.
fn expand(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    let is_end = |c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ',' && depth == 0
    };
    for item in list.split(is_end).filter(|item| !item.is_empty()) {
        match item.split_once('[').zip(item.rsplit_once(']')) {
            Some(((before, rest), (_, after))) => {
                let inside = rest.rsplit_once(']').map_or(rest, |(inside, _)| inside);
                let numbers = inside.split(',').flat_map(range);
                names.extend(numbers.map(|number| format!("{before}{number}{after}")));
            }
            None => names.push(item.to_owned()),
        }
    }
    names
}

/// The numbers of `1-3` or `007`, as wide as they are written.
fn range(text: &str) -> Vec<String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse::<u32>(), last.parse::<u32>()) {
        (Ok(from), Ok(to)) => (from..=to).map(|n| format!("{n:0width$}", width = first.len())).collect(),
        _ => vec![text.to_owned()],
    }
}

#[cfg(test)]
mod tests;
