//! A cluster in secure mode: what it has then, that a redeployment takes nothing of it away, and that the closed vault
//! lets the server in and the user's machine not.

use std::fs;

use serde_json::Value;

use super::compare::{RESOURCES, differences};
use super::rehearsal::{GROUP, Run, Twin, VAULT, Workspace, finish};

/// Rules that the policy of the scenario puts into each security group, and secure mode deletes.
const RULES: [&str; 2] = ["NRMS-Rule-103", "NRMS-Rule-104"];

fn changed(run: &Run) -> Vec<&str> {
    let changed = run.document["result"]["secure"]["changed"].as_array().unwrap();
    changed.iter().map(|what| what.as_str().unwrap()).collect()
}

/// Bodies of the resources of a type.
fn all<'a>(state: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let resources = state["resources"].as_object().unwrap().values();
    resources.filter(move |one| one["type"] == kind).map(|one| &one["body"])
}

/// Secures the cluster; a second time there is nothing to do.
pub fn secured(workspace: &Workspace, twin: &Twin, machines: usize) {
    let before = twin.state();
    let groups = all(&before, "Microsoft.Network/networkSecurityGroups").count();
    let run = workspace.install(twin, &["-s"]).expect(0);
    assert_eq!(run.changes(), 0, "{:?}", workspace.changed_tasks());
    // the server has an identity of its own, every VM gets two extensions
    assert_eq!(
        changed(&run).len(),
        machines - 1 + 2 * machines + RULES.len() * groups + 1,
        "{:#?}",
        changed(&run)
    );
    let state = twin.state();
    is_secured(&state, machines);
    let own = |path: &String| {
        ["identity", "extensions/", "securityRules", "networkAcls", "principals "]
            .iter()
            .any(|part| path.contains(part))
    };
    let found = differences(&before, &state, &RESOURCES);
    assert!(found.iter().all(own), "{found:#?}");
    let again = workspace.install(twin, &["-b", "-s"]).expect(0);
    assert_eq!(changed(&again), [""; 0]);
    assert_eq!(differences(&state, &twin.state(), &RESOURCES), Vec::<String>::new());
}

fn is_secured(state: &Value, machines: usize) {
    let vms: Vec<&Value> = all(state, "Microsoft.Compute/virtualMachines").collect();
    assert_eq!(vms.len(), machines);
    for vm in vms {
        let name = vm["name"].as_str().unwrap();
        assert!(vm["identity"]["principalId"].is_string(), "{name}: {}", vm["identity"]);
        let node = vm["tags"].get("ClusterName").is_some();
        assert_eq!(
            vm["identity"]["userAssignedIdentities"].is_object(),
            node,
            "{name}: the locker's identity stays"
        );
    }
    let mut extensions: Vec<&str> = all(state, "Microsoft.Compute/virtualMachines/extensions")
        .map(|one| one["properties"]["type"].as_str().unwrap())
        .collect();
    extensions.sort_unstable();
    let expected = ["AADSSHLoginForLinux", "ConfigurationforLinux"].map(|kind| vec![kind; machines]).concat();
    assert_eq!(extensions, expected);
    let rules =
        all(state, "Microsoft.Network/networkSecurityGroups").map(|one| &one["properties"]["securityRules"]);
    let rules: String = rules.map(Value::to_string).collect();
    assert!(RULES.iter().all(|name| !rules.contains(name)) && rules.contains("NRMS-Rule-105"), "{rules}");
    let vault = all(state, "Microsoft.KeyVault/vaults").next().unwrap();
    assert_eq!(vault["properties"]["networkAcls"]["defaultAction"], "Deny", "{vault}");
}

/// A redeployment brings the policy's rules back and takes nothing away; Ansible works with the key at hand, for the
/// server reads its password from inside.
pub fn deployed_again(workspace: &Workspace, twin: &Twin, machines: usize) {
    let before = twin.state();
    let run = workspace.install(twin, &["-b", "--force"]).expect(0);
    assert_eq!(run.document["result"]["deployment"]["changed"], true);
    let found = differences(&before, &twin.state(), &RESOURCES);
    assert!(found.iter().all(|path| path.contains("securityRules")), "{found:#?}");
    let refused = finish(twin.command("az").args(["keyvault", "secret", "list", "--vault-name", VAULT]));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ForbiddenByFirewall"), "{refused:?}");
    let run = workspace.install(twin, &["-a", "-s"]).expect(0);
    assert_eq!(run.changes(), 0, "{:?}", workspace.changed_tasks());
    assert!(
        changed(&run).iter().all(|what| RULES.iter().any(|rule| what.ends_with(rule))),
        "{:?}",
        changed(&run)
    );
    is_secured(&twin.state(), machines);
}

/// Without the state folder the key must be brought, and a check says so before anything runs.
pub fn state_lost(workspace: &Workspace, twin: &Twin) {
    let kept = tempfile::NamedTempFile::new().unwrap();
    let cached = workspace.state("ssh/id_rsa");
    fs::copy(&cached, kept.path()).unwrap();
    fs::remove_dir_all(workspace.path().join(".ccslurm4ai")).unwrap();
    let before = twin.state();
    let run = workspace.install(twin, &["-a"]).expect(4);
    assert_eq!(
        (run.codes(), &run.document["phase"]),
        (vec!["KeyOutOfReach"], &"checks".into()),
        "{}",
        run.document
    );
    assert!(run.document["errors"][0]["remedy"].as_str().unwrap().contains("--ssh-key"), "{}", run.document);
    assert_eq!(differences(&before, &twin.state(), &RESOURCES), Vec::<String>::new());
    workspace.install(twin, &["-b"]).expect(0);
    workspace.install(twin, &["-a", "--ssh-key", kept.path().to_str().unwrap()]).expect(0);
    assert!(!cached.exists(), "the user's key is not kept: {GROUP}");
    fs::copy(kept.path(), &cached).unwrap();
}
