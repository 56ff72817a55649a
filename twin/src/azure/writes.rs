//! Writing a resource: the type's rules decide what it becomes, here it is kept.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Azure;
use super::behind;
use super::error::AzureError;
use super::kinds;
use super::machines;
use super::resources::require_group;
use super::roles::ASSIGNMENT;
use super::security_rules::{self, SECURITY_GROUP};
use super::state::{Group, Principal, Resource, RoleAssignment, SecretVersion, State, key};
use super::tokens::Caller;
use super::world::View;
use crate::arm::id::ResourceId;
use crate::arm::types::{self, Change, Put};
use crate::hosts::HostSpec;

/// A resource that was written.
pub struct Written {
    /// It was not there before.
    pub created: bool,
    /// What the PUT answers.
    pub body: Value,
    /// What has to happen until it is there.
    pub rest: Option<Rest>,
    /// How it fails after it was taken.
    pub failure: Option<AzureError>,
    kind: String,
}

/// What has to happen after a write was taken.
pub enum Rest {
    /// The hosts behind a resource boot.
    Boot {
        /// Id of the resource.
        id: String,
        /// The host of a machine or of a private endpoint's service, or those of a scale set's machines.
        hosts: Vec<HostSpec>,
    },
    /// The resource with this id settles, at once in the twin.
    Settle(String),
}

impl Rest {
    /// The id of the resource.
    pub fn id(&self) -> &str {
        match self {
            Rest::Boot { id, .. } | Rest::Settle(id) => id,
        }
    }

    /// Lets it happen.
    pub fn finish(&self, azure: &Azure) -> Result<(), AzureError> {
        match self {
            Rest::Boot { id, hosts } => behind::boot(azure, id, hosts),
            Rest::Settle(id) => {
                set_provisioning_state(&mut azure.state(), id, "Succeeded");
                Ok(())
            }
        }
    }
}

impl Written {
    /// 201 for a new resource, else 200; of some types always 200 (recorded: azure-cli).
    pub fn status(&self) -> u16 {
        let types = [super::vaults::VAULT, "Microsoft.Monitor/accounts"];
        let always_200 = types.iter().any(|kind| self.kind.eq_ignore_ascii_case(kind));
        if self.created && !always_200 { 201 } else { 200 }
    }
}

/// Writes a resource on behalf of `caller`, who must have the right already.
pub fn put(
    azure: &Azure,
    caller: &Caller,
    id: &str,
    api_version: &str,
    body: Value,
) -> Result<Written, AzureError> {
    let parsed = ResourceId::parse(id).ok_or_else(|| super::resources::missing(id))?;
    kinds::check(azure, &parsed.kind, Some(api_version), body["location"].as_str())?;
    let mut failure = failing(azure, id)?;
    let mut state = azure.state();
    require_group(&state, &parsed)?;
    let put = Put { id: id.to_owned(), api_version: api_version.to_owned(), body };
    let changes = kinds::put(&put, &View { azure, state: &state, caller })?;
    let created = state.resource(id).is_none();
    let new = new_resources(&state, &changes);
    for change in changes {
        match change {
            Change::Fails(error) => failure = Some(*error),
            other => apply(azure, &mut state, caller, &put, other),
        }
    }
    let stored = state.resource(id).ok_or_else(|| super::resources::missing(id))?;
    let mut written =
        Written { created, body: stored.body.clone(), rest: None, failure, kind: parsed.kind.clone() };
    if parsed.is(SECURITY_GROUP) && azure.scenario.nrms_rules {
        security_rules::apply_policy(&mut state, id);
    }
    if parsed.is(ASSIGNMENT) {
        written.body["properties"]["createdBy"] = Value::Null; // only later reads tell it (recorded: azure-cli)
    }
    if written.failure.is_some() {
        set_provisioning_state(&mut state, id, "Failed");
    } else if parsed.is(machines::EXTENSION) {
        let word = if created { "Creating" } else { "Updating" };
        return Ok(settling(&mut state, written, id, word));
    } else if azure.hosts.is_some() {
        behind::export(azure, &state, id)?;
        return Ok(booting(azure, &mut state, written, id, &new));
    }
    Ok(written)
}

/// Changes a VM on behalf of `caller`, who must have the right already.
pub fn patch(
    azure: &Azure,
    caller: &Caller,
    id: &str,
    api_version: &str,
    body: Value,
) -> Result<Written, AzureError> {
    let parsed = ResourceId::parse(id).ok_or_else(|| super::resources::missing(id))?;
    let mut state = azure.state();
    require_group(&state, &parsed)?;
    state.resource(id).ok_or_else(|| super::resources::missing(id))?;
    let put = Put { id: id.to_owned(), api_version: api_version.to_owned(), body };
    for change in types::patch_machine(&put, &View { azure, state: &state, caller })? {
        apply(azure, &mut state, caller, &put, change);
    }
    let written =
        Written { created: false, body: Value::Null, rest: None, failure: None, kind: parsed.kind.clone() };
    Ok(settling(&mut state, written, id, "Updating"))
}

/// Ids of the resources that a write makes.
fn new_resources(state: &State, changes: &[Change]) -> Vec<String> {
    let ids = changes.iter().filter_map(|change| match change {
        Change::Resource { id, .. } => Some(id),
        _ => None,
    });
    ids.filter(|id| state.resource(id).is_none()).cloned().collect()
}

/// What the scenario wants of this write: nothing, a refusal, or a failure after it was taken.
fn failing(azure: &Azure, id: &str) -> Result<Option<AzureError>, AzureError> {
    let Some(row) = azure.scenario.failing_writes.iter().find(|row| row.id.is_match(id)) else {
        return Ok(None);
    };
    let error = AzureError::new(row.status, &row.code, row.message.clone());
    if row.late { Ok(Some(error)) } else { Err(error) }
}

/// What a host is behind is `Creating` until the host answers, and a scale set until the hosts of its machines do.
fn booting(azure: &Azure, state: &mut State, written: Written, id: &str, new: &[String]) -> Written {
    let hosts: Vec<HostSpec> = new.iter().filter_map(|id| behind::plan(azure, state, id)).collect();
    if hosts.is_empty() {
        return written;
    }
    for host in &hosts {
        set_provisioning_state(state, &host.id, "Creating");
    }
    let body = set_provisioning_state(state, id, "Creating");
    Written { body, rest: Some(Rest::Boot { id: id.to_owned(), hosts }), ..written }
}

/// A resource that has this `provisioningState` until it is looked at again.
fn settling(state: &mut State, written: Written, id: &str, word: &str) -> Written {
    let body = set_provisioning_state(state, id, word);
    Written { body, rest: Some(Rest::Settle(id.to_owned())), ..written }
}

/// Sets it, and returns the body of the resource.
pub fn set_provisioning_state(state: &mut State, id: &str, word: &str) -> Value {
    let Some(stored) = state.resources.get_mut(&key(id)) else { return Value::Null };
    stored.body["properties"]["provisioningState"] = json!(word);
    stored.body.clone()
}

fn apply(azure: &Azure, state: &mut State, caller: &Caller, put: &Put, change: Change) {
    match change {
        Change::Resource { id, body, hidden } => store(azure, state, caller, put, &id, body, hidden),
        Change::Principal { object_id, app_id, name } => {
            let kind = "ServicePrincipal".to_owned();
            let principal = Principal { object_id: object_id.clone(), app_id, kind, name, secret: None };
            state.principals.insert(object_id, principal);
        }
        Change::Group { name, location, managed_by, .. } => {
            let group = Group {
                name: name.clone(),
                location,
                tags: None,
                managed_by: Some(managed_by),
                provisioning_state: "Succeeded".into(),
            };
            state.groups.entry(name.to_ascii_lowercase()).or_insert(group);
        }
        Change::Fails(_) => {} // the write tells it
        Change::Secret { vault, name, version, value } => {
            let vault = vault.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            let created = Timestamp::now().as_second();
            let secret =
                SecretVersion { name: name.clone(), version, value, extra: serde_json::Map::new(), created };
            state
                .secrets
                .entry(vault)
                .or_default()
                .entry(name.to_ascii_lowercase())
                .or_default()
                .push(secret);
        }
    }
}

fn store(azure: &Azure, state: &mut State, caller: &Caller, put: &Put, id: &str, body: Value, hidden: Value) {
    let Some(parsed) = ResourceId::parse(id) else { return };
    if parsed.is(ASSIGNMENT) {
        assign(azure, state, caller, &parsed, &body);
    }
    // what a write changes besides keeps its own api-version and write-only parts
    let known = state.resource(id).filter(|_| key(id) != key(&put.id));
    let (api_version, hidden) = match known {
        Some(known) => (known.api_version.clone(), known.hidden.clone()),
        None => (put.api_version.clone(), hidden),
    };
    let resource = Resource { id: id.to_owned(), kind: parsed.kind, api_version, body, hidden };
    state.resources.insert(key(id), resource);
}

/// Remembers a role assignment for the checks of rights; a rewrite does not delay it anew.
fn assign(azure: &Azure, state: &mut State, caller: &Caller, id: &ResourceId, body: &Value) {
    if state.role_assignments.contains_key(&key(&id.full)) {
        return;
    }
    let text = |name: &str| body["properties"][name].as_str().unwrap_or_default().to_owned();
    let now = Timestamp::now();
    let delay = SignedDuration::try_from(azure.scenario.role_delay).unwrap_or_default();
    let assignment = RoleAssignment {
        id: id.full.clone(),
        scope: id.scope.clone(),
        role: text("roleDefinitionId").rsplit('/').next().unwrap_or_default().to_owned(),
        principal: text("principalId"),
        principal_type: text("principalType"),
        created_by: caller.object_id.clone(),
        created: now,
        effective: now + delay,
    };
    state.role_assignments.insert(key(&id.full), assignment);
}
