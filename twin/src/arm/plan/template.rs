//! The members that a template and its parts may have.

use serde_json::{Map, Value, json};

use crate::azure::error::AzureError;

/// A template whose members are known.
pub struct Template {
    /// The whole document.
    pub root: Map<String, Value>,
    /// Whether resources have symbolic names.
    pub symbolic: bool,
}

const TEMPLATE: &[&str] = &[
    "$schema",
    "contentVersion",
    "languageVersion",
    "apiProfile",
    "definitions",
    "parameters",
    "variables",
    "functions",
    "resources",
    "outputs",
    "metadata",
];
const PARAMETER: &[&str] = &[
    "type",
    "$ref",
    "defaultValue",
    "allowedValues",
    "minValue",
    "maxValue",
    "minLength",
    "maxLength",
    "nullable",
    "items",
    "prefixItems",
    "properties",
    "additionalProperties",
    "discriminator",
    "metadata",
    "sealed",
];
const RESOURCE: &[&str] = &[
    "type",
    "apiVersion",
    "name",
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
    "dependsOn",
    "condition",
    "copy",
    "scope",
    "existing",
    "comments",
    "metadata",
    "resourceGroup",
    "subscriptionId",
];
const OUTPUT: &[&str] = &[
    "type",
    "$ref",
    "value",
    "copy",
    "condition",
    "nullable",
    "metadata",
    "items",
    "prefixItems",
    "properties",
    "additionalProperties",
    "discriminator",
    "allowedValues",
    "minValue",
    "maxValue",
    "minLength",
    "maxLength",
    "sealed",
];

impl Template {
    /// Checks the members of a template; an unknown one is refused as Azure refuses it.
    pub fn new(template: Value) -> Result<Template, AzureError> {
        let Value::Object(root) = template else {
            return Err(AzureError::gateway(400, "InvalidTemplate", "The template is not a JSON object."));
        };
        members(&root, TEMPLATE, "Template", "properties.template")?;
        for name in ["$schema", "contentVersion", "resources"] {
            if !root.contains_key(name) {
                return Err(invalid(format!(
                    "Required property '{name}' not found in JSON. Path 'properties.template'."
                )));
            }
        }
        let template = Template { symbolic: root["resources"].is_object(), root };
        template.parts("parameters", PARAMETER, "TemplateInputParameter")?;
        template.parts("outputs", OUTPUT, "TemplateOutputParameter")?;
        for (name, resource) in template.resources() {
            let path = format!("properties.template.resources.{name}");
            let resource =
                resource.as_object().ok_or_else(|| invalid(format!("'{path}' is not an object.")))?;
            members(resource, RESOURCE, "TemplateResource", &path)?;
        }
        Ok(template)
    }

    fn parts(&self, section: &str, known: &[&str], kind: &str) -> Result<(), AzureError> {
        for (name, part) in self.section(section) {
            let path = format!("properties.template.{section}.{name}");
            let part = part.as_object().ok_or_else(|| invalid(format!("'{path}' is not an object.")))?;
            members(part, known, kind, &path)?;
        }
        Ok(())
    }

    /// A section of the template; empty if it has none.
    pub fn section(&self, name: &str) -> Map<String, Value> {
        self.root.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// The resources with their symbolic names, or their positions.
    pub fn resources(&self) -> Vec<(String, Value)> {
        match &self.root["resources"] {
            Value::Object(resources) => {
                resources.iter().map(|(name, one)| (name.clone(), one.clone())).collect()
            }
            Value::Array(resources) => {
                resources.iter().enumerate().map(|(at, one)| (at.to_string(), one.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// User-defined functions by `namespace.name` in lower case.
    pub fn functions(&self) -> std::collections::BTreeMap<String, Value> {
        let spaces = self.root.get("functions").and_then(Value::as_array).into_iter().flatten();
        let mut functions = std::collections::BTreeMap::new();
        for space in spaces {
            let namespace = space["namespace"].as_str().unwrap_or_default();
            for (name, function) in space["members"].as_object().into_iter().flatten() {
                functions.insert(format!("{namespace}.{name}").to_ascii_lowercase(), function.clone());
            }
        }
        functions
    }

    /// The template that a nested deployment with the outer scope stands for: its resources and outputs, and the names
    /// of the template around it.
    pub fn within(&self, inner: &Value) -> Value {
        let mut whole = inner.clone();
        for section in ["parameters", "variables", "functions", "definitions"] {
            if let Some(ours) = self.root.get(section) {
                whole[section] = ours.clone();
            }
        }
        if whole["contentVersion"].is_null() {
            whole["contentVersion"] = json!("1.0.0.0");
        }
        whole
    }
}

fn members(object: &Map<String, Value>, known: &[&str], kind: &str, path: &str) -> Result<(), AzureError> {
    match object.keys().find(|key| !known.iter().any(|known| known.eq_ignore_ascii_case(key))) {
        None => Ok(()),
        Some(key) => Err(invalid(format!(
            "Could not find member '{key}' on object of type '{kind}'. Path '{path}.{key}', line 1, position 1."
        ))),
    }
}

fn invalid(why: String) -> AzureError {
    AzureError::gateway(
        400,
        "InvalidRequestContent",
        format!("The request content was invalid and could not be deserialized: '{why}'."),
    )
}
