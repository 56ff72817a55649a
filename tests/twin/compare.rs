//! Two moments of the simulated Azure, compared.

use serde_json::Value;

/// What differs between two equal resources: entity tags and times.
const IGNORED: [&str; 6] =
    ["etag", "updatedOn", "lastModifiedAt", "lastModifiedTime", "lastEnabledTime", "modified"];

/// Parts of the state that a deployment of the same must leave alone. Deployments themselves are history.
pub const RESOURCES: [&str; 8] = [
    "groups",
    "resources",
    "role_assignments",
    "secrets",
    "deleted_vaults",
    "blobs",
    "principals",
    "terms_accepted",
];

/// Where two states differ in the given parts, as paths.
pub fn differences(one: &Value, other: &Value, parts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for part in parts {
        assert!(!one[part].is_null(), "the state has no {part}");
        differ(&one[part], &other[part], part, &mut found);
    }
    found
}

fn differ(one: &Value, other: &Value, path: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys.into_iter().filter(|key| !IGNORED.contains(&key.as_str())) {
                let value =
                    |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or_default();
                differ(&value(left), &value(right), &format!("{path} {key}"), found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                differ(left, right, &format!("{path} {at}"), found);
            }
        }
        _ if one == other => {}
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn only_entity_tags_and_times_may_differ() {
    use serde_json::json;
    let one = json!({"resources": {"a": {"etag": 1, "x": [1, {"y": 2}]}, "b": 1}});
    let other = json!({"resources": {"a": {"etag": 2, "x": [1, {"y": 3}]}, "c": 1}});
    assert_eq!(differences(&one, &one, &["resources"]), Vec::<String>::new());
    let found = differences(&one, &other, &["resources"]);
    assert_eq!(found, ["resources a x 1 y", "resources b", "resources c"]);
}
