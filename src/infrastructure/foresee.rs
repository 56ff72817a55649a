//! What an installation would do to the infrastructure, told without doing any of it.

use std::io::Write;

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

use super::with_group::{self, Group};
use super::{Site, Survey, unchanged};
use crate::azure::group::{self, Change};
use crate::azure::vault::Secret;
use crate::azure::whatif::{Prediction, Validation};
use crate::failure::Failure;
use crate::keys;

/// What an installation would do to the infrastructure.
pub struct Foresight {
    /// Whether the resource group is there.
    pub group_exists: bool,
    /// What it would do before the deployment.
    pub before: Vec<Preparation>,
    /// The succeeded deployment with the same inputs; an installation leaves all as it is unless forced.
    pub unchanged_since: Option<String>,
    /// A deployment that is going on, so that what is there is not what will be.
    pub active: Option<String>,
    /// Whether policies, quota and rights were looked at as well.
    pub validated: bool,
    /// What the deployment would change.
    pub prediction: Prediction,
}

/// A change before the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preparation {
    /// The phase of `install` that makes it.
    pub phase: &'static str,
    /// What it does.
    pub what: String,
}

impl Site<'_> {
    /// Asks Azure what [`Site::deploy`] would change. For secrets that are not there yet placeholders are handed in,
    /// and nothing is written; the runner must be one that changes nothing.
    ///
    /// # Errors
    /// [`crate::failure::Exit::Deployment`] with ARM's reasons, which would stop the deployment as well.
    pub fn foresee(&self, survey: &Survey) -> anyhow::Result<Foresight> {
        let inputs = self.inputs()?;
        let unchanged_since = unchanged(&survey.deployments, &inputs.hash).map(|newest| newest.name.clone());
        let active = survey.deployments.iter().find(|deployment| deployment.is_active());
        // What a deleted vault holds, nobody tells; a cluster's has all.
        let all = survey.vault_is_deleted.then_some(&Secret::ALL[..]);
        let secrets = self.secrets(all.unwrap_or(&survey.contents.secrets))?;
        let mut document = self.document(inputs, survey.contents.denies, &secrets);
        if survey.vault_is_deleted {
            without_references(&mut document);
        }
        let (prediction, validated) = self.ui.phase("what-if", || {
            let answer = match self.ask(survey, &document, Validation::Full) {
                Err(error) if !survey.terms_accepted && is_about_terms(&error) => {
                    (self.ask(survey, &document, Validation::Template)?, false)
                }
                answer => (answer?, true),
            };
            let note = format!("{} resources", answer.0.changes.len());
            Ok((answer, note))
        })?;
        Ok(Foresight {
            group_exists: survey.group.is_some(),
            before: self.preparations(survey),
            unchanged_since,
            active: active.map(|deployment| deployment.name.clone()),
            validated,
            prediction,
        })
    }

    fn ask(&self, survey: &Survey, document: &Value, validation: Validation) -> anyhow::Result<Prediction> {
        if survey.group.is_none() {
            return self.ask_with_group(document, validation);
        }
        self.deployments().foresee(self.templates.main_json(self.runner)?, document, validation)
    }

    /// In a group that is not there Azure foresees nothing, so a template for the subscription makes it.
    fn ask_with_group(&self, document: &Value, validation: Validation) -> anyhow::Result<Prediction> {
        let path = self.templates.main_json(self.runner)?;
        let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let inner: Value =
            serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))?;
        let given = document["parameters"].as_object().context("the parameters are no mapping")?;
        let group = Group {
            name: &self.config.resource_group_name,
            region: &self.config.region,
            tags: group::with_mark(&self.group_tags()),
        };
        let whole = with_group::template(&inner, given, &group);
        let mut file = tempfile::Builder::new().prefix("ccslurm4ai-what-if-").suffix(".json").tempfile()?;
        file.write_all(whole.to_string().as_bytes()).context("writing the template of the subscription")?;
        self.deployments().foresee_in_subscription(&self.config.region, file.path(), document, validation)
    }

    fn preparations(&self, survey: &Survey) -> Vec<Preparation> {
        let step = |phase, what| Preparation { phase, what };
        let (name, region) = (&self.config.resource_group_name, &self.config.region);
        let terms = (!survey.terms_accepted)
            .then(|| step("marketplace terms", format!("accept those of {}", self.server_image)));
        let tags = self.group_tags();
        let group = match (group::change(&tags, survey.group.as_ref()), &survey.group) {
            (Change::Tagged, Some(found)) => {
                let missing: Vec<String> = group::missing(&tags, found).collect();
                Some(format!("add to the tags of {name}: {}", missing.join(", ")))
            }
            (Change::Created, _) => Some(format!("create {name} in {region}")),
            _ => None,
        };
        let recovery = survey.vault_is_deleted.then(|| {
            step("key vault recovery", format!("recover the deleted {} with its secrets", self.vault.name))
        });
        let group = group.map(|what| step("resource group", what));
        [terms, group, recovery].into_iter().flatten().collect()
    }
}

/// Whether Azure refuses because the terms of an image are not accepted, which an installation does before it deploys.
fn is_about_terms(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<Failure>();
    failure.is_some_and(|failure| {
        failure.problems.iter().any(|problem| problem.code == "MarketplacePurchaseEligibilityFailed")
    })
}

/// A vault that is deleted cannot be referred to: a placeholder stands for each of its secrets.
fn without_references(document: &mut Value) {
    let parameters = document["parameters"].as_object_mut().into_iter().flatten();
    for (name, parameter) in parameters.filter(|(_, parameter)| parameter.get("reference").is_some()) {
        let value = if name == "sshPublicKey" { keys::nobodys_key() } else { keys::PLACEHOLDER.to_owned() };
        *parameter = serde_json::json!({ "value": value });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_stand_for_what_a_deleted_vault_holds() {
        let reference = json!({"reference": {"keyVault": {"id": "/v"}, "secretName": "n"}});
        let mut document = json!({"parameters": {
            "location": {"value": "eastus"}, "sshPublicKey": reference, "mySqlPassword": reference,
        }});
        without_references(&mut document);
        let expected = json!({"parameters": {
            "location": {"value": "eastus"}, "sshPublicKey": {"value": keys::nobodys_key()},
            "mySqlPassword": {"value": keys::PLACEHOLDER},
        }});
        assert_eq!(document, expected);
    }
}
