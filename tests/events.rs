//! What the callback plugin writes, run by the pinned ansible-core that `setup` installs.

#![allow(clippy::unwrap_used, reason = "a test that finds something unexpected may panic")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn ansible_playbook() -> std::path::PathBuf {
    let setup = assert_cmd::Command::cargo_bin("ccslurm4ai")
        .unwrap()
        .args(["setup", "--output", "json"])
        .assert()
        .success();
    let answer: Value = serde_json::from_slice(&setup.get_output().stdout).unwrap();
    Path::new(answer["result"]["folder"].as_str().unwrap()).join("bin/ansible-playbook")
}

/// Runs a playbook as the driver does and returns its lines, every one of which must be JSON, without the seconds.
fn events(playbook: &str) -> Vec<Value> {
    let output = Command::new(ansible_playbook())
        .args(["-i", "cycleserver,", playbook])
        .current_dir(Path::new(ROOT).join("ansible"))
        .env("ANSIBLE_CONFIG", Path::new(ROOT).join("ansible/ansible.cfg"))
        .env("ANSIBLE_STDOUT_CALLBACK", "ccslurm4ai_events")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| {
            let mut event: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if let Some(seconds) = event.as_object_mut().unwrap().remove("seconds") {
                assert!(seconds.as_f64().unwrap() < 60.0, "{line}");
            }
            event
        })
        .collect()
}

#[test]
fn every_kind_of_result_is_one_line() {
    let events = events("../tests/data/events/playbook.yml");
    assert!(!serde_json::to_string(&events).unwrap().contains("canary-secret"));
    let shown: Vec<String> = events.iter().map(Value::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_broken_contract_names_the_side_that_broke_it() {
    let events = events("playbooks/site.yml");
    let failed = events.iter().find(|event| event["status"] == "failed").unwrap();
    insta::assert_snapshot!(failed["message"].as_str().unwrap(), @"globalVars.clusterSubnetName is missing or no text; the outputs of bicep/main.bicep must hold it");
}
