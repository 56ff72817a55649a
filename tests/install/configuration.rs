//! From the tunnel to the connection scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::site::Site;
use super::table::{case, run};

const CHANGED: &str = "\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key verification failed.
";

/// Lines of our callback plugin, one a result.
pub fn events(results: &[serde_json::Value]) -> String {
    results.iter().map(|event| format!("{event}\n")).collect()
}

pub fn result(status: &str, message: &str) -> serde_json::Value {
    json!({"event": "result", "play": "CycleCloud server", "task": "cyclecloud : account exists",
        "host": "cycleserver", "status": status, "seconds": 0.1, "message": message})
}

/// The tunnel breaks under the playbook.
fn breaks(site: &Site) {
    let lost = events(&[result("unreachable", "Failed to connect: Connection closed by 127.0.0.1")]);
    site.program_fails("ansible-playbook", 4, &lost, "");
    site.file("ansible-playbook.breaks", "");
}

#[test]
fn tunnel_lock_and_playbook() {
    run(
        "configuration",
        &[
            case("az cannot open the tunnel", &[], 11, |site| site.file("tunnel.how", "refused")),
            case("az killed at the tunnel", &[], 11, |site| site.scene.how("network bastion tunnel", "kill")),
            case("signed out before the tunnel", &[], 10, |site| {
                site.scene.fails(
                    "network bastion tunnel",
                    1,
                    "ERROR: Please run 'az login' to setup account.",
                );
            }),
            case("a changed host key", &[], 12, |site| site.program_fails("ssh", 255, "", CHANGED)),
            case("the server takes another key", &[], 10, |site| {
                site.program_fails("ssh", 255, "", "cycleadmin@127.0.0.1: Permission denied (publickey).\n");
            }),
            case("another runner on the server", &[], 8, |site| site.program_fails("ssh", 75, "", "")),
            case("a task fails", &[], 6, |site| {
                let ignored = {
                    let mut event = result("failed", "this one is expected");
                    event["ignored"] = true.into();
                    event
                };
                let failed = result("failed", "HTTP 401 from the server\nsecond line");
                site.program_fails("ansible-playbook", 2, &events(&[ignored, failed]), "");
            }),
            case("a task has something to say", &[], 0, |site| {
                let said = result("ok", "cluster slurmcluster was edited in CycleCloud (parameter Region)");
                site.file("ansible-playbook.says", &events(&[said]));
            }),
            case("the host does not answer", &[], 11, |site| {
                let lost =
                    result("unreachable", "Failed to connect to the host via ssh: Operation timed out");
                site.program_fails("ansible-playbook", 4, &events(&[lost]), "");
            }),
            case("a host key changed under Ansible", &[], 12, |site| {
                let lost = result("unreachable", "Host key verification failed.");
                site.program_fails("ansible-playbook", 4, &events(&[lost]), "");
            }),
            case("Ansible itself fails", &[], 6, |site| {
                site.program_fails("ansible-playbook", 1, "", "ERROR! the playbook could not be found\n");
            }),
            case("the tunnel breaks once", &[], 0, |site| {
                breaks(site);
                site.file("ansible-playbook.how", "once");
            })
            // Two for the playbook, three for verify: server, login node, scheduler.
            .verify(|site, _| assert_eq!(site.calls_of("network bastion tunnel").len(), 5)),
            case("the tunnel breaks twice", &[], 11, breaks)
                .verify(|site, _| assert_eq!(site.calls_of("ansible-playbook").len(), 2)),
            case("a node's VM fails", &[], 11, |site| {
                let vms = fs::read_to_string(site.path("answers/vms")).expect("a list");
                site.file("vms", &vms.replacen("Succeeded", "Failed", 1));
            }),
            case("Slurm does not answer in the end", &[], 4, |site| {
                let text = "slurm_load_partitions: Unable to contact slurm controller (connect failure)";
                site.change_cluster("fails", &json!({"sinfo": [1, text]}));
            })
            .verify(|_, run| {
                assert!(run.document["result"]["scripts"].is_array(), "{}", run.document);
                assert_eq!(run.document["result"]["verify"]["verdict"], "failed");
            }),
            case("the server is forbidden", &["-a"], 10, |site| {
                assert_eq!(site.install(&["-b"]).exit, 0);
                site.scene.forbids("cycleserver");
            }),
            case("the server is gone", &["-a"], 5, |site| {
                assert_eq!(site.install(&["-b"]).exit, 0);
                let gone =
                    r#"ERROR: Not Found({"error":{"code":"ResourceNotFound","message":"Not there."}})"#;
                site.scene.fails("cycleserver", 1, gone);
            }),
        ],
    );
}

#[test]
fn the_users_settings_of_ansible_do_not_reach_the_playbook() {
    let site = Site::new();
    let program = site.ansible().join("bin/ansible-playbook");
    fs::remove_file(&program).expect("removed");
    fs::write(&program, "#!/bin/bash\ndeclare -x >\"$STAND_IN_DIR/playbook\"\nexit 3\n").expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    assert_eq!(site.install(&[]).exit, 6);
    let variables = fs::read_to_string(site.path("answers/playbook")).expect("it ran");
    assert!(!variables.contains("ANSIBLE_HOST_KEY_CHECKING"), "{variables}");
    let config = variables.lines().find(|line| line.contains("ANSIBLE_CONFIG=")).expect("our settings");
    assert!(config.ends_with("ansible/ansible.cfg\""), "{config}");
}
