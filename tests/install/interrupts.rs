//! SIGINT and SIGTERM in each phase: exit code 7, and nothing left but what goes on in Azure.

use rustix::process::Signal;
use serde_json::json;

use super::site::Site;
use super::table::{shown, side_by_side};

/// A phase in which a run is interrupted.
struct Phase {
    name: &'static str,
    arrange: fn(&Site),
    /// A call by which the phase is recognised, and how many of these there must have been.
    at: (&'static str, usize),
}

const PHASES: [Phase; 18] = [
    Phase {
        name: "token",
        arrange: |site| hang(site, "account get-access-token"),
        at: ("account get-access-token", 1),
    },
    Phase { name: "checks", arrange: |site| hang(site, "usages"), at: ("/usages", 1) },
    Phase { name: "survey", arrange: |site| hang(site, "secrets"), at: ("/secrets", 1) },
    Phase { name: "environment", arrange: no_ansible, at: ("python3 -m venv", 1) },
    Phase {
        name: "terms",
        arrange: |site| hang(site, "vm image terms accept"),
        at: ("vm image terms accept", 1),
    },
    Phase { name: "group", arrange: |site| hang(site, "group create"), at: ("group create", 1) },
    Phase { name: "vault recovery", arrange: deleted_vault, at: ("keyvault recover", 1) },
    Phase { name: "secrets", arrange: |site| site.file("ssh-keygen.how", "hang"), at: ("ssh-keygen -q", 1) },
    Phase {
        name: "deployment start",
        arrange: |site| hang(site, "deployment group create"),
        at: ("deployment group create", 1),
    },
    Phase {
        name: "following, between two looks",
        arrange: |site| site.plan(&json!({"seconds": 600})),
        at: ("/operations", 1),
    },
    Phase {
        name: "following, in a look",
        arrange: |site| site.plan(&json!({"hangs": true})),
        at: ("deployments/ccslurm4ai-", 1),
    },
    Phase { name: "key", arrange: |site| hang(site, "cycleserver"), at: ("/cycleserver", 1) },
    Phase {
        name: "tunnel, az hanging",
        arrange: |site| hang(site, "network bastion tunnel"),
        at: ("network bastion tunnel", 1),
    },
    Phase {
        name: "tunnel, no greeting",
        arrange: |site| site.file("tunnel.how", "silent"),
        at: ("network bastion tunnel", 1),
    },
    Phase { name: "lock", arrange: |site| site.file("ssh.how", "hang"), at: ("ssh -M", 1) },
    Phase {
        name: "playbook",
        arrange: |site| site.file("ansible-playbook.how", "hang"),
        at: ("ansible-playbook", 1),
    },
    Phase { name: "VM wait", arrange: no_nodes, at: ("/virtualMachines\\?", 2) },
    Phase {
        name: "verify",
        arrange: |site| site.change_cluster("hangs", &json!(["sinfo"])),
        at: ("login1: sinfo", 1),
    },
];

fn hang(site: &Site, key: &str) {
    site.scene.how(key, "hang");
}

fn no_ansible(site: &Site) {
    std::fs::remove_file(site.ansible().join("complete")).expect("removed");
    site.file("python3.how", "hang");
}

fn deleted_vault(site: &Site) {
    site.install(&["-b", "--dry-run"]);
    let vault = site.vault();
    site.forget_calls();
    site.scene.answer_json("deletedVaults", &json!({"value": [{"name": vault}]}));
    hang(site, "keyvault recover");
}

fn no_nodes(site: &Site) {
    site.file("vms", r#"{"value": []}"#);
}

fn interrupt((phase, signal): &(&Phase, Signal)) -> String {
    let site = Site::new();
    (phase.arrange)(&site);
    let mut started = site.start_patiently(&["install"]);
    let (call, times) = phase.at;
    started.wait_for(phase.name, |calls| calls.iter().filter(|line| line.contains(call)).count() >= times);
    // Into the wait that follows the call.
    std::thread::sleep(std::time::Duration::from_millis(100));
    started.signal(*signal);
    let run = started.finish();
    assert_eq!(run.exit, 7, "{} by {signal:?}:\n{}", phase.name, run.said);
    site.audit_leftovers();
    assert_eq!(run.document["errors"][0]["code"], "Interrupted", "{}", run.document);
    shown(phase.name, &run)
}

#[test]
fn every_phase_ends_by_either_signal() {
    let phases = || PHASES.iter();
    let cases: Vec<_> = phases()
        .map(|phase| (phase, Signal::INT))
        .chain(phases().map(|phase| (phase, Signal::TERM)))
        .collect();
    println!("{} cases", cases.len());
    let texts = side_by_side(&cases, interrupt);
    let (by_int, by_term) = texts.split_at(PHASES.len());
    assert_eq!(by_int, by_term);
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!("install__interrupts", by_int.concat());
    });
}
