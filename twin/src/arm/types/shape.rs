//! Bodies against `shapes.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};
use serde_yaml::Value as Yaml;

use crate::arm::id::ResourceId;
use crate::arm::world::World;

static SHAPES: LazyLock<BTreeMap<String, Yaml>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("shapes.yaml")).expect("shapes.yaml is a mapping of types")
});

/// Something that a body must not have, or lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A member that is not known: path of the object, member.
    Unknown(String, String),
    /// A required member that is not there: path of the object, member.
    Missing(String, String),
    /// A value of the wrong type or not one of those allowed: path, value, what is allowed.
    Wrong(String, String, String),
    /// The id of a resource that does not exist: path, id.
    Reference(String, String),
    /// What should be an id is none, or one of another type: path, text, type.
    NoId(String, String, String),
}

/// Checks a body without `location` and `tags`, which every type has its own rule for; the first finding counts.
pub fn check(kind: &str, body: &Value, world: &dyn World) -> Option<Finding> {
    let shape = SHAPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, shape)| shape)?;
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !["location", "tags"].contains(&name.as_str()));
    }
    walk(shape, &body, "", world)
}

/// The members of a resource that a request can have, with its location and tags; of a type without shape none else.
pub fn writable(kind: &str, body: &Value) -> Value {
    let shape = SHAPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, shape)| shape);
    let mut kept = shape.and_then(|shape| kept(shape, body)).unwrap_or_else(|| Value::Object(Map::new()));
    for member in ["location", "tags"] {
        if !body[member].is_null() {
            kept[member] = body[member].clone();
        }
    }
    kept
}

/// The shape of a member, whether it is required or not.
fn member<'a>(members: &'a serde_yaml::Mapping, name: &str) -> Option<&'a Yaml> {
    let is =
        |key: &Yaml| key.as_str().is_some_and(|key| key.trim_end_matches('!').eq_ignore_ascii_case(name));
    members.iter().find(|(key, _)| is(key)).map(|(_, shape)| shape)
}

/// What of a value a request can have; nothing if that is an object without members.
fn kept(shape: &Yaml, value: &Value) -> Option<Value> {
    match (shape, value) {
        (Yaml::Mapping(members), Value::Object(object)) => {
            let one = |(name, value): (&String, &Value)| {
                kept(member(members, name)?, value).map(|value| (name.clone(), value))
            };
            let object: Map<String, Value> = object.iter().filter_map(one).collect();
            (!object.is_empty()).then_some(Value::Object(object))
        }
        (Yaml::Sequence(shapes), Value::Array(items)) => {
            let item = |item| shapes.first().and_then(|shape| kept(shape, item));
            Some(items.iter().filter_map(item).collect())
        }
        _ => Some(value.clone()),
    }
}

fn walk(shape: &Yaml, value: &Value, path: &str, world: &dyn World) -> Option<Finding> {
    match (shape, value) {
        (_, Value::Null) => None,
        (Yaml::Mapping(members), Value::Object(object)) => {
            let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            for (name, value) in object {
                let Some(shape) = member(members, name) else {
                    return Some(Finding::Unknown(path.to_owned(), name.clone()));
                };
                if let Some(finding) = walk(shape, value, &inner(name), world) {
                    return Some(finding);
                }
            }
            let present = |name: &str| {
                object.iter().any(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null())
            };
            let required = members.keys().filter_map(|key| key.as_str()?.strip_suffix('!'));
            required
                .into_iter()
                .find(|name| !present(name))
                .map(|name| Finding::Missing(path.to_owned(), name.to_owned()))
        }
        (Yaml::Sequence(shapes), Value::Array(items)) => {
            let each =
                |(at, item): (usize, &Value)| walk(shapes.first()?, item, &format!("{path}[{at}]"), world);
            items.iter().enumerate().find_map(each)
        }
        (Yaml::String(kind), value) => leaf(kind, value, path, world),
        (shape, value) => {
            let expected = if shape.is_mapping() { "Object" } else { "Array" };
            Some(Finding::Wrong(path.to_owned(), value.to_string(), expected.to_owned()))
        }
    }
}

fn leaf(kind: &str, value: &Value, path: &str, world: &dyn World) -> Option<Finding> {
    let fits = match kind {
        "any" => true,
        "string" => value.is_string(),
        "int" => value.is_i64(),
        "bool" => value.is_boolean(),
        "map" => value.as_object().is_some_and(|object| object.values().all(Value::is_string)),
        _ => match (kind.strip_prefix("ref:"), value.as_str()) {
            (Some(target), Some(id)) => return reference(target, id, path, world),
            (None, Some(text)) => kind.split('|').any(|one| one.eq_ignore_ascii_case(text)),
            _ => false,
        },
    };
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (!fits).then(|| Finding::Wrong(path.to_owned(), shown, kind.replace('|', ", ")))
}

fn reference(target: &str, id: &str, path: &str, world: &dyn World) -> Option<Finding> {
    let fits = ResourceId::parse(id).is_some_and(|id| target == "*" || id.is(target));
    if !fits {
        return Some(Finding::NoId(path.to_owned(), id.to_owned(), target.to_owned()));
    }
    world.resource(id).is_none().then(|| Finding::Reference(path.to_owned(), id.to_owned()))
}

/// A body without the members that are null: providers take them for absent.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Types that have a shape.
#[cfg(test)]
pub fn kinds() -> Vec<&'static str> {
    SHAPES.keys().map(String::as_str).filter(|name| !name.ends_with(" PATCH")).collect()
}
