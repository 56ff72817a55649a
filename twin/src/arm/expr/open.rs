//! Expressions that have no value before a deployment runs, carried as values: what `reference` would give, and
//! whatever is made of it. They are printed as the official evaluator prints them.

use std::fmt::Display;

use serde_json::{Value, json};

/// Begins the text of an open expression. A template cannot have it: it is of Unicode's private use.
const MARK: char = '\u{e000}';

/// The open expression with this source.
pub fn open(source: impl Display) -> Value {
    json!(format!("{MARK}{source}"))
}

/// The source of a text that is an open expression.
pub fn source(text: &str) -> Option<&str> {
    text.strip_prefix(MARK)
}

/// The source of a value that is an open expression.
pub fn source_of(value: &Value) -> Option<&str> {
    value.as_str().and_then(source)
}

/// Whether a value is an open expression or has one inside.
pub fn is_in(value: &Value) -> bool {
    match value {
        Value::String(text) => source(text).is_some(),
        Value::Array(items) => items.iter().any(is_in),
        Value::Object(object) => object.values().any(is_in),
        _ => false,
    }
}

/// A call whose arguments are not all known, which is open itself.
pub fn call(function: &str, arguments: &[Value]) -> Value {
    open(call_source(function, arguments))
}

/// The source of a call.
pub fn call_source(function: &str, arguments: &[Value]) -> String {
    format!("{function}({})", arguments.iter().map(print).collect::<Vec<_>>().join(", "))
}

/// A step into an open value.
pub fn step(source: &str, key: &Value) -> Value {
    let is_word = |name: &&str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    match key.as_str().filter(is_word) {
        Some(name) => open(format!("{source}.{name}")),
        None => open(format!("{source}[{}]", print(key))),
    }
}

/// The source of any value.
pub fn print(value: &Value) -> String {
    match value {
        Value::String(text) => {
            source(text).map_or_else(|| format!("'{}'", text.replace('\'', "''")), str::to_owned)
        }
        Value::Array(items) => call_source("createArray", items),
        Value::Object(object) => {
            let pairs: Vec<Value> =
                object.iter().flat_map(|(name, value)| [json!(name), value.clone()]).collect();
            call_source("createObject", &pairs)
        }
        Value::Null => "null()".to_owned(),
        Value::Bool(value) => format!("{value}()"),
        Value::Number(number) => number.to_string(),
    }
}

/// A value as Azure shows it: each open expression in brackets.
pub fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(shown_text(text)),
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(object) => {
            Value::Object(object.iter().map(|(name, value)| (name.clone(), shown(value))).collect())
        }
        other => other.clone(),
    }
}

/// A text as Azure shows it.
pub fn shown_text(text: &str) -> String {
    source(text).map_or_else(|| text.to_owned(), |source| format!("[{source}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_the_official_evaluator_prints() {
        let id = open("reference('/vm', '2025-04-01', 'full').identity");
        let principal = step(source_of(&id).unwrap(), &json!("principalId"));
        let guid = call("guid", &[json!("it's"), principal.clone()]);
        let expected = "guid('it''s', reference('/vm', '2025-04-01', 'full').identity.principalId)";
        assert_eq!(print(&guid), expected);
        let whole = json!({"a": [1, true, null, {"b": principal}]});
        assert!(is_in(&whole) && !is_in(&json!({"a": ["[x]"]})));
        assert_eq!(shown(&guid), json!(format!("[{expected}]")));
        assert_eq!(
            print(&whole),
            "createObject('a', createArray(1, true(), null(), createObject('b', reference('/vm', '2025-04-01', 'full').identity.principalId)))"
        );
        assert_eq!(print(&step("f()", &json!(0))), "f()[0]");
        assert_eq!(print(&step("f()", &json!("a-b"))), "f()['a-b']");
    }
}
