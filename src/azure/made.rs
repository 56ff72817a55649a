//! What our deployments in a resource group wrote, and their records.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::contents::typed;
use super::deployment::{Deployment, Deployments, PREFIX};
use super::failed::{AzError, Kind};
use crate::failure::Exit;

/// What our deployments left behind.
#[derive(Debug, Default)]
pub struct Made {
    /// Deployments of ours, by name and state alone.
    pub deployments: Vec<Deployment>,
    /// ARM ids of everything they and the deployments they nest wrote, in lower case.
    pub written: BTreeSet<String>,
    /// ARM ids of their records in the group: those of nested deployments first, ours, the evidence, last.
    pub records: Vec<String>,
    /// Correlation ids of their runs, which deployments that they nest elsewhere share.
    pub runs: BTreeSet<String>,
}

impl Made {
    /// Whether one of our deployments wrote `id`, or something that it is part of.
    pub fn wrote(&self, id: &str) -> bool {
        let id = id.to_ascii_lowercase();
        let whole = std::iter::once(id.as_str());
        whole.chain(id.rmatch_indices('/').map(|(at, _)| &id[..at])).any(|part| self.written.contains(part))
    }
}

/// A record, as the list shows it.
#[derive(Debug, Deserialize)]
struct Record {
    id: String,
    name: String,
    state: String,
    /// All deployments of one run share it.
    run: Option<String>,
    written: Option<Vec<String>>,
}

impl Record {
    fn is_ours(&self) -> bool {
        self.name.starts_with(PREFIX)
    }
}

impl Deployments<'_> {
    /// What our deployments made; nothing when the group does not exist. A deployment that others ran under
    /// the name of one that ours nest is theirs.
    ///
    /// # Errors
    /// When Azure does not answer.
    pub fn made(&self) -> anyhow::Result<Made> {
        let item = "{id: id, name: name, state: properties.provisioningState, run: properties.correlationId, \
                    written: properties.outputResources[].id}";
        let records: Vec<Record> = typed(self.listed(Some(item))?);
        let runs: BTreeSet<String> = records
            .iter()
            .filter(|record| record.is_ours())
            .filter_map(|record| record.run.clone())
            .collect();
        let of_our_runs = |record: &&Record| {
            record.is_ours() || record.run.as_deref().is_some_and(|run| runs.contains(run))
        };
        let (ours, nested): (Vec<&Record>, Vec<&Record>) =
            records.iter().filter(of_our_runs).partition(|record| record.is_ours());
        let mut made = Made { runs: runs.clone(), ..Made::default() };
        for record in nested.iter().chain(&ours) {
            made.records.push(record.id.clone());
            let listed = record.written.as_deref().unwrap_or_default();
            made.written.extend(listed.iter().map(|id| id.to_ascii_lowercase()));
            if ["Failed", "Canceled"].contains(&record.state.as_str()) {
                let begun = self.begun(&record.id).map_err(|error| error.failure(Exit::Deployment))?;
                made.written.extend(begun);
            }
        }
        let deployment = |record: &&Record| Deployment {
            name: record.name.clone(),
            state: record.state.clone(),
            ..Deployment::default()
        };
        made.deployments = ours.iter().map(deployment).collect();
        Ok(made)
    }

    /// What a deployment that did not succeed began to write: such a one lists no resources.
    fn begun(&self, record: &str) -> Result<Vec<String>, AzError> {
        let operations = match self.operations(record) {
            Err(error) if matches!(error.kind, Kind::NotFound(_)) => Vec::new(),
            operations => operations?,
        };
        let written = |operation: &Value| {
            let properties = &operation["properties"];
            let target = &properties["targetResource"];
            let wrote = properties["provisioningOperation"] == "Create"
                && target["resourceType"] != "Microsoft.Resources/deployments";
            target["id"].as_str().filter(|_| wrote).map(str::to_ascii_lowercase)
        };
        Ok(operations.iter().filter_map(written).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_something_written_is_written() {
        let network = "/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworks/v";
        let made = Made { written: BTreeSet::from([network.to_owned()]), ..Made::default() };
        assert!(made.wrote(&network.to_uppercase()));
        assert!(made.wrote(&format!("{network}/subnets/a")));
        assert!(!made.wrote(&format!("{network}2")));
        assert!(!made.wrote("/subscriptions/s/resourceGroups/g"));
    }
}
