//! One cluster's life, in order: installed under watch, used for jobs, installed again, changed, its state lost, secured,
//! its server replaced, destroyed, its twin taken down.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use super::compare::{RESOURCES, differences};
use super::rehearsal::{DRIVER, Run, Twin, Workspace, finish, name_of, ok};
use super::{jobs, leftovers, secure, trouble, watcher};

const SERVER: &str = "cycleserver";
const NODES: [&str; 4] =
    ["slurmcluster-scheduler", "slurmcluster-login1", "slurmcluster-login2", "slurmcluster-login3"];
const PROJECT_FILE: &str = "ansible/playbooks/roles/cyclecloud_cluster/files/cc_projects/code_cli/specs/default/\
                            cluster-init/scripts/10-code-cli.sh";
const UPLOAD: &str = "cyclecloud_cluster : Projects are in the locker";
const IMPORT: &str = "cyclecloud_cluster : Cluster is imported";
const KEY_FILE: &str = "ansible/playbooks/roles/cyclecloud/defaults/main.yml";
const CREDENTIAL: &str = "cyclecloud : Administrator has an account";

#[test]
fn a_cluster_lives() {
    ok(Command::new(DRIVER).arg("setup"));
    let twin = Twin::up(&[], &format!("nrms_rules: true\n{}", trouble::UPLOAD_FAILS_ONCE));
    let workspace = Workspace::new("");
    let mut last = Instant::now();
    let mut done = |step: &str| {
        println!("{:6.1} s  {step}", last.elapsed().as_secs_f32());
        last = Instant::now();
    };

    let watched = watcher::install(&workspace, &twin);
    first_install(&watched.run, &workspace);
    done("first install, watched");
    let hosts: Vec<&str> = NODES.into_iter().chain([SERVER]).collect();
    watched.judge(&workspace, &twin, &hosts);
    watcher::sees_what_is_planted_on(&twin, SERVER);
    done("looked at what the watcher saw");
    sign_in(&workspace, &twin);
    done("signed in everywhere");
    jobs::run(&workspace, &twin);
    done("jobs of two users on nodes started by hand, and every script");
    let first = twin.state();
    again(&workspace, &twin, &first);
    done("second install");
    by_force(&workspace, &twin, &first);
    done("install --force");
    edited(&workspace, &twin);
    trouble::an_upload_was_tried_again(&twin);
    done("install after each of three edits");
    state_lost(&workspace, &twin);
    done("install -a without a state folder");
    trouble::run(&workspace, &twin);
    done("troubles of the server");
    secure::secured(&workspace, &twin, hosts.len());
    done("install -s, twice");
    secure::deployed_again(&workspace, &twin, hosts.len());
    done("install -b --force and -a -s with a closed vault");
    secure::state_lost(&workspace, &twin);
    done("install without a state folder, the vault closed");
    server_replaced(&workspace, &twin);
    done("install -a with another host key");
    destroyed(&workspace, &twin);
    done("destroy");
    taken_down(&twin);
    done("down");
}

fn first_install(run: &Run, workspace: &Workspace) {
    assert_eq!(run.exit, 0, "{}\n{}", run.document, run.stderr);
    let result = &run.document["result"];
    assert_eq!(result["deployment"]["changed"], true);
    assert_eq!(result["vms"]["login"].as_array().map(Vec::len), Some(3));
    assert!(run.changes().as_u64() > Some(0), "{result}");
    for script in result["scripts"].as_array().unwrap() {
        assert!(Path::new(script.as_str().unwrap()).starts_with(workspace.path().canonicalize().unwrap()));
    }
}

/// Signs in through the written scripts and `ssh_config`; a user's id shows that CycleCloud made it.
fn sign_in(workspace: &Workspace, twin: &Twin) {
    let script = "hostname; id -u; sudo -n id -u";
    let (scheduler, login) = ("./bastion_ssh_scheduler.sh", "./bastion_ssh_login.sh");
    let cases: [(&[&str], &str); 6] = [
        (&[scheduler, script], "slurmcluster-scheduler\n20001\n0\n"),
        (&[login, script], "slurmcluster-login1\n20001\n0\n"),
        (&[login, "2", script], "slurmcluster-login2\n20001\n0\n"),
        (&[login, "3", script], "slurmcluster-login3\n20001\n0\n"),
        // the server's user is the VM's, not CycleCloud's
        (&["./bastion_ssh_cycleserver.sh", script], "cycleserver\n1000\n0\n"),
        (&["ssh", "-F", "ssh_config", "scheduler", "hostname"], "slurmcluster-scheduler\n"),
    ];
    for (words, expected) in cases {
        let said = ok(twin.command(words[0]).args(&words[1..]).current_dir(workspace.path()));
        assert_eq!(said, expected, "{words:?}");
    }
    let status = finish(twin.command(scheduler).arg("exit 3").current_dir(workspace.path())).status;
    assert_eq!(status.code(), Some(3), "the remote status is the script's");
    println!("{} ways in", cases.len());
}

fn again(workspace: &Workspace, twin: &Twin, before: &Value) {
    let run = workspace.install(twin, &[]).expect(0);
    assert!(run.stderr.contains("the infrastructure is unchanged since ccslurm4ai-"), "{}", run.stderr);
    assert_eq!(run.document["result"]["deployment"]["changed"], false);
    assert_eq!(run.changes(), 0, "{:?}; CycleCloud: {}", workspace.changed_tasks(), cyclecloud(twin));
    assert_eq!(twin.state()["deployments"], before["deployments"], "nothing was deployed");
}

/// What CycleCloud knows of its nodes, for whoever wonders why Ansible had something to do.
fn cyclecloud(twin: &Twin) -> String {
    let nodes = "select Name, State, StatusMessage from Cloud.Node";
    ok(&mut twin.on_host(SERVER, &format!("/opt/cycle_server/cycle_server execute '{nodes}'")))
}

fn by_force(workspace: &Workspace, twin: &Twin, before: &Value) {
    let run = workspace.install(twin, &["--force"]).expect(0);
    assert_eq!(run.document["result"]["deployment"]["changed"], true);
    assert_eq!(run.changes(), 0, "{:?}", workspace.changed_tasks());
    let after = twin.state();
    assert_eq!(differences(before, &after, &RESOURCES), Vec::<String>::new());
    let versions =
        after.pointer(&format!("/secrets/{}", super::rehearsal::VAULT)).unwrap().as_object().unwrap();
    assert_eq!(versions.len(), 4);
    assert!(versions.values().all(|versions| versions.as_array().map(Vec::len) == Some(1)), "{versions:?}");
}

/// One edit at a time changes what it must and nothing else.
fn edited(workspace: &Workspace, twin: &Twin) {
    let copy = copy_of_templates(workspace);
    let templates = copy.to_str().unwrap();
    let install = || workspace.install(twin, &["--templates", templates]).expect(0);
    let changed = |run: &Run| {
        assert_eq!(run.document["result"]["deployment"]["changed"], false, "{}", run.stderr);
        workspace.changed_tasks()
    };

    let before = twin.state();
    let script = copy.join(PROJECT_FILE);
    fs::write(&script, fs::read_to_string(&script).unwrap() + "\n# edited\n").unwrap();
    assert_eq!(changed(&install()), [UPLOAD, IMPORT]);
    let after = twin.state();
    let found = differences(&before, &after, &RESOURCES);
    assert!(!found.is_empty() && found.iter().all(|path| path.contains("/projects/code_cli/")), "{found:?}");

    workspace.configure("autoscale: true\n");
    assert_eq!(changed(&install()), [IMPORT]);
    assert_eq!(differences(&after, &twin.state(), &RESOURCES), Vec::<String>::new());
    let (old, new) = ("ccslurm4ai.ssh_public_key | trim }}", "ccslurm4ai.ssh_public_key | trim }} edited");
    let defaults = fs::read_to_string(copy.join(KEY_FILE)).unwrap();
    assert!(defaults.contains(old));
    fs::write(copy.join(KEY_FILE), defaults.replace(old, new)).unwrap();
    assert_eq!(changed(&install()), [CREDENTIAL]);
    workspace.configure("");
    fs::remove_dir_all(&copy).unwrap();
}

fn copy_of_templates(workspace: &Workspace) -> std::path::PathBuf {
    let (root, copy) = (Path::new(env!("CARGO_MANIFEST_DIR")), workspace.path().join("templates"));
    fs::create_dir(&copy).unwrap();
    let parts = ["bicep", "ansible", "VERSION"].map(|name| root.join(name));
    ok(Command::new("cp").arg("-a").args(parts).arg(&copy));
    copy
}

/// Without the state folder, outputs come from Azure and the key from the vault.
fn state_lost(workspace: &Workspace, twin: &Twin) {
    let key = workspace.state("ssh/id_rsa");
    let before = fs::read(&key).unwrap();
    fs::remove_dir_all(workspace.path().join(".ccslurm4ai")).unwrap();
    workspace.install(twin, &["-a"]).expect(0);
    assert_eq!(fs::read(&key).unwrap(), before);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
}

fn server_replaced(workspace: &Workspace, twin: &Twin) {
    let script = "rm /etc/ssh/ssh_host_*_key* && ssh-keygen -q -A && systemctl restart ssh";
    ok(&mut twin.on_host(SERVER, script));
    let run = workspace.install(twin, &["-a"]).expect(12);
    assert_eq!(run.codes(), ["HostKeyChanged"]);
    assert_eq!(leftovers::processes(twin), Vec::<String>::new());
}

/// The hosts are off, and of the files here only the user's own are left.
fn destroyed(workspace: &Workspace, twin: &Twin) {
    let hosts = || {
        let found = leftovers::of_twin(twin.path());
        found.into_iter().filter(|words| words.contains("systemd-nspawn")).count()
    };
    assert!(leftovers::of_twin(twin.path()).len() > 10 && hosts() >= 5, "the search finds what is there");
    let run = workspace.destroy(twin).expect(0);
    assert_eq!(run.document["result"]["vms"].as_array().map(Vec::len), Some(5), "{}", run.document);
    assert_eq!(run.document["result"]["not_deployed_by_us"], serde_json::json!([]));
    assert_eq!((twin.state()["groups"].to_string().as_str(), hosts()), ("{}", 0));
    let left: Vec<_> =
        fs::read_dir(workspace.path()).unwrap().map(|entry| name_of(&entry.unwrap().path())).collect();
    assert_eq!(left, ["config.yaml"]);
}

fn taken_down(twin: &Twin) {
    twin.down();
    assert_eq!(leftovers::of_twin(twin.path()), Vec::<String>::new());
    let files: Vec<_> = fs::read_dir(twin.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.is_empty(), "left behind: {files:?}");
}
