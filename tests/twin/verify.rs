//! `verify` of a cluster on real Slurm, two of whose GPU nodes are bad.

use serde_json::{Value, json};

use super::rehearsal::{DRIVER, Run, Twin, Workspace, finish, ok};

const SCHEDULER: &str = "slurmcluster-scheduler";
const SCENARIO: &str = "bad_nodes: {slurmcluster-hpc-3: {slow: true}, slurmcluster-hpc-4: {gpus: 7}}";
const CONFIG: &str = "login_nodes: 1\nmonitoring: false\nstorage: {type: nfs, size_gib: 64}\n";

fn verify(workspace: &Workspace, twin: &Twin, arguments: &[&str]) -> Run {
    let mut command = twin.command(DRIVER);
    command.args(["verify", "--output", "json"]).args(arguments).current_dir(workspace.path());
    Run::of(&finish(&mut command))
}

fn finding<'a>(run: &'a Run, id: &str) -> &'a Value {
    let checks = run.document["result"]["checks"].as_array().unwrap();
    checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id} in {}", run.document))
}

/// Every GPU node is off, and nothing of ours is left in Slurm or the home folder.
fn nothing_is_left(twin: &Twin) {
    let script = "scontrol show nodes --future --oneliner | grep -c State=FUTURE; squeue --noheader | wc -l; \
                  ls -d /shared/home/cycleadmin/ccslurm4ai-verify* 2>/dev/null | wc -l";
    let told = ok(&mut twin.on_host(SCHEDULER, script));
    assert_eq!(told.split_whitespace().collect::<Vec<_>>(), ["14", "0", "0"]);
}

#[test]
fn bad_gpu_nodes_are_named_and_good_ones_are_green() {
    ok(std::process::Command::new(DRIVER).arg("setup"));
    let twin = Twin::up(&[], SCENARIO);
    let workspace = Workspace::new("");
    let cores = std::fs::read_to_string(workspace.path().join("config.yaml")).unwrap();
    let cores = cores.replace("hpc_max_core_count: 192", "hpc_max_core_count: 384") + CONFIG;
    std::fs::write(workspace.path().join("config.yaml"), cores).unwrap();
    let installed = workspace.install(&twin, &[]).expect(0);
    assert_eq!(installed.document["result"]["verify"]["verdict"], "unknown", "{}", installed.document);

    let good = verify(&workspace, &twin, &["--gpu", "2"]).expect(0);
    let expected =
        ["server", "cluster", "sinfo", "partitions", "gpu-nodes", "job", "accounting", "shared-folder"];
    for id in expected.into_iter().chain(["gpu-count", "all-reduce", "gpu-stop"]) {
        assert_eq!(finding(&good, id)["verdict"], "ok", "{id}: {}", good.document);
    }
    assert_eq!(finding(&good, "container")["verdict"], "unknown", "the twin has no pyxis");
    nothing_is_left(&twin);

    let bad = verify(&workspace, &twin, &["--gpu", "4"]).expect(4);
    let fault = |id: &str| finding(&bad, id)["fault"].clone();
    assert_eq!(
        fault("all-reduce"),
        json!({"kind": "node", "nodes": ["slurmcluster-hpc-3"]}),
        "{}",
        bad.document
    );
    assert_eq!(
        fault("gpu-count"),
        json!({"kind": "node", "nodes": ["slurmcluster-hpc-4"]}),
        "{}",
        bad.document
    );
    nothing_is_left(&twin);
}
