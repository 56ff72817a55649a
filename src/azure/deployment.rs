//! Deployments of ours in the resource group: found, started, followed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::az::Az;
use super::error;
use super::failed::{AzError, Kind};
use crate::failure::{Exit, Failure, Problem};
use crate::process::{Command, interrupt};
use crate::ui::{Event, Ui};

/// What the names of our deployments begin with; the start time (UTC) follows.
pub const PREFIX: &str = "ccslurm4ai-";
const API: &str = "api-version=2025-04-01";
/// Bastion and a private endpoint take about ten minutes; two hours is a hang.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// For how long a following run bears an expired sign-in or a broken network.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A deployment as ARM knows it.
#[derive(Debug, Clone, Default)]
pub struct Deployment {
    /// `ccslurm4ai-<UTC time>`.
    pub name: String,
    /// ARM's provisioning state, such as `Running` or `Succeeded`.
    pub state: String,
    /// Hash of the template and of what came from `config.yaml`.
    pub input_hash: String,
    /// The outputs, as `{name: {type, value}}`.
    pub outputs: Value,
}

impl Deployment {
    /// Whether it ended well.
    pub fn succeeded(&self) -> bool {
        self.state == "Succeeded"
    }

    /// Whether it goes on. One in `Deleting` has ended; its record goes.
    pub fn is_active(&self) -> bool {
        !["Succeeded", "Failed", "Canceled", "Deleting", "Deleted"].contains(&self.state.as_str())
    }

    fn from_arm(document: &Value) -> Self {
        let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Self {
            name: text("/name").to_owned(),
            state: text("/properties/provisioningState").to_owned(),
            input_hash: text("/properties/parameters/inputHash/value").to_owned(),
            outputs: document.pointer("/properties/outputs").cloned().unwrap_or(Value::Null),
        }
    }
}

/// The resource group whose deployments are meant.
pub struct Deployments<'a> {
    pub(super) az: &'a Az<'a>,
    ui: &'a Ui,
    pub(super) group: &'a str,
}

impl<'a> Deployments<'a> {
    /// The deployments of resource group `group`.
    pub fn new(az: &'a Az<'a>, ui: &'a Ui, group: &'a str) -> Self {
        Self { az, ui, group }
    }

    /// Our deployments, newest first; none when the group does not exist.
    ///
    /// # Errors
    /// When Azure does not answer.
    pub fn ours(&self) -> anyhow::Result<Vec<Deployment>> {
        let mut found = self.listed(None)?;
        found.retain(|item| item["name"].as_str().is_some_and(|name| name.starts_with(PREFIX)));
        found.sort_by(|a, b| timestamp(b).cmp(timestamp(a)));
        Ok(found.iter().map(Deployment::from_arm).collect())
    }

    /// All deployments of the group, whole or cut down to `item` (see [`Az::rest_list_of`]); none when it
    /// does not exist.
    pub(super) fn listed(&self, item: Option<&str>) -> anyhow::Result<Vec<Value>> {
        let path = format!("{}?{API}", self.path(""));
        let why = "reading the deployments of the resource group";
        let listed = match item {
            Some(item) => self.az.rest_list_of_if_any(&path, item, why),
            None => self.az.rest_list_if_any(&path, why),
        };
        Ok(listed.map_err(|error| error.failure(Exit::Deployment))?)
    }

    /// Of `deployments`, those of [`Deployments::ours`], the newest that succeeded.
    ///
    /// # Errors
    /// [`Exit::Busy`] while one runs; [`Exit::Deployment`] when none ever succeeded.
    pub fn newest<'d>(&self, deployments: &'d [Deployment]) -> anyhow::Result<&'d Deployment> {
        if let Some(active) = deployments.iter().find(|deployment| deployment.is_active()) {
            return Err(self.busy(active, "its outputs are not there yet").into());
        }
        let newest = deployments.iter().find(|deployment| deployment.succeeded());
        newest.ok_or_else(|| {
            let message =
                format!("no deployment of this program has succeeded in the resource group `{}`", self.group);
            Failure::new(Exit::Deployment, "NoDeployment", message)
                .remedy("run `ccslurm4ai install -b` first")
                .into()
        })
    }

    /// Starts a deployment of `template` and returns its name; ARM has validated it by then. The
    /// parameters, which hold secrets, go in through standard input.
    ///
    /// # Errors
    /// [`Exit::Deployment`] with ARM's reasons.
    pub fn start(&self, template: &Path, parameters: &Value) -> anyhow::Result<String> {
        let name = new_name();
        let verb = ["deployment", "group", "create", "--no-wait", "--output", "none"];
        let command = self.az.long_command(&verb).args(["--resource-group", self.group]);
        let command = with_template(command, &name, template, parameters).changes();
        self.az.run(&command, "starting the deployment").map_err(|error| self.not_started(&error, &name))?;
        Ok(name)
    }

    /// Follows a deployment to its end, showing what it is at.
    ///
    /// # Errors
    /// [`Exit::Deployment`] with the innermost reasons and their resources when it fails;
    /// [`Exit::Interrupted`] when we are, in which case it goes on in Azure.
    pub fn follow(&self, name: &str) -> anyhow::Result<Deployment> {
        let started = Instant::now();
        let mut last_answer = Instant::now();
        let mut warned = String::new();
        loop {
            match self.look(name) {
                Ok(deployment) if !deployment.is_active() => return self.judge(deployment),
                Ok(_) => last_answer = Instant::now(),
                Err(error) if matches!(error.kind, Kind::Interrupted) => return Err(self.goes_on(name)),
                Err(error) if last_answer.elapsed() > PATIENCE => return Err(self.lost(&error, name)),
                Err(error) => {
                    let next = error.remedy().map(|remedy| format!("; next: {remedy}")).unwrap_or_default();
                    let text = format!("the deployment {name} goes on, but {error}{next}; trying again");
                    if text != warned {
                        self.ui.event(Event::Warning { text: &text });
                        warned = text;
                    }
                }
            }
            if started.elapsed() > LIMIT {
                return Err(self.too_long(name));
            }
            interrupt::sleep(pause(started.elapsed())).map_err(|_| self.goes_on(name))?;
        }
    }

    fn look(&self, name: &str) -> Result<Deployment, AzError> {
        let path = format!("{}?{API}", self.path(name));
        let found = self.az.rest_get(&path, "following the deployment")?;
        let deployment = Deployment::from_arm(&found);
        if deployment.is_active() {
            let operations = self.operations(&self.path(name))?;
            self.ui.event(Event::Progress { text: &summary(&operations) });
        }
        Ok(deployment)
    }

    fn judge(&self, deployment: Deployment) -> anyhow::Result<Deployment> {
        if deployment.succeeded() {
            return Ok(deployment);
        }
        let Deployment { name, state, .. } = &deployment;
        let mut problems =
            self.failed_operations(&self.path(name), 0).map_err(|error| error.failure(Exit::Deployment))?;
        if problems.is_empty() {
            let message = format!("the deployment ended as {state} and ARM names no failed operation");
            problems.push(Problem::new("DeploymentFailed", message));
        }
        let see = format!(
            "mend this and run the same command again; all of it: az deployment operation group list \
             --subscription {} --resource-group {} --name {name}",
            self.az.subscription(),
            self.group
        );
        if let Some(last) = problems.last_mut() {
            last.remedy.get_or_insert(see);
        }
        Err(Failure::many(Exit::Deployment, problems).into())
    }

    /// Why a start failed. When az ended before ARM answered, the deployment may be running all the same.
    fn not_started(&self, error: &AzError, name: &str) -> Failure {
        match &error.kind {
            Kind::Refused(_) => refused(error, &self.path(name)),
            Kind::Interrupted | Kind::Killed { .. } | Kind::TimedOut { .. } | Kind::NoConnection { .. } => {
                let message = format!("{error}; the deployment {name} may go on in Azure");
                Failure::new(error.failure(Exit::Deployment).exit, error.code(), message)
                    .resource(self.path(name))
                    .remedy(self.ways_on(name))
            }
            _ => error.failure(Exit::Deployment),
        }
    }

    /// The failed operations that are not deployments themselves, through all levels. What cannot be read
    /// of a nested deployment, the operation above it knows too.
    fn failed_operations(&self, deployment: &str, level: usize) -> Result<Vec<Problem>, AzError> {
        let mut problems = Vec::new();
        for operation in self.operations(deployment)? {
            let properties = &operation["properties"];
            if properties["provisioningState"] != "Failed" {
                continue;
            }
            let target = properties["targetResource"]["id"].as_str().unwrap_or_default();
            let nested = properties["targetResource"]["resourceType"] == "Microsoft.Resources/deployments";
            let inner = match nested && level < 5 {
                true => self.failed_operations(target, level + 1),
                false => Ok(Vec::new()),
            };
            let inner = match inner {
                Err(error) if matches!(error.kind, Kind::Interrupted) => return Err(error),
                inner => inner.unwrap_or_default(),
            };
            if inner.is_empty() {
                problems.extend(problems_of(&properties["statusMessage"], target));
            } else {
                problems.extend(inner);
            }
        }
        Ok(problems)
    }

    /// The REST reference has two forms of this path: only that of a subscription's deployment keeps the
    /// provider (Deployment Operations, List and List At Subscription Scope).
    pub(super) fn operations(&self, deployment: &str) -> Result<Vec<Value>, AzError> {
        let in_group = deployment.to_lowercase().contains("/resourcegroups/");
        let path = match in_group {
            true => deployment.replace("/providers/Microsoft.Resources", ""),
            false => deployment.to_owned(),
        };
        self.az.rest_list(&format!("{path}/operations?{API}"), "reading the deployment's operations")
    }

    fn path(&self, name: &str) -> String {
        let base = format!("{}/providers/Microsoft.Resources/deployments", self.az.group_id(self.group));
        if name.is_empty() { base } else { format!("{base}/{name}") }
    }

    /// The two commands that cancel or follow a deployment that outlives us.
    fn ways_on(&self, name: &str) -> String {
        format!(
            "cancel it: {}; or run the same command again, which follows it to its end",
            self.cancel_command(name)
        )
    }

    fn cancel_command(&self, name: &str) -> String {
        let (subscription, group) = (self.az.subscription(), self.group);
        format!(
            "az deployment group cancel --subscription {subscription} --resource-group {group} --name {name}"
        )
    }

    /// That `active` is in the way, and `why`.
    pub fn busy(&self, active: &Deployment, why: &str) -> Failure {
        let Deployment { name, state, .. } = active;
        let cancel = self.cancel_command(name);
        let message = format!("the deployment {name} is {state}: {why}");
        Failure::new(Exit::Busy, "DeploymentActive", message)
            .resource(self.path(name))
            .remedy(format!("wait until it ends and run this again; or cancel it first: {cancel}"))
    }

    fn goes_on(&self, name: &str) -> anyhow::Error {
        let message = format!("interrupted; the deployment {name} goes on in Azure");
        Failure::new(Exit::Interrupted, "Interrupted", message)
            .resource(self.path(name))
            .remedy(self.ways_on(name))
            .into()
    }

    fn lost(&self, error: &AzError, name: &str) -> anyhow::Error {
        let failure = error.failure(Exit::Deployment).resource(self.path(name));
        let remedy = failure.problems.iter().find_map(|problem| problem.remedy.clone());
        let remedy = remedy.map(|remedy| format!("{remedy}; then {}", self.ways_on(name)));
        failure.remedy(remedy.unwrap_or_else(|| self.ways_on(name))).into()
    }

    fn too_long(&self, name: &str) -> anyhow::Error {
        let message = format!("the deployment {name} did not end within {} hours", LIMIT.as_secs() / 3600);
        Failure::new(Exit::Deployment, "DeploymentTimeout", message)
            .resource(self.path(name))
            .remedy(self.ways_on(name))
            .into()
    }
}

/// The name of a deployment that starts now.
pub(super) fn new_name() -> String {
    format!("{PREFIX}{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"))
}

/// The arguments that create and what-if share. The parameters, which hold secrets, go in through standard input.
pub(super) fn with_template(command: Command, name: &str, template: &Path, parameters: &Value) -> Command {
    command
        .args(["--name", name, "--template-file", &template.display().to_string(), "--parameters", "@-"])
        .stdin_bytes(parameters.to_string())
}

fn timestamp(document: &Value) -> &str {
    document.pointer("/properties/timestamp").and_then(Value::as_str).unwrap_or_default()
}

/// Short at first, for a deployment that fails does so early; then sparing.
fn pause(since_start: Duration) -> Duration {
    Duration::from_secs(match since_start.as_secs() {
        0..60 => 2,
        60..300 => 5,
        _ => 10,
    })
}

fn summary(operations: &[Value]) -> String {
    let state =
        |operation: &Value| operation["properties"]["provisioningState"].as_str().unwrap_or("").to_owned();
    let done = operations.iter().filter(|operation| state(operation) == "Succeeded").count();
    let running: BTreeSet<&str> = operations
        .iter()
        .filter(|operation| ["Running", "Creating", "Accepted"].contains(&state(operation).as_str()))
        .filter_map(|operation| operation.pointer("/properties/targetResource/resourceName")?.as_str())
        .collect();
    let running: Vec<&str> = running.into_iter().take(4).collect();
    format!("{done} of {} done; now {}", operations.len(), running.join(", "))
}

/// What failed in the operation on `target`. Azure may aim at a part of it, or at another resource.
fn problems_of(status: &Value, target: &str) -> Vec<Problem> {
    let problem = |leaf: &error::ArmError| {
        let aimed_at = leaf.target.as_ref().filter(|aim| aim.starts_with("/subscriptions/"));
        leaf.problem(leaf.to_string()).resource(aimed_at.map_or(target, String::as_str))
    };
    error::leaves_of(status).iter().map(problem).collect()
}

/// ARM refused to start `deployment`: its reasons with their resources.
pub(super) fn refused(error: &AzError, deployment: &str) -> Failure {
    let mut failure = error.failure(Exit::Deployment);
    for problem in &mut failure.problems {
        problem.resource.get_or_insert_with(|| deployment.to_owned());
    }
    if let Some(last) = failure.problems.last_mut() {
        let again = "mend this and run the same command again; nothing was deployed";
        last.remedy.get_or_insert_with(|| again.to_owned());
    }
    failure
}
