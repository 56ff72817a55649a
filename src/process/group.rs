//! Process groups: each child leads one, so that it and all it started can be ended by one id.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgid, getpgrp, kill_process_group, test_kill_process_group};

/// How long a group may take to end before a stronger signal follows.
const GRACE: Duration = Duration::from_secs(3);
/// How long the kernel may take to carry SIGKILL out; a zombie that nobody reaps may stay longer.
const AFTER_KILL: Duration = Duration::from_millis(500);

/// Variable in the environment of each child, and so of all that it starts: the state folder of its run. By it the
/// next run finds what a killed one left. A record of our own would miss a child whose run is killed before writing it.
const MARK: &str = "CCSLURM4AI_CHILD_OF";

/// The process group of one child.
pub(super) struct Group {
    leader: Option<Pid>,
}

impl Group {
    pub(super) fn new(leader: Option<u32>) -> Self {
        Self { leader: leader.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) }
    }

    /// Ends the whole group: SIGINT, on which az hands its Bastion session back, then SIGTERM, then SIGKILL,
    /// each for what is left after a grace period. `reaped` says whether the child has been waited for.
    pub(super) fn end(&self, reaped: impl Fn() -> bool) {
        let Some(leader) = self.leader else { return };
        let stages = [(Signal::INT, 2 * GRACE), (Signal::TERM, GRACE), (Signal::KILL, AFTER_KILL)];
        for (signal, patience) in stages {
            let _ = kill_process_group(leader, signal);
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                let _ = reaped();
                if test_kill_process_group(leader).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Marks a child of a run whose state folder is `state`.
pub(super) fn mark(child: duct::Expression, state: &Path) -> duct::Expression {
    child.env(MARK, state)
}

/// Ends the process groups that a killed run with the state folder `state` left behind. Returns how many there were.
pub fn end_orphans(state: &Path) -> usize {
    let mark = [MARK.as_bytes(), b"=", state.as_os_str().as_bytes()].concat();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let marked = processes.filter_map(|entry| {
        let id = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let environment = std::fs::read(entry.path().join("environ")).ok()?;
        environment.split(|byte| *byte == 0).any(|variable| variable == mark).then_some(id)
    });
    let groups: BTreeSet<i32> =
        marked.filter_map(|id| getpgid(Some(id)).ok()).map(|group| group.as_raw_nonzero().get()).collect();
    let others: Vec<Pid> =
        groups.into_iter().filter_map(Pid::from_raw).filter(|group| *group != getpgrp()).collect();
    for leader in &others {
        Group { leader: Some(*leader) }.end(|| false);
    }
    others.len()
}
