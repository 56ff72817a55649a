//! Process groups: each child leads one, so that it and all it started can be ended by one id.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long a group may take to end before a stronger signal follows.
const GRACE: Duration = Duration::from_secs(3);
/// How long the kernel may take to carry SIGKILL out; a zombie that nobody reaps may stay longer.
const AFTER_KILL: Duration = Duration::from_millis(500);

/// The process group of one child, noted in a folder while the child lives.
pub(super) struct Group {
    leader: Option<Pid>,
    note: Option<PathBuf>,
}

impl Group {
    pub(super) fn new(leader: Option<u32>, notes: Option<&Path>) -> Self {
        let leader = leader.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        // All is in the name, so that a note is there whole or not at all, whenever we are killed.
        let name = leader.and_then(|id| Some(format!("{}-{}", id.as_raw_nonzero(), start_time(id)?)));
        let note = notes.zip(name).map(|(folder, name)| folder.join(name));
        if let Some(path) = &note {
            let _ = std::fs::File::create(path);
        }
        Self { leader, note }
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

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(note) = &self.note {
            let _ = std::fs::remove_file(note);
        }
    }
}

/// Ends the children that a killed run left behind: those noted in `notes` that still are the same
/// process (same id, same start time). Returns how many there were.
pub fn end_orphans(notes: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(notes) else { return 0 };
    let mut ended = 0;
    for entry in entries.flatten() {
        if let Some(id) = noted(&entry.file_name().to_string_lossy()) {
            Group { leader: Some(id), note: None }.end(|| false);
            ended += 1;
        }
        let _ = std::fs::remove_file(entry.path());
    }
    ended
}

/// The process of a note's name, if it is still the same one.
fn noted(name: &str) -> Option<Pid> {
    let (id, started) = name.split_once('-')?;
    let id = Pid::from_raw(id.parse().ok()?)?;
    (start_time(id)? == started).then_some(id)
}

/// Clock ticks since boot at which a process started: field 22 of `/proc/ID/stat`, see proc(5).
fn start_time(id: Pid) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    after_name.split_whitespace().nth(19).map(str::to_owned)
}
