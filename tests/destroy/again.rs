//! A run that failed at any point is taken up by the next.

use serde_json::{Value, json};

use super::site::{AT_ONCE, GROUP, Site, shown, snapshot};
use super::threads::side_by_side;

/// Calls that fail once, each as a network does, and the exit code of the run then.
const STEPS: [(&str, i32); 15] = [
    ("account get-access-token", 4),
    ("cluster-rg", 5),
    ("resources", 5),
    ("virtualMachines", 5),
    ("virtualMachineScaleSets", 5),
    ("networkInterfaces", 5),
    ("deployments", 5),
    ("locks", 5),
    ("roleAssignments", 5),
    ("locker", 5),
    ("vault", 5),
    ("reader-role", 5),
    ("group delete", 0),
    ("resource delete", 0),
    ("network", 5),
];

#[test]
fn a_failure_at_each_step_then_again() {
    println!("{} steps", STEPS.len());
    let texts = side_by_side(&STEPS, AT_ONCE, |(call, exit)| {
        let (call, exit) = (*call, *exit);
        let site = Site::new();
        let in_shared_group = ["resource delete", "network"].contains(&call);
        if in_shared_group {
            site.change(|azure| azure["group"]["tags"] = json!({}));
        }
        site.scene.fails(call, 1, "ERROR: HTTPSConnectionPool: Max retries exceeded with url: /x");
        site.scene.how(call, "once");
        let first = site.destroy(&["--yes"]);
        assert_eq!(first.exit, exit, "{call}:\n{}", first.said);
        let second = site.destroy(&["--yes"]);
        let ended = if exit == 0 && in_shared_group { 12 } else { 0 };
        assert_eq!(second.exit, ended, "{call}, again:\n{}", second.said);
        match in_shared_group {
            true => assert_eq!(site.state()["records"].as_array().map(Vec::len), Some(1), "{call}"),
            false => assert_eq!(site.state()["group"], Value::Null, "{call}"),
        }
        assert_eq!(site.state()["assignments"], json!([]), "{call}");
        shown(call, &first)
    });
    snapshot("steps", &texts);
}

#[test]
fn interrupted_then_again() {
    for (name, what) in [("survey", "/locks"), ("deletion", "group delete")] {
        let site = Site::new();
        site.plan(&json!({"seconds": 5}));
        if name == "survey" {
            site.scene.how("locks", "hang");
        }
        let run = site.interrupted_at(&["--yes"], what);
        assert_eq!(run.exit, 7, "{name}: {}", run.said);
        assert!(site.path("ws/ssh_config").exists());
        if name == "deletion" {
            snapshot("interrupts", &[shown(name, &run)]);
        }
        let _ = std::fs::remove_file(site.path("answers/locks.how"));
        let again = site.destroy(&["--yes"]);
        assert_eq!(again.exit, 0, "{name}: {}", again.said);
        site.assert_gone();
    }
}

#[test]
fn a_group_deleted_by_hand_leaves_its_role_which_goes() {
    let site = Site::new();
    site.change(|azure| {
        for list in ["resources", "vms"] {
            azure[list] = json!([]);
        }
        azure["group"] = Value::Null;
        azure["records"].as_array_mut().expect("a list").retain(|one| one["name"] == "reader-role");
    });
    std::fs::remove_dir_all(site.path("ws/.ccslurm4ai")).expect("removed");
    let run = site.destroy(&["--yes"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    assert_eq!(site.deleted(), ["reader-role", "reader-role"]);
    site.assert_gone();
    let nothing = site.destroy(&["--yes"]);
    assert_eq!(
        (nothing.exit, &nothing.document["result"]["changed"]),
        (0, &json!(false)),
        "{}",
        nothing.said
    );
    snapshot("by_hand", &[shown("by hand", &run), shown("nothing is left", &nothing)]);
}

#[test]
fn a_role_in_a_group_that_azure_manages_goes_with_that_group() {
    let site = Site::new();
    let place = GROUP.replace("cluster-rg", "ma_group");
    let monitor = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet");
    site.change(|azure| {
        let scope = format!("{place}/providers/Microsoft.Insights/dataCollectionRules/dcr");
        azure["assignments"].as_array_mut().expect("a list").push(json!({
            "id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/publisher"), "scope": scope,
            "principal": "P-Locker", "role": "x", "description": null,
        }));
        azure["single"][&place] = json!({"name": "ma_group", "managedBy": monitor});
    });
    let run = site.destroy(&["--yes"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    assert_eq!(site.deleted(), ["reader-role", "reader-role", "group"]);
    assert_eq!(run.document["result"]["outside"]["role_assignments"].as_array().map(Vec::len), Some(1));
}

#[test]
fn another_run_works_on_the_group() {
    let site = Site::new();
    site.plan(&json!({"seconds": 3}));
    let first = site.start(&["--yes"]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !site.scene.calls().iter().any(|call| call.contains("group delete")) {
        assert!(std::time::Instant::now() < deadline, "not reached");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let second = site.scene.command(&["destroy", "--yes", "--workspace", "ws"]).output().expect("it runs");
    assert_eq!(second.status.code(), Some(8), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(site.finish(first).exit, 0);
}
