//! What a deployment would write, told before it runs. Nested deployments are looked into; what only the running
//! deployment knows stays an expression, as in `bicep snapshot`, which is the official evaluator.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Action, Plan, Request, outputs, parameters};
use crate::arm::World;
use crate::arm::expr::Fault;
use crate::arm::expr::eval::{Env, Phase};
use crate::arm::expr::open;
use crate::azure::error::AzureError;

/// A resource that a deployment would write.
#[derive(Debug, Clone)]
pub struct Predicted {
    /// Its id; an expression in brackets if it is not known yet.
    pub id: String,
    /// Whether the id is known.
    pub known: bool,
    /// Type.
    pub kind: String,
    /// Full name, as the id.
    pub name: String,
    /// api-version of the write.
    pub api_version: String,
    /// The request's body, with open expressions for what is not known yet.
    pub body: Map<String, Value>,
    /// Where the template declares it.
    pub declared: String,
}

/// What is told of a deployment.
#[derive(Debug, Default)]
pub struct Prediction {
    /// What it would write, in an order in which it can.
    pub resources: Vec<Predicted>,
    /// Ids of the nested deployments that were not looked into, for there are too many.
    pub skipped: Vec<String>,
    looked_into: usize,
}

/// Tells what a deployment that was validated would write, looking into at most `limit` nested ones.
pub fn predict(mut request: Request, world: &dyn World, limit: usize) -> Result<Prediction, AzureError> {
    if let Some(template) = request.template.as_object() {
        parameters::veil(template, &mut request.parameters);
    }
    let mut found = Prediction::default();
    let plan = Plan::in_phase(request, world, Phase::Predict)?;
    plan.foresee(world, limit, "properties.template", &mut found)?;
    Ok(found)
}

impl Plan {
    /// Adds what this deployment writes to `found`; returns its outputs, those without `value` that cannot be told.
    fn foresee(
        mut self,
        world: &dyn World,
        limit: usize,
        path: &str,
        found: &mut Prediction,
    ) -> Result<Map<String, Value>, AzureError> {
        let mut done = BTreeSet::new();
        while let Some(at) = self.ready(&done).first().copied() {
            let path = format!("{path}.resources.{}", self.nodes[self.steps[at].node].symbol);
            match self.evaluate(at, &Env::new(&self.program, world, Phase::Predict)) {
                Ok(Action::Put(put)) => found.resources.push(self.predicted(at, &path, &put.body)),
                Ok(Action::Deploy(_)) if found.looked_into == limit => {
                    found.skipped.push(self.steps[at].id.clone());
                }
                Ok(Action::Deploy(request)) => {
                    found.looked_into += 1;
                    let inner = Plan::in_phase(*request, world, Phase::Predict)?;
                    let path = format!("{path}.properties.template");
                    let outputs = inner.foresee(world, limit, &path, found)?;
                    self.remember(at, outputs);
                }
                Err(Fault::Late(_)) => found.resources.push(self.predicted(at, &path, &json!({}))),
                Err(Fault::Azure(error)) => return Err(*error),
                Err(Fault::Text(message)) => return Err(super::invalid_template(message)),
            }
            done.insert(at);
        }
        Ok(outputs::foreseen(&Env::new(&self.program, world, Phase::Predict), &self.template))
    }

    /// Keeps the outputs of a nested deployment for the expressions that refer to it.
    fn remember(&mut self, at: usize, mut outputs: Map<String, Value>) {
        let step = &self.steps[at];
        let reference = open::call_source("reference", &[json!(step.id), json!(step.api_version)]);
        for (name, output) in &mut outputs {
            if output.get("value").is_none() {
                *output = json!({"value": open::open(format!("{reference}.outputs.{name}.value"))});
            }
        }
        self.program.foreseen.insert(step.id.to_ascii_lowercase(), Value::Object(outputs));
    }

    fn predicted(&self, at: usize, path: &str, body: &Value) -> Predicted {
        let step = &self.steps[at];
        Predicted {
            id: open::shown_text(&step.id),
            known: open::source(&step.id).is_none(),
            kind: step.kind.clone(),
            name: open::shown_text(&step.name),
            api_version: step.api_version.clone(),
            body: body.as_object().cloned().unwrap_or_default(),
            declared: path.to_owned(),
        }
    }
}
