//! `destroy` with the real az, one twin each, without hosts: what is gone, what stays, and that `install` works then.

use std::process::Command;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::compare::{RESOURCES, differences};
use super::leftovers;
use super::options::{SCENARIO, SUBNETS, company};
use super::rehearsal::{DRIVER, GROUP, Run, Started, Twin, VAULT, Workspace, ok, side_by_side, wait_until};

const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-4111-8111-111111111111";
const NETWORK: &str = "api-version=2025-05-01";
const COMPUTE: &str = "api-version=2025-04-01";

type Case = (&'static str, String, fn(&Twin, &Workspace));

fn cases() -> Vec<Case> {
    let lock = format!("locks: [{{name: keep-it, scope: /resourceGroups/{GROUP}}}]");
    let forbidden = "faults: [{method: DELETE, path: /roleAssignments/, to: 1, status: 403, body: {error: {code: \
         AuthorizationFailed, message: The client has no right to delete roles}}}]";
    vec![
        ("a group of others", String::new(), foreign),
        ("installed, destroyed, installed again", String::new(), again),
        ("interrupted, then followed", "deletion_seconds: 45".into(), interrupted),
        ("a lock", lock, locked),
        ("in a company's network", SCENARIO.to_owned(), in_network_of_others),
        ("deleted by hand", String::new(), by_hand),
        ("used from outside", String::new(), used_from_outside),
        ("a deployment runs", "deployment_seconds: 60".into(), deploying),
        ("the role may not be deleted at first", forbidden.into(), forbidden_role),
    ]
}

#[test]
fn destroys() {
    ok(Command::new(DRIVER).arg("setup"));
    let cases = cases();
    let number = cases.len();
    side_by_side(cases, |(name, scenario, check)| {
        let begin = Instant::now();
        let twin = Twin::up(&["--no-hosts"], &scenario);
        check(&twin, &Workspace::new(""));
        assert_eq!(leftovers::processes(&twin), Vec::<String>::new(), "{name}");
        println!("{:6.1} s  {name}", begin.elapsed().as_secs_f32());
    });
    println!("{number} removals");
}

/// Azure is as at the start, but for terms, and the vault, which is kept.
fn assert_gone(before: &Value, twin: &Twin, workspace: &Workspace) {
    let after = twin.state();
    let parts: Vec<&str> = RESOURCES
        .into_iter()
        .chain(["deployments", "locks"])
        .filter(|part| !["terms_accepted", "deleted_vaults"].contains(part))
        .collect();
    assert_eq!(differences(before, &after, &parts), Vec::<String>::new());
    assert_eq!(after["deleted_vaults"][VAULT]["secrets"].as_object().map(serde_json::Map::len), Some(4));
    assert!(!workspace.path().join(".ccslurm4ai").exists());
}

/// How many groups Azure keeps for a resource.
fn managed_groups(state: &Value) -> usize {
    state["groups"].as_object().unwrap().values().filter(|group| !group["managed_by"].is_null()).count()
}

fn secrets(state: &Value) -> Value {
    state["secrets"][VAULT].clone()
}

fn again(twin: &Twin, workspace: &Workspace) {
    let before = twin.state();
    workspace.install(twin, &["-b"]).expect(0);
    let installed = twin.state();
    assert_eq!(managed_groups(&installed), 1, "that of the Monitor workspace");
    let run = workspace.destroy(twin).expect(0);
    assert_gone(&before, twin, workspace);
    assert_eq!(run.document["result"]["stays"]["key_vaults"][0]["name"], VAULT);
    assert_eq!(run.document["result"]["stays"]["key_vaults"][0]["days"], 7);
    // A second one finds nothing, and says so.
    let nothing = workspace.destroy(twin).expect(0);
    assert_eq!(nothing.document["result"]["changed"], false);

    let second = workspace.install(twin, &["-b"]).expect(0);
    assert!(second.stderr.contains("recovered with its secrets"), "{}", second.stderr);
    let reinstalled = twin.state();
    assert_eq!(secrets(&reinstalled), secrets(&installed), "the same secrets, and no new version");
    let ids =
        |state: &Value, part: &str| state[part].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let stable = |ids: Vec<String>| -> Vec<String> {
        // Interfaces of private endpoints and roles are named anew.
        ids.into_iter().filter(|id| !id.contains(".nic.") && !id.contains("/roleassignments/")).collect()
    };
    assert_eq!(stable(ids(&reinstalled, "resources")), stable(ids(&installed, "resources")));
    assert_eq!(ids(&reinstalled, "role_assignments").len(), ids(&installed, "role_assignments").len());
    workspace.install(twin, &["-b", "--force"]).expect(0);
    assert_eq!(secrets(&twin.state()), secrets(&installed));
}

fn put(twin: &Twin, path: &str, version: &str, body: &Value) {
    let url = format!("{SUBSCRIPTION}/resourceGroups/{path}?{version}");
    twin.az(&["rest", "--method", "put", "--output", "none", "--url", &url, "--body", &body.to_string()]);
}

fn interface(subnet_in: &str) -> Value {
    let subnet = format!(
        "{SUBSCRIPTION}/resourceGroups/{subnet_in}/providers/Microsoft.Network/virtualNetworks/ccslurm4ai-vnet/subnets/compute"
    );
    serde_json::json!({"location": "eastus", "properties": {"ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": subnet}}}]}})
}

/// A node as CycleCloud makes it, with an extension of secure mode.
fn node(twin: &Twin, name: &str) {
    let providers = format!("{GROUP}/providers");
    let server = format!(
        "{SUBSCRIPTION}/resourceGroups/{providers}/Microsoft.Compute/virtualMachines/cycleserver?{COMPUTE}"
    );
    let site = twin.az(&[
        "rest",
        "--method",
        "get",
        "--url",
        &server,
        "--query",
        "properties.vmId",
        "--output",
        "tsv",
    ]);
    let nic = format!("{providers}/Microsoft.Network/networkInterfaces/{name}-nic");
    put(twin, &nic, NETWORK, &interface(GROUP));
    let body = serde_json::json!({
        "location": "eastus",
        "tags": {"ClusterName": "slurmcluster", "CycleCloudCluster": format!("/sites/{site}/clusters/slurmcluster")},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
            "storageProfile": {
                "imageReference": {"publisher": "microsoft-dsvm", "offer": "ubuntu-hpc", "sku": "2404", "version": "latest"},
                "osDisk": {"createOption": "FromImage"},
                "dataDisks": [{"lun": 0, "createOption": "Empty", "diskSizeGB": 10}],
            },
            "osProfile": {"computerName": name, "adminUsername": "cyclecloud", "linuxConfiguration": {
                "disablePasswordAuthentication": true,
                "ssh": {"publicKeys": [{"path": "/home/cyclecloud/.ssh/authorized_keys", "keyData": "ssh-rsa AAAA"}]},
            }},
            "networkProfile": {"networkInterfaces": [{"id": format!("{SUBSCRIPTION}/resourceGroups/{nic}")}]},
        },
    });
    let machine = format!("{providers}/Microsoft.Compute/virtualMachines/{name}");
    put(twin, &machine, COMPUTE, &body);
    let body = serde_json::json!({"location": "eastus", "properties": {
        "publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux", "typeHandlerVersion": "1.0"}});
    put(twin, &format!("{machine}/extensions/AADSSHLoginForLinux"), COMPUTE, &body);
}

/// The group and what others have in it stay; ours goes, nodes included, and can be installed again.
fn foreign(twin: &Twin, workspace: &Workspace) {
    twin.az(&[
        "group",
        "create",
        "--name",
        GROUP,
        "--location",
        "eastus",
        "--tags",
        "owner=others",
        "--output",
        "none",
    ]);
    let theirs = format!("{GROUP}/providers/Microsoft.Network/networkSecurityGroups/theirs");
    put(twin, &theirs, NETWORK, &serde_json::json!({"location": "eastus", "properties": {}}));
    assert_eq!(workspace.destroy(twin).expect(12).codes(), ["NotOurs"]);
    let before = twin.state();
    workspace.install(twin, &["-b"]).expect(0);
    node(twin, "slurmcluster-scheduler");
    let installed = twin.state();
    assert_eq!(managed_groups(&installed), 1, "that of the Monitor workspace");
    let run = workspace.destroy(twin).expect(0);
    assert_gone(&before, twin, workspace);
    assert_eq!(run.document["result"]["not_deployed_by_us"].as_array().map(Vec::len), Some(1));
    assert_eq!(workspace.destroy(twin).expect(12).codes(), ["NotOurs"]);
    let second = workspace.install(twin, &["-b"]).expect(0);
    assert_eq!(second.document["result"]["deployment"]["changed"], true, "{}", second.stderr);
    assert_eq!(secrets(&twin.state()), secrets(&installed));
}

/// The role on the subnet of another group goes, with the record of the deployment there; the network stays as it was.
fn in_network_of_others(twin: &Twin, workspace: &Workspace) {
    workspace.configure(&company(&format!("{SUBNETS} anf=files"), "bastion: none, private_dns: none"));
    let before = twin.state();
    workspace.install(twin, &["-b"]).expect(0);
    let run = workspace.destroy(twin).expect(0);
    let assignments = run.document["result"]["outside"]["role_assignments"].as_array().unwrap();
    let on_subnet = |one: &&Value| one["scope"].as_str().unwrap().ends_with("/company/subnets/nodes");
    assert_eq!(assignments.iter().filter(on_subnet).count(), 1, "{}", run.document);
    assert_gone(&before, twin, workspace);
}

fn interrupted(twin: &Twin, workspace: &Workspace) {
    let before = twin.state();
    workspace.install(twin, &["-b"]).expect(0);
    let started = Started::new(&mut workspace.command_of("destroy", twin, &["--yes"]));
    let group = format!("/groups/{GROUP}/provisioning_state");
    wait_until("the group goes", || twin.state().pointer(&group).is_some_and(|state| state == "Deleting"));
    kill_process(Pid::from_child(&started.child), Signal::INT).unwrap();
    let run = Run::of(&started.finish()).expect(7);
    assert!(
        run.document["errors"][0]["message"].as_str().unwrap().contains("goes on in Azure"),
        "{}",
        run.document
    );
    workspace.destroy(twin).expect(0);
    assert_eq!(twin.requests().matches("\"method\":\"DELETE\",\"host\":\"management.azure.com\"").count(), 3);
    assert_gone(&before, twin, workspace);
}

fn locked(twin: &Twin, workspace: &Workspace) {
    let mut before = twin.state();
    workspace.install(twin, &["-b"]).expect(0);
    let installed = twin.state();
    let run = workspace.destroy(twin).expect(12);
    assert_eq!(run.codes(), ["ScopeLocked"]);
    let error = &run.document["errors"][0];
    assert!(error["message"].as_str().unwrap().contains("keep-it"), "{error}");
    assert_eq!(
        differences(&installed, &twin.state(), &RESOURCES),
        Vec::<String>::new(),
        "nothing was deleted"
    );
    let command = error["remedy"].as_str().unwrap().split("az ").nth(1).unwrap();
    twin.az(&command.split(' ').collect::<Vec<_>>());
    workspace.destroy(twin).expect(0);
    before["locks"] = serde_json::json!({});
    assert_gone(&before, twin, workspace);
}

fn by_hand(twin: &Twin, workspace: &Workspace) {
    let before = twin.state();
    workspace.install(twin, &["-b"]).expect(0);
    std::fs::remove_dir_all(workspace.path().join(".ccslurm4ai")).unwrap();
    twin.az(&["group", "delete", "--yes", "--name", GROUP]);
    assert_eq!(differences(&before, &twin.state(), &["role_assignments", "deployments"]).len(), 2);
    let run = workspace.destroy(twin).expect(0);
    assert_eq!(run.document["result"]["outside"]["role_assignments"][0]["role"], "Reader");
    assert_gone(&before, twin, workspace);
}

fn used_from_outside(twin: &Twin, workspace: &Workspace) {
    workspace.install(twin, &["-b"]).expect(0);
    twin.az(&["group", "create", "--name", "others", "--location", "eastus", "--output", "none"]);
    let theirs = "others/providers/Microsoft.Network/networkInterfaces/theirs";
    put(twin, theirs, NETWORK, &interface(GROUP));
    let run = workspace.destroy(twin).expect(5);
    assert!(run.codes().contains(&"InUseSubnetCannotBeDeleted"), "{}", run.document);
    assert!(run.document["errors"].to_string().contains("networkInterfaces/theirs"), "{}", run.document);
    twin.az(&["resource", "delete", "--ids", &format!("{SUBSCRIPTION}/resourceGroups/{theirs}")]);
    workspace.destroy(twin).expect(0);
    assert_eq!(twin.state()["groups"].as_object().unwrap().keys().collect::<Vec<_>>(), ["others"]);
}

fn deploying(twin: &Twin, workspace: &Workspace) {
    let started = workspace.start(twin, &["-b"]);
    wait_until("the deployment is followed", || {
        leftovers::processes(twin).iter().any(|words| words.contains("/deployments/ccslurm4ai-"))
    });
    kill_process(Pid::from_child(&started.child), Signal::INT).unwrap();
    Run::of(&started.finish()).expect(7);
    let run = workspace.destroy(twin).expect(8);
    assert_eq!(run.codes(), ["DeploymentActive"]);
    let remedy = run.document["errors"][0]["remedy"].as_str().unwrap();
    let command = remedy.split("cancel it first: az ").nth(1).unwrap();
    twin.az(&command.split(' ').collect::<Vec<_>>());
    wait_until("it is canceled", || workspace.destroy(twin).exit != 8);
    assert!(twin.state()["groups"].as_object().unwrap().is_empty());
}

fn forbidden_role(twin: &Twin, workspace: &Workspace) {
    let before = twin.state();
    workspace.install(twin, &["-b"]).expect(0);
    let run = workspace.destroy(twin).expect(10);
    assert_eq!(run.codes(), ["AuthorizationFailed"]);
    assert!(twin.state()["groups"].as_object().unwrap().is_empty(), "the costly rest is gone");
    // The role that is left is in nobody's way, and goes with the next cluster's.
    workspace.install(twin, &["-b"]).expect(0);
    workspace.destroy(twin).expect(0);
    assert_gone(&before, twin, workspace);
}
