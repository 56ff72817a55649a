//! Compares what a deployment wrote with what `bicep snapshot` predicts.

use ccslurm4ai_twin::arm::types::Put;
use ccslurm4ai_twin::arm::{Plan, id::ResourceId};
use serde_json::{Map, Value, json};

use crate::world::{FakeWorld, request};

/// Deploys `template` with `parameters` and asserts that resources and outputs are the predicted ones.
/// Returns how many were compared.
pub fn assert_equal(
    world: &mut FakeWorld,
    template: &Value,
    parameters: &Value,
    prediction: &Value,
) -> usize {
    let outputs = match world.deploy(request(template.clone(), parameters.clone())) {
        Ok(outputs) => outputs,
        Err(error) => panic!("the deployment fails: {error}"),
    };
    let official = Official { world, template, parameters };
    let mut predicted: Vec<Value> = prediction["predictedResources"].as_array().cloned().unwrap_or_default();
    predicted = predicted.iter().map(|resource| official.resolve(resource)).collect();
    let mut ours: Vec<Value> = world.written.iter().map(resource).collect();
    for list in [&mut predicted, &mut ours] {
        list.sort_by_key(|resource| resource["id"].to_string());
    }
    for (predicted, ours) in predicted.iter().zip(&ours) {
        assert_eq!(ours, predicted, "{}", predicted["id"]);
    }
    assert_eq!(ours.len(), predicted.len(), "number of resources");
    let shown = |output: &Value| output.get("value").is_some();
    let expected = prediction["outputs"].as_object().cloned().unwrap_or_default().into_iter();
    let expected = expected.filter(|(name, _)| outputs.get(name).is_none_or(shown));
    // An output that is null after all is not shown.
    let expected =
        expected.map(|(name, value)| (name, official.resolve(&value))).filter(|(_, value)| !value.is_null());
    let expected: Map<String, Value> = expected.collect();
    let values = outputs.iter().filter(|(_, output)| shown(output));
    let values: Map<String, Value> =
        values.map(|(name, output)| (name.clone(), output["value"].clone())).collect();
    assert_eq!(values, expected, "outputs");
    predicted.len() + expected.len()
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

/// Resolves what the prediction leaves as expressions, in the state that the deployment left.
struct Official<'a> {
    world: &'a FakeWorld,
    template: &'a Value,
    parameters: &'a Value,
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
        let mut template = crate::world::template(json!({}));
        for section in ["parameters", "definitions", "functions", "variables"] {
            if let Some(ours) = self.template.get(section) {
                template[section] = ours.clone();
            }
        }
        let value = format!("[createObject('value', {expression})]");
        template["outputs"] = json!({"it": {"type": "object", "value": value}});
        let plan = Plan::build(request(template, self.parameters.clone()), self.world).expect("a plan");
        let outputs = plan.outputs(self.world).unwrap_or_else(|error| panic!("{expression}: {error:?}"));
        outputs["it"]["value"]["value"].clone()
    }
}
