//! What a twin or a run of the driver must not leave behind.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::rehearsal::Twin;

/// Processes in the twin's environment: what the driver started there, and it itself.
pub fn processes(twin: &Twin) -> Vec<String> {
    let mark = format!("CCSLURM4AI_TWIN_DIR={}\0", twin.path().display());
    list("/proc")
        .into_iter()
        .filter(|process| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            format!("{}\0", String::from_utf8_lossy(&environment)).contains(&mark)
        })
        .map(|process| words(&process))
        .collect()
}

/// Processes, mounts, network namespaces and cgroups of the twin itself.
pub fn of_twin(folder: &Path) -> Vec<String> {
    let text = folder.to_str().unwrap();
    let mut found: Vec<String> =
        list("/proc").iter().map(|process| words(process)).filter(|words| words.contains(text)).collect();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(text)).map(str::to_owned));
    let prefix = network(folder);
    let cgroups = mounts.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        fields[2].starts_with("cgroup").then(|| fields[1].to_owned())
    });
    for place in cgroups.chain(["/run/netns".to_owned()]) {
        let objects = list(&place).into_iter().map(|path| path.display().to_string());
        found.extend(objects.filter(|object| object.contains(&prefix)));
    }
    found
}

/// The network namespace in which every host of the twin is a neighbour; its other kernel objects begin so, too. The
/// twin names them after a hash of the folder of its hosts.
pub fn network(folder: &Path) -> String {
    let digest = Sha256::digest(folder.join("hosts").as_os_str().as_encoded_bytes());
    let hash: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("ccs4ai-{hash}")
}

fn words(process: &Path) -> String {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}

fn list(folder: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}
