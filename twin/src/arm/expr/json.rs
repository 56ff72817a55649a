//! JSON of a template with the expressions and loops in it.

use serde_json::{Map, Value};

use super::Fault;
use super::eval::Env;
use super::frame::Frame;
use super::open;

/// Most instances a loop may have.
pub const MOST_COPIES: i64 = 800;

/// The value of a piece of a template.
pub fn value(env: &Env, template: &Value, frame: &Frame) -> Result<Value, Fault> {
    match template {
        Value::String(text) => env.string(text, frame),
        Value::Array(items) => items.iter().map(|item| value(env, item, frame)).collect(),
        Value::Object(object) => self::object(env, object, frame).map(Value::Object),
        other => Ok(other.clone()),
    }
}

/// The value of an object: keys may be expressions, and a `copy` array in it makes arrays.
pub fn object(env: &Env, template: &Map<String, Value>, frame: &Frame) -> Result<Map<String, Value>, Fault> {
    let mut out = Map::new();
    for (key, item) in template {
        if let Some(loops) = loops(key, item) {
            for definition in loops {
                let name = definition["name"].as_str().unwrap_or_default().to_owned();
                out.insert(name, Value::Array(copied(env, definition, frame)?));
            }
            continue;
        }
        let key = match env.string(key, frame)? {
            Value::String(key) if open::source(&key).is_some() => return Err(Fault::Late(key)),
            Value::String(key) => key,
            other => {
                return Err(Fault::text(format!("The template property name '{other}' is not a string.")));
            }
        };
        out.insert(key, value(env, item, frame)?);
    }
    Ok(out)
}

/// The definitions of a property-level `copy`, if this property is one.
fn loops<'v>(key: &str, item: &'v Value) -> Option<&'v Vec<Value>> {
    let loops = item.as_array().filter(|_| key == "copy")?;
    loops.iter().all(|one| one.get("count").is_some() && one.get("input").is_some()).then_some(loops)
}

/// The array that one loop makes.
pub fn copied(env: &Env, definition: &Value, frame: &Frame) -> Result<Vec<Value>, Fault> {
    let name = definition["name"].as_str().unwrap_or_default();
    let count = count(env, &definition["count"], frame)?;
    (0..count).map(|index| value(env, &definition["input"], &frame.with_copy(name, index))).collect()
}

/// The number of instances of a loop.
pub fn count(env: &Env, template: &Value, frame: &Frame) -> Result<i64, Fault> {
    let count = value(env, template, frame)?;
    if open::source_of(&count).is_some() {
        return Err(Fault::Late("copy".into()));
    }
    count.as_i64().filter(|count| (0..=MOST_COPIES).contains(count)).ok_or_else(|| {
        let shown = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
        Fault::text(format!(
            "The template 'copy' definition at line '1' and column '1' has an invalid copy count of: '{shown}'. The copy count must be a non-negative integer value and cannot exceed '{MOST_COPIES}'. Please see https://aka.ms/arm-resource-loops for usage details."
        ))
    })
}
