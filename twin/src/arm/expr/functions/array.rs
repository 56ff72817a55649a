//! Arrays, and the functions that take arrays and strings alike.

use serde_json::{Value, json};

use super::text::string;
use crate::arm::expr::{
    Fault,
    args::{Args, get, type_name},
};

/// Calls a function of this file.
pub fn call(name: &str, args: &Args) -> Option<Result<Value, Fault>> {
    Some(match name {
        "array" => args.count(1..=1).map(|()| match args.value(0) {
            Value::Array(_) => args.value(0).clone(),
            other => json!([other]),
        }),
        "createarray" => Ok(json!(args.values)),
        "concat" => concat(args),
        "contains" => contains(args),
        "empty" => empty(args),
        "first" => end(args, |items| items.first().cloned(), |units| units.first().copied()),
        "last" => end(args, |items| items.last().cloned(), |units| units.last().copied()),
        "flatten" => flatten(args),
        "indexof" => position(
            args,
            |items, item| items.iter().position(|other| other == item),
            |text, part| text.find(part),
        ),
        "lastindexof" => position(
            args,
            |items, item| items.iter().rposition(|other| other == item),
            |text, part| text.rfind(part),
        ),
        "length" => length(args),
        "range" => range(args),
        "skip" => part(args, |items, count| items[count..].to_vec(), |units, count| units[count..].to_vec()),
        "take" => part(args, |items, count| items[..count].to_vec(), |units, count| units[..count].to_vec()),
        _ => return None,
    })
}

fn concat(args: &Args) -> Result<Value, Fault> {
    if !args.values.is_empty() && args.values.iter().all(Value::is_array) {
        return Ok(args.values.iter().filter_map(Value::as_array).flatten().cloned().collect());
    }
    if args.values.iter().any(|value| value.is_null() || value.is_array() || value.is_object()) {
        return Err(Fault::text(
            "The provided parameters for language function 'concat' are invalid. Either all or none of the parameters must be an array. Please see https://aka.ms/arm-function-concat for usage details.",
        ));
    }
    let parts = (0..args.values.len()).map(|at| string(args, at)).collect::<Result<Vec<String>, Fault>>()?;
    Ok(json!(parts.concat()))
}

fn contains(args: &Args) -> Result<Value, Fault> {
    args.count(2..=2)?;
    let found = match (args.value(0), args.value(1)) {
        (Value::Object(object), Value::String(key)) => get(object, key).is_some(),
        (Value::Array(items), item) => items.contains(item),
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (container, item) => {
            return Err(Fault::text(format!(
                "The template function 'contains' expects parameters of matching types: a dictionary and a key (string), an array and a value (object), or a string and a substring. The provided types '{}' and '{}' are incompatible. Please see https://aka.ms/arm-function-contains for usage details.",
                type_name(container),
                type_name(item)
            )));
        }
    };
    Ok(json!(found))
}

fn empty(args: &Args) -> Result<Value, Fault> {
    args.count(1..=1)?;
    Ok(json!(match args.value(0) {
        Value::Null => true,
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        other => {
            return Err(Fault::text(format!(
                "The template function 'empty' expects its parameter to be an object, an array, or a string. The provided value is of type '{}'. Please see https://aka.ms/arm-function-empty for usage details.",
                type_name(other)
            )));
        }
    }))
}

fn end(
    args: &Args,
    item: impl Fn(&[Value]) -> Option<Value>,
    unit: impl Fn(&[u16]) -> Option<u16>,
) -> Result<Value, Fault> {
    args.count(1..=1)?;
    match args.value(0) {
        Value::Array(items) => Ok(item(items).unwrap_or(Value::Null)),
        Value::String(text) => {
            let units: Vec<u16> = text.encode_utf16().collect();
            Ok(json!(String::from_utf16_lossy(unit(&units).as_slice())))
        }
        other => Err(Fault::text(format!(
            "The template language function '{0}' expects its parameter be an array or a string. The provided value is of type '{1}'. Please see https://aka.ms/arm-function-{0} for usage details.",
            args.function,
            type_name(other)
        ))),
    }
}

fn flatten(args: &Args) -> Result<Value, Fault> {
    args.count(1..=1)?;
    let wrong = |value: &Value| !value.is_array();
    if args.array(0)?.iter().any(wrong) {
        return Err(args.element_error(0, "Array", wrong));
    }
    Ok(args.array(0)?.iter().filter_map(Value::as_array).flatten().cloned().collect())
}

fn position(
    args: &Args,
    in_array: impl Fn(&[Value], &Value) -> Option<usize>,
    in_text: impl Fn(&str, &str) -> Option<usize>,
) -> Result<Value, Fault> {
    args.count(2..=2)?;
    let found = match args.value(0) {
        Value::Array(items) => in_array(items, args.value(1)),
        _ => {
            let (text, part) = (args.text(0)?.to_lowercase(), args.text(1)?.to_lowercase());
            in_text(&text, &part).map(|at| text[..at].encode_utf16().count())
        }
    };
    Ok(found.map_or(json!(-1), |at| json!(at)))
}

fn length(args: &Args) -> Result<Value, Fault> {
    args.count(1..=1)?;
    Ok(json!(match args.value(0) {
        Value::Array(items) => items.len(),
        Value::Object(object) => object.len(),
        Value::String(text) => text.encode_utf16().count(),
        other => {
            return Err(Fault::text(format!(
                "The template language function 'length' expects its parameter to be an array, object, or a string. The provided value is of type '{}'. Please see https://aka.ms/arm-function-length for usage details.",
                type_name(other)
            )));
        }
    }))
}

fn range(args: &Args) -> Result<Value, Fault> {
    args.count(2..=2)?;
    let (start, count) = (args.int(0)?, args.int(1)?);
    if !(0..=1000).contains(&count) || start.saturating_add(count) > i64::from(i32::MAX) {
        return Err(Fault::text(
            "The template language function 'range' parameters are out of range: 'count' must be a positive integer no larger than 1000 and the sum of 'start index' and 'count' must be no larger than 2147483647. Please see https://aka.ms/arm-function-range for usage details.",
        ));
    }
    Ok((start..start + count).map(|number| json!(number)).collect())
}

fn part(
    args: &Args,
    items: impl Fn(&[Value], usize) -> Vec<Value>,
    units: impl Fn(&[u16], usize) -> Vec<u16>,
) -> Result<Value, Fault> {
    args.count(2..=2)?;
    let count = usize::try_from(args.int(1)?.max(0)).unwrap_or(usize::MAX);
    match args.value(0) {
        Value::Array(all) => Ok(json!(items(all, count.min(all.len())))),
        _ => {
            let all: Vec<u16> = args.text(0)?.encode_utf16().collect();
            Ok(json!(String::from_utf16_lossy(&units(&all, count.min(all.len())))))
        }
    }
}
