//! What goes wrong on a server that runs a cluster, one thing after the other; each run says it, and the next one is well.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::rehearsal::{Run, Twin, Workspace, ok, wait_until};

const SERVER: &str = "cycleserver";
const DROP_IN: &str = "/etc/systemd/system/cycle_server.service.d";
/// How much longer the server's start takes here.
const SLOW: Duration = Duration::from_secs(40);
/// The first upload of the edited project is refused once, at its last file.
pub const UPLOAD_FAILS_ONCE: &str = "faults: [{method: PUT, path: 'projects/code_cli/[^/]+/project\\.ini', from: 2, to: 2, \
                                     status: 503, body: ServerBusy}]";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";

fn on_server(twin: &Twin, script: &str) -> String {
    ok(&mut twin.on_host(SERVER, script))
}

fn configure(workspace: &Workspace, twin: &Twin, exit: i32) -> Run {
    workspace.install(twin, &["-a"]).expect(exit)
}

fn says(run: &Run, words: &[&str]) {
    let error = run.document["errors"].to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{words:?} in {error}");
}

/// Runs all of it.
pub fn run(workspace: &Workspace, twin: &Twin) {
    let begin = Instant::now();
    let done = |what: &str| println!("{:10.1} s  {what}", begin.elapsed().as_secs_f32());
    an_edited_cluster(workspace, twin);
    done("a cluster that was edited by hand");
    an_account_of_another_subscription(workspace, twin);
    done("an account of another subscription");
    a_full_disk(workspace, twin);
    done("a full disk");
    a_slow_server_that_is_lost_half_way(workspace, twin);
    done("a server that is slow and lost half-way");
}

/// An upload that was refused was tried again: the requests show both.
pub fn an_upload_was_tried_again(twin: &Twin) {
    let log = twin.requests();
    let puts = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter(|request| {
        let path = request["path"].as_str().unwrap_or_default();
        request["method"] == "PUT" && path.contains("projects/code_cli/") && path.contains("project.ini")
    });
    let statuses: Vec<u64> = puts.filter_map(|request| request["status"].as_u64()).collect();
    assert_eq!(statuses, [201, 503, 201]);
}

fn an_edited_cluster(workspace: &Workspace, twin: &Twin) {
    let limit = "cyclecloud export_parameters slurmcluster | grep MaxHPCExecuteNodeCount";
    on_server(
        twin,
        "umask 077; cd /run; cyclecloud export_parameters slurmcluster | sed 's/\\(\"MaxHPCExecuteNodeCount\": \\)2/\\11/' >p; \
         /opt/cycle_server/cycle_server execute --format json 'select Template from Cloud.Cluster' | python3 -c \
         'import json, sys; print(json.load(sys.stdin)[0][\"Template\"].replace(\"slurm.default_partition = true\", \
         \"slurm.default_partition = false\"))' >t; cyclecloud import_cluster slurmcluster -c Slurm -f t -p p --force; rm p t",
    );
    let edits = "parameter MaxHPCExecuteNodeCount, partition hpc";
    let run = configure(workspace, twin, 0);
    assert_eq!(run.changes(), 0, "{:?}", workspace.changed_tasks());
    assert!(
        run.stderr.contains(&format!("cluster slurmcluster was edited in CycleCloud ({edits})")),
        "{}",
        run.stderr
    );

    workspace.configure("htc_max_core_count: 10\n");
    says(&configure(workspace, twin, 6), &[edits, "install -a --force"]);
    assert!(on_server(twin, limit).contains(": 1"), "a refused run overwrites nothing");
    workspace.configure("");
    workspace.install(twin, &["-a", "--force"]).expect(0);
    assert_eq!(workspace.changed_tasks(), ["cyclecloud_cluster : Cluster is imported"]);
    assert!(on_server(twin, limit).contains(": 2"));
}

fn an_account_of_another_subscription(workspace: &Workspace, twin: &Twin) {
    let set = |id: &str| {
        let update =
            format!("update Cloud.Account set AzureRMSubscriptionId = \"{id}\" where Name == \"azure\"");
        on_server(twin, &format!("/opt/cycle_server/cycle_server execute '{update}'"));
    };
    let shown = on_server(twin, "cyclecloud account show azure");
    let own = shown.split("AzureRMSubscriptionId: \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    set(OTHER);
    says(&configure(workspace, twin, 6), &["account azure", OTHER, &own]);
    set(&own);
}

fn a_full_disk(workspace: &Workspace, twin: &Twin) {
    let folder = "/opt/ccslurm4ai";
    on_server(
        twin,
        &format!(
            "mount -t tmpfs -o size=64k none {folder}; dd if=/dev/zero of={folder}/full bs=1k 2>/dev/null || true"
        ),
    );
    says(&configure(workspace, twin, 6), &["No space left on device", "df -h"]);
    on_server(twin, &format!("umount {folder}"));
}

/// The connection breaks while Ansible waits for the server's start, and the run goes on when it is back.
fn a_slow_server_that_is_lost_half_way(workspace: &Workspace, twin: &Twin) {
    on_server(
        twin,
        &format!(
            "mkdir -p {DROP_IN}; printf '[Service]\\nExecStartPre=/bin/sleep {}\\n' >{DROP_IN}/slow.conf; \
             systemctl daemon-reload; systemctl stop cycle_server",
            SLOW.as_secs()
        ),
    );
    let log = workspace.state("logs/ansible.jsonl");
    fs::remove_file(&log).unwrap();
    let started = workspace.start(twin, &["-a"]);
    wait_until("the start of the server is waited for", || {
        fs::read_to_string(&log).is_ok_and(|log| log.contains("CycleCloud starts with the server"))
    });
    on_server(twin, "systemctl stop ssh.socket ssh.service 2>/dev/null; pkill -u cycleadmin sshd");
    wait_until("the break is noticed", || started.said().contains("the connection to the server broke"));
    on_server(
        twin,
        "systemctl stop cycle_server; systemctl start --no-block cycle_server; systemctl start ssh",
    );
    let begin = Instant::now();
    Run::of(&started.finish()).expect(0);
    assert!(begin.elapsed() > SLOW, "CycleCloud was not there before");
    on_server(twin, &format!("rm -r {DROP_IN}; systemctl daemon-reload"));
}
