//! GPU nodes: started, tested, stopped.

use serde_json::json;

use super::cluster::{Cluster, case, table};

const BAD: &str = "slurmcluster-hpc-2";

#[test]
fn gpu_nodes() {
    table(
        "gpus",
        &[
            case("two good nodes", &["--gpu", "2"], 0, |_| {}),
            case("one good node", &["--gpu", "1"], 0, |_| {}),
            case("one runs already", &["--gpu", "2"], 0, |cluster| cluster.nodes("hpc", 1, "IDLE")),
            case("five good nodes, autoscale", &["--gpu", "5"], 0, |cluster| {
                cluster.config(480, "autoscale: true\n");
                for number in 1..=5 {
                    let name = format!("slurmcluster-hpc-{number}");
                    cluster.node(&name, "state", json!(["IDLE", "CLOUD", "POWERED_DOWN"]));
                    cluster.node(&name, "off", json!(["IDLE", "CLOUD", "POWERED_DOWN"]));
                }
            }),
            case("one of two is slow", &["--gpu", "2"], 4, |cluster| cluster.node(BAD, "slow", true)),
            case("one of five is slow", &["--gpu", "5"], 4, |cluster| cluster.node(BAD, "slow", true)),
            case("one has seven GPUs", &["--gpu", "3"], 4, |cluster| cluster.node(BAD, "gpus", 7)),
            case("Slurm drains one for its GPUs", &["--gpu", "2"], 4, |cluster| {
                cluster.node(BAD, "on_resume", json!(["IDLE", "DRAIN", "INVALID_REG"]));
                cluster.node(
                    BAD,
                    "on_resume_reason",
                    "gres/gpu count reported lower than configured (7 < 8)",
                );
            }),
            case("one fails in CycleCloud", &["--gpu", "2"], 4, |cluster| {
                cluster.node(BAD, "on_resume", json!(["FUTURE"]));
                cluster.node(
                    BAD,
                    "on_resume_cloud",
                    json!(["Failed", "Software Installation Failure: 10-x.sh"]),
                );
            }),
            case("one never comes", &["--gpu", "2"], 4, |cluster| {
                cluster.node(BAD, "on_resume", json!(["FUTURE"]));
                cluster.node(BAD, "on_resume_cloud", json!(["Acquiring", ""]));
            }),
            case("there is no capacity", &["--gpu", "2"], 4, |cluster| {
                let text = "Failed to allocate node slurmcluster-hpc-1: expected 1 node, got 0";
                cluster.fails("sudo -n -i azslurm resume", 1, text);
            }),
            case("the test itself fails", &["--gpu", "2"], 4, |cluster| {
                cluster.change(|cluster| cluster["tests"] = "broken".into());
            }),
            case("too few are free", &["--gpu", "5"], 4, |cluster| {
                cluster.node(BAD, "state", json!(["ALLOCATED"]));
                cluster.node(BAD, "off", json!(["ALLOCATED"]));
            }),
            case("AMD's GPUs", &["--gpu", "2"], 0, |cluster| {
                cluster.config_of("Standard_ND96isr_MI300X_v5", 480, "");
            }),
            case("a size without figures", &["--gpu", "2"], 0, |cluster| {
                cluster.config_of("Standard_ND128isr_GB300_v6", 640, "");
                for number in 1..=2 {
                    cluster.node(&format!("slurmcluster-hpc-{number}"), "gpus", 4);
                }
            }),
            case("more than configured", &["--gpu", "6"], 2, |_| {}),
            case("they do not end", &["--gpu", "2"], 4, |cluster| {
                cluster.leaves_nodes.set(true);
                cluster.fails("sudo -n -i azslurm suspend", 1, "Could not connect to CycleCloud");
            }),
        ],
    );
}

#[test]
fn an_interrupt_stops_what_was_started() {
    let times = [("starting", 1, "azslurm resume"), ("waiting", 2, "show nodes"), ("a job", 1, "sbatch")];
    for (name, count, call) in times {
        let cluster = Cluster::new();
        if name != "waiting" {
            cluster.hangs(if name == "starting" { "sudo -n -i azslurm resume" } else { call });
        }
        cluster.node(BAD, "on_resume", json!([if name == "waiting" { "FUTURE" } else { "IDLE" }]));
        let when = |calls: &[String]| calls.iter().filter(|line| line.contains(call)).count() >= count;
        let (exit, seen) = cluster.interrupted(&["--gpu", "2"], when);
        assert_eq!(exit, 7, "{name}:\n{seen}");
        let has = |text: &str| cluster.calls().iter().any(|call| call.contains(text));
        assert!(has("azslurm resume --node-list slurmcluster-hpc-1,slurmcluster-hpc-2"), "{name}");
        assert!(has("azslurm suspend --node-list slurmcluster-hpc-1,slurmcluster-hpc-2"), "{name}");
        assert!(has("scancel --me --name"), "{name}");
    }
}

#[test]
fn an_interrupt_before_the_start_stops_nothing() {
    let cluster = Cluster::new();
    cluster.hangs("scontrol show nodes");
    let when = |calls: &[String]| calls.iter().any(|line| line.contains("show nodes"));
    assert_eq!(cluster.interrupted(&["--gpu", "2"], when).0, 7);
    assert!(!cluster.calls().iter().any(|call| call.contains("azslurm")), "{:#?}", cluster.calls());
}

#[test]
fn the_json_document_names_the_node() {
    let cluster = Cluster::new();
    cluster.node(BAD, "slow", true);
    let document = cluster.json(&["--gpu", "3"]);
    let checks = document["result"]["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["id"] == "all-reduce").expect("all-reduce");
    assert_eq!(found["fault"], json!({"kind": "node", "nodes": [BAD]}));
    assert_eq!(document["errors"][0]["code"], "NodeFailed");
    let cluster = Cluster::new();
    cluster.change(|cluster| cluster["tests"] = "broken".into());
    let document = cluster.json(&["--gpu", "2"]);
    assert_eq!(document["errors"][0]["code"], "TestFailed");
}
