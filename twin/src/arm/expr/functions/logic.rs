//! Comparison and truth. `and`, `or`, `if` and `coalesce` are lazy and live in `eval`.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::compare;
use crate::arm::expr::{Fault, args::Args};

/// Calls a function of this file.
pub fn call(name: &str, args: &Args) -> Option<Result<Value, Fault>> {
    Some(match name {
        "true" => args.count(0..=0).map(|()| json!(true)),
        "false" => args.count(0..=0).map(|()| json!(false)),
        "null" => args.count(0..=0).map(|()| Value::Null),
        "not" => args.count(1..=1).and_then(|()| Ok(json!(!args.bool(0)?))),
        "bool" => bool(args),
        "equals" => args.count(2..=2).map(|()| json!(args.value(0) == args.value(1))),
        "less" => ordered(args, |order| order == Ordering::Less),
        "lessorequals" => ordered(args, |order| order != Ordering::Greater),
        "greater" => ordered(args, |order| order == Ordering::Greater),
        "greaterorequals" => ordered(args, |order| order != Ordering::Less),
        _ => return None,
    })
}

fn bool(args: &Args) -> Result<Value, Fault> {
    args.count(1..=1)?;
    let value = match args.value(0) {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
        _ => None,
    };
    value.map(Value::Bool).ok_or_else(|| {
        Fault::text(
            "The template language function 'bool' was invoked with a parameter that is not valid. The value cannot be converted to the target type.",
        )
    })
}

fn ordered(args: &Args, test: impl Fn(Ordering) -> bool) -> Result<Value, Fault> {
    args.count(2..=2)?;
    let order = match (args.value(0), args.value(1)) {
        (Value::Number(_), Value::Number(_)) => args.int(0)?.cmp(&args.int(1)?),
        (Value::Number(_) | Value::String(_), _) => compare(args.text(0)?, args.text(1)?),
        _ => return Err(args.not_numeric()),
    };
    Ok(json!(test(order)))
}
