//! The resource group. An existing one is never written again as a whole: that would replace the tags
//! that others put on it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::az::Az;
use super::failed::Kind;
use crate::failure::Exit;

/// Marks a group that this program made, which `destroy` may delete as a whole.
pub const OURS: (&str, &str) = ("created-by", "ccslurm4ai");

/// What happened to the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// Tags were added.
    Tagged,
    /// It was as wanted.
    None,
}

/// The group as ARM knows it, if it exists.
///
/// # Errors
/// When Azure does not answer.
pub fn find(az: &Az<'_>, name: &str) -> anyhow::Result<Option<Value>> {
    let path = format!("/subscriptions/{}/resourcegroups/{name}?api-version=2024-11-01", az.subscription());
    match az.rest_get(&path, "reading the resource group") {
        Ok(group) => Ok(Some(group)),
        Err(error) if matches!(error.kind, Kind::NotFound(_)) => Ok(None),
        Err(error) => Err(error.failure(Exit::Deployment).into()),
    }
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
    let Some(found) = found else {
        let (mark, value) = OURS;
        let command = az
            .command(&["group", "create", "--output", "none", "--name", name, "--location", region])
            .arg("--tags")
            .arg(format!("{mark}={value}"))
            .args(pairs(tags))
            .changes();
        let created = az.run(&command, "creating the resource group");
        created.map_err(|error| error.failure(Exit::Deployment))?;
        return Ok(Change::Created);
    };
    if tags.iter().all(|(tag, value)| found["tags"][tag] == *value) {
        return Ok(Change::None);
    }
    let id = az.group_id(name);
    let command = az
        .command(&["tag", "update", "--output", "none", "--operation", "merge", "--resource-id", &id])
        .arg("--tags")
        .args(pairs(tags))
        .changes();
    let tagged = az.run(&command, "adding tags to the resource group");
    tagged.map_err(|error| error.failure(Exit::Deployment))?;
    Ok(Change::Tagged)
}

fn pairs(tags: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    tags.iter().map(|(tag, value)| format!("{tag}={value}"))
}
