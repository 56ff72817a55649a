//! Running deployments: resource by resource, in the order of their dependencies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Azure;
use super::error::AzureError;
use super::failures::{self, Failure, refused};
use super::groups;
use super::rbac::Action as Right;
use super::state::{Deployment, fingerprint, key};
use super::tokens::Caller;
use super::validation::{self, Validation, WRITE_GROUP};
use super::world::View;
use super::writes;
use crate::arm::plan::GROUPS;
use crate::arm::{Action, Plan, Request, Step};

const STEP: Duration = Duration::from_millis(50); // how often a cancel is looked for while time passes

/// A validated deployment with what its replies need.
pub struct Prepared {
    plan: Plan,
    id: String,
    name: String,
    template_hash: String,
    location: Option<String>,
    tags: Option<Value>,
}

/// Validates a deployment as ARM does before it runs.
pub fn prepare(
    azure: &Azure,
    caller: &Caller,
    request: Request,
    tags: Option<Value>,
    level: Validation,
) -> Result<Prepared, AzureError> {
    let (id, name, location) = (request.id(), request.name.clone(), request.location.clone());
    let template_hash = decimal(&request.template.to_string());
    let state = azure.state();
    let plan = validation::preflight(azure, caller, request, &state, level)?;
    drop(state);
    validation::rights(azure, caller, plan.steps(), level)?;
    Ok(Prepared { plan, id, name, template_hash, location, tags })
}

/// 19 digits like those of Azure's template hashes and operation ids.
fn decimal(text: &str) -> String {
    let hash = u64::from_str_radix(&fingerprint(text)[..15], 16).unwrap_or_default();
    format!("{hash:019}")
}

impl Prepared {
    /// What a PUT or validation answers.
    pub fn body(&self, provisioning_state: &str, correlation: &str) -> Value {
        let mut body = json!({"id": self.id, "name": self.name, "type": "Microsoft.Resources/deployments"});
        if let Some(location) = &self.location {
            body["location"] = json!(location);
        }
        if let Some(tags) = &self.tags {
            body["tags"] = tags.clone();
        }
        body["properties"] = json!({
            "templateHash": self.template_hash, "parameters": self.plan.parameters(), "mode": "Incremental",
            "provisioningState": provisioning_state, "timestamp": super::now(), "duration": "PT0S",
            "correlationId": correlation, "providers": self.plan.providers(), "dependencies": self.plan.dependencies(),
        });
        body
    }

    /// Ids of the resources, for a validation's reply.
    pub fn resources(&self) -> Vec<Value> {
        self.plan.steps().iter().map(|step| json!({"id": step.id})).collect()
    }
}

/// Records the deployment and runs it on a thread of its own; answers what the PUT answers and the operation's id.
/// `true` if a deployment of this name was there.
pub fn start(
    azure: &Arc<Azure>,
    caller: Caller,
    prepared: Prepared,
) -> Result<(Value, String, bool), AzureError> {
    let correlation = Uuid::new_v4().to_string();
    let operation = format!("0{}", decimal(&correlation));
    let existed = record(azure, &prepared, &correlation, &operation)?;
    let body = prepared.body("Accepted", &correlation);
    let azure = Arc::clone(azure);
    std::thread::spawn(move || {
        let budget = azure.scenario.deployment_seconds;
        let run = Run { azure: &azure, caller: &caller, root: prepared.id.clone(), correlation };
        // the deployment's own record tells how it ended
        let _ = run.deployment(&prepared, budget);
    });
    Ok((body, operation, existed))
}

fn record(
    azure: &Azure,
    prepared: &Prepared,
    correlation: &str,
    operation: &str,
) -> Result<bool, AzureError> {
    let mut state = azure.state();
    let existing = state.deployments.get(&key(&prepared.id));
    if let Some(active) = existing.filter(|one| one.active()) {
        let message = format!(
            "Unable to edit or replace deployment '{}': previous deployment from '{}' is still active (expiration time is '{}'). Please see https://aka.ms/arm-deploy for usage details.",
            prepared.name,
            active.body["properties"]["timestamp"].as_str().unwrap_or_default(),
            Timestamp::now() + SignedDuration::from_hours(7 * 24)
        );
        return Err(AzureError::gateway(409, "DeploymentActive", message));
    }
    let existed = existing.is_some();
    let deployment = Deployment {
        id: prepared.id.clone(),
        name: prepared.name.clone(),
        operation: operation.to_owned(),
        body: prepared.body("Running", correlation),
        operations: Vec::new(),
        error: None,
        cancel: false,
    };
    state.deployments.insert(key(&prepared.id), deployment);
    Ok(existed)
}

/// One run of a deployment with all that it nests.
struct Run<'a> {
    azure: &'a Azure,
    caller: &'a Caller,
    root: String,
    correlation: String,
}

/// What a step left behind.
type Done = Result<Vec<Value>, Failure>;

impl Run<'_> {
    /// Runs a recorded deployment to its end; the resources written, or its error.
    fn deployment(&self, prepared: &Prepared, budget: Duration) -> Result<Vec<Value>, AzureError> {
        let begin = Instant::now();
        let steps = prepared.plan.steps();
        let each = budget / u32::try_from(steps.len().max(1)).unwrap_or(u32::MAX);
        if steps.is_empty() {
            self.pass(budget);
        }
        let (mut done, mut tried) = (BTreeSet::new(), BTreeSet::new());
        let (mut written, mut failed) = (Vec::new(), Vec::new());
        while let Some(at) = prepared.plan.ready(&done).into_iter().find(|at| !tried.contains(at)) {
            if self.cancelled() {
                break;
            }
            tried.insert(at);
            match self.step(prepared, at, each) {
                Ok(ids) => {
                    done.insert(at);
                    written.extend(ids);
                }
                Err(failure) => failed.push(failure),
            }
        }
        self.finish(prepared, begin, written, failed)
    }

    fn cancelled(&self) -> bool {
        self.azure.state().deployments.get(&key(&self.root)).is_none_or(|one| one.cancel)
    }

    /// Lets the time of a step pass, unless the deployment is cancelled.
    fn pass(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end && !self.cancelled() {
            std::thread::sleep(STEP.min(end.saturating_duration_since(Instant::now())));
        }
    }

    fn step(&self, prepared: &Prepared, at: usize, time: Duration) -> Done {
        let step = &prepared.plan.steps()[at];
        let (begin, operation) = (Instant::now(), operation_id());
        let entry = |state: &str| self.operation(prepared, step, &operation, begin, state);
        self.note(prepared, &operation, entry("Running"));
        let done = self.act(prepared, at, time);
        let mut told = entry(if done.is_ok() { "Succeeded" } else { "Failed" });
        match &done {
            Ok(_) => told["properties"]["statusCode"] = json!("Created"),
            Err(failure) => {
                told["properties"]["statusCode"] = json!(failure.status_code());
                told["properties"]["statusMessage"] = failure.status_message();
            }
        }
        self.note(prepared, &operation, told);
        done
    }

    fn act(&self, prepared: &Prepared, at: usize, time: Duration) -> Done {
        let action = {
            let state = self.azure.state();
            let view = View { azure: self.azure, state: &state, caller: self.caller };
            prepared.plan.action(at, &view).map_err(refused)?
        };
        let step = &prepared.plan.steps()[at];
        match action {
            Action::Deploy(request) => self.nested(*request, time),
            Action::Put(put) if step.kind.eq_ignore_ascii_case(GROUPS) => {
                self.azure.require(self.caller, Right::Control(WRITE_GROUP), &step.id).map_err(refused)?;
                let (azure, caller) = (self.azure, self.caller);
                groups::write(azure, &mut azure.state(), caller, &step.name, &put.body).map_err(refused)?;
                Ok(vec![json!({"id": put.id})])
            }
            Action::Put(put) => {
                let right = format!("{}/write", step.kind);
                self.azure.require(self.caller, Right::Control(&right), &step.id).map_err(refused)?;
                let written = writes::put(self.azure, self.caller, &put.id, &put.api_version, put.body);
                let written = written.map_err(refused)?;
                self.pass(time);
                if let Some(error) = written.failure {
                    return Err(Failure::Late(put.id, Box::new(error)));
                }
                if let Some(rest) = written.rest {
                    rest.finish(self.azure)
                        .map_err(|error| Failure::Late(rest.id().to_owned(), Box::new(error)))?;
                }
                Ok(vec![json!({"id": put.id})])
            }
        }
    }

    fn nested(&self, request: Request, time: Duration) -> Done {
        let prepared =
            prepare(self.azure, self.caller, request, None, Validation::Provider).map_err(refused)?;
        record(self.azure, &prepared, &self.correlation, &operation_id()).map_err(refused)?;
        self.deployment(&prepared, time).map_err(|error| Failure::Nested(Box::new(error)))
    }

    /// Writes down how the deployment ended.
    fn finish(
        &self,
        prepared: &Prepared,
        begin: Instant,
        written: Vec<Value>,
        mut failed: Vec<Failure>,
    ) -> Result<Vec<Value>, AzureError> {
        let cancelled = self.cancelled();
        let mut outputs = Map::new();
        if failed.is_empty() && !cancelled {
            let state = self.azure.state();
            match prepared.plan.outputs(&View { azure: self.azure, state: &state, caller: self.caller }) {
                Ok(found) => outputs = found,
                Err(error) => failed.push(refused(error)),
            }
        }
        if !outputs.is_empty() {
            let id = format!("0{}", decimal(&operation_id()));
            self.note(prepared, &id, output_operation(prepared, &id));
        }
        let error = (!failed.is_empty()).then(|| failures::as_text(&failed));
        let end = if cancelled {
            "Canceled"
        } else if error.is_some() {
            "Failed"
        } else {
            "Succeeded"
        };
        let mut state = self.azure.state();
        if let Some(deployment) = state.deployments.get_mut(&key(&prepared.id)) {
            let properties = &mut deployment.body["properties"];
            properties["provisioningState"] = json!(end);
            properties["timestamp"] = json!(super::now());
            properties["duration"] = json!(duration(begin.elapsed()));
            if end == "Succeeded" {
                if !outputs.is_empty() {
                    properties["outputs"] = Value::Object(outputs);
                }
                properties["outputResources"] = Value::Array(written.clone());
            }
            if let Some(error) = &error {
                properties["error"] = error.clone();
            }
            deployment.error = error;
        }
        if end == "Succeeded" { Ok(written) } else { Err(failures::structured(&prepared.id, &failed)) }
    }

    /// Adds or replaces an operation of the deployment.
    fn note(&self, prepared: &Prepared, id: &str, entry: Value) {
        let mut state = self.azure.state();
        let Some(deployment) = state.deployments.get_mut(&key(&prepared.id)) else { return };
        match deployment.operations.iter_mut().find(|one| one["operationId"] == id) {
            Some(known) => *known = entry,
            None => deployment.operations.push(entry),
        }
    }

    fn operation(&self, prepared: &Prepared, step: &Step, id: &str, begin: Instant, state: &str) -> Value {
        json!({
            "id": format!("{}/operations/{id}", prepared.id), "operationId": id,
            "properties": {
                "provisioningOperation": "Create", "provisioningState": state, "timestamp": super::now(),
                "duration": duration(begin.elapsed()), "trackingId": self.correlation,
                "serviceRequestId": Uuid::new_v4().to_string(), "statusCode": "Accepted",
                "targetResource": {"id": step.id, "resourceType": step.kind, "resourceName": step.name},
            },
        })
    }
}

fn operation_id() -> String {
    Uuid::new_v4().simple().to_string()[..16].to_ascii_uppercase()
}

fn output_operation(prepared: &Prepared, id: &str) -> Value {
    json!({
        "id": format!("{}/operations/{id}", prepared.id), "operationId": id,
        "properties": {
            "provisioningOperation": "EvaluateDeploymentOutput", "provisioningState": "Succeeded",
            "timestamp": super::now(), "duration": "PT0.1S", "trackingId": Uuid::new_v4().to_string(),
            "statusCode": "OK",
        },
    })
}

/// ISO 8601 as ARM writes it, `PT1M49.6138124S`.
fn duration(time: Duration) -> String {
    let (minutes, rest) = (time.as_secs() / 60, time.as_secs_f64() % 60.0);
    if minutes > 0 { format!("PT{minutes}M{rest:.7}S") } else { format!("PT{rest:.7}S") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_azures() {
        assert_eq!(duration(Duration::from_millis(2_351)), "PT2.3510000S");
        assert_eq!(duration(Duration::from_millis(109_600)), "PT1M49.6000000S");
    }
}
