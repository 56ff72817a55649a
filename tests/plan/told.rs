//! What a user is told of a reply.

use serde_json::{Value, json};

use super::reply::{change, difference, id, inner, modify, recorded, reply, unforeseen};
use super::scene::HUB;
use super::site::Site;

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(format!("plan__{name}"), text);
    });
}

/// A server that gets a tag and another size, among noise.
fn server() -> Value {
    let mut server = modify(
        "Microsoft.Compute/virtualMachines/cycleserver",
        &[
            difference("tags.team", "Create", Value::Null, json!("vision")),
            difference(
                "properties.hardwareProfile.vmSize",
                "Modify",
                json!("Standard_D8s_v5"),
                json!("Standard_D4s_v5"),
            ),
            difference("properties.vmId", "Delete", json!("1234"), Value::Null),
            difference("properties.storageProfile.osDisk.diskSizeGB", "Delete", json!(30), Value::Null),
        ],
    );
    server["after"] = json!({"properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v5"}, "storageProfile": {
        "osDisk": {"name": "cycleserver-os", "managedDisk": {"storageAccountType": "Premium_LRS"}},
        "dataDisks": [{"name": "cycleserver-data", "diskSizeGB": 256, "managedDisk": {"storageAccountType": "Premium_LRS"}}]}}});
    server
}

/// A network one of whose subnets changes, one has noise, and one goes.
fn network() -> Value {
    let prefix = difference("properties.addressPrefix", "Modify", json!("10.0.0.0/24"), json!("10.1.0.0/24"));
    let etag = difference("etag", "Delete", json!("W/1"), Value::Null);
    let gone = json!({"name": "own", "properties": {"routeTable": {"id": id("Microsoft.Network/routeTables/r"), "resourceGroup": "cluster-rg"}}});
    let subnets = [
        inner("0", "Modify", &[prefix]),
        inner("1", "Modify", &[etag]),
        difference("2", "Delete", gone, Value::Null),
    ];
    modify(
        "Microsoft.Network/virtualNetworks/ccslurm4ai-vnet",
        &[inner("properties.subnets", "Array", &subnets)],
    )
}

/// A group in which everything happens at once.
fn busy_group() -> Site {
    let site = Site::new();
    site.has_group(&json!({"owner": "a person"}));
    site.scene.config("tags: {team: vision}\n");
    let secret = difference(
        "properties.administratorLoginPassword",
        "Create",
        Value::Null,
        json!("[parameters('mySqlPassword')]"),
    );
    site.foresees(&reply(&[
        change("Create", "Microsoft.NetApp/netAppAccounts/ccslurm4ai-anf", json!({})),
        change(
            "Create",
            "Microsoft.NetApp/netAppAccounts/ccslurm4ai-anf/capacityPools/shared",
            json!({"properties": {"serviceLevel": "Premium", "size": 4_398_046_511_104_u64}}),
        ),
        change("Create", "Microsoft.Other/things/new", json!({})),
        server(),
        network(),
        modify(
            "Microsoft.DBforMySQL/flexibleServers/db",
            &[secret, difference("properties.state", "Delete", json!("Ready"), Value::Null)],
        ),
        change("NoChange", "Microsoft.Network/privateEndpoints/one", json!({})),
        change("NoChange", "Microsoft.Network/privateEndpoints/two", json!({})),
        change(
            "NoChange",
            "Microsoft.Storage/storageAccounts/locker",
            json!({"sku": {"name": "Standard_LRS"}}),
        ),
        change(
            "Deploy",
            "Microsoft.Network/bastionHosts/bastion",
            json!({"sku": {"name": "Standard"}, "properties": {"scaleUnits": 2}}),
        ),
        change("Delete", "Microsoft.Network/natGateways/old", Value::Null),
        change("Ignore", "Microsoft.Compute/disks/cycleserver-os", json!({})),
        unforeseen("one"),
        unforeseen("two"),
    ]));
    site
}

#[test]
fn every_kind_of_change_is_shown() {
    snapshot("everything", &busy_group().text(&["plan"]));
}

#[test]
fn json_has_it_all() {
    let site = busy_group();
    let run = site.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(run.exit, 20, "{}", run.said);
    snapshot("json", &site.shown(&format!("{:#}\n", run.document["result"])));
}

#[test]
fn a_group_that_does_not_exist_is_said() {
    let site = Site::new();
    site.foresees(&recorded("subscription"));
    let text = site.text(&["plan"]);
    assert!(text.starts_with("resource group cluster-rg in eastus: does not exist yet\n"), "{text}");
    let calls = site.calls_of("deployment ");
    assert!(
        calls.len() == 1 && calls[0].starts_with("deployment sub what-if --no-pretty-print"),
        "{calls:?}"
    );
}

#[test]
fn recorded_replies_are_told() {
    let site = Site::new();
    site.has_group(&json!({}));
    site.scene.answer_json("vm image terms show", &json!({"accepted": true}));
    site.foresees(&recorded("group"));
    let text = site.text(&["plan"]);
    assert!(
        text.contains(
            "modify: 1\n  ~ Microsoft.Storage/storageAccounts  storee5brqgpkqv7yo\n      sku.name: "
        ),
        "{text}"
    );

    site.foresees(&recorded("subscription"));
    let run = site.run(&["plan"]);
    let changes = &run.document["result"]["changes"];
    let open: Vec<_> =
        changes["open"].as_array().into_iter().flatten().filter_map(|place| place["path"].as_str()).collect();
    assert_eq!(
        open,
        ["tags.DeleteAfter", "tags.SecureTag"],
        "one hangs on the time, one on a secure parameter"
    );
    assert_eq!((&changes["unchanged"], &changes["resources"]), (&json!(1), &json!([])));
}

/// What install would do before the deployment counts as well.
#[test]
fn the_exit_code_tells_changes_only_when_asked() {
    let noise = [
        difference("etag", "Modify", json!("1"), json!("2")),
        difference("properties.x", "NoEffect", json!(1), Value::Null),
    ];
    let cases = [
        ("nothing", reply(&[]), json!({}), true, 0),
        (
            "no change",
            reply(&[change("NoChange", "Microsoft.Network/natGateways/n", json!({}))]),
            json!({}),
            true,
            0,
        ),
        ("noise", reply(&[modify("Microsoft.Network/natGateways/n", &noise)]), json!({}), true, 0),
        ("not ours", reply(&[change("Ignore", "Microsoft.Compute/disks/d", json!({}))]), json!({}), true, 0),
        ("not foreseen", reply(&[unforeseen("a")]), json!({}), true, 0),
        (
            "said to be modified, but not in what",
            reply(&[modify("Microsoft.Network/natGateways/n", &[])]),
            json!({}),
            true,
            20,
        ),
        (
            "a resource",
            reply(&[change("Create", "Microsoft.Network/natGateways/n", json!({}))]),
            json!({}),
            true,
            20,
        ),
        (
            "deployed again",
            reply(&[change("Deploy", "Microsoft.Network/natGateways/n", json!({}))]),
            json!({}),
            true,
            20,
        ),
        ("terms", reply(&[]), json!({}), false, 20),
        ("tags of the group", reply(&[]), json!({"team": "another"}), true, 20),
    ];
    let run = |(name, reply, tags, accepted, exit): &(&str, Value, Value, bool, i32)| {
        let site = Site::new();
        let tags_of_group = tags.as_object().expect("tags");
        let wanted = if tags_of_group.is_empty() { "" } else { "tags: {team: ours}\n" };
        site.scene.config(wanted);
        site.has_group(tags);
        site.scene.answer_json("vm image terms show", &json!({"accepted": accepted}));
        site.foresees(reply);
        let plain = site.run(&["plan"]);
        let detailed = site.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(
            (plain.exit, detailed.exit),
            (0, *exit),
            "{name}: {}",
            detailed.document["result"]["changes"]
        );
        assert_eq!(detailed.document["result"]["has_changes"], *exit == 20, "{name}");
    };
    super::table::side_by_side(&cases, run);
}

#[test]
fn what_azure_did_not_look_at_is_a_warning() {
    let site = Site::new();
    site.has_group(&json!({}));
    let mut answer = reply(&[unforeseen("a"), unforeseen("b")]);
    let only_rights = |site: &Site| {
        site.foresees(&answer);
        site.run(&["plan"])
    };
    let run = only_rights(&site);
    assert!(
        run.said.contains(
            "warning: incomplete: Azure did not foresee 2 of the deployment's parts, all of them rights"
        ),
        "{}",
        run.said
    );
    assert_eq!(run.said.matches("cannot be analyzed").count(), 1, "one reason, told once: {}", run.said);

    let skipped = "NestedDeploymentSkippedFromInternalExpansion";
    answer["diagnostics"] = json!([{"level": "Warning", "code": skipped, "message": "Too many at once.", "target": id("Microsoft.Resources/deployments/roles"), "additionalInfo": null}]);
    answer["potentialChanges"] = json!([change("Create", "Microsoft.Network/natGateways/n", json!({}))]);
    site.foresees(&answer);
    let run = site.run(&["plan"]);
    assert!(
        run.said.contains("did not foresee 4 of the deployment's parts (n, roles), which are missing from"),
        "{}",
        run.said
    );
    assert!(run.said.contains(&format!("{skipped}: Too many at once.")), "{}", run.said);
    let incomplete = &run.document["result"]["changes"]["incomplete"];
    assert_eq!(incomplete.as_array().map(Vec::len), Some(4), "{incomplete}");
    assert_eq!(incomplete[3]["id"], id("Microsoft.Resources/deployments/roles"));
}

/// `install` accepts the terms before it deploys; a plan cannot, and asks again for what Azure knows without them.
#[test]
fn terms_that_are_not_accepted_leave_the_template_to_be_looked_at() {
    let refusal = "ERROR: MarketplacePurchaseEligibilityFailed - Marketplace purchase eligibilty check returned errors. \
                   See inner errors for details. \nBadRequest - You have not accepted the legal terms.";
    let what_if = "deployment group what-if";
    let site = Site::new();
    site.has_group(&json!({}));
    site.scene.fails(what_if, 1, refusal);
    site.scene.how(what_if, "once");
    let run = site.run(&["plan"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    assert_eq!(run.document["result"]["validated"], false);
    assert!(run.said.contains("warning: the marketplace terms are not accepted yet"), "{}", run.said);
    let calls = site.calls_of(what_if);
    let levels: Vec<bool> = calls.iter().map(|call| call.contains("--validation-level Template")).collect();
    assert_eq!(levels, [false, true]);

    let accepted = Site::new();
    accepted.has_group(&json!({}));
    accepted.scene.answer_json("vm image terms show", &json!({"accepted": true}));
    accepted.scene.fails(what_if, 1, refusal);
    let run = accepted.run(&["plan"]);
    assert_eq!((run.exit, accepted.calls_of(what_if).len()), (5, 1), "another offer's terms: {}", run.said);
}

#[test]
fn unchanged_inputs_and_running_deployments_are_said() {
    let site = Site::new();
    assert_eq!(site.install(&["-b"]).exit, 0);
    let text = site.text(&["plan"]);
    assert!(text.contains("unchanged since [deployment]: install deploys them again only with --force\nnothing would change\n"), "{text}");
    site.scene.config("login_nodes: 2\n");
    assert!(!site.text(&["plan"]).contains("unchanged since"));

    site.plan(&json!({"seconds": 600}));
    let mut run = site.start(&["-b"]);
    run.wait_for("following", |calls| {
        calls.iter().filter(|call| call.contains("deployments/ccslurm4ai-")).count() > 1
    });
    run.signal(rustix::process::Signal::INT);
    assert_eq!(run.finish().exit, 7);
    let text = site.text(&["plan"]);
    assert!(text.contains("warning: the deployment [deployment] is going on"), "{text}");
}

fn rights(site: &Site) -> Vec<[String; 3]> {
    let run = site.run(&["plan"]);
    let all = run.document["result"]["rights"].as_array().cloned().unwrap_or_default();
    let text = |right: &Value, key: &str| right[key].as_str().unwrap_or_default().to_owned();
    all.iter().map(|right| ["role", "to", "at"].map(|key| text(right, key))).collect()
}

#[test]
fn rights_follow_the_configuration() {
    let site = Site::new();
    site.has_group(&json!({}));
    site.foresees(&reply(&[
        change("NoChange", "Microsoft.Monitor/accounts/metrics", json!({})),
        change("Create", "Microsoft.Dashboard/grafana/boards", json!({})),
        change("Create", "Microsoft.ManagedIdentity/userAssignedIdentities/nodes", json!({})),
        change("Ignore", "Microsoft.Storage/storageAccounts/another", json!({})),
        change("Create", "Microsoft.Storage/storageAccounts/locker", json!({})),
        change("Create", "Microsoft.Compute/virtualMachines/cycleserver", json!({})),
    ]));
    let all = rights(&site);
    assert_eq!(all.len(), 10, "{all:#?}");
    let has = |role: &str, to: &str, at: &str| {
        let found = all.iter().any(|right| right[0] == role && right[1] == to && right[2].ends_with(at));
        assert!(found, "{role}, {to}, {at}: {all:#?}");
    };
    has(
        "Reader",
        "the CycleCloud server (cycleserver)",
        "/subscriptions/11111111-2222-3333-4444-555555555555",
    );
    has("Storage Blob Data Reader", "all nodes (nodes)", "/storageAccounts/locker");
    has("Grafana Admin", "you (99999999-8888-7777-6666-555555555555)", "/grafana/boards");
    has("Monitoring Data Reader", "Grafana (boards)", "/accounts/metrics");
    has(
        "Monitoring Metrics Publisher",
        "all nodes (nodes)",
        "/resourceGroups/MA_metrics_eastus_managed/providers/Microsoft.Insights/dataCollectionRules/metrics",
    );

    site.scene.config("monitoring: false\nsubscription_reader: existing\n");
    let roles: Vec<String> = rights(&site).into_iter().map(|[role, ..]| role).collect();
    assert_eq!(
        roles,
        [
            "Contributor",
            "Storage Blob Data Contributor",
            "Storage Blob Data Reader",
            "Key Vault Secrets User",
            "Key Vault Secrets User"
        ]
    );

    site.scene.in_network("none", "monitoring: false\n");
    let all = rights(&site);
    let subnet = all.iter().find(|[role, ..]| role == "Network Contributor").expect("the nodes' subnet");
    assert!(subnet[2].ends_with("/virtualNetworks/spoke/subnets/nodes"), "{subnet:?}");
    assert!(!subnet[2].contains(HUB), "{subnet:?}");
}

#[test]
fn nodes_bill_up_to_their_most() {
    let site = Site::new();
    site.has_group(&json!({}));
    site.scene.config(
        "login_nodes: 0\nhtc_max_core_count: 7\nhpc_max_num_vms: 1\nstorage: {type: nfs, size_gib: 512}\n",
    );
    let run = site.run(&["plan"]);
    let all = run.document["result"]["billing"].as_array().cloned().unwrap_or_default();
    let rows: Vec<_> = all
        .iter()
        .map(|bill| {
            (bill["what"].as_str(), bill["size"].as_str(), bill["count"].as_u64(), bill["at_most"].as_bool())
        })
        .collect();
    assert_eq!(
        rows,
        [
            (Some("GPU node"), Some("Standard_ND96isr_H100_v5"), Some(1), Some(true)),
            (Some("scheduler"), Some("Standard_D8ads_v5"), Some(1), Some(false)),
            (Some("node without GPU"), Some("Standard_F2s_v2"), Some(3), Some(true)),
            (Some("disk of the shared files"), Some("512 GiB"), Some(1), Some(false)),
        ]
    );
}
