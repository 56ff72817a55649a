//! Arguments of a built-in function, checked with Azure's words.

use serde_json::{Map, Value};

use super::Fault;

/// The evaluated arguments of one call.
pub struct Args<'a> {
    /// Function name as the expression spells it.
    pub function: &'a str,
    /// Argument values.
    pub values: Vec<Value>,
}

impl Args<'_> {
    /// Refuses a number of arguments outside `range`.
    pub fn count(&self, range: impl std::ops::RangeBounds<usize>) -> Result<(), Fault> {
        if range.contains(&self.values.len()) {
            return Ok(());
        }
        let needed = match range.start_bound() {
            std::ops::Bound::Included(n) | std::ops::Bound::Excluded(n) => *n,
            std::ops::Bound::Unbounded => 0,
        };
        Err(wrong_count(self.function, needed, self.values.len()))
    }

    /// The argument at `at`; null when it is absent.
    pub fn value(&self, at: usize) -> &Value {
        self.values.get(at).unwrap_or(&Value::Null)
    }

    /// A string argument.
    pub fn text(&self, at: usize) -> Result<&str, Fault> {
        self.value(at).as_str().ok_or_else(|| self.type_error(at, "String"))
    }

    /// An integer argument.
    pub fn int(&self, at: usize) -> Result<i64, Fault> {
        self.value(at).as_i64().ok_or_else(|| self.type_error(at, "Integer"))
    }

    /// A boolean argument.
    pub fn bool(&self, at: usize) -> Result<bool, Fault> {
        self.value(at).as_bool().ok_or_else(|| self.type_error(at, "Boolean"))
    }

    /// An array argument.
    pub fn array(&self, at: usize) -> Result<&Vec<Value>, Fault> {
        self.value(at).as_array().ok_or_else(|| self.type_error(at, "Array"))
    }

    /// An object argument.
    pub fn object(&self, at: usize) -> Result<&Map<String, Value>, Fault> {
        self.value(at).as_object().ok_or_else(|| self.type_error(at, "Object"))
    }

    /// The refusal of an argument of the wrong type.
    pub fn type_error(&self, at: usize, expected: &str) -> Fault {
        let which = if self.values.len() == 1 { String::new() } else { format!("{} ", ordinal(at)) };
        Fault::text(format!(
            "The template language function '{}' expects its {which}parameter to be of type '{expected}'. The provided value is of type '{}'. Please see https://aka.ms/arm-functions for usage details.",
            self.function,
            type_name(self.value(at))
        ))
    }

    /// The refusal of an argument that is of none of several types.
    pub fn one_of_types(&self, at: usize, expected: &str) -> Fault {
        Fault::text(format!(
            "The template language function '{}' expects its {} parameter to be one of the following types '{expected}'. The provided value is of type '{}'. Please see https://aka.ms/arm-functions for usage details.",
            self.function,
            ordinal(at),
            type_name(self.value(at))
        ))
    }

    /// The refusal of an array with elements of the wrong types.
    pub fn element_error(&self, at: usize, expected: &str, wrong: impl Fn(&Value) -> bool) -> Fault {
        let bad: Vec<(usize, &Value)> = self
            .value(at)
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(_, value)| wrong(value))
            .collect();
        let indices: Vec<String> = bad.iter().map(|(index, _)| index.to_string()).collect();
        Fault::text(format!(
            "The template language function '{}' expects its {} parameter to be an array only containing elements of type(s) '{expected}'. The provided value contains elements with disallowed type(s) '{}' in index(es) {}. Please see https://aka.ms/arm-functions for usage details.",
            self.function,
            ordinal(at),
            bad.first().map_or("Null", |(_, value)| type_name(value)),
            indices.join(", ")
        ))
    }

    /// The refusal of arguments that cannot be compared as numbers.
    pub fn not_numeric(&self) -> Fault {
        Fault::text(format!(
            "The provided arguments for template language function '{0}' is not valid: all function arguments should be of numeric types. Please see https://aka.ms/arm-functions#{0} for usage details.",
            self.function
        ))
    }

    /// The refusal of a call without arguments.
    pub fn at_least_one(&self) -> Fault {
        Fault::text(format!(
            "Unable to evaluate template language function '{}'. At least one parameter should be provided. Please see https://aka.ms/arm-functions for usage details.",
            self.function
        ))
    }
}

/// The refusal of a wrong number of arguments.
pub fn wrong_count(function: &str, needed: usize, got: usize) -> Fault {
    Fault::text(format!(
        "Unable to evaluate template language function '{function}': function requires {needed} argument(s) while {got} were provided. Please see https://aka.ms/arm-resource-functions/#{} for usage details.",
        function.to_ascii_lowercase()
    ))
}

fn ordinal(at: usize) -> &'static str {
    const WORDS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    WORDS.get(at).copied().unwrap_or("last")
}

/// Name of a value's type in Azure's messages.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// The value of a property, its name compared without regard to case as Azure does.
pub fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}
