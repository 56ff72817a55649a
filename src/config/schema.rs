//! The JSON Schema of `config.yaml`, made from the table of keys; editors complete and check with it. A schema cannot see
//! all that the program sees, but it accepts all that the program accepts. (The types that serde fills would not do: there
//! every value is a text, as it was written, and the rules are elsewhere.)

use serde_json::{Map, Value, json};

use super::keys::{Field, Holds, KEYS, Variant};
use super::rules::Rule;
use super::tags;
use crate::sizes;

/// By which a file is known to be ours.
pub const ID: &str = "urn:ccslurm4ai:config";

/// The schema, of draft 7, which YAML language servers read.
pub fn schema() -> Value {
    let given =
        |name: &str| json!({ "required": [name], "properties": { name: { "not": { "type": "null" } } } });
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ID,
        "title": "config.yaml of ccslurm4ai",
        "oneOf": [given("subscription_name"), given("subscription_id")],
    });
    extend(&mut schema, mapping(&KEYS, None));
    schema
}

/// The schema as the file `config.schema.json`.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

/// A mapping with these keys; `kind` is the variant it is of, and whether that is what a mapping without `type` is.
fn mapping(fields: &[Field], kind: Option<(&str, bool)>) -> Value {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    if let Some((name, is_default)) = kind {
        let words = if is_default { json!([name, null]) } else { json!([name]) };
        properties.insert("type".to_owned(), json!({ "enum": words }));
        required.extend((!is_default).then_some("type"));
    }
    for field in fields {
        properties.insert(field.name.to_owned(), property(field));
        required.extend(field.required.then_some(field.name));
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn property(field: &Field) -> Value {
    let mut schema = value(&field.holds);
    if !field.required {
        or_nothing(&mut schema);
    }
    let mut about = json!({ "description": field.about });
    if !field.sample.is_empty() && !matches!(field.holds, Holds::Keys(_)) {
        let sample = serde_json::from_str(field.sample).unwrap_or_else(|_| field.sample.into());
        let name = if field.required { "examples" } else { "default" };
        about[name] = if field.required { json!([sample]) } else { sample };
    }
    extend(&mut schema, about);
    schema
}

/// An optional key may be written without a value.
fn or_nothing(schema: &mut Value) {
    for (member, nothing) in
        [("type", json!("null")), ("enum", Value::Null), ("anyOf", json!({ "type": "null" }))]
    {
        if let Some(alternatives) = schema.get_mut(member).and_then(Value::as_array_mut) {
            alternatives.push(nothing);
        }
    }
}

/// What is not null. Values may be quoted, so numbers and flags may be texts too; a text may look like a number.
fn value(holds: &Holds) -> Value {
    match holds {
        Holds::Text(rule) => text(rule),
        Holds::Number(min, max) => json!({
            "type": ["integer", "string"], "minimum": min, "maximum": max, "pattern": "^(0|[1-9][0-9]*)$",
        }),
        Holds::Flag => json!({ "type": ["boolean", "string"], "pattern": "^([Tt]rue|TRUE|[Ff]alse|FALSE)$" }),
        Holds::Word(words) => {
            let numbers = words.iter().filter_map(|word| word.parse::<u32>().ok()).map(Value::from);
            let all: Vec<Value> = words.iter().map(|word| Value::from(*word)).chain(numbers).collect();
            json!({ "enum": all })
        }
        Holds::GpuSize => size(&sizes::gpu_sizes().map(|size| size.name.as_str()).collect::<Vec<_>>(), None),
        Holds::VmSize => {
            let known: Vec<_> = sizes::all().map(|size| size.name.as_str()).collect();
            size(&known, Some("Standard_[A-Za-z0-9_-]{1,64}"))
        }
        Holds::Tags(most) => json!({
            "type": ["object"],
            "maxProperties": most,
            "propertyNames": { "pattern": tag_name(), "maxLength": tags::LONGEST_NAME },
            "additionalProperties": {
                "type": ["string", "number", "boolean", "null"], "pattern": r"^(?!@)[^\x00-\x1f\x7f]*$", "maxLength": tags::LONGEST_VALUE,
            },
        }),
        Holds::Keys(fields) => mapping(fields, None),
        Holds::OneOf(variants) => {
            let one = |(index, variant): (usize, &Variant)| {
                mapping(variant.fields, Some((variant.name, index == 0)))
            };
            json!({ "anyOf": variants.iter().enumerate().map(one).collect::<Vec<_>>() })
        }
    }
}

fn text(rule: &Rule) -> Value {
    let accepts = |text: &str| (rule.check)(text).is_ok();
    let mut types = vec!["string"];
    types.extend(if accepts("1.5") { Some("number") } else { accepts("1").then_some("integer") });
    types.extend(accepts("true").then_some("boolean"));
    let mut schema = json!({ "type": types, "pattern": rule.pattern });
    if !rule.refused.is_empty() {
        let words: Vec<_> = rule.refused.iter().flat_map(|words| words.split_whitespace()).collect();
        schema["not"] = json!({ "enum": words });
    }
    schema
}

/// One of `names` in any case, or what `more` matches but Azure has not retired.
fn size(names: &[&str], more: Option<&str>) -> Value {
    let retired = sizes::retired_names().map(in_any_case).collect::<Vec<_>>().join("|");
    let more = more.map(|more| format!("(?!({retired})$){more}"));
    let spellings: Vec<_> = names.iter().map(|name| in_any_case(name)).chain(more).collect();
    let pattern = format!("^({})$", spellings.join("|"));
    json!({ "type": ["string"], "anyOf": [{ "enum": names }, { "pattern": pattern }] })
}

fn tag_name() -> String {
    let reserved = tags::RESERVED.map(in_any_case).join("|");
    format!(r"^(?!{reserved})(?![@\s\-])(?!.*\s$)[^<>%&\\?/=]+$")
}

/// A pattern for `word` that does not look at case; there is no flag for it in a schema.
fn in_any_case(word: &str) -> String {
    let any = |c: char| match c {
        'a'..='z' | 'A'..='Z' => format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()),
        _ => c.to_string(),
    };
    word.chars().map(any).collect()
}

/// Adds the members of `more` to `schema`.
fn extend(schema: &mut Value, more: Value) {
    if let (Value::Object(schema), Value::Object(more)) = (schema, more) {
        schema.extend(more);
    }
}
