//! Compares what a deployment wrote with what `bicep snapshot` predicts.

use std::collections::{BTreeMap, BTreeSet};

use ccslurm4ai_twin::arm::types::Put;
use ccslurm4ai_twin::arm::{Plan, Request, id::ResourceId};
use serde_json::{Map, Value, json};

use crate::world::{FakeWorld, template};

/// Deploys and asserts that resources and outputs are the predicted ones: the same ids with the same type, name,
/// api-version and body, the same outputs with the same values. Returns how many were compared.
///
/// What the prediction leaves as an expression, because it is known only while a deployment runs, is evaluated by our
/// evaluator against the state that our deployment made, and then compared.
pub fn assert_equal(world: &mut FakeWorld, request: &Request, prediction: &Value) -> (usize, usize) {
    let outputs = world
        .deploy(request.clone())
        .unwrap_or_else(|error| panic!("the deployment fails: {error} {error:?}"));
    assert_eq!(prediction["diagnostics"], json!([]));
    let official = Official { world, request };
    let predicted: Vec<Value> = prediction["predictedResources"]
        .as_array()
        .expect("a list of resources")
        .iter()
        .map(|resource| official.resolve(resource))
        .collect();
    let written: Vec<Value> = world.written.iter().map(resource).collect();
    let (written, predicted) = (by_id(&written), by_id(&predicted));
    assert_eq!(written.keys().collect::<Vec<_>>(), predicted.keys().collect::<Vec<_>>());
    for (id, resource) in &predicted {
        assert_eq!(difference(written[id], resource), None, "{id}");
    }
    let expected = prediction["outputs"].as_object().cloned().unwrap_or_default().into_iter();
    let expected = expected.map(|(name, value)| (name, official.resolve(&value)));
    // A nullable output without value is left out of a reply.
    let expected: Map<String, Value> = expected.filter(|(_, value)| !value.is_null()).collect();
    assert_eq!(outputs.keys().collect::<BTreeSet<_>>(), expected.keys().collect::<BTreeSet<_>>());
    for (name, output) in &outputs {
        // A secure output has no value in a reply, but the official evaluator predicts one.
        if let Some(value) = output.get("value") {
            assert_eq!(difference(value, &expected[name]), None, "output {name}");
        }
    }
    (written.len(), outputs.len())
}

/// A write as snapshot shows it. A null member says nothing.
fn resource(put: &Put) -> Value {
    let id = ResourceId::parse(&put.id).expect("a resource id");
    let mut resource = json!({"id": put.id, "type": id.kind, "name": id.name, "apiVersion": put.api_version});
    for (key, value) in put.body.as_object().expect("a body") {
        if !value.is_null() {
            resource[key] = value.clone();
        }
    }
    resource
}

/// Resources by id; none is there twice.
pub fn by_id(resources: &[Value]) -> BTreeMap<String, &Value> {
    let all: BTreeMap<_, _> =
        resources.iter().map(|one| (one["id"].as_str().expect("an id").to_owned(), one)).collect();
    assert_eq!(all.len(), resources.len(), "an id twice");
    all
}

/// The first place at which two values differ, with both values.
pub fn difference(ours: &Value, theirs: &Value) -> Option<String> {
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

/// Resolves what the prediction leaves as expressions, in the state that the deployment left.
struct Official<'a> {
    world: &'a FakeWorld,
    request: &'a Request,
}

impl Official<'_> {
    fn resolve(&self, value: &Value) -> Value {
        match value {
            Value::String(text)
                if text.starts_with('[') && text.ends_with(']') && !text.starts_with("[[") =>
            {
                self.evaluate(&text[1..text.len() - 1])
            }
            Value::Array(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Value::Object(object) => {
                object.iter().map(|(key, value)| (key.clone(), self.resolve(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// Evaluates an expression as an output of a template without resources.
    fn evaluate(&self, expression: &str) -> Value {
        let mut whole = template(json!({}));
        for section in ["parameters", "definitions", "functions", "variables"] {
            if let Some(ours) = self.request.template.get(section) {
                whole[section] = ours.clone();
            }
        }
        let value = format!("[createObject('value', {expression})]");
        whole["outputs"] = json!({"it": {"type": "object", "value": value}});
        let request = Request { template: whole, ..self.request.clone() };
        let plan = Plan::build(request, self.world).expect("a plan");
        let outputs = plan.outputs(self.world).unwrap_or_else(|error| panic!("{expression}: {error:?}"));
        outputs["it"]["value"]["value"].clone()
    }
}
