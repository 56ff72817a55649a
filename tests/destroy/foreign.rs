//! Of a group that others made goes only what is ours.

use serde_json::{Value, json};

use super::site::{GROUP, SUBSCRIPTION, Site, record, resource, shown, snapshot};

const VMS: &str = "Microsoft.Compute/virtualMachines";
const DISKS: &str = "Microsoft.Compute/disks";

/// The group is others', who have a VM in it; a node of ours runs, with a disk.
fn shared() -> Site {
    let site = Site::new();
    site.change(|azure| {
        azure["group"]["tags"] = json!({"owner": "others"});
        let mut node = resource(VMS, "scheduler");
        node["started_for"] = "/sites/v-1/clusters/slurmcluster".into();
        let mut other = resource(VMS, "of-another-cyclecloud");
        other["started_for"] = "/sites/v-9/clusters/slurmcluster".into();
        let more = [node, other, resource(DISKS, "scheduler-os"), resource(VMS, "theirs"), resource(DISKS, "their-disk")];
        azure["resources"].as_array_mut().expect("a list").extend(more);
        let vm = |name: &str, disk: &str| {
            json!({"id": resource(VMS, name)["id"], "size": "Standard_D8ads_v5", "vmId": name, "parts": [resource(DISKS, disk)["id"]]})
        };
        let vms = azure["vms"].as_array_mut().expect("a list");
        vms.extend([vm("scheduler", "scheduler-os"), vm("theirs", "their-disk")]);
    });
    site
}

fn names(state: &Value, list: &str) -> Vec<String> {
    let name =
        |one: &Value| one["id"].as_str().and_then(|id| id.rsplit('/').next()).unwrap_or_default().to_owned();
    state[list].as_array().expect("a list").iter().map(name).collect()
}

#[test]
fn only_what_is_ours_goes_nodes_first() {
    let site = shared();
    let dry = site.destroy(&["--dry-run"]);
    assert_eq!((dry.exit, site.deleted()), (0, vec![]), "{}", dry.said);
    let run = site.destroy(&["--yes"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    let state = site.state();
    assert_eq!(names(&state, "resources"), ["of-another-cyclecloud", "theirs", "their-disk"]);
    assert_eq!(names(&state, "records"), ["theirs"]);
    assert_eq!(state["assignments"], json!([]));
    let order = site.deleted();
    let at = |name: &str| {
        order.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name} in {order:?}"))
    };
    for (before, after) in [
        ("reader-role", "scheduler"),
        ("scheduler", "scheduler-os"),
        ("scheduler-os", "cycleserver"),
        ("cycleserver", "cycleserver-data"),
        ("cycleserver-data", "vnet"),
        ("vnet", "network"),
        ("network", "ccslurm4ai-20261125t100000z"),
    ] {
        assert!(at(before) < at(after), "{before} after {after}: {order:?}");
    }
    assert!(!order.contains(&"group".to_owned()));
    assert_eq!(run.document["result"]["stays"]["resource_group"], true);
    site.assert_no_local_files();
    // Nothing of ours is in it any more, so that it is another's group.
    let again = site.destroy(&["--yes"]);
    assert_eq!(again.exit, 12, "{}", again.said);
    snapshot("foreign", &[shown("dry run", &dry), shown("first", &run), shown("again", &again)]);
}

#[test]
fn what_stays_is_named_and_the_next_run_finishes() {
    let site = shared();
    let vnet = resource("Microsoft.Network/virtualNetworks", "vnet")["id"].clone();
    site.plan(&json!({"stuck": [vnet]}));
    let stuck = site.destroy(&["--yes"]);
    assert_eq!(stuck.exit, 5, "{}", stuck.said);
    assert_eq!(stuck.document["errors"][0]["resource"], vnet);
    assert!(names(&site.state(), "records").len() > 1, "the evidence stays");
    site.plan(&json!({}));
    let run = site.destroy(&["--yes"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    assert_eq!(names(&site.state(), "records"), ["theirs"]);
    snapshot("foreign_stuck", &[shown("stuck", &stuck), shown("again", &run)]);
}

#[test]
fn a_group_we_never_deployed_to_is_refused() {
    let site = shared();
    site.change(|azure| azure["records"] = json!([record(GROUP, "theirs", "Succeeded", "r2", &[])]));
    let run = site.destroy(&["--yes"]);
    assert_eq!((run.exit, site.deleted()), (12, vec![]), "{}", run.said);
    snapshot("never_deployed", &[shown("never deployed", &run)]);
}

#[test]
fn what_a_failed_deployment_began_goes_and_a_namesake_of_others_does_not() {
    let site = shared();
    site.change(|azure| {
        azure["records"] = json!([
            record(GROUP, "ccslurm4ai-20261125T120000Z", "Failed", "r9", &[]),
            // `network` ran under our name once; the record is of somebody else's run now.
            record(
                GROUP,
                "network",
                "Succeeded",
                "r2",
                &[resource(VMS, "theirs")["id"].as_str().unwrap().to_owned()]
            ),
            record(SUBSCRIPTION, "reader-role", "Succeeded", "r9", &[]),
        ]);
        azure["assignments"] = json!([]);
    });
    let operation = |kind: &str, id: &Value, what: &str| json!({"properties": {"provisioningOperation": what, "targetResource": {"id": id, "resourceType": kind}}});
    let nested = json!(format!("{GROUP}/providers/Microsoft.Resources/deployments/network"));
    let operations = json!({"value": [
        operation("Microsoft.Resources/deployments", &nested, "Create"),
        operation(VMS, &resource(VMS, "cycleserver")["id"], "Create"),
        operation(VMS, &resource(VMS, "theirs")["id"], "Read"),
    ]});
    site.scene.answer_json("ccslurm4ai-20261125T120000Z operations", &operations);
    site.answered("ccslurm4ai-20261125T120000Z");
    let run = site.destroy(&["--yes"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    let left = names(&site.state(), "resources");
    assert!(left.contains(&"theirs".to_owned()) && left.contains(&"vnet".to_owned()), "{left:?}");
    assert!(!left.contains(&"cycleserver".to_owned()) && !left.contains(&"scheduler".to_owned()), "{left:?}");
    assert_eq!(names(&site.state(), "records"), ["network", "reader-role"]);
}
