//! Every script of every project runs on a real host of the cluster: those of a node's boot once more, the tools with
//! `--help`, `--dry-run` and for real. A script that is not in the table fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::jobs::{LOGIN, until};
use super::rehearsal::{Twin, finish, ok, text};

const PROJECTS: &str = "ansible/playbooks/roles/cyclecloud_cluster/files/cc_projects";
const SCHEDULER: &str = "slurmcluster-scheduler";
const GPU_NODE: &str = "slurmcluster-hpc-1";

/// How a script runs here, and a part of what it then says.
enum Run {
    /// By the node's agent, once more after the boot.
    Boot(&'static str),
    /// By the node's agent, when the node is about to be deleted.
    End,
    /// A tool, by this command in its folder, which ends well.
    Tool(&'static str, &'static str),
    /// A tool whose command refuses, for the node has not what it needs.
    Refuses(&'static str, &'static str),
}

use Run::{Boot, End, Refuses, Tool};

const ON_NODE: &str = "srun --quiet --partition=hpc --nodelist=slurmcluster-hpc-1 --gpus-per-node=8";
const RUNS: [(&str, Run); 13] = [
    ("10-code-cli.sh", Boot("code")),
    ("10-diagnostics.sh", Boot("/shared/home/cycleadmin/diagnostics is there already")),
    ("10-node-logs.sh", Boot("")),
    ("onTerminate.sh", End),
    ("drained_nodes.sh", Tool("", "slurmcluster-hpc-2: drained\n    the fan is loud\n")),
    ("gpu_bandwidth.sh", Refuses(ON_NODE, "nvbandwidth failed")),
    ("gpu_ecc.sh", Tool(ON_NODE, "GPU 7 (")),
    (
        "host_names.sh",
        Tool(
            "bash -c '$0 --nodes slurmcluster-hpc-1'",
            "slurmcluster-hpc-1 slurmcluster-hpc-standard_nd96isr_h100_v5_pg0_",
        ),
    ),
    ("ib_bandwidth.sh", Refuses(ON_NODE, "port mlx5_ib0 is missing; a healthy node has 8")),
    ("nccl_allreduce_a100.sh", Refuses(JOB, "and this node is a Standard_ND96isr_H100_v5")),
    ("nccl_allreduce_container.sh", Refuses(JOB, "unrecognized option '--container-image")),
    ("nccl_allreduce_h100.sh", Tool(JOB, "GB/s  ok (at least 460)")),
    ("rccl_allreduce_mi300x.sh", Refuses(JOB, "and this node is a Standard_ND96isr_H100_v5")),
];
/// Submits its last argument and shows what the job wrote.
const JOB: &str = "bash -c 'sbatch --quiet --wait --nodelist=slurmcluster-hpc-1 --nodes=1 --output=job.log $0; \
                   result=$?; cat job.log; exit $result'";

/// All scripts that are run by themselves, below a folder.
fn scripts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(scripts(&path));
        } else if fs::read(&path).unwrap().starts_with(b"#!") {
            found.push(path);
        }
    }
    found
}

fn name(path: &Path) -> String {
    super::rehearsal::name_of(path)
}

/// Runs all of them on a cluster whose GPU nodes are idle, and leaves it so.
pub fn run(twin: &Twin) {
    let found = scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join(PROJECTS));
    let files: BTreeSet<String> = found.iter().map(|path| name(path)).collect();
    assert_eq!(
        files,
        RUNS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        "a script without a run here"
    );
    assert_eq!(files.len(), found.len(), "two scripts of one name");
    boot_again(twin, LOGIN, &found);
    let node_logs: Vec<PathBuf> = found.into_iter().filter(|path| name(path) == "10-node-logs.sh").collect();
    boot_again(twin, GPU_NODE, &node_logs);
    drain(twin, "state=drain reason='the fan is loud'", "drain");
    let mut wrong = Vec::new();
    for (script, run) in &RUNS {
        match run {
            Tool(command, said) => wrong.extend(tool(twin, script, command, true, said)),
            Refuses(command, said) => wrong.extend(tool(twin, script, command, false, said)),
            Boot(_) | End => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    drain(twin, "state=resume", "idle");
    println!("{} scripts", RUNS.len());
}

fn drain(twin: &Twin, change: &str, state: &str) {
    ok(&mut twin.on_host(SCHEDULER, &format!("scontrol update nodename=slurmcluster-hpc-2 {change}")));
    until(twin, LOGIN, "sinfo -h -n slurmcluster-hpc-2 -o %t", state);
}

/// The agent runs the scripts of a node's boot again, as the projects' READMEs tell to.
fn boot_again(twin: &Twin, host: &str, scripts: &[PathBuf]) {
    for script in scripts {
        let Some((_, Boot(said))) = RUNS.iter().find(|(known, _)| *known == name(script)) else { continue };
        let project = name(script.ancestors().nth(5).unwrap());
        let file = name(script);
        let command = format!(
            "rm /mnt/cluster-init/.run/{project}/default/{file} && /opt/cycle/jetpack/bin/jetpack converge --cluster-init \
             >/dev/null && ls /mnt/cluster-init/.run/{project}/default/{file} && cat \
             /opt/cycle/jetpack/logs/cluster-init/{project}/default/scripts/{file}.out"
        );
        let told = ok(&mut twin.on_host(host, &command));
        assert!(told.contains(said), "{host}: {file}: {told}");
    }
}

/// Runs a tool as the administrator does on a login node; what was wrong.
fn tool(twin: &Twin, script: &str, command: &str, good: bool, said: &str) -> Vec<String> {
    let path = format!("/shared/home/cycleadmin/diagnostics/{script}");
    let admin = |words: &str| {
        let output = finish(&mut twin.on_host(LOGIN, &format!("su - cycleadmin <<'EOF' 2>&1\n{words}\nEOF")));
        (output.status.success(), text(&output.stdout))
    };
    let runs = [
        (format!("{path} --help"), true, script),
        (format!("{path} --dry-run"), true, ""),
        (format!("{command} {path} </dev/null"), good, said),
    ];
    let failed = runs.into_iter().filter_map(|(words, good, said)| {
        let (success, told) = admin(&words);
        let as_wanted = success == good && told.contains(said) && !told.trim().is_empty();
        (!as_wanted).then(|| format!("{words}: {told}"))
    });
    failed.collect()
}

/// The GPU nodes that were ended saved their logs before.
pub fn logs_are_saved(twin: &Twin, nodes: &[&str]) {
    for node in nodes {
        let archive = format!("ls /sched/slurmcluster/node-logs/{node}-*.tar.gz");
        let listed = ok(&mut twin.on_host(SCHEDULER, &format!("tar -tzf $({archive})")));
        assert!(listed.contains("jetpack.log") && listed.contains("nvidia-smi.txt"), "{node}: {listed}");
    }
}
