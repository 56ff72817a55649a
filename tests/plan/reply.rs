//! Replies of Azure's what-if, as az prints them.

use std::path::Path;

use serde_json::{Value, json};

use super::scene::SUBSCRIPTION;
use super::site::Site;

/// A recorded reply; see the folder's README.
pub fn recorded(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/azure/what-if.json");
    let text = std::fs::read(path).expect("recorded");
    serde_json::from_slice::<Value>(&text).expect("JSON")[name].take()
}

/// ARM id of a resource of the group.
pub fn id(kind_and_name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/cluster-rg/providers/{kind_and_name}")
}

/// A reply with these changes.
pub fn reply(changes: &[Value]) -> Value {
    json!({"status": "Succeeded", "error": null, "potentialChanges": null, "diagnostics": null, "changes": changes})
}

/// A change of a resource; `after` is it afterwards.
pub fn change(kind: &str, kind_and_name: &str, after: Value) -> Value {
    json!({"resourceId": id(kind_and_name), "changeType": kind, "before": null, "after": after, "delta": null,
        "unsupportedReason": null})
}

/// A modified resource with its differences.
pub fn modify(kind_and_name: &str, delta: &[Value]) -> Value {
    let mut change = change("Modify", kind_and_name, json!({}));
    change["delta"] = delta.into();
    change
}

/// A difference.
pub fn difference(path: &str, kind: &str, before: Value, after: Value) -> Value {
    json!({"path": path, "propertyChangeType": kind, "before": before, "after": after, "children": null})
}

/// A difference in a list or an item of it.
pub fn inner(path: &str, kind: &str, children: &[Value]) -> Value {
    json!({"path": path, "propertyChangeType": kind, "before": null, "after": null, "children": children})
}

/// Something that Azure cannot foresee: a right of an identity that does not exist.
pub fn unforeseen(name: &str) -> Value {
    let id = format!(
        "[resourceId('Microsoft.Authorization/roleAssignments', guid(reference('{name}').principalId))]"
    );
    json!({"resourceId": id, "changeType": "Unsupported", "unsupportedReason": format!(
        "Changes to the resource declared at 'properties.template.resources.{name}' cannot be analyzed because its resource ID \
         or API version cannot be calculated until the deployment is under way.")})
}

impl Site {
    /// Azure answers a what-if so.
    pub fn foresees(&self, reply: &Value) {
        self.file("what-if.json", &reply.to_string());
    }

    /// What a command writes for people: standard output, then standard error.
    pub fn text(&self, args: &[&str]) -> String {
        let output = self.command(&[args, &["--output", "text"]].concat()).output().expect("it runs");
        let text = |bytes: &[u8]| self.shown(&String::from_utf8_lossy(bytes));
        format!("{}--\n{}", text(&output.stdout), text(&output.stderr))
    }

    /// The resource group is there, with these tags.
    pub fn has_group(&self, tags: &Value) {
        self.scene
            .answer_json("cluster-rg", &json!({"name": "cluster-rg", "location": "eastus", "tags": tags}));
    }
}
