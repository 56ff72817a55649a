//! The evaluator against the official one: what `bicep snapshot` predicts of a template, and what ours deploys, are
//! equal. Our own template is predicted now, which needs a Bicep compiler; of those that are not ours the predictions
//! are recorded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ccslurm4ai_twin::arm::Request;
use ccslurm4ai_twin::arm::scope::Scope;
use ccslurm4ai_twin::arm::types::Put;
use serde_json::{Map, Value, json};

use crate::compare::{assert_equal, by_id, difference};
use crate::compiler;
use crate::rules::lasting;
use crate::scene::delegated;
use crate::world::{FakeWorld, SUBSCRIPTION, request};

pub fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A world for templates whose types have no rules here, or whose resources do not fit together.
fn plain() -> FakeWorld {
    FakeWorld { ruled: false, ..FakeWorld::default() }
}

#[test]
fn foreign_templates_become_what_the_official_evaluator_predicts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/templates");
    let entries =
        std::fs::read_dir(&folder).expect("the templates").map(|entry| entry.expect("an entry").path());
    let mut names: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    names.sort();
    for path in &names {
        let mut world = plain();
        let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1");
        world.add(
            &format!("{group}/providers/Microsoft.Network/virtualNetworks/vnet-a"),
            json!({"location": "eastus"}),
        );
        let parameters = read(&path.join("params.json"))["parameters"].clone();
        let asked = request(read(&path.join("main.json")), parameters);
        let compared = assert_equal(&mut world, &asked, &read(&path.join("snapshot.json")));
        println!("{}: {} resources and {} outputs", path.display(), compared.0, compared.1);
    }
    assert_eq!(names.len(), 14);
}

/// Folder of the sets of parameters.
fn sets() -> PathBuf {
    Path::new(crate::ROOT).join("tests/data/bicep")
}

/// Parameters by set, as a deployment takes them: the compiler reads them all at once.
static PARAMETERS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::copy(compiler::templates().join("main.json"), folder.path().join("main.json"))
        .expect("copying main.json");
    let read_set = |name: &String| {
        let (file, out) = (format!("{name}.bicepparam"), format!("{name}.json"));
        std::fs::copy(sets().join(&file), folder.path().join(&file)).expect("copying the parameters");
        let output = compiler::bicep(&["build-params", &file, "--outfile", &out], folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        read(&folder.path().join(&out))["parameters"].clone()
    };
    set_names().iter().map(|name| (name.clone(), read_set(name))).collect()
});

/// Parameters of a `.bicepparam` file.
pub fn parameters(name: &str) -> Value {
    PARAMETERS[name].clone()
}

/// Names of all sets of parameters.
pub fn set_names() -> Vec<String> {
    let files = std::fs::read_dir(sets()).expect("the sets").map(|entry| entry.expect("an entry").path());
    let sets = files.filter(|path| path.extension().is_some_and(|extension| extension == "bicepparam"));
    sets.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

/// Our template in a group.
pub fn ours(set: &str, group: &str) -> Request {
    let scope = Scope::ResourceGroup { subscription: SUBSCRIPTION.into(), name: group.into() };
    let template = read(&compiler::templates().join("main.json"));
    Request { scope, ..request(template, parameters(set)) }
}

/// The subscription of a network id among the parameters, if they name somebody else's network.
fn network_subscription(request: &Request) -> Option<String> {
    let compute = request.parameters["network"]["value"]["subnets"]["compute"].as_str()?;
    compute.split('/').nth(2).map(str::to_owned)
}

/// A world with the network that the parameters name: its group `hub-network`, Bastion and private DNS zones.
pub fn with_network(request: &Request) -> FakeWorld {
    let mut world = FakeWorld::default();
    world.size.zones.push("3".into());
    let Some(subscription) = network_subscription(request) else { return world };
    let provider =
        format!("/subscriptions/{subscription}/resourceGroups/hub-network/providers/Microsoft.Network");
    let mut put = |path: &str, version: &str, body: Value| {
        let put = Put { id: format!("{provider}/{path}"), api_version: version.into(), body };
        world.put(&put).unwrap_or_else(|error| panic!("{path}: {error}"));
    };
    let subnet = |name: &str, prefix: &str| json!({"name": name, "properties": {"addressPrefix": prefix}});
    let subnets = json!([
        subnet("servers", "10.0.0.0/26"),
        subnet("nodes", "10.0.2.0/23"),
        delegated("files", "10.0.1.0/26", "Microsoft.NetApp/volumes"),
        subnet("endpoints", "10.0.0.64/26"),
    ]);
    let space = json!({"addressPrefixes": ["10.0.0.0/16"]});
    let network = json!({"location": "eastus", "properties": {"addressSpace": space, "subnets": subnets}});
    put("virtualNetworks/hub", "2025-05-01", network);
    if request.parameters["network"]["value"]["privateDns"] == "existing" {
        for service in ["vaultcore.azure.net", "blob.core.windows.net", "mysql.database.azure.com"] {
            put(
                &format!("privateDnsZones/privatelink.{service}"),
                "2024-06-01",
                json!({"location": "global"}),
            );
        }
    }
    world
}

#[test]
fn our_template_becomes_what_the_official_evaluator_predicts() {
    let longest = "Long_(group).name-".repeat(5);
    let mut cases: Vec<(&str, &str)> = PARAMETERS.keys().map(|name| (name.as_str(), "rg1")).collect();
    assert!(cases.len() >= 9, "{cases:?}");
    cases.extend([("first", longest.as_str()), ("first", "g")]);
    for (set, group) in &cases {
        let asked = ours(set, group);
        let compared = assert_equal(&mut with_network(&asked), &asked, &compiler::predict(set, group));
        println!("{set} in {group}: {} resources and {} outputs", compared.0, compared.1);
        assert!(compared.0 >= 12 && compared.1 == 3, "{set}: {compared:?}");
    }
}

#[test]
fn what_depends_on_nothing_may_come_in_any_order() {
    let run = |last_first: bool| {
        let mut world = FakeWorld { last_first, ..plain() };
        let outputs = world.deploy(ours("first", "rg1")).expect("the deployment");
        let written: Vec<Value> =
            world.written.iter().map(|put| json!({"id": put.id, "body": put.body})).collect();
        (written, outputs)
    };
    let (forwards, outputs) = run(false);
    let (backwards, same_outputs) = run(true);
    assert_ne!(forwards, backwards, "both went in one order");
    for (id, resource) in by_id(&forwards) {
        assert_eq!(difference(resource, by_id(&backwards)[&id]), None, "{id}");
    }
    assert_eq!(forwards.len(), backwards.len());
    assert_eq!(outputs, same_outputs);
    let position = |part: &str| {
        let id = |one: &Value| one["id"].as_str().is_some_and(|id| id.contains(part));
        backwards.iter().position(id).unwrap_or_else(|| panic!("{part}"))
    };
    for (first, then) in [
        ("publicIPAddresses/ccslurm4ai-nat-ip", "natGateways/"),
        ("natGateways/", "virtualNetworks/ccslurm4ai-vnet"),
        ("networkSecurityGroups/ccslurm4ai-AzureBastionSubnet-nsg", "virtualNetworks/ccslurm4ai-vnet"),
        ("virtualNetworks/ccslurm4ai-vnet", "bastionHosts/"),
        ("virtualNetworks/ccslurm4ai-vnet", "networkInterfaces/"),
        ("virtualNetworks/ccslurm4ai-vnet", "/volumes/"),
        ("networkInterfaces/", "virtualMachines/"),
        ("virtualMachines/", "roleAssignments/"),
        ("Microsoft.Monitor/accounts/", "Microsoft.Dashboard/grafana/"),
    ] {
        assert!(position(first) < position(then), "{first} before {then}");
    }
}

#[test]
fn a_forced_redeployment_changes_nothing() {
    for set in PARAMETERS.keys() {
        let asked = ours(set, "rg1");
        let mut world = with_network(&asked);
        let outputs = world.deploy(asked.clone()).unwrap_or_else(|error| panic!("{set}: {error}"));
        let state = |world: &FakeWorld| -> Vec<(String, Value)> {
            let bodies =
                world.resources.iter().filter(|(id, _)| !id.contains("microsoft.resources/deployments"));
            bodies.map(|(id, (body, _))| (id.clone(), lasting(body))).collect()
        };
        let (before, secrets) = (state(&world), world.secrets.clone());
        let again = world.deploy(Request { parameters: later(&asked.parameters), ..asked }).expect("again");
        assert_eq!(again, outputs, "{set}");
        assert_eq!(world.secrets, secrets, "{set}: no new version of a secret");
        let after = state(&world);
        for ((id, before), (_, after)) in before.iter().zip(&after) {
            assert_eq!(difference(after, before), None, "{set}: {id}");
        }
        assert_eq!(after.len(), before.len(), "{set}");
        println!("{set}: {} resources stay", before.len());
    }
}

/// The parameters of a later run: no secret is written again.
fn later(parameters: &Map<String, Value>) -> Map<String, Value> {
    let mut parameters = parameters.clone();
    parameters["createSecrets"] = json!({"value": []});
    for secret in ["sshPrivateKey", "cycleCloudPassword"] {
        parameters.remove(secret);
    }
    parameters
}
