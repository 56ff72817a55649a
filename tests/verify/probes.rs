//! What is probed without starting anything.

use serde_json::json;

use super::cluster::{Cluster, case, table};

fn runs(cluster: &Cluster) {
    cluster.nodes("htc", 1, "IDLE");
}

#[test]
fn an_installation() {
    table(
        "installation",
        &[
            case("no node runs", &[], 0, |_| {}),
            case("a node runs, no pyxis", &[], 0, runs),
            case("a node runs, and containers", &[], 0, |cluster| {
                runs(cluster);
                cluster.change(|cluster| cluster["pyxis"] = "works".into());
            }),
            case("no login nodes", &[], 0, |cluster| {
                cluster.config(480, "login_nodes: 0\nmonitoring: false\naccounting: false\n");
                cluster.nodes("hpc", 1, "IDLE");
            }),
            case("containers that are none", &[], 4, |cluster| {
                runs(cluster);
                cluster.change(|cluster| cluster["pyxis"] = "ignored".into());
            }),
            case("the registry cannot be reached", &[], 4, |cluster| {
                runs(cluster);
                cluster.change(|cluster| cluster["pyxis"] = "works".into());
                cluster.fails(
                    "srun --job-name",
                    1,
                    "slurmstepd: error: pyxis: failed to import docker image",
                );
            }),
            case("no tunnel", &[], 4, |cluster| cluster.file("tunnel.how", "refused")),
            case("CycleCloud is down", &[], 4, |cluster| {
                cluster.fails("sudo -n /opt/cycle_server", 1, "Could not connect to CycleServer");
            }),
            case("a login node failed, another is missing", &[], 4, |cluster| {
                cluster.change(|cluster| {
                    cluster["cloud"]["login2"] = json!(["Failed", "Software Installation Failure"]);
                    cluster["cloud"].as_object_mut().expect("nodes").remove("login3");
                });
            }),
            case("the scheduler is still starting", &[], 0, |cluster| {
                cluster.change(|cluster| cluster["cloud"]["scheduler"] = json!(["Preparing", ""]));
            }),
            case("slurmctld is down", &[], 4, |cluster| {
                let text = "slurm_load_partitions: Unable to contact slurm controller (connect failure)";
                cluster.fails("sinfo", 1, text);
            }),
            case("fewer nodes than configured", &[], 4, |cluster| {
                cluster.change(|cluster| cluster["counts"] = json!({"hpc": 1}));
            }),
            case("a partition is missing", &[], 4, |cluster| {
                cluster.change(|cluster| {
                    cluster["nodes"].as_object_mut().expect("nodes").retain(|name, _| name.contains("hpc"));
                });
            }),
            case("the job fails", &[], 4, |cluster| {
                runs(cluster);
                cluster.change(|cluster| cluster["jobs"] = "FAILED".into());
            }),
            case("sbatch refuses", &[], 4, |cluster| {
                runs(cluster);
                cluster.fails("sbatch", 1, "sbatch: error: Batch job submission failed: Invalid account");
            }),
            case("the database is down", &[], 4, |cluster| {
                runs(cluster);
                cluster.fails(
                    "sacct",
                    1,
                    "sacct: error: Problem talking to the database: Connection refused",
                );
            }),
            case("the scheduler has another folder", &[], 4, |cluster| {
                cluster.change(|cluster| cluster["scheduler_sees"] = false.into());
            }),
            case("the home folder is full", &[], 4, |cluster| {
                cluster.fails("mktemp", 1, "mktemp: failed to create directory: No space left on device");
            }),
            case("metrics may not be read", &[], 0, |cluster| cluster.forbids("query")),
            case("no metrics arrive", &[], 4, |cluster| cluster.metrics("another/cluster")),
        ],
    );
}

#[test]
fn the_json_document_says_what_is_at_fault() {
    let cluster = Cluster::new();
    runs(&cluster);
    let document = cluster.json(&[]);
    assert_eq!((document["ok"].as_bool(), &document["result"]["verdict"]), (Some(true), &json!("unknown")));
    cluster.fails("sinfo", 1, "slurm_load_partitions: Unable to contact slurm controller");
    let document = cluster.json(&[]);
    assert_eq!((document["exit_code"].as_u64(), &document["result"]["verdict"]), (Some(4), &json!("failed")));
    let checks = document["result"]["checks"].as_array().expect("checks");
    let sinfo = checks.iter().find(|check| check["id"] == "sinfo").expect("sinfo");
    assert_eq!(sinfo["fault"]["kind"], "installation");
    assert!(["found", "expected", "remedy"].iter().all(|key| sinfo[key].is_string()), "{sinfo}");
}

#[test]
fn nothing_is_started_unless_asked() {
    let cluster = Cluster::new();
    cluster.verify(&[]);
    let started =
        cluster.calls().into_iter().filter(|call| call.contains("azslurm") || call.contains("POWER"));
    assert_eq!(started.count(), 0);
}

#[test]
fn metrics_are_asked_for_with_their_own_audience() {
    let cluster = Cluster::new();
    cluster.verify(&[]);
    let calls = cluster.calls();
    let query = calls.iter().find(|call| call.contains("/api/v1/query")).expect("a query");
    assert!(query.contains("--resource https://prometheus.monitor.azure.com"), "{query}");
}
