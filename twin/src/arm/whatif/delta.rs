//! The difference between a resource before and after, as `delta` of a what-if result.

use serde_json::{Map, Value, json};

/// The changed properties. Objects are followed by path; a list is a change with the changes of its items below it
/// (recorded: azure-cli and azure-dev; lists as az prints them, azure-cli `_formatters.py`).
pub fn between(before: &Value, after: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    walk(before, after, "", &mut found);
    found
}

fn walk(before: &Value, after: &Value, path: &str, found: &mut Vec<Value>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => objects(before, after, path, found),
        (Value::Array(before), Value::Array(after)) => {
            let children = items(before, after);
            if !children.is_empty() {
                found.push(json!({"path": path, "propertyChangeType": "Array", "children": children}));
            }
        }
        _ if same(before, after, path) => {}
        _ => found.push(modified(path, before, after)),
    }
}

fn objects(before: &Map<String, Value>, after: &Map<String, Value>, path: &str, found: &mut Vec<Value>) {
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, was) in before {
        match after.get(name) {
            Some(will) => walk(was, will, &inner(name), found),
            None => found.push(deleted(&inner(name), was)),
        }
    }
    for (name, will) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        found.push(created(&inner(name), will));
    }
}

/// Changes of items, by their places. Items with a name are the same when their names are; plain ones when they are
/// equal, whatever their order.
fn items(before: &[Value], after: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    let twin = |item: &Value, others: &[Value], at: usize| match (item.is_object(), item["name"].as_str()) {
        (true, Some(name)) => others.iter().position(|other| other["name"] == name),
        (true, None) => {
            others.get(at).filter(|other| other.is_object() && other["name"].is_null()).map(|_| at)
        }
        (false, _) => others.iter().position(|other| same(item, other, "")),
    };
    for (at, item) in before.iter().enumerate() {
        match twin(item, after, at) {
            None => found.push(deleted(&at.to_string(), item)),
            Some(other) => {
                let children = between(item, &after[other]);
                if !children.is_empty() {
                    let mut change = modified(&at.to_string(), item, &after[other]);
                    change["children"] = Value::Array(children);
                    found.push(change);
                }
            }
        }
    }
    for (at, item) in after.iter().enumerate().filter(|(at, item)| twin(item, before, *at).is_none()) {
        found.push(created(&at.to_string(), item));
    }
    found
}

/// Ids and regions do not care for letter case.
fn same(before: &Value, after: &Value, path: &str) -> bool {
    match (before.as_str(), after.as_str()) {
        (Some(before), Some(after)) if before.starts_with('/') => before.eq_ignore_ascii_case(after),
        (Some(before), Some(after)) if path == "location" => {
            let plain = |name: &str| name.to_ascii_lowercase().replace(' ', "");
            plain(before) == plain(after)
        }
        _ => before == after,
    }
}

fn modified(path: &str, before: &Value, after: &Value) -> Value {
    json!({"path": path, "propertyChangeType": "Modify", "before": before, "after": after})
}

fn created(path: &str, after: &Value) -> Value {
    json!({"path": path, "propertyChangeType": "Create", "after": after})
}

fn deleted(path: &str, before: &Value) -> Value {
    json!({"path": path, "propertyChangeType": "Delete", "before": before})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_change() {
        let before = json!({"location": "East US", "tags": {"a": "1", "b": "2"}, "id": "/Sub/x",
            "list": ["x", "y"], "subnets": [{"name": "one", "p": {"q": 1}}, {"name": "two"}], "same": [1]});
        let after = json!({"location": "eastus", "tags": {"a": "2", "c": "3"}, "id": "/sub/x",
            "list": ["y", "z"], "subnets": [{"name": "two"}, {"name": "one", "p": {"q": 2}}], "same": [1]});
        let expected = json!([
            {"path": "tags.a", "propertyChangeType": "Modify", "before": "1", "after": "2"},
            {"path": "tags.b", "propertyChangeType": "Delete", "before": "2"},
            {"path": "tags.c", "propertyChangeType": "Create", "after": "3"},
            {"path": "list", "propertyChangeType": "Array", "children": [
                {"path": "0", "propertyChangeType": "Delete", "before": "x"},
                {"path": "1", "propertyChangeType": "Create", "after": "z"},
            ]},
            {"path": "subnets", "propertyChangeType": "Array", "children": [
                {"path": "0", "propertyChangeType": "Modify", "before": before["subnets"][0], "after": after["subnets"][1],
                    "children": [{"path": "p.q", "propertyChangeType": "Modify", "before": 1, "after": 2}]},
            ]},
        ]);
        assert_eq!(Value::Array(between(&before, &after)), expected);
        assert!(between(&before, &before).is_empty());
    }
}
