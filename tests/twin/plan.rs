//! `plan` with the real az: before, between and after deployments, what it tells is what then happens.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rehearsal::{DRIVER, GROUP, Run, Twin, VAULT, Workspace, finish};

/// Plans, and sees to it that nothing is other than before.
fn plan(twin: &Twin, workspace: &Workspace) -> Run {
    let before = twin.state();
    let mut command = twin.command(DRIVER);
    command.args(["plan", "--detailed-exitcode", "--output", "json"]).current_dir(workspace.path());
    let run = Run::of(&finish(&mut command));
    assert!(before == twin.state(), "a plan changed something: {}", run.stderr);
    run
}

fn list<'a>(run: &'a Run, pointer: &str) -> &'a Vec<Value> {
    let found = run.document.pointer(&format!("/result/{pointer}"));
    found.and_then(Value::as_array).unwrap_or_else(|| panic!("no list {pointer} in {}", run.document))
}

/// The resources that would be changed so, as type and name.
fn changed(run: &Run, change: &str) -> BTreeSet<(String, String)> {
    let resources = list(run, "changes/resources").iter().filter(|resource| resource["change"] == change);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    resources.map(|resource| (text(&resource["type"]), text(&resource["name"]))).collect()
}

/// What is in the group, as type and name; children of resources too.
fn there(twin: &Twin) -> BTreeSet<String> {
    twin.state()["resources"].as_object().unwrap().keys().cloned().collect()
}

/// Scopes of all role assignments, in lower case.
fn scopes(twin: &Twin) -> Vec<String> {
    let state = twin.state();
    let all =
        state["resources"].as_object().unwrap().iter().filter(|(id, _)| id.contains("/roleassignments/"));
    let scope = |(_, resource): (&String, &Value)| {
        resource["body"]["properties"]["scope"].as_str().unwrap().to_lowercase()
    };
    let mut scopes: Vec<String> = all.map(scope).collect();
    scopes.sort();
    scopes
}

#[test]
fn what_is_planned_happens_and_then_nothing_is_left_to_do() {
    let twin = Twin::up(&["--no-hosts"], "");
    let workspace = Workspace::new("");

    let absent = plan(&twin, &workspace).expect(20);
    assert_eq!(absent.document["result"]["resource_group"]["exists"], false);
    let mut from_nothing = changed(&absent, "Create");
    assert!(from_nothing.remove(&("Microsoft.Resources/resourceGroups".to_owned(), GROUP.to_owned())));

    twin.az(&["group", "create", "--name", GROUP, "--location", "eastus", "--output", "none"]);
    let planned = plan(&twin, &workspace).expect(20);
    let creates = changed(&planned, "Create");
    assert_eq!(creates, from_nothing, "the group makes no difference to what is in it");
    assert!(creates.len() > 40, "{creates:?}");

    let (resources, rights) = (there(&twin), scopes(&twin));
    workspace.install(&twin, &["-b"]).expect(0);
    let made: BTreeSet<String> = there(&twin).difference(&resources).cloned().collect();
    for created in list(&planned, "changes/resources") {
        let id = created["id"].as_str().unwrap().to_lowercase();
        let is_secret = id.contains("/vaults/") && id.contains("/secrets/");
        assert!(made.contains(&id) || is_secret, "{id} was not made: {made:#?}");
    }
    let mut promised: Vec<String> = list(&planned, "rights")
        .iter()
        .map(|right| right["at"].as_str().unwrap().to_lowercase())
        .chain(rights)
        .collect();
    promised.sort();
    assert_eq!(promised, scopes(&twin), "the rights that were given");

    let after = plan(&twin, &workspace).expect(0);
    assert_eq!(list(&after, "changes/resources"), &Vec::<Value>::new());
    assert_eq!(list(&after, "before"), &Vec::<Value>::new());
    assert_eq!(
        after.document["result"]["unchanged_since"].as_str().map(|name| name.starts_with("ccslurm4ai-")),
        Some(true)
    );
    let all_rights = list(&after, "changes/incomplete")
        .iter()
        .all(|one| one["id"].as_str().unwrap().contains("roleAssignments"));
    assert!(all_rights && after.stderr.contains("warning: incomplete"), "{}", after.stderr);
    let bills = |run: &Run| -> BTreeSet<String> {
        list(run, "billing").iter().map(|bill| bill["what"].to_string()).collect()
    };
    assert_eq!(bills(&after), bills(&planned));

    workspace.configure("server_sku: Standard_D8s_v5\n");
    let other = plan(&twin, &workspace).expect(20);
    let [server] = &list(&other, "changes/resources")[..] else {
        panic!("{}", other.document["result"]["changes"])
    };
    assert_eq!((&server["change"], &server["name"]), (&json!("Modify"), &json!("cycleserver")));
    let size = json!([{"path": "properties.hardwareProfile.vmSize", "change": "Modify", "before": "Standard_D4s_v5", "after": "Standard_D8s_v5"}]);
    assert_eq!(server["properties"], size);
    assert_eq!(other.document["result"]["unchanged_since"], Value::Null);
    workspace.install(&twin, &["-b"]).expect(0);
    plan(&twin, &workspace).expect(0);
}

#[test]
fn a_deleted_vault_would_be_recovered() {
    let scenario = format!(
        "deleted_vaults: [{{name: {VAULT}, group: {GROUP}, location: eastus, secrets: {{cycleadmin-SshPrivateKey: old, \
         cycleadmin-SshPublicKey: old, cycleadmin-CycleCloudPwd: old, cycleadmin-MySqlPwd: old}}}}]"
    );
    let twin = Twin::up(&["--no-hosts"], &scenario);
    let run = plan(&twin, &Workspace::new("")).expect(20);
    let phases: Vec<_> = list(&run, "before").iter().map(|step| step["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["marketplace terms", "resource group", "key vault recovery"]);
    assert!(!changed(&run, "Create").iter().any(|(kind, _)| kind == "Microsoft.KeyVault/vaults/secrets"));
}

/// Everything in a company's network, which stays as it is.
const COMPANY: &str = "\
network:
  type: existing
  subnets:
    cyclecloud: NETWORK/subnets/servers
    compute: NETWORK/subnets/nodes
    anf: NETWORK/subnets/files
    endpoints: NETWORK/subnets/endpoints
  bastion: none
  private_dns: none
";

#[test]
fn in_a_companys_network_only_what_is_ours_is_planned() {
    let twin = Twin::up(&["--no-hosts"], include_str!("../../twin/scenarios/existing-network.yaml"));
    let network = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/company-network/providers/Microsoft.Network/virtualNetworks/company";
    let workspace = Workspace::new(&COMPANY.replace("NETWORK", network));
    let planned = plan(&twin, &workspace).expect(20);
    let foreign = ["virtualNetworks", "natGateways", "bastionHosts", "privateDnsZones"];
    let creates = changed(&planned, "Create");
    assert!(!creates.iter().any(|(kind, _)| foreign.iter().any(|word| kind.contains(word))), "{creates:#?}");
    let subnet =
        list(&planned, "rights").iter().find(|right| right["role"] == "Network Contributor").unwrap();
    assert_eq!(subnet["at"], format!("{network}/subnets/nodes"));
    workspace.install(&twin, &["-b"]).expect(0);
    let after = plan(&twin, &workspace).expect(0);
    assert_eq!(list(&after, "changes/resources"), &Vec::<Value>::new());
}

/// Our template has more nested deployments than Azure may look into.
#[test]
fn what_azure_does_not_look_into_is_a_warning() {
    let twin = Twin::up(&["--no-hosts"], "what_if_nested: 10");
    let run = plan(&twin, &Workspace::new("")).expect(20);
    let skipped: Vec<&str> = list(&run, "changes/incomplete")
        .iter()
        .filter(|one| {
            one["reason"].as_str().unwrap().starts_with("NestedDeploymentSkippedFromInternalExpansion: ")
        })
        .map(|one| one["id"].as_str().unwrap().rsplit_once('/').unwrap().1)
        .collect();
    assert!(skipped.contains(&"server") && skipped.contains(&"roles"), "{skipped:?}");
    let warning = run.stderr.lines().find(|line| line.starts_with("warning: incomplete")).unwrap();
    assert!(skipped.iter().all(|name| warning.contains(name)), "{warning}");
    let has = |place: &str, key: &str, word: &str| {
        list(&run, place).iter().any(|one| one[key].as_str().unwrap().contains(word))
    };
    assert!(
        !has("changes/resources", "type", "Microsoft.Compute/")
            && !has("billing", "what", "CycleCloud server")
    );
    assert!(has("rights", "to", "the CycleCloud server"), "rights are told all the same");
}

#[test]
fn what_would_stop_the_deployment_stops_the_plan() {
    let twin = Twin::up(
        &["--no-hosts"],
        "policies: [{name: no-addresses, type: Microsoft.Network/publicIPAddresses}]",
    );
    let workspace = Workspace::new("");
    let absent = plan(&twin, &workspace).expect(5);
    twin.az(&["group", "create", "--name", GROUP, "--location", "eastus", "--output", "none"]);
    let planned = plan(&twin, &workspace).expect(5);
    let installed = workspace.install(&twin, &["-b"]).expect(5);
    for run in [&absent, &planned, &installed] {
        assert_eq!(run.codes()[0], "RequestDisallowedByPolicy", "{}", run.document);
    }
}
