//! What the expressions of one deployment refer to by name.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::scope::Scope;

/// One resource that a template declares, existing ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Full id.
    pub id: String,
    /// api-version of the declaration.
    pub api_version: String,
    /// Whether its condition holds.
    pub present: bool,
}

/// The names of one deployment.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where it deploys to.
    pub scope: Scope,
    /// Name of the deployment.
    pub name: String,
    /// Location of a subscription-level deployment.
    pub location: Option<String>,
    /// `contentVersion` of the template.
    pub content_version: String,
    /// Values of the parameters.
    pub parameters: Map<String, Value>,
    /// Definitions of the variables.
    pub variables: Map<String, Value>,
    /// User-defined functions by `namespace.name` in lower case.
    pub functions: BTreeMap<String, Value>,
    /// Resources by symbolic name, `name[index]`, full id, or plain name; in lower case.
    pub instances: BTreeMap<String, Instance>,
    /// Names of the instances of each loop, by its name in lower case.
    pub loops: BTreeMap<String, Vec<String>>,
    /// Outputs of nested deployments that were looked into beforehand, by id in lower case.
    pub foreseen: BTreeMap<String, Value>,
}

impl Program {
    /// The resource of this name.
    pub fn instance(&self, name: &str) -> Option<&Instance> {
        self.instances.get(&name.to_ascii_lowercase())
    }
}
