//! Functions that take a lambda.

use serde_json::{Map, Value, json};

use super::Fault;
use super::args::{Args, get, type_name};
use super::eval::Env;
use super::frame::Frame;
use super::open;
use super::parse::Expr;

/// A lambda argument: its variables and body.
struct Lambda<'e> {
    names: Vec<String>,
    body: &'e Expr,
}

/// Calls a function of this file.
pub fn call(env: &Env, name: &str, arguments: &[Expr], frame: &Frame) -> Option<Result<Value, Fault>> {
    let function: fn(&Call) -> Result<Value, Fault> = match name.to_ascii_lowercase().as_str() {
        "map" => map,
        "filter" => filter,
        "reduce" => reduce,
        "sort" => sort,
        "toobject" => to_object,
        "groupby" => group_by,
        "mapvalues" => map_values,
        _ => return None,
    };
    Some(function(&Call { env, name, arguments, frame }))
}

struct Call<'a> {
    env: &'a Env<'a>,
    name: &'a str,
    arguments: &'a [Expr],
    frame: &'a Frame,
}

impl<'a> Call<'a> {
    fn value(&self, at: usize) -> Result<Value, Fault> {
        self.arguments.get(at).map_or(Ok(Value::Null), |argument| self.env.eval(argument, self.frame))
    }

    /// The value that the lambda goes over; one that is open has no elements yet.
    fn whole(&self) -> Result<Args<'_>, Fault> {
        let value = self.value(0)?;
        if open::source_of(&value).is_some() {
            return Err(Fault::Late(self.name.to_owned()));
        }
        Ok(Args { function: self.name, values: vec![value, Value::Null] })
    }

    fn array(&self) -> Result<Vec<Value>, Fault> {
        self.whole()?.array(0).cloned()
    }

    fn lambda(&self, at: usize, variables: std::ops::RangeInclusive<usize>) -> Result<Lambda<'a>, Fault> {
        let Some(Expr::Call(name, parts)) = self.arguments.get(at) else { return Err(self.not_a_lambda()) };
        let (true, Some((body, names))) = (name.eq_ignore_ascii_case("lambda"), parts.split_last()) else {
            return Err(self.not_a_lambda());
        };
        if !variables.contains(&names.len()) {
            return Err(super::args::wrong_count("lambda", variables.end() + 1, parts.len()));
        }
        let names = names.iter().map(|name| match name {
            Expr::Text(name) => Ok(name.clone()),
            _ => Err(self.not_a_lambda()),
        });
        Ok(Lambda { names: names.collect::<Result<_, _>>()?, body })
    }

    fn not_a_lambda(&self) -> Fault {
        Fault::text(format!(
            "The template language function '{}' expects its second parameter to be of type 'lambda'. The provided value is of type 'Token'. Please see https://aka.ms/arm-functions for usage details.",
            self.name
        ))
    }

    fn apply(&self, lambda: &Lambda, values: Vec<Value>) -> Result<Value, Fault> {
        self.env.eval(lambda.body, &self.frame.with_variables(&lambda.names, values))
    }

    fn text(&self, lambda: &Lambda, at: usize, values: Vec<Value>) -> Result<String, Fault> {
        match self.apply(lambda, values)? {
            Value::String(text) if open::source(&text).is_some() => Err(Fault::Late(self.name.to_owned())),
            Value::String(text) => Ok(text),
            other => Err(self.wrong_result("String", at, &other)),
        }
    }

    fn wrong_result(&self, expected: &str, at: usize, got: &Value) -> Fault {
        Fault::text(format!(
            "The lambda expression provided to language function '{}' is expected to return a value of type '{expected}', but evaluation on the input element at position {at} returned a value of type '{}'. Please see https://aka.ms/arm-functions for usage details.",
            self.name,
            type_name(got)
        ))
    }
}

fn map(call: &Call) -> Result<Value, Fault> {
    let (items, lambda) = (call.array()?, call.lambda(1, 1..=2)?);
    items.into_iter().enumerate().map(|(at, item)| call.apply(&lambda, vec![item, json!(at)])).collect()
}

fn filter(call: &Call) -> Result<Value, Fault> {
    let (items, lambda) = (call.array()?, call.lambda(1, 1..=2)?);
    let mut kept = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        match call.apply(&lambda, vec![item.clone(), json!(at)])? {
            Value::Bool(true) => kept.push(item),
            Value::Bool(false) => {}
            value if open::is_in(&value) => return Err(Fault::Late(call.name.to_owned())),
            other => return Err(call.wrong_result("Boolean", at, &other)),
        }
    }
    Ok(json!(kept))
}

fn reduce(call: &Call) -> Result<Value, Fault> {
    let (items, lambda) = (call.array()?, call.lambda(2, 2..=3)?);
    items
        .into_iter()
        .enumerate()
        .try_fold(call.value(1)?, |sum, (at, item)| call.apply(&lambda, vec![sum, item, json!(at)]))
}

fn sort(call: &Call) -> Result<Value, Fault> {
    let (items, lambda) = (call.array()?, call.lambda(1, 2..=2)?);
    let mut sorted: Vec<Value> = Vec::new();
    for item in items {
        let mut at = sorted.len();
        while at > 0 && call.apply(&lambda, vec![item.clone(), sorted[at - 1].clone()])? == json!(true) {
            at -= 1;
        }
        sorted.insert(at, item);
    }
    Ok(json!(sorted))
}

fn to_object(call: &Call) -> Result<Value, Fault> {
    let (items, key) = (call.array()?, call.lambda(1, 1..=1)?);
    let value = if call.arguments.len() > 2 { Some(call.lambda(2, 1..=1)?) } else { None };
    let mut object = Map::new();
    for (at, item) in items.into_iter().enumerate() {
        let name = call.text(&key, at, vec![item.clone()])?;
        if get(&object, &name).is_some() {
            return Err(Fault::text(format!(
                "The lambda expression parameter at index '1' of function 'toObject' returned a duplicate key '{name}'. Object keys must be strings that are case-insensitively unique. Please see https://aka.ms/arm-functions for usage details."
            )));
        }
        let value = match &value {
            Some(lambda) => call.apply(lambda, vec![item])?,
            None => item,
        };
        object.insert(name, value);
    }
    Ok(Value::Object(object))
}

fn group_by(call: &Call) -> Result<Value, Fault> {
    let (items, lambda) = (call.array()?, call.lambda(1, 1..=2)?);
    let mut groups: Map<String, Value> = Map::new();
    for (at, item) in items.into_iter().enumerate() {
        let key = call.text(&lambda, at, vec![item.clone(), json!(at)])?;
        if let Value::Array(group) = groups.entry(key).or_insert_with(|| json!([])) {
            group.push(item);
        }
    }
    Ok(Value::Object(groups))
}

fn map_values(call: &Call) -> Result<Value, Fault> {
    let args = call.whole()?;
    let lambda = call.lambda(1, 1..=1)?;
    let mapped = args
        .object(0)?
        .iter()
        .map(|(key, value)| Ok((key.clone(), call.apply(&lambda, vec![value.clone()])?)));
    Ok(Value::Object(mapped.collect::<Result<_, Fault>>()?))
}
