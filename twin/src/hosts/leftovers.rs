//! Removing hosts, whether this process started them or a twin that was killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::{Place, machine, network, overlay, shares};

const HALT_DEADLINE: Duration = Duration::from_secs(15);
const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// Removes all hosts of a twin side by side, then its network.
pub fn remove(place: &Place) -> Result<()> {
    let names = host_names(place)?;
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let removals: Vec<_> = names.iter().map(|name| scope.spawn(|| remove_host(place, name))).collect();
        removals.into_iter().filter_map(|removal| removal.join().ok()).collect()
    });
    results.into_iter().collect::<Result<()>>()?;
    shares::remove(&place.shares())?;
    network::remove(&place.prefix)
}

/// Ends a host's processes, then removes its mount, namespace, cgroup and disk. Absent parts are no error.
pub fn remove_host(place: &Place, name: &str) -> Result<()> {
    let object = place.object(name);
    let cgroups = machine::cgroup_folders(&object)?;
    end_processes(&cgroups)?;
    let dir = place.host_dir(name);
    overlay::unmount_below(&dir)?;
    network::remove(&object)?;
    for cgroup in &cgroups {
        remove_cgroup(cgroup)?;
    }
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    Ok(())
}

/// Every host of which a folder, a namespace or a cgroup is left.
fn host_names(place: &Place) -> Result<BTreeSet<String>> {
    let prefix = place.object("");
    let objects = kernel_objects(place)?;
    let mut names: BTreeSet<String> =
        objects.iter().filter_map(|object| object.strip_prefix(&prefix)).map(str::to_owned).collect();
    if place.dir.exists() {
        let folders = folder_names(&place.dir)?;
        names.extend(folders.into_iter().filter(|name| !name.starts_with('.')));
    }
    Ok(names)
}

/// Names of the folders in a folder.
pub fn folder_names(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Asks nspawn to halt its host; what still runs after a while is killed.
fn end_processes(cgroups: &[PathBuf]) -> Result<()> {
    let nspawn = |cgroup: &PathBuf| [processes_in(cgroup), processes_in(&cgroup.join("supervisor"))].concat();
    send(&cgroups.iter().flat_map(nspawn).collect(), Signal::TERM);
    if !wait_until_empty(cgroups, HALT_DEADLINE) {
        send(&all_processes(cgroups), Signal::KILL);
        if !wait_until_empty(cgroups, KILL_DEADLINE) {
            bail!("processes {:?} do not end", all_processes(cgroups));
        }
    }
    Ok(())
}

fn wait_until_empty(cgroups: &[PathBuf], deadline: Duration) -> bool {
    let end = Instant::now() + deadline;
    while !all_processes(cgroups).is_empty() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

fn send(processes: &BTreeSet<i32>, signal: Signal) {
    for pid in processes.iter().filter_map(|id| Pid::from_raw(*id)) {
        // It may have ended on its own meanwhile.
        let _ = kill_process(pid, signal);
    }
}

fn all_processes(cgroups: &[PathBuf]) -> BTreeSet<i32> {
    cgroups.iter().flat_map(|cgroup| tree(cgroup)).flat_map(|cgroup| processes_in(&cgroup)).collect()
}

fn processes_in(cgroup: &Path) -> Vec<i32> {
    let listed = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
    listed.lines().filter_map(|line| line.parse().ok()).collect()
}

/// A cgroup and those below it, parents first. They vanish while a host halts, so an unreadable one is skipped.
fn tree(cgroup: &Path) -> Vec<PathBuf> {
    let Ok(names) = folder_names(cgroup) else { return Vec::new() };
    let below = names.iter().flat_map(|name| tree(&cgroup.join(name)));
    std::iter::once(cgroup.to_path_buf()).chain(below).collect()
}

fn remove_cgroup(cgroup: &Path) -> Result<()> {
    for folder in tree(cgroup).iter().rev() {
        let end = Instant::now() + KILL_DEADLINE;
        while let Err(error) = fs::remove_dir(folder) {
            // A cgroup stays busy for a moment after its last process ended.
            if Instant::now() > end {
                return Err(error).with_context(|| format!("removing the cgroup {}", folder.display()));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// Namespaces and cgroups that one twin has on this machine.
pub fn kernel_objects(place: &Place) -> Result<Vec<String>> {
    let mut objects = network::all(place)?;
    for root in machine::cgroup_roots()? {
        objects.extend(folder_names(&root)?.into_iter().filter(|name| name.starts_with(&place.object(""))));
    }
    Ok(objects)
}
