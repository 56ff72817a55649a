//! A deployment before and while it runs: what is written, in which order, with which bodies.

mod depend;
mod nodes;
mod outputs;
mod parameters;
mod place;
pub mod predict;
mod preflight;
mod rivals;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::World;
use super::expr::eval::{Env, Phase};
use super::expr::{Fault, json};
use super::program::Program;
use super::scope::Scope;
use super::types::Put;
use crate::azure::error::AzureError;
use nodes::{DEPLOYMENTS, Node};
pub use place::GROUPS;
use template::Template;

/// A deployment as it is asked for. Not printable: parameters may be secrets.
#[derive(Clone)]
pub struct Request {
    /// Where to.
    pub scope: Scope,
    /// Name of the deployment.
    pub name: String,
    /// Location, of subscription-level deployments.
    pub location: Option<String>,
    /// The compiled template.
    pub template: Value,
    /// `{"name": {"value": …} | {"reference": {"keyVault": {"id"}, "secretName"}}}`.
    pub parameters: Map<String, Value>,
}

impl Request {
    /// Resource id of the deployment.
    pub fn id(&self) -> String {
        format!("{}/providers/{DEPLOYMENTS}/{}", self.scope.id(), self.name)
    }
}

/// A validated deployment.
pub struct Plan {
    program: Program,
    template: Template,
    supplied: Map<String, Value>,
    nodes: Vec<Node>,
    steps: Vec<Step>,
}

/// One resource that the deployment writes.
#[derive(Debug, Clone)]
pub struct Step {
    /// Resource id.
    pub id: String,
    /// Type.
    pub kind: String,
    /// Full name.
    pub name: String,
    /// api-version of the write.
    pub api_version: String,
    /// Positions of the steps that must be done before.
    pub depends_on: BTreeSet<usize>,
    node: usize,
}

/// What a step does.
pub enum Action {
    /// Writes a resource.
    Put(Put),
    /// Runs a nested deployment.
    Deploy(Box<Request>),
}

/// A template that Azure refuses before anything runs.
fn invalid_template(why: impl std::fmt::Display) -> AzureError {
    AzureError::gateway(400, "InvalidTemplate", format!("Deployment template validation failed: '{why}'."))
}

impl Plan {
    /// Validates a deployment: members of the template, parameters, names, conditions, loops, order. The errors are
    /// those that Azure answers before anything runs.
    pub fn build(request: Request, world: &dyn World) -> Result<Plan, AzureError> {
        Plan::in_phase(request, world, Phase::Start)
    }

    fn in_phase(request: Request, world: &dyn World, phase: Phase) -> Result<Plan, AzureError> {
        let template = Template::new(request.template)?;
        let mut program = Program {
            scope: request.scope,
            name: request.name,
            location: request.location,
            content_version: template.root["contentVersion"].as_str().unwrap_or_default().to_owned(),
            parameters: Map::new(),
            variables: template.section("variables"),
            functions: template.functions(),
            instances: BTreeMap::new(),
            loops: BTreeMap::new(),
            foreseen: BTreeMap::new(),
        };
        parameters::resolve(&mut program, &template, &request.parameters, world, phase)?;
        let nodes = nodes::unroll(&Env::new(&program, world, phase), &template)?;
        let names = depend::Names::new(&mut program, &nodes, template.symbolic, &loops(&template));
        let edges = depend::edges(&Env::new(&program, world, phase), &nodes, &names)?;
        let steps = steps(&nodes, &edges);
        Ok(Plan { program, template, supplied: request.parameters, nodes, steps })
    }

    /// The resources that are written, in the template's order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Steps that may start when those of `done` are done; those already in `done` are not among them.
    pub fn ready(&self, done: &BTreeSet<usize>) -> Vec<usize> {
        let open = |at: &usize| !done.contains(at) && self.steps[*at].depends_on.is_subset(done);
        (0..self.steps.len()).filter(open).collect()
    }

    /// The resource groups that the deployment makes, with their bodies as far as they are known beforehand.
    pub fn groups(&self, world: &dyn World) -> Vec<(String, Value)> {
        let env = Env::new(&self.program, world, Phase::Start);
        let of_group = |step: &usize| self.steps[*step].kind.eq_ignore_ascii_case(GROUPS);
        let made = |step: usize| match self.evaluate(step, &env) {
            Ok(Action::Put(put)) => Some((self.steps[step].name.clone(), put.body)),
            _ => None,
        };
        (0..self.steps.len()).filter(of_group).filter_map(made).collect()
    }

    /// What a step does, evaluated against the world as it is now. An expression that cannot be evaluated is Azure's
    /// `InvalidTemplate` about this resource.
    pub fn action(&self, step: usize, world: &dyn World) -> Result<Action, AzureError> {
        rivals::check(self, step)?;
        self.evaluate(step, &Env::new(&self.program, world, Phase::Run)).map_err(|fault| match fault {
            Fault::Azure(error) => *error,
            other => AzureError::new(
                400,
                "InvalidTemplate",
                format!(
                    "Unable to process template language expressions for resource '{}' at line '1' and column '1'. '{}'",
                    self.steps[step].id,
                    other.message()
                ),
            ),
        })
    }

    fn evaluate(&self, step: usize, env: &Env) -> Result<Action, Fault> {
        let step = &self.steps[step];
        let node = &self.nodes[step.node];
        if step.kind.eq_ignore_ascii_case(DEPLOYMENTS) {
            return self.nested(env, step, node).map(|request| Action::Deploy(Box::new(request)));
        }
        let body: Map<String, Value> = node
            .template
            .iter()
            .filter(|(key, _)| BODY.iter().any(|member| member.eq_ignore_ascii_case(key)))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let mut body = json::object(env, &body, &node.frame())?;
        // A null member of the resource itself is no member (`bicep snapshot` leaves it out); below `properties` it stays.
        body.retain(|_, value| !value.is_null());
        let body = Value::Object(body);
        Ok(Action::Put(Put { id: step.id.clone(), api_version: step.api_version.clone(), body }))
    }

    fn nested(&self, env: &Env, step: &Step, node: &Node) -> Result<Request, Fault> {
        let mut properties =
            nodes::member(node, "properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let inner = properties.remove("template").ok_or_else(|| {
            Fault::text("the deployment has no 'template'; linked templates are not modelled by the twin")
        })?;
        let properties = json::object(env, &properties, &node.frame())?;
        let location = nodes::member(node, "location")
            .map(|value| json::value(env, value, &node.frame()))
            .transpose()?;
        let scope = node.place.scope().cloned().ok_or_else(|| {
            Fault::text("the deployment is neither to a subscription nor to a resource group of one")
        })?;
        let inner_scope = properties
            .get("expressionEvaluationOptions")
            .and_then(|options| options["scope"].as_str())
            .is_some_and(|scope| scope.eq_ignore_ascii_case("inner"));
        let (template, parameters) = if inner_scope {
            (inner, properties.get("parameters").and_then(Value::as_object).cloned().unwrap_or_default())
        } else {
            let ours =
                self.program.parameters.iter().map(|(name, value)| (name.clone(), json!({"value": value})));
            (self.template.within(&inner), ours.collect())
        };
        let location = location.and_then(|location| location.as_str().map(str::to_owned));
        Ok(Request { scope, name: step.name.clone(), location, template, parameters })
    }

    /// The outputs, as the deployment's GET shows them, secure ones without value. An output that cannot be evaluated is
    /// Azure's `DeploymentOutputEvaluationFailed`.
    pub fn outputs(&self, world: &dyn World) -> Result<Map<String, Value>, AzureError> {
        outputs::evaluate(&Env::new(&self.program, world, Phase::Run), &self.template)
    }

    /// The parameters, as the deployment's GET shows them.
    pub fn parameters(&self) -> Map<String, Value> {
        parameters::echo(&self.program, &self.template, &self.supplied)
    }

    /// `properties.dependencies` of the deployment's GET.
    pub fn dependencies(&self) -> Value {
        let resource =
            |step: &Step| json!({"id": step.id, "resourceType": step.kind, "resourceName": step.name});
        let with = |step: &Step| {
            let mut entry = resource(step);
            entry["dependsOn"] = step.depends_on.iter().map(|at| resource(&self.steps[*at])).collect();
            entry
        };
        self.steps.iter().filter(|step| !step.depends_on.is_empty()).map(with).collect()
    }

    /// `properties.providers` of the deployment's GET: namespaces with their types.
    pub fn providers(&self) -> Value {
        let mut providers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for step in &self.steps {
            if let Some((namespace, kind)) = step.kind.split_once('/') {
                providers.entry(namespace).or_default().insert(kind);
            }
        }
        let entry = |(namespace, kinds): (&str, BTreeSet<&str>)| {
            let kinds: Vec<Value> =
                kinds.iter().map(|kind| json!({"resourceType": kind, "locations": [null]})).collect();
            json!({"namespace": namespace, "resourceTypes": kinds})
        };
        providers.into_iter().map(entry).collect()
    }

    /// What providers refuse before anything runs, nested deployments included as far as they are known: Azure's
    /// `InvalidTemplateDeployment`.
    pub fn preflight(&self, world: &dyn World) -> Result<(), AzureError> {
        preflight::check(self, world)
    }
}

/// Members of a resource that are sent to its provider.
const BODY: &[&str] = &[
    "location",
    "tags",
    "sku",
    "kind",
    "plan",
    "identity",
    "zones",
    "managedBy",
    "extendedLocation",
    "properties",
];

/// Symbolic and loop name of each loop, so that an empty one is known too.
fn loops(template: &Template) -> Vec<(String, String)> {
    let with_copy = |(symbol, resource): (String, Value)| {
        let copy = resource.get("copy")?["name"].as_str().unwrap_or(&symbol).to_owned();
        Some((symbol, copy))
    };
    template.resources().into_iter().filter_map(with_copy).collect()
}

fn steps(nodes: &[Node], edges: &[BTreeSet<usize>]) -> Vec<Step> {
    let written: Vec<usize> =
        (0..nodes.len()).filter(|at| nodes[*at].instance.present && !nodes[*at].existing).collect();
    let position = |node: &usize| written.iter().position(|other| other == node);
    let step = |at: &usize| {
        let Node { kind, name, instance, .. } = &nodes[*at];
        Step {
            id: instance.id.clone(),
            kind: kind.clone(),
            name: name.clone(),
            api_version: instance.api_version.clone(),
            depends_on: depend::written(nodes, edges, *at).iter().filter_map(position).collect(),
            node: *at,
        }
    };
    written.iter().map(step).collect()
}
