//! Objects, and the set functions that take arrays and objects alike.

use serde_json::{Map, Value, json};

use super::order::compare_keys;
use crate::arm::expr::{Fault, args::Args};

/// Calls a function of this file.
pub fn call(name: &str, args: &Args) -> Option<Result<Value, Fault>> {
    Some(match name {
        "createobject" => create(args),
        "items" => args.count(1..=1).and_then(|()| {
            let object = args.object(0)?;
            Ok(sorted(object).into_iter().map(|key| json!({"key": key, "value": object[key]})).collect())
        }),
        "objectkeys" => args.count(1..=1).and_then(|()| Ok(json!(sorted(args.object(0)?)))),
        "union" => union(args),
        "intersection" => intersection(args),
        "shallowmerge" => shallow_merge(args),
        _ => return None,
    })
}

fn create(args: &Args) -> Result<Value, Fault> {
    if args.values.len() % 2 == 1 {
        return Err(Fault::text(format!(
            "The template language function 'createObject' expects an even number of parameters. The number of provided parameters was '{}'. Please see https://aka.ms/arm-functions for usage details.",
            args.values.len()
        )));
    }
    let mut object = Map::new();
    for at in (0..args.values.len()).step_by(2) {
        object.insert(args.text(at)?.to_owned(), args.value(at + 1).clone());
    }
    Ok(Value::Object(object))
}

fn sorted(object: &Map<String, Value>) -> Vec<&String> {
    let mut keys: Vec<&String> = object.keys().collect();
    keys.sort_by(|a, b| compare_keys(a, b));
    keys
}

/// Checks that all arguments are arrays, or all objects; says which.
fn all_arrays(args: &Args) -> Result<bool, Fault> {
    if args.values.is_empty() {
        return Err(args.at_least_one());
    }
    if let Some(at) = args.values.iter().position(|value| !value.is_array() && !value.is_object()) {
        return Err(args.type_error(at, "Array, Object"));
    }
    let arrays = args.values.iter().filter(|value| value.is_array()).count();
    if arrays != 0 && arrays != args.values.len() {
        return Err(Fault::text(format!(
            "Template language function '{}' expects parameters of the same type, but found multiple types.",
            args.function
        )));
    }
    Ok(arrays != 0)
}

fn union(args: &Args) -> Result<Value, Fault> {
    if all_arrays(args)? {
        let mut items: Vec<Value> = Vec::new();
        for item in args.values.iter().filter_map(Value::as_array).flatten() {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
        return Ok(json!(items));
    }
    let objects = args.values.iter().filter_map(Value::as_object);
    Ok(Value::Object(objects.fold(Map::new(), merge)))
}

/// Deep merge: a later null changes nothing, a later key gives the spelling.
fn merge(mut into: Map<String, Value>, from: &Map<String, Value>) -> Map<String, Value> {
    for (key, value) in from {
        let same = into.keys().position(|other| other.eq_ignore_ascii_case(key));
        let Some(at) = same else {
            into.insert(key.clone(), value.clone());
            continue;
        };
        let spelled = into.keys().nth(at).cloned().unwrap_or_default();
        let merged = match (into.get(&spelled), value) {
            (Some(Value::Object(old)), Value::Object(new)) => Value::Object(merge(old.clone(), new)),
            (Some(old), Value::Null) => old.clone(),
            _ => value.clone(),
        };
        into.shift_remove(&spelled);
        into.shift_insert(at, key.clone(), merged);
    }
    into
}

fn intersection(args: &Args) -> Result<Value, Fault> {
    if all_arrays(args)? {
        let kept = |item: &&Value| {
            args.values[1..].iter().filter_map(Value::as_array).all(|other| other.contains(item))
        };
        return Ok(args.array(0)?.iter().filter(kept).cloned().collect());
    }
    let in_all = |(key, value): &(&String, &Value)| {
        args.values[1..].iter().filter_map(Value::as_object).all(|other| other.get(*key) == Some(*value))
    };
    let kept = args.object(0)?.iter().filter(in_all).map(|(key, value)| (key.clone(), value.clone()));
    Ok(Value::Object(kept.collect()))
}

fn shallow_merge(args: &Args) -> Result<Value, Fault> {
    args.count(1..=1)?;
    let wrong = |value: &Value| !value.is_object();
    if args.array(0)?.iter().any(wrong) {
        return Err(args.element_error(0, "Object", wrong));
    }
    let mut merged = Map::new();
    for (key, value) in args.array(0)?.iter().filter_map(Value::as_object).flatten() {
        let spelled = merged.keys().find(|other: &&String| other.eq_ignore_ascii_case(key)).cloned();
        merged.insert(spelled.unwrap_or_else(|| key.clone()), value.clone());
    }
    Ok(Value::Object(merged))
}
