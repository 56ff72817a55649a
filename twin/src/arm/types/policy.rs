//! Azure Policy: writes that a policy of the subscription denies.

use serde_json::{Value, json};

use crate::arm::world::{Policy, World};
use crate::azure::error::AzureError;

const DEFINITIONS: &str = "/providers/Microsoft.Authorization/policyDefinitions";
const ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/policyAssignments";

/// A write that policies look at.
pub struct Written<'a> {
    /// Subscription.
    pub subscription: &'a str,
    /// Type of the resource, or `Microsoft.Resources/subscriptions/resourceGroups`.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its tags, null without.
    pub tags: &'a Value,
}

/// Azure's refusal of a write, as its first policy words it; the rest of the violated ones are told beside.
pub fn check(world: &dyn World, written: &Written) -> Result<(), AzureError> {
    let violated: Vec<&Policy> = world.policies().iter().filter(|policy| denies(policy, written)).collect();
    if violated.is_empty() {
        return Ok(());
    }
    let identifiers: Vec<Value> = violated.iter().map(|policy| identifier(policy, written)).collect();
    let message = format!(
        "Resource '{}' was disallowed by policy. Policy identifiers: '{}'.",
        written.name,
        json!(identifiers)
    );
    let mut error = AzureError::gateway(403, "RequestDisallowedByPolicy", message).target(written.name);
    let violations: Value = violated.iter().map(|policy| violation(policy, written)).collect();
    error.additional_info = Some(Box::new(violations));
    Err(error)
}

fn denies(policy: &Policy, written: &Written) -> bool {
    let kind = policy.kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(written.kind));
    let tagged = |tag: &String| {
        let tags = written.tags.as_object().into_iter().flatten();
        tags.into_iter().any(|(name, _)| name.eq_ignore_ascii_case(tag))
    };
    kind && policy.without_tag.as_ref().is_none_or(|tag| !tagged(tag))
}

fn ids(policy: &Policy, written: &Written) -> (String, String) {
    let scope = format!("/subscriptions/{}", written.subscription);
    (format!("{scope}{ASSIGNMENTS}/{}", policy.name), format!("{scope}{DEFINITIONS}/{}", policy.name))
}

/// Recorded in Azure/ARO-RP and printed by az in issues of Azure/azure-cli.
fn identifier(policy: &Policy, written: &Written) -> Value {
    let (assignment, definition) = ids(policy, written);
    json!({"policyAssignment": {"name": policy.name, "id": assignment}, "policyDefinition": {"name": policy.name, "id": definition}})
}

/// Azure docs, governance/policy: details of a violation.
fn violation(policy: &Policy, written: &Written) -> Value {
    let (assignment, definition) = ids(policy, written);
    let evaluated = |expression: &str, value: &Value, operator: &str, target: &str| {
        json!({"result": "True", "expressionKind": "Field", "expression": expression, "path": expression,
            "expressionValue": value, "targetValue": target, "operator": operator})
    };
    let mut expressions = Vec::new();
    if policy.kind.is_some() {
        expressions.push(evaluated("type", &json!(written.kind), "Equals", written.kind));
    }
    if let Some(tag) = &policy.without_tag {
        expressions.push(evaluated(&format!("tags['{tag}']"), &Value::Null, "Exists", "false"));
    }
    json!({"type": "PolicyViolation", "info": {
        "evaluationDetails": {"evaluatedExpressions": expressions},
        "policyDefinitionId": definition, "policyDefinitionName": policy.name, "policyDefinitionDisplayName": policy.name,
        "policyDefinitionEffect": "deny", "policyAssignmentId": assignment, "policyAssignmentName": policy.name,
        "policyAssignmentDisplayName": policy.name, "policyAssignmentScope": format!("/subscriptions/{}", written.subscription),
        "policyAssignmentParameters": {}, "policyExemptionIds": [],
    }})
}
