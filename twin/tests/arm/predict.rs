//! What the evaluator tells before a deployment runs is what `bicep snapshot` tells.

use std::collections::BTreeMap;
use std::path::Path;

use ccslurm4ai_twin::arm::expr::eval::{Env, Phase};
use ccslurm4ai_twin::arm::expr::frame::Frame;
use ccslurm4ai_twin::arm::expr::{json as evaluated, open};
use ccslurm4ai_twin::arm::plan::predict::{Predicted, predict};
use ccslurm4ai_twin::arm::program::Program;
use ccslurm4ai_twin::arm::scope::Scope;
use serde_json::{Map, Value, json};

use crate::compiler::{self, bicep, templates};
use crate::snapshot::{ours, parameters, read, set_names, with_network};
use crate::world::{FakeWorld, SUBSCRIPTION, request, template};

/// A resource as snapshot shows it. A null member of the resource itself says nothing.
fn resource(one: &Predicted) -> Value {
    let mut resource =
        json!({"id": one.id, "type": one.kind, "name": one.name, "apiVersion": one.api_version});
    resource.as_object_mut().expect("an object").extend(one.body.clone());
    open::shown(&resource)
}

/// What the official evaluator leaves open only because it does not know the cloud it is for, `environment()`.
fn in_the_cloud(prediction: &Value, template: &Value, world: &FakeWorld) -> Value {
    let names = template["parameters"].as_object().expect("parameters").keys();
    let parameters = names.map(|name| (name.clone(), open::call("parameters", &[json!(name)])));
    let program = Program {
        scope: Scope::Subscription { subscription: SUBSCRIPTION.into() },
        name: "main".into(),
        location: None,
        content_version: "1.0.0.0".into(),
        parameters: Map::from_iter(parameters),
        variables: Map::new(),
        functions: BTreeMap::new(),
        instances: BTreeMap::new(),
        loops: BTreeMap::new(),
        foreseen: BTreeMap::new(),
    };
    let env = Env::new(&program, world, Phase::Predict);
    let value = evaluated::value(&env, prediction, &Frame::default());
    open::shown(&value.unwrap_or_else(|fault| panic!("{}", fault.message())))
}

fn by_id(list: Vec<Value>) -> BTreeMap<String, Value> {
    let count = list.len();
    let all: BTreeMap<_, _> = list.into_iter().map(|one| (one["id"].to_string(), one)).collect();
    assert_eq!(all.len(), count, "an id twice");
    all
}

/// Ids of one list that another lacks.
fn without<'a>(one: &'a BTreeMap<String, Value>, other: &BTreeMap<String, Value>) -> Vec<&'a str> {
    one.keys().filter(|id| !other.contains_key(*id)).map(String::as_str).collect()
}

/// Asserts that what we tell of a template is what was predicted; the number of resources, and of those whose id is open.
fn assert_same(template: Value, parameters: Value, prediction: &Value, world: &FakeWorld) -> (usize, usize) {
    let mut asked = request(template.clone(), parameters);
    if template["$schema"].as_str().is_some_and(|schema| schema.contains("subscription")) {
        asked.scope = Scope::Subscription { subscription: SUBSCRIPTION.into() };
        asked.location = Some("eastus".into());
    }
    let found = predict(asked, world, usize::MAX).expect("a prediction").resources;
    assert_eq!(prediction["diagnostics"], json!([]));
    let official = in_the_cloud(&prediction["predictedResources"], &template, world);
    let official = by_id(official.as_array().expect("a list").clone());
    let ours = by_id(found.iter().map(resource).collect());
    let (more, less) = (without(&ours, &official), without(&official, &ours));
    assert!(more.is_empty() && less.is_empty(), "only ours: {more:#?}\nonly theirs: {less:#?}");
    for (id, theirs) in &official {
        assert_eq!(&ours[id], theirs, "{id}");
    }
    (found.len(), found.iter().filter(|one| !one.known).count())
}

#[test]
fn our_template_is_foreseen_as_the_official_evaluator_does() {
    for name in set_names() {
        let asked = ours(&name, "rg1");
        let world = with_network(&asked);
        let template = read(&templates().join("main.json"));
        let compared = assert_same(template, parameters(&name), &compiler::predict(&name, "rg1"), &world);
        println!("{name}: {} resources, {} with an open id", compared.0, compared.1);
        assert!(compared.0 > 15 && compared.1 > 3, "{name}: {compared:?}");
    }
}

/// A template of the subscription that makes the group and deploys `inner` into it, as Bicep compiles it.
pub fn with_its_group(inner: &Value, parameters: &Value) -> Value {
    let handed: Map<String, Value> = parameters
        .as_object()
        .expect("parameters")
        .keys()
        .map(|name| (name.clone(), json!({"value": format!("[parameters('{name}')]")})))
        .collect();
    let mut outer = template(json!({
        "group": {"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2025-04-01", "name": "rg1", "location": "eastus"},
        "main": {
            "type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": "main", "resourceGroup": "rg1",
            "dependsOn": ["group"],
            "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "parameters": handed, "template": inner},
        },
    }));
    for section in ["parameters", "definitions"] {
        outer[section] = inner[section].clone();
    }
    outer["$schema"] =
        json!("https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#");
    outer
}

#[test]
fn a_template_around_ours_that_makes_the_group_is_foreseen_too() {
    let world = FakeWorld::default();
    let parameters = parameters("first");
    let outer = with_its_group(&read(&templates().join("main.json")), &parameters);
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("outer.json"), outer.to_string()).expect("written");
    let set = Path::new(crate::ROOT).join("tests/data/bicep/first.bicepparam");
    let set = std::fs::read_to_string(set).expect("the parameters").replace("'main.json'", "'outer.json'");
    std::fs::write(folder.path().join("outer.bicepparam"), set).expect("written");
    let tenant = crate::world::TENANT;
    let place = ["--subscription-id", SUBSCRIPTION, "--tenant-id", tenant, "--location", "eastus"];
    let output = bicep(&[&["snapshot", "outer.bicepparam"], &place[..]].concat(), folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let prediction = read(&folder.path().join("outer.snapshot.json"));
    let compared = assert_same(outer, parameters, &prediction, &world);
    println!("{} resources, {} with an open id", compared.0, compared.1);
    assert!(compared.0 > 25, "{compared:?}");
}

#[test]
fn foreign_templates_are_foreseen_as_the_official_evaluator_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/templates");
    let entries = std::fs::read_dir(&folder).expect("the templates").flatten().map(|entry| entry.path());
    let mut compared = 0;
    for path in entries.filter(|path| path.is_dir()) {
        println!("{}", path.display());
        let mut world = FakeWorld { ruled: false, ..FakeWorld::default() };
        let vnet = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/vnet-a"
        );
        world.add(&vnet, json!({"location": "eastus"}));
        let parameters = read(&path.join("params.json"))["parameters"].clone();
        assert_same(read(&path.join("main.json")), parameters, &read(&path.join("snapshot.json")), &world);
        compared += 1;
    }
    assert!(compared >= 14, "{compared}");
}
