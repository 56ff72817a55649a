//! The resource group. An existing one is never written again as a whole: that would replace the tags
//! that others put on it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::az::Az;
use super::failed::{AzError, Kind};
use crate::failure::Exit;
use crate::process::Command;

/// Marks a group that this program made, which `destroy` may delete as a whole.
pub const OURS: (&str, &str) = ("created-by", "ccslurm4ai");

/// What becomes of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is made.
    Created,
    /// It gets tags that it lacks.
    Tagged,
    /// It is as wanted.
    None,
}

/// The group as ARM knows it, if it exists.
///
/// # Errors
/// When Azure does not answer.
pub fn find(az: &Az<'_>, name: &str) -> anyhow::Result<Option<Value>> {
    Ok(look(az, name).map_err(|error| error.failure(Exit::Deployment))?)
}

/// As [`find`], for who bears a failure.
///
/// # Errors
/// As [`Az::rest_get`].
pub fn look(az: &Az<'_>, name: &str) -> Result<Option<Value>, AzError> {
    let path = format!("/subscriptions/{}/resourcegroups/{name}?api-version=2024-11-01", az.subscription());
    match az.rest_get(&path, "reading the resource group") {
        Err(error) if matches!(error.kind, Kind::NotFound(_)) => Ok(None),
        found => found.map(Some),
    }
}

/// What [`ensure`] would do.
pub fn change(tags: &BTreeMap<String, String>, found: Option<&Value>) -> Change {
    match found {
        None => Change::Created,
        Some(found) if missing(tags, found).next().is_none() => Change::None,
        Some(_) => Change::Tagged,
    }
}

/// Those of `tags` that the group `found` lacks, as `tag=value`.
pub fn missing<'a>(
    tags: &'a BTreeMap<String, String>,
    found: &'a Value,
) -> impl Iterator<Item = String> + 'a {
    let lacks = |(tag, value): &(&String, &String)| found["tags"][tag.as_str()] != **value;
    tags.iter().filter(lacks).map(|(tag, value)| format!("{tag}={value}"))
}

/// The tags of a group that this program makes.
pub fn with_mark(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mark = [OURS].map(|(name, value)| (name.to_owned(), value.to_owned()));
    mark.into_iter().chain(tags.clone()).collect()
}

/// Whether Azure is deleting the group that [`find`] found.
pub fn is_deleting(group: &Value) -> bool {
    group.pointer("/properties/provisioningState").and_then(Value::as_str) == Some("Deleting")
}

/// The command that deletes the group with all in it and waits for the end, `limit` at most.
pub fn delete(az: &Az<'_>, name: &str, limit: Duration) -> Command {
    let args = ["group", "delete", "--yes", "--output", "none", "--name", name];
    az.command(&args).timeout(limit).changes()
}

/// Makes the group with `tags`, or adds those it lacks; `found` is what [`find`] said.
///
/// # Errors
/// When Azure refuses.
pub fn ensure(
    az: &Az<'_>,
    name: &str,
    region: &str,
    tags: &BTreeMap<String, String>,
    found: Option<&Value>,
) -> anyhow::Result<Change> {
    let change = change(tags, found);
    let id = az.group_id(name);
    let (command, tags, why) = match change {
        Change::None => return Ok(change),
        Change::Created => (
            az.command(&["group", "create", "--output", "none", "--name", name, "--location", region]),
            with_mark(tags),
            "creating the resource group",
        ),
        Change::Tagged => (
            az.command(&["tag", "update", "--output", "none", "--operation", "merge", "--resource-id", &id]),
            tags.clone(),
            "adding tags to the resource group",
        ),
    };
    let command = command.arg("--tags").args(pairs(&tags)).changes();
    az.run(&command, why).map_err(|error| error.failure(Exit::Deployment))?;
    Ok(change)
}

fn pairs(tags: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    tags.iter().map(|(tag, value)| format!("{tag}={value}"))
}
