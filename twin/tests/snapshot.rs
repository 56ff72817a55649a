//! The evaluator against the official one: what `bicep snapshot` predicts of a template, and what our evaluator deploys,
//! are equal in id, type, name, api-version, body and outputs.
//!
//! What the prediction leaves as an expression, because it is known only while a deployment runs, is evaluated by our
//! evaluator against the state that our deployment made, and then compared. Our own template is predicted now, which
//! needs a Bicep compiler; of the templates that are not ours the predictions are recorded.

#[path = "snapshot/azure.rs"]
mod azure;
#[path = "../../tests/bicep/compiler.rs"]
mod compiler;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ccslurm4ai_twin::arm::expr::eval::{Env, Phase};
use ccslurm4ai_twin::arm::expr::frame::Frame;
use ccslurm4ai_twin::arm::expr::json;
use ccslurm4ai_twin::arm::plan::{Action, Plan, Request};
use ccslurm4ai_twin::arm::program::Program;
use ccslurm4ai_twin::arm::scope::Scope;
use ccslurm4ai_twin::arm::types::Put;
use serde_json::{Map, Value, json};

use azure::Azure;
use compiler::{SUBSCRIPTION, bicep, predict, templates};

/// The folder of the project.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Which of the steps that may start does.
type Choice = fn(&[usize]) -> Option<&usize>;

/// Runs a deployment to its end. Returns its outputs and adds the resources that were written, nested ones included.
fn deploy(request: Request, azure: &Azure, choice: Choice, written: &mut Vec<Value>) -> Map<String, Value> {
    let name = request.name.clone();
    let plan = Plan::build(request, azure).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut done = BTreeSet::new();
    while let Some(at) = choice(&plan.ready(&done)).copied() {
        let step = &plan.steps()[at];
        match plan.action(at, azure).unwrap_or_else(|error| panic!("{}: {error}", step.id)) {
            Action::Put(put) => {
                azure.put(&put);
                let mut resource = put.body;
                resource["id"] = json!(step.id);
                resource["type"] = json!(step.kind);
                resource["name"] = json!(step.name);
                resource["apiVersion"] = json!(step.api_version);
                written.push(resource);
            }
            Action::Deploy(nested) => {
                let outputs = deploy(*nested, azure, choice, written);
                azure.deployed(&step.id, Value::Object(outputs));
            }
        }
        done.insert(at);
    }
    assert_eq!(done.len(), plan.steps().len(), "{name}: steps wait for each other");
    plan.outputs(azure).unwrap_or_else(|error| panic!("outputs of {name}: {error:?}"))
}

/// A prediction with the expressions in it evaluated against the state.
fn evaluated(prediction: &Value, request: &Request, azure: &Azure) -> Value {
    let values = request.parameters.iter().map(|(name, entry)| (name.clone(), entry["value"].clone()));
    let program = Program {
        scope: request.scope.clone(),
        name: request.name.clone(),
        location: None,
        content_version: "1.0.0.0".to_owned(),
        parameters: values.collect(),
        variables: Map::new(),
        functions: BTreeMap::new(),
        instances: BTreeMap::new(),
        loops: BTreeMap::new(),
    };
    let env = Env::new(&program, azure, Phase::Run);
    json::value(&env, prediction, &Frame::default()).unwrap_or_else(|fault| panic!("{}", fault.message()))
}

fn by_id(resources: &[Value]) -> BTreeMap<String, &Value> {
    let all: BTreeMap<_, _> =
        resources.iter().map(|one| (one["id"].as_str().expect("an id").to_owned(), one)).collect();
    assert_eq!(all.len(), resources.len(), "an id twice");
    all
}

/// The first place at which two values differ, with both values.
fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => difference(a, b).map(|rest| format!("{key}.{rest}")),
                (a, b) => Some(format!("{key}: {a:?} is not {b:?}")),
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (a, b))| difference(a, b).map(|rest| format!("{at}.{rest}")))
        }
        (a, b) => (a != b).then(|| format!(": {a} is not {b}")),
    }
}

/// Compares a deployment with its prediction; returns how many resources and outputs were compared.
fn compare(
    azure: &Azure,
    template: Value,
    parameters: Map<String, Value>,
    group: &str,
    prediction: &Value,
) -> (usize, usize) {
    let scope = Scope::ResourceGroup { subscription: SUBSCRIPTION.to_owned(), name: group.to_owned() };
    let request = Request { scope, name: "main".to_owned(), location: None, template, parameters };
    let mut written = Vec::new();
    let outputs = deploy(request.clone(), azure, <[usize]>::first, &mut written);
    assert_eq!(prediction["diagnostics"], json!([]));

    let predicted = evaluated(&prediction["predictedResources"], &request, azure);
    let predicted = by_id(predicted.as_array().expect("a list"));
    let written = by_id(&written);
    assert_eq!(written.keys().collect::<Vec<_>>(), predicted.keys().collect::<Vec<_>>());
    for (id, resource) in &predicted {
        assert_eq!(difference(written[id], resource), None, "{id}");
    }

    let expected = evaluated(&prediction["outputs"], &request, azure);
    let mut expected = expected.as_object().expect("outputs").clone();
    expected.retain(|_, value| !value.is_null()); // A nullable output without value is left out of a reply.
    assert_eq!(outputs.keys().collect::<BTreeSet<_>>(), expected.keys().collect::<BTreeSet<_>>());
    for (name, output) in &outputs {
        // A secure output has no value in a reply, but the official evaluator predicts one.
        if output["type"].as_str().is_some_and(|kind| !kind.starts_with("Secure")) {
            assert_eq!(difference(&output["value"], &expected[name]), None, "output {name}");
        }
    }
    (written.len(), outputs.len())
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).expect("JSON")
}

fn parameters_of(document: &Value) -> Map<String, Value> {
    document["parameters"].as_object().expect("parameters").clone()
}

/// A set of parameters of ours as a deployment takes them.
fn parameters(set: &str) -> Map<String, Value> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("{set}.bicepparam");
    let source = Path::new(ROOT).join("tests/data/bicep").join(&file);
    std::fs::copy(source, folder.path().join(&file)).expect("copying the parameters");
    std::fs::copy(templates().join("main.json"), folder.path().join("main.json")).expect("copying main.json");
    let output = bicep(&["build-params", &file, "--outfile", "parameters.json"], folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    parameters_of(&read(&folder.path().join("parameters.json")))
}

#[test]
fn our_template_is_evaluated_as_the_official_evaluator_does() {
    let longest = "Long_(group).name-".repeat(5);
    for (set, group, resources) in [("first", "rg1", 30), ("again", "g", 20), ("repair", &longest, 25)] {
        let template = read(&templates().join("main.json"));
        let compared = compare(&Azure::default(), template, parameters(set), group, &predict(set, group));
        println!("{set}: {} resources and {} outputs are equal", compared.0, compared.1);
        assert!(compared.0 >= resources && compared.1 == 3, "{set}: {compared:?}");
    }
}

#[test]
fn what_depends_on_nothing_may_come_in_any_order() {
    let run = |choice: Choice| {
        let scope = Scope::ResourceGroup { subscription: SUBSCRIPTION.to_owned(), name: "rg1".to_owned() };
        let template = read(&templates().join("main.json"));
        let parameters = parameters("first");
        let request = Request { scope, name: "main".to_owned(), location: None, template, parameters };
        let mut written = Vec::new();
        let outputs = deploy(request, &Azure::default(), choice, &mut written);
        (written, outputs)
    };
    let (forwards, outputs) = run(<[usize]>::first);
    let (backwards, same_outputs) = run(<[usize]>::last);
    assert_ne!(forwards, backwards, "both went in one order");
    assert_eq!(by_id(&forwards), by_id(&backwards));
    assert_eq!(outputs, same_outputs);
    let ids: Vec<_> = backwards.iter().map(|resource| resource["id"].as_str().expect("an id")).collect();
    let position =
        |part: &str| ids.iter().position(|id| id.contains(part)).unwrap_or_else(|| panic!("{part}"));
    for (first, then) in [
        ("publicIPAddresses/ccslurm4ai-nat-ip", "natGateways/"),
        ("natGateways/", "virtualNetworks/ccslurm4ai-vnet"),
        ("networkSecurityGroups/ccslurm4ai-AzureBastionSubnet-nsg", "virtualNetworks/ccslurm4ai-vnet"),
        ("virtualNetworks/ccslurm4ai-vnet", "bastionHosts/"),
        ("virtualNetworks/ccslurm4ai-vnet", "networkInterfaces/"),
        ("networkInterfaces/", "virtualMachines/"),
        ("virtualMachines/", "roleAssignments/"),
    ] {
        assert!(position(first) < position(then), "{first} before {then}");
    }
}

#[test]
fn templates_that_are_not_ours_are_evaluated_as_the_official_evaluator_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/templates");
    let mut compared = 0;
    for entry in std::fs::read_dir(&folder).expect("the templates") {
        let template = entry.expect("an entry").path();
        if !template.is_dir() {
            continue;
        }
        println!("{}", template.display());
        let parameters = parameters_of(&read(&template.join("params.json")));
        let azure = Azure::default();
        // What the templates expect to be there already.
        let id = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/vnet-a"
        );
        azure.put(&Put { id, api_version: "2020-06-01".to_owned(), body: json!({"location": "westeurope"}) });
        compare(
            &azure,
            read(&template.join("main.json")),
            parameters,
            "rg1",
            &read(&template.join("snapshot.json")),
        );
        compared += 1;
    }
    assert_eq!(compared, 14);
}
