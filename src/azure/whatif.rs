//! What a deployment would change, as Azure foresees it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::deployment::{self, Deployments};
use super::failed::Kind;
use crate::failure::Exit;
use crate::process::Command;

/// What Azure foresees.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    /// One for each resource of the template and of the group.
    #[serde(deserialize_with = "or_none")]
    pub changes: Vec<Change>,
    /// Those of which Azure knows no more than that they may come.
    #[serde(default, deserialize_with = "or_none")]
    pub potential_changes: Vec<Change>,
    /// What was not looked at.
    #[serde(default, deserialize_with = "or_none")]
    pub diagnostics: Vec<Diagnostic>,
}

/// What would become of a resource.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// ARM id, or the template's expression for it where Azure cannot tell it yet.
    #[serde(rename = "resourceId")]
    pub id: String,
    /// What.
    #[serde(rename = "changeType")]
    pub kind: ChangeKind,
    /// The resource as it would be; null when that is not known or it would be gone.
    #[serde(default)]
    pub after: Value,
    /// What of it would differ.
    #[serde(default, rename = "delta", deserialize_with = "flat")]
    pub properties: Vec<Property>,
    /// Why Azure cannot tell.
    #[serde(default)]
    pub unsupported_reason: Option<String>,
}

/// Kinds of change of a resource. Source: REST reference, Deployments - What If, `ChangeType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum ChangeKind {
    /// It is not there and would be made.
    Create,
    /// It is there and would be deleted.
    Delete,
    /// It is there, not in the template, and stays.
    Ignore,
    /// It would be deployed again; whether that changes it is not known.
    Deploy,
    /// It is there as wanted.
    NoChange,
    /// It would be changed.
    Modify,
    /// Azure cannot tell, or says what this program does not know.
    #[serde(other)]
    Unsupported,
}

/// A property that would differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Property {
    /// Where in the resource, as in `properties.subnets[0].name`.
    pub path: String,
    /// What would become of it.
    #[serde(rename = "change")]
    pub kind: PropertyKind,
    /// Its value; null when it has none.
    pub before: Value,
    /// Its value afterwards; null when it would have none.
    pub after: Value,
}

/// Kinds of change of a property. Source: REST reference, Deployments - What If, `PropertyChangeType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum PropertyKind {
    /// It would be set.
    Create,
    /// It would be gone.
    Delete,
    /// It would have another value.
    Modify,
    /// Items of the list would differ.
    Array,
    /// Azure would take no notice of it.
    NoEffect,
}

/// Something that Azure did not look at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Diagnostic {
    /// Stable name, such as `NestedDeploymentShortCircuited`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// ARM id of what it is about.
    #[serde(default)]
    pub target: Option<String>,
}

/// What Azure looks at before it foresees. Source: REST reference, Deployments, `ValidationLevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// What it looks at before a deployment: policies, quota, rights and what else resource providers know.
    Full,
    /// The template alone.
    Template,
}

impl Validation {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Full => &[],
            Self::Template => &["--validation-level", "Template"],
        }
    }
}

impl Prediction {
    /// The resources of the template, as far as Azure can tell which they are.
    pub fn will_be(&self) -> impl Iterator<Item = &Change> {
        let of_template = |change: &&Change| {
            !matches!(change.kind, ChangeKind::Delete | ChangeKind::Ignore | ChangeKind::Unsupported)
        };
        self.changes.iter().filter(of_template)
    }
}

impl Deployments<'_> {
    /// What [`Deployments::start`] with the same arguments would change. ARM validates them as it does then, and
    /// writes nothing; it asks for the same rights (Azure/bicep issue 2918).
    ///
    /// # Errors
    /// [`Exit::Deployment`] with ARM's reasons.
    pub fn foresee(
        &self,
        template: &Path,
        parameters: &Value,
        validation: Validation,
    ) -> anyhow::Result<Prediction> {
        let command = self.az.long_command(&["deployment", "group", "what-if", "--no-pretty-print"]);
        let command =
            command.args(["--resource-group", self.group]).args(validation.arguments().iter().copied());
        self.prediction(command, template, parameters)
    }

    /// As [`Deployments::foresee`] for a template of the subscription, whose deployment would be kept in `region`.
    ///
    /// # Errors
    /// As [`Deployments::foresee`].
    pub fn foresee_in_subscription(
        &self,
        region: &str,
        template: &Path,
        parameters: &Value,
        validation: Validation,
    ) -> anyhow::Result<Prediction> {
        let command = self.az.long_command(&["deployment", "sub", "what-if", "--no-pretty-print"]);
        let command = command.args(["--location", region]).args(validation.arguments().iter().copied());
        self.prediction(command, template, parameters)
    }

    fn prediction(
        &self,
        command: Command,
        template: &Path,
        parameters: &Value,
    ) -> anyhow::Result<Prediction> {
        let name = deployment::new_name();
        let command = deployment::with_template(command, &name, template, parameters);
        let why = "asking Azure what a deployment would change";
        let answer = self.az.json_of(command.clone(), why).map_err(|error| match &error.kind {
            Kind::Refused(_) => deployment::refused(&error, &name),
            _ => error.failure(Exit::Deployment),
        })?;
        let unusable = |_| self.az.not_usable(&command, why).failure(Exit::Deployment);
        Ok(serde_json::from_value(answer).map_err(unusable)?)
    }
}

/// az writes null for a list that Azure left out.
fn or_none<'de, D, T>(source: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(source).map(Option::unwrap_or_default)
}

/// A difference as Azure nests it: an item of a list has its index for a path.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nested {
    path: String,
    property_change_type: PropertyKind,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default, deserialize_with = "or_none")]
    children: Vec<Nested>,
}

fn flat<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Vec<Property>, D::Error> {
    let mut found = Vec::new();
    for nested in or_none::<D, Nested>(source)? {
        let path = nested.path.clone();
        nested.flatten(path, &mut found);
    }
    Ok(found)
}

impl Nested {
    fn flatten(self, path: String, found: &mut Vec<Property>) {
        if self.children.is_empty() {
            let Self { property_change_type: kind, before, after, .. } = self;
            found.push(Property { path, kind, before, after });
            return;
        }
        let is_list = self.property_change_type == PropertyKind::Array;
        for child in self.children {
            let path =
                if is_list { format!("{path}[{}]", child.path) } else { format!("{path}.{}", child.path) };
            child.flatten(path, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What az prints: nulls for what Azure left out.
    #[test]
    fn az_answers_become_changes_with_flat_paths() {
        let answer = json!({
            "status": "Succeeded", "error": null, "potentialChanges": null,
            "diagnostics": [{"code": "NestedDeploymentShortCircuited", "level": "Warning", "message": "m", "target": "t"}],
            "changes": [
                {"resourceId": "/a", "changeType": "Modify", "before": {}, "after": {}, "unsupportedReason": null, "delta": [
                    {"path": "tags.owner", "propertyChangeType": "Delete", "before": "me", "after": null, "children": null},
                    {"path": "properties.subnets", "propertyChangeType": "Array", "before": null, "after": null, "children": [
                        {"path": "0", "propertyChangeType": "Modify", "before": null, "after": null, "children": [
                            {"path": "properties.addressPrefix", "propertyChangeType": "Modify", "before": "a", "after": "b", "children": null}]},
                        {"path": "1", "propertyChangeType": "Create", "before": null, "after": {"name": "n"}, "children": null}]}]},
                {"resourceId": "[x]", "changeType": "Unsupported", "before": null, "after": null, "delta": null, "unsupportedReason": "why"},
                {"resourceId": "/b", "changeType": "Renamed"},
            ],
        });
        let prediction: Prediction = serde_json::from_value(answer).unwrap();
        let paths: Vec<_> =
            prediction.changes[0].properties.iter().map(|one| (one.path.as_str(), one.kind)).collect();
        assert_eq!(
            paths,
            [
                ("tags.owner", PropertyKind::Delete),
                ("properties.subnets[0].properties.addressPrefix", PropertyKind::Modify),
                ("properties.subnets[1]", PropertyKind::Create),
            ]
        );
        let kinds: Vec<_> = prediction.changes.iter().map(|change| change.kind).collect();
        assert_eq!(kinds, [ChangeKind::Modify, ChangeKind::Unsupported, ChangeKind::Unsupported]);
        assert_eq!(prediction.changes[1].unsupported_reason.as_deref(), Some("why"));
        assert_eq!(prediction.diagnostics[0].target.as_deref(), Some("t"));
    }

    #[test]
    fn an_answer_without_changes_is_none() {
        for answer in
            [json!({"status": "Succeeded"}), json!([]), json!({"changes": [{"changeType": "Create"}]})]
        {
            assert!(serde_json::from_value::<Prediction>(answer.clone()).is_err(), "{answer}");
        }
    }
}
