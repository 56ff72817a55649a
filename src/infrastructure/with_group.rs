//! A template for the subscription that makes the resource group and deploys a template into it. Azure foresees
//! nothing in a group that does not exist; with this it does.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

const DEPLOYMENTS: &str = "2025-04-01";
const GROUPS: &str = "2024-11-01";

/// A resource group that is not there yet.
pub struct Group<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is made.
    pub region: &'a str,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The template that makes `group` and in it what `template` makes with `given`, the names of the parameters that
/// are given.
pub fn template(template: &Value, given: &Map<String, Value>, group: &Group<'_>) -> Value {
    let mut declared = template["parameters"].as_object().cloned().unwrap_or_default();
    declared.retain(|name, _| given.contains_key(name));
    let hand_on = |name: &String| (name.clone(), json!({ "value": format!("[parameters('{name}')]") }));
    let handed_on: Map<String, Value> = declared.keys().map(hand_on).collect();
    let tags: Map<String, Value> =
        group.tags.iter().map(|(tag, value)| (tag.clone(), literal(value))).collect();
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
        "languageVersion": "2.0",
        "contentVersion": "1.0.0.0",
        "definitions": template["definitions"],
        "parameters": declared,
        "resources": {
            "group": {
                "type": "Microsoft.Resources/resourceGroups",
                "apiVersion": GROUPS,
                "name": group.name,
                "location": group.region,
                "tags": tags,
            },
            "cluster": {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": DEPLOYMENTS,
                "name": "cluster",
                "resourceGroup": group.name,
                "dependsOn": ["group"],
                "properties": {
                    "mode": "Incremental",
                    "expressionEvaluationOptions": { "scope": "inner" },
                    "parameters": handed_on,
                    "template": template,
                },
            },
        },
    })
}

/// Text that is no expression, even when it begins like one. Source: learn.microsoft.com,
/// azure-resource-manager/templates/template-expressions, "Escape characters".
fn literal(text: &str) -> Value {
    if text.starts_with('[') { format!("[{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_handed_on_and_text_stays_text() {
        let inner = json!({
            "definitions": {"d": {"type": "string"}},
            "parameters": {"a": {"$ref": "#/definitions/d"}, "b": {"type": "string", "defaultValue": "[resourceGroup().id]"}},
        });
        let given = json!({"a": {"value": "x"}}).as_object().unwrap().clone();
        let tags = BTreeMap::from([("team".to_owned(), "[a]".to_owned())]);
        let made = template(&inner, &given, &Group { name: "rg", region: "eastus", tags });
        assert_eq!(made["parameters"], json!({"a": {"$ref": "#/definitions/d"}}));
        assert_eq!(made["definitions"], inner["definitions"]);
        let cluster = &made["resources"]["cluster"]["properties"];
        assert_eq!(cluster["parameters"], json!({"a": {"value": "[parameters('a')]"}}));
        assert_eq!(cluster["template"], inner);
        assert_eq!(made["resources"]["group"]["tags"]["team"], "[[a]");
    }
}
