//! Numbers.

use serde_json::{Value, json};

use crate::arm::expr::{Fault, args::Args};

/// Calls a function of this file.
pub fn call(name: &str, args: &Args) -> Option<Result<Value, Fault>> {
    Some(match name {
        "add" => operate(args, i64::checked_add),
        "sub" => operate(args, i64::checked_sub),
        "mul" => operate(args, i64::checked_mul),
        "div" => divide(args, i64::checked_div),
        "mod" => divide(args, i64::checked_rem),
        "min" => extreme(args, Iterator::min),
        "max" => extreme(args, Iterator::max),
        "int" => int(args),
        _ => return None,
    })
}

fn operate(args: &Args, operation: fn(i64, i64) -> Option<i64>) -> Result<Value, Fault> {
    args.count(2..=2)?;
    operation(args.int(0)?, args.int(1)?).map(|value| json!(value)).ok_or_else(|| {
        Fault::text(format!(
            "The template language function '{}' overflowed with the operants '{}' and '{}'. Please see https://aka.ms/arm-functions for usage details.",
            args.function,
            args.value(0),
            args.value(1)
        ))
    })
}

fn divide(args: &Args, operation: fn(i64, i64) -> Option<i64>) -> Result<Value, Fault> {
    args.count(2..=2)?;
    if args.int(1)? == 0 {
        return Err(Fault::text(format!(
            "The template language function '{}' tried to divide by zero. Please see https://aka.ms/arm-functions for usage details.",
            args.function
        )));
    }
    operate(args, operation)
}

fn extreme(args: &Args, pick: fn(std::vec::IntoIter<i64>) -> Option<i64>) -> Result<Value, Fault> {
    let values = if args.value(0).is_array() { args.array(0)? } else { &args.values };
    if values.is_empty() {
        return Err(args.at_least_one());
    }
    let numbers: Option<Vec<i64>> = values.iter().map(Value::as_i64).collect();
    let Some(least_or_most) = numbers.and_then(|numbers| pick(numbers.into_iter())) else {
        return Err(args.not_numeric());
    };
    Ok(json!(least_or_most))
}

fn int(args: &Args) -> Result<Value, Fault> {
    args.count(1..=1)?;
    match args.value(0) {
        Value::Number(number) if number.is_i64() => Ok(args.value(0).clone()),
        Value::String(text) => text.trim().parse().map(|number: i64| json!(number)).map_err(|_| {
            Fault::text(format!(
                "The template language function 'int' cannot convert provided value '{text}' to integer value. Please see https://aka.ms/arm-function-int for usage details."
            ))
        }),
        _ => Err(args.one_of_types(0, "Integer, String")),
    }
}
