//! Types of parameters: plain ones, and the user-defined ones that Bicep compiles (`$ref`, properties, items,
//! discriminated unions). Sentences are those of the official evaluator.

use serde_json::{Map, Value};

use super::expr::args::{get, type_name};

const SYNTAX: &str = "Please see https://aka.ms/arm-syntax-parameters for usage details.";
const CREATE: &str = "Please see https://aka.ms/arm-create-parameter-file for usage details.";

/// Deepest chain of types that is followed.
const MAX_DEPTH: usize = 64;

/// Checks of one value: `what` is `parameter` or `output`, `path` names the part of the value.
pub struct Checker<'a> {
    /// `definitions` of the template.
    pub definitions: &'a Map<String, Value>,
    /// Word for the value in messages.
    pub what: &'static str,
}

/// Follows `$ref`s: the types that hold for a value together, nearest first. The error names an unknown definition.
pub fn resolve<'a>(definitions: &'a Map<String, Value>, schema: &'a Value) -> Result<Vec<&'a Value>, String> {
    let mut chain = vec![schema];
    while let Some(reference) = chain.last().and_then(|schema| schema["$ref"].as_str()) {
        let name = reference
            .strip_prefix("#/definitions/")
            .unwrap_or(reference)
            .replace("~1", "/")
            .replace("~0", "~");
        let next = get(definitions, &name).filter(|_| chain.len() < MAX_DEPTH);
        chain.push(
            next.ok_or_else(|| format!("The template type reference '{reference}' could not be resolved."))?,
        );
    }
    Ok(chain)
}

/// The `type` of a declaration in lower case, through its `$ref`s.
pub fn type_of(definitions: &Map<String, Value>, schema: &Value) -> Result<String, String> {
    let chain = resolve(definitions, schema)?;
    Ok(chain.iter().find_map(|schema| schema["type"].as_str()).unwrap_or_default().to_ascii_lowercase())
}

/// Whether null is a value of the type.
pub fn nullable(definitions: &Map<String, Value>, schema: &Value) -> bool {
    resolve(definitions, schema).is_ok_and(|chain| chain.iter().any(|schema| schema["nullable"] == true))
}

impl Checker<'_> {
    /// Refuses a value that the type does not allow.
    pub fn check(&self, path: &str, value: &Value, schema: &Value) -> Result<(), String> {
        let chain = resolve(self.definitions, schema)?;
        if value.is_null() && chain.iter().any(|schema| schema["nullable"] == true) {
            return Ok(());
        }
        let kind = chain.iter().find_map(|schema| schema["type"].as_str()).unwrap_or_default();
        self.kind(path, value, kind)?;
        for schema in chain {
            self.allowed(path, value, schema)?;
            self.bounds(path, value, schema)?;
            match value {
                Value::Array(items) => self.items(path, items, schema)?,
                Value::Object(object) => self.object(path, object, schema)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn refuse(&self, path: &str, why: String) -> Result<(), String> {
        Err(format!("The provided value for the template {} '{path}' is not valid. {why}", self.what))
    }

    fn kind(&self, path: &str, value: &Value, kind: &str) -> Result<(), String> {
        let (expected, fits) = match kind.to_ascii_lowercase().as_str() {
            "string" | "securestring" => ("String, Uri", value.is_string()),
            "int" => ("Integer", value.is_i64()),
            "bool" => ("Boolean", value.is_boolean()),
            "array" => ("Array", value.is_array()),
            "object" | "secureobject" => ("Object", value.is_object()),
            other => return self.refuse(path, format!("The type '{other}' is not known.")),
        };
        if fits {
            return Ok(());
        }
        let got = type_name(value);
        self.refuse(
            path,
            format!("Expected a value of type '{expected}', but received a value of type '{got}'. {CREATE}"),
        )
    }

    fn allowed(&self, path: &str, value: &Value, schema: &Value) -> Result<(), String> {
        let Some(allowed) = schema["allowedValues"].as_array() else { return Ok(()) };
        let member = |value: &Value| allowed.iter().any(|other| same_value(other, value));
        let fits = member(value) || value.as_array().is_some_and(|items| items.iter().all(member));
        if fits {
            return Ok(());
        }
        let known: Vec<String> = allowed.iter().map(plain).collect();
        self.refuse(
            path,
            format!(
                "The value '{}' is not part of the allowed value(s): '{}'.",
                plain(value),
                known.join(",")
            ),
        )
    }

    fn bounds(&self, path: &str, value: &Value, schema: &Value) -> Result<(), String> {
        let size = match value {
            Value::String(text) => Some(text.encode_utf16().count() as i64),
            Value::Array(items) => Some(items.len() as i64),
            _ => None,
        };
        let bound = |name: &str| schema[name].as_i64();
        for (number, least, most, subject) in [
            (size, bound("minLength"), bound("maxLength"), "Length of the value"),
            (value.as_i64(), bound("minValue"), bound("maxValue"), "Value"),
        ] {
            let Some(number) = number else { continue };
            if let Some(least) = least.filter(|least| number < *least) {
                return self.refuse(
                    path,
                    format!("{subject} should be greater than or equal to '{least}'. {SYNTAX}"),
                );
            }
            if let Some(most) = most.filter(|most| number > *most) {
                return self
                    .refuse(path, format!("{subject} should be less than or equal to '{most}'. {SYNTAX}"));
            }
        }
        Ok(())
    }

    fn items(&self, path: &str, items: &[Value], schema: &Value) -> Result<(), String> {
        let first = schema["prefixItems"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (at, item) in items.iter().enumerate() {
            let path = format!("{path}[{at}]");
            match first.get(at).unwrap_or(&schema["items"]) {
                Value::Bool(false) => {
                    let path = path.rsplit_once('[').map_or(path.as_str(), |(path, _)| path);
                    let expected = first.len();
                    return self.refuse(
                        path,
                        format!("The array expects exactly {expected} item(s), but additional items were present. {SYNTAX}"),
                    );
                }
                item_schema @ Value::Object(_) => self.check(&path, item, item_schema)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn object(&self, path: &str, object: &Map<String, Value>, schema: &Value) -> Result<(), String> {
        if let Some(mapping) = schema["discriminator"]["mapping"].as_object() {
            let variant = self.variant(path, object, &schema["discriminator"], mapping)?;
            self.check(path, &Value::Object(object.clone()), variant)?;
        }
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        for (name, property) in properties {
            let value = get(object, name).unwrap_or(&Value::Null);
            if value.is_null() && !nullable(self.definitions, property) {
                return self.refuse(
                    path,
                    format!("A non-null value for the property '{name}' must be provided, but the property was null or missing. {SYNTAX}"),
                );
            }
            self.check(&format!("{path}.{name}"), value, property)?;
        }
        self.additional(path, object, schema, properties)
    }

    fn additional(
        &self,
        path: &str,
        object: &Map<String, Value>,
        schema: &Value,
        properties: &Map<String, Value>,
    ) -> Result<(), String> {
        let others: Vec<(&String, &Value)> =
            object.iter().filter(|(key, _)| get(properties, key).is_none()).collect();
        match &schema["additionalProperties"] {
            Value::Bool(false) if !others.is_empty() => {
                let names: Vec<String> = others.iter().map(|(key, _)| format!("'{key}'")).collect();
                self.refuse(
                    path,
                    format!(
                        "The object does not allow values with properties not defined in the schema, but the following unknown properties were present: [{}]. {SYNTAX}",
                        names.join(", ")
                    ),
                )
            }
            extra @ Value::Object(_) => {
                others.iter().try_for_each(|(key, value)| self.check(&format!("{path}.{key}"), value, extra))
            }
            _ => Ok(()),
        }
    }

    fn variant<'s>(
        &self,
        path: &str,
        object: &Map<String, Value>,
        discriminator: &Value,
        mapping: &'s Map<String, Value>,
    ) -> Result<&'s Value, String> {
        let property = discriminator["propertyName"].as_str().unwrap_or_default();
        let found = get(object, property).and_then(Value::as_str).and_then(|tag| mapping.get(tag));
        found.ok_or_else(|| {
            let known: Vec<String> = mapping.keys().map(|key| format!("'{key}'")).collect();
            format!(
                "The provided value for the template {} '{path}' is not valid. The value provided for the discriminator property '{property}' did not match any known variant. Valid discriminator property values are: {}. {SYNTAX}",
                self.what,
                known.join(", ")
            )
        })
    }
}

/// Allowed strings are compared without regard to case.
fn same_value(a: &Value, b: &Value) -> bool {
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value, schema: Value) -> Result<(), String> {
        let definitions = json!({"short": {"type": "string", "maxLength": 3}});
        let checker = Checker { definitions: definitions.as_object().unwrap(), what: "parameter" };
        checker.check("x", &value, &schema)
    }

    #[test]
    fn takes_what_fits() {
        for (value, schema) in [
            (json!("ABC"), json!({"$ref": "#/definitions/short", "allowedValues": ["abc"]})),
            (json!(["b"]), json!({"type": "array", "allowedValues": ["a", "b"]})),
            (Value::Null, json!({"type": "int", "nullable": true})),
            (
                json!({"a": "x"}),
                json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "int", "nullable": true}}}),
            ),
        ] {
            assert_eq!(check(value.clone(), schema), Ok(()), "{value}");
        }
    }

    #[test]
    fn refuses_in_azures_words() {
        let pick = json!({"type": "object", "discriminator": {"propertyName": "k", "mapping": {
            "a": {"type": "object", "properties": {"k": {"type": "string"}, "z": {"type": "int"}}}}}});
        for (value, schema, why) in [
            (
                json!("long"),
                json!({"$ref": "#/definitions/short"}),
                "Length of the value should be less than or equal to '3'",
            ),
            (
                json!(5),
                json!({"type": "string"}),
                "Expected a value of type 'String, Uri', but received a value of type 'Integer'",
            ),
            (
                json!("c"),
                json!({"type": "string", "allowedValues": ["a", "b"]}),
                "The value 'c' is not part of the allowed value(s): 'a,b'.",
            ),
            (json!(9), json!({"type": "int", "maxValue": 3}), "Value should be less than or equal to '3'"),
            (
                json!({"k": "b"}),
                pick.clone(),
                "did not match any known variant. Valid discriminator property values are: 'a'",
            ),
            (json!({"k": "a"}), pick, "A non-null value for the property 'z' must be provided"),
            (
                json!({"b": 1}),
                json!({"type": "object", "additionalProperties": false}),
                "unknown properties were present: ['b']",
            ),
            (
                json!(["a", 1]),
                json!({"type": "array", "prefixItems": [{"type": "string"}], "items": false}),
                "exactly 1 item(s)",
            ),
            (json!("x"), json!({"$ref": "#/definitions/none"}), "could not be resolved"),
        ] {
            let refusal = check(value, schema).unwrap_err();
            assert!(refusal.contains(why), "{refusal}");
        }
    }
}
