//! Evaluation of a parsed expression.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::args::{Args, get, type_name, wrong_count};
use super::claimed::is_claimed;
use super::frame::Frame;
use super::parse::{self, Expr};
use super::{Fault, functions, json, lambda, open, runtime};
use crate::arm::World;
use crate::arm::program::Program;

/// Whether the resources of the deployment may be asked about yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before anything runs: `reference` and its kin have no answer.
    Start,
    /// A resource whose dependencies are done, or the outputs.
    Run,
    /// Before anything runs, to tell what it would do: what has no answer yet stays an open expression.
    Predict,
}

/// Everything an expression of one deployment can see, apart from its [`Frame`].
pub struct Env<'a> {
    /// The deployment's parameters, variables, functions and resources.
    pub program: &'a Program,
    /// The simulated Azure.
    pub world: &'a dyn World,
    /// What may be asked already.
    pub phase: Phase,
    variables: RefCell<BTreeMap<String, Option<Value>>>,
}

impl<'a> Env<'a> {
    /// A new environment; variables are evaluated once in it, on first use.
    pub fn new(program: &'a Program, world: &'a dyn World, phase: Phase) -> Env<'a> {
        Env { program, world, phase, variables: RefCell::default() }
    }

    /// The value of a string of a template: itself, unless it is an expression.
    pub fn string(&self, text: &str, frame: &Frame) -> Result<Value, Fault> {
        if parse::is_expression(text) {
            let expr = parse::parse(&text[1..text.len() - 1]).map_err(Fault::Text)?;
            return self.eval(&expr, frame);
        }
        let literal = text.starts_with("[[") && text.ends_with(']');
        Ok(json!(if literal { &text[1..] } else { text }))
    }

    /// The value of an expression.
    pub fn eval(&self, expr: &Expr, frame: &Frame) -> Result<Value, Fault> {
        match expr {
            Expr::Text(text) => Ok(json!(text)),
            Expr::Number(number) => Ok(json!(number)),
            Expr::Property(of, name) => step(self.eval(of, frame)?, &json!(name)),
            Expr::Index(of, index) => step(self.eval(of, frame)?, &self.eval(index, frame)?),
            Expr::Call(name, arguments) => self.call(name, arguments, frame),
        }
    }

    fn call(&self, name: &str, arguments: &[Expr], frame: &Frame) -> Result<Value, Fault> {
        let lower = name.to_ascii_lowercase();
        if !is_claimed(&lower) && !self.program.functions.contains_key(&lower) {
            self.arguments(name, arguments, frame)?;
            return Err(invalid_function(name));
        }
        match lower.as_str() {
            "if" => self.either(arguments, frame),
            "and" => self.all_are(name, arguments, frame, true),
            "or" => self.all_are(name, arguments, frame, false),
            "coalesce" => self.coalesce(arguments, frame),
            "tryget" => self.try_get(arguments, frame),
            "parameters" => self.parameter(&self.name_argument(name, arguments, frame)?, frame),
            "variables" => self.variable(&self.name_argument(name, arguments, frame)?),
            "lambdavariables" => {
                let variable = self.name_argument(name, arguments, frame)?;
                let found =
                    frame.variables.iter().rev().find(|(other, _)| other.eq_ignore_ascii_case(&variable));
                found.map(|(_, value)| value.clone()).ok_or_else(|| invalid_function(name))
            }
            "copyindex" => copy_index(&self.arguments(name, arguments, frame)?, frame),
            _ => match lambda::call(self, name, arguments, frame) {
                Some(result) => result,
                None => self.eager(name, arguments, frame),
            },
        }
    }

    fn eager(&self, name: &str, arguments: &[Expr], frame: &Frame) -> Result<Value, Fault> {
        let args = self.arguments(name, arguments, frame)?;
        if let Some(function) = self.program.functions.get(&name.to_ascii_lowercase()) {
            return self.user_function(function, args);
        }
        if is_open(&args) {
            return Ok(runtime::open_call(self.program, &args));
        }
        match runtime::call(self, &args) {
            Some(result) => result,
            None => functions::call(name, args.values).unwrap_or_else(|| Err(invalid_function(name))),
        }
    }

    /// Evaluates all arguments of a call.
    pub fn arguments<'n>(&self, name: &'n str, arguments: &[Expr], frame: &Frame) -> Result<Args<'n>, Fault> {
        let values = arguments.iter().map(|argument| self.eval(argument, frame)).collect::<Result<_, _>>()?;
        Ok(Args { function: name, values })
    }

    fn name_argument(&self, name: &str, arguments: &[Expr], frame: &Frame) -> Result<String, Fault> {
        let args = self.arguments(name, arguments, frame)?;
        args.count(1..=1)?;
        args.text(0).map(str::to_owned)
    }

    fn either(&self, arguments: &[Expr], frame: &Frame) -> Result<Value, Fault> {
        let [condition, yes, no] = arguments else {
            return Err(wrong_count("if", 3, arguments.len()));
        };
        match self.eval(condition, frame)? {
            value if open::is_in(&value) => {
                Ok(open::call("if", &self.arguments("if", arguments, frame)?.values))
            }
            Value::Bool(condition) => self.eval(if condition { yes } else { no }, frame),
            other => Err(Fault::text(format!(
                "The template language function 'if' expects its first parameter to be of type 'boolean'. The provided value is of type '{}'. Please see https://aka.ms/arm-function-if for usage details.",
                type_name(&other)
            ))),
        }
    }

    /// `and` and `or`: the first argument that decides ends the evaluation.
    fn all_are(&self, name: &str, arguments: &[Expr], frame: &Frame, wanted: bool) -> Result<Value, Fault> {
        if arguments.len() < 2 {
            return Err(Fault::text(format!(
                "Unable to evaluate template language function '{name}'. At least two parameter should be provided. Please see https://aka.ms/arm-functions for usage details."
            )));
        }
        for argument in arguments {
            match self.eval(argument, frame)? {
                value if open::is_in(&value) => {
                    return Ok(open::call(name, &self.arguments(name, arguments, frame)?.values));
                }
                Value::Bool(value) if value == wanted => {}
                Value::Bool(value) => return Ok(json!(value)),
                _ => {
                    return Err(Fault::text(format!(
                        "The provided arguments for template language function '{name}' is not valid: all arguments should be of type 'boolean'. Please see https://aka.ms/arm-functions#{name} for usage details."
                    )));
                }
            }
        }
        Ok(json!(wanted))
    }

    fn coalesce(&self, arguments: &[Expr], frame: &Frame) -> Result<Value, Fault> {
        for argument in arguments {
            let value = self.eval(argument, frame)?;
            if open::source_of(&value).is_some() {
                return Ok(open::call("coalesce", &self.arguments("coalesce", arguments, frame)?.values));
            }
            if !value.is_null() {
                return Ok(value);
            }
        }
        Ok(Value::Null)
    }

    /// `tryGet(of, key, …)`: null when the first step leads nowhere or to null; the steps after it are strict.
    fn try_get(&self, arguments: &[Expr], frame: &Frame) -> Result<Value, Fault> {
        let args = self.arguments("tryGet", arguments, frame)?;
        args.count(2..)?;
        if open::source_of(args.value(0)).is_some() {
            return Ok(open::call("tryGet", &args.values));
        }
        let first = match (args.value(0), args.value(1)) {
            (Value::Object(object), Value::String(key)) => get(object, key),
            (Value::Array(items), Value::Number(index)) => {
                index.as_u64().and_then(|index| items.get(usize::try_from(index).ok()?))
            }
            _ => None,
        };
        match first {
            None | Some(Value::Null) => Ok(Value::Null),
            Some(found) => args.values[2..].iter().try_fold(found.clone(), step),
        }
    }

    fn parameter(&self, name: &str, frame: &Frame) -> Result<Value, Fault> {
        get(frame.parameters.as_ref().unwrap_or(&self.program.parameters), name).cloned().ok_or_else(|| {
            Fault::text(format!(
                "The template parameter '{name}' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details."
            ))
        })
    }

    fn variable(&self, name: &str) -> Result<Value, Fault> {
        let key = name.to_ascii_lowercase();
        if let Some(known) = self.variables.borrow().get(&key) {
            return known.clone().ok_or_else(|| {
                Fault::text(format!(
                    "The '{name}' symbol references itself in its own definition, which is not allowed."
                ))
            });
        }
        self.variables.borrow_mut().insert(key.clone(), None);
        let value = self.variable_value(name);
        match &value {
            Ok(value) => self.variables.borrow_mut().insert(key, Some(value.clone())),
            Err(_) => self.variables.borrow_mut().remove(&key),
        };
        value
    }

    fn variable_value(&self, name: &str) -> Result<Value, Fault> {
        if let Some(definition) =
            get(&self.program.variables, name).filter(|_| !name.eq_ignore_ascii_case("copy"))
        {
            return json::value(self, definition, &Frame::default());
        }
        let loops = self.program.variables.get("copy").and_then(Value::as_array).into_iter().flatten();
        for definition in loops {
            if definition["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(name)) {
                return json::copied(self, definition, &Frame::default()).map(Value::Array);
            }
        }
        Err(Fault::text(format!(
            "The template variable '{name}' is not found. Please see https://aka.ms/arm-syntax-variables for usage details."
        )))
    }

    fn user_function(&self, function: &Value, args: Args) -> Result<Value, Fault> {
        let declared = function["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        args.count(declared.len()..=declared.len())?;
        let names =
            declared.iter().map(|parameter| parameter["name"].as_str().unwrap_or_default().to_owned());
        let parameters: Map<String, Value> = names.zip(args.values).collect();
        json::value(
            self,
            &function["output"]["value"],
            &Frame { parameters: Some(parameters), ..Frame::default() },
        )
    }
}

/// Whether a call has no value because an argument is open, or has something open inside that the function looks at.
fn is_open(args: &Args) -> bool {
    match args.function.to_ascii_lowercase().as_str() {
        "createobject" | "createarray" => false,
        "length" | "empty" | "union" | "concat" => {
            args.values.iter().any(|value| open::source_of(value).is_some())
        }
        _ => args.values.iter().any(open::is_in),
    }
}

/// One step into a value: `.name` or `[index]`.
fn step(of: impl std::borrow::Borrow<Value>, key: &Value) -> Result<Value, Fault> {
    if let Some(source) = open::source_of(of.borrow()) {
        return Ok(open::step(source, key));
    }
    match (of.borrow(), key) {
        (Value::Object(object), Value::String(name)) => get(object, name).cloned().ok_or_else(|| {
            let known: Vec<&str> = object.keys().map(String::as_str).collect();
            Fault::text(format!(
                "The language expression property '{name}' doesn't exist, available properties are '{}'.",
                known.join(", ")
            ))
        }),
        (Value::Object(_), other) => Err(Fault::text(format!(
            "The language expression property '{other}' can't be evaluated, property name must be a string."
        ))),
        (Value::Array(items), Value::Number(index)) => {
            let found = index.as_u64().and_then(|index| items.get(usize::try_from(index).ok()?));
            found.cloned().ok_or_else(|| {
                Fault::text(format!(
                    "The language expression property array index '{index}' is out of bounds."
                ))
            })
        }
        (Value::Array(_), other) => Err(Fault::text(format!(
            "Unable to evaluate named property or non-integer index '{}' on an array value.",
            other.as_str().unwrap_or_default()
        ))),
        (_, other) => Err(Fault::text(format!(
            "The language expression property '{}' can't be evaluated.",
            other.as_str().map_or_else(|| other.to_string(), str::to_owned)
        ))),
    }
}

fn copy_index(args: &Args, frame: &Frame) -> Result<Value, Fault> {
    args.count(..=2)?;
    let (name, offset_at) = match args.value(0) {
        Value::String(name) => (Some(name), 1),
        _ => (None, 0),
    };
    let offset = if args.values.len() > offset_at { args.int(offset_at)? } else { 0 };
    let index = match name {
        None => frame.copy,
        Some(name) => {
            let found = frame.copies.iter().rev().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, index)| *index)
        }
    };
    index.map(|index| json!(index + offset)).ok_or_else(|| {
        Fault::text(
            "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified. Please see https://aka.ms/arm-resource-loops for usage details.",
        )
    })
}

fn invalid_function(name: &str) -> Fault {
    Fault::text(format!(
        "The template function '{name}' is not valid. Please see https://aka.ms/arm-functions for usage details."
    ))
}
