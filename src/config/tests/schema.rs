//! The JSON Schema beside the program: what it accepts, the schema accepts; what it refuses, the schema refuses but for what
//! no schema can see.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::keys::{Field, KEYS};
use super::super::rules::Rule;
use super::super::schema::schema;
use super::accepted::accepted;
use super::*;

/// With this variable set, the test writes the file instead of comparing it.
const WRITE: &str = "CCSLURM4AI_WRITE_DOCS";

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).expect("a schema")
}

/// A document as an editor sees it: YAML's values, keys as text.
fn seen(text: &str) -> Option<Value> {
    fn plain(value: serde_yaml::Value) -> Value {
        match value {
            serde_yaml::Value::Mapping(entries) => {
                let name = |key: serde_yaml::Value| match plain(key) {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                Value::Object(
                    entries.into_iter().map(|(key, value)| (name(key), plain(value))).collect::<Map<_, _>>(),
                )
            }
            serde_yaml::Value::Sequence(items) => items.into_iter().map(plain).collect(),
            serde_yaml::Value::Tagged(tagged) => plain(tagged.value),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    serde_yaml::from_str(text.trim_start_matches('\u{feff}')).ok().map(plain)
}

#[test]
fn the_file_is_made_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.schema.json");
    let now = schema_text();
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, &now).unwrap();
    }
    let file = fs::read_to_string(&path).unwrap_or_default();
    assert!(file == now, "config.schema.json is stale: {WRITE}=1 cargo test the_file_is_made_from_the_table");
}

#[test]
fn what_the_program_accepts_the_schema_accepts() {
    let validator = validator();
    let example = include_str!("../../../config.example.yaml").to_owned();
    let cases = accepted().into_iter().chain([EVERY_KEY.to_owned(), example]);
    let mut count = 0;
    for case in cases {
        let document = seen(&case).unwrap_or_else(|| panic!("no YAML to an editor: {case}"));
        let wrong: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{case}\n{wrong:?}");
        count += 1;
    }
    println!("{count} cases");
}

#[test]
fn what_the_program_refuses_the_schema_refuses_as_far_as_it_can() {
    let validator = validator();
    let mut missed = Vec::new();
    let mut count = 0;
    for line in wrong_lines() {
        let text = with(&written(line));
        let Some(document) = seen(&text) else { continue };
        let accepted = load(&text).is_ok();
        let valid = validator.is_valid(&document);
        assert!(valid || !accepted, "accepted with a warning, but not by the schema: {line}");
        if valid && !accepted {
            missed.push(line);
        }
        count += 1;
    }
    println!("{count} cases, of which {} are seen by the program alone", missed.len());
    insta::assert_snapshot!("seen_by_the_program_alone", missed.join("\n"));
}

/// Every rule with the key that has it.
fn rules() -> Vec<(&'static str, &'static Rule)> {
    fn of(fields: &'static [Field], found: &mut Vec<(&'static str, &'static Rule)>) {
        for field in fields {
            match &field.holds {
                Holds::Text(rule) => found.push((field.name, rule)),
                Holds::Keys(fields) => of(fields, found),
                Holds::OneOf(variants) => variants.iter().for_each(|variant| of(variant.fields, found)),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    of(&KEYS, &mut found);
    found
}

type Check = fn(&str) -> Result<(), String>;

/// The patterns, compiled.
static PATTERNS: LazyLock<Vec<(&str, Check, Validator)>> = LazyLock::new(|| {
    let compiled = |(name, rule): (&'static str, &Rule)| {
        let pattern = json!({ "pattern": rule.pattern });
        (name, rule.check, jsonschema::validator_for(&pattern).expect("a pattern"))
    };
    rules().into_iter().map(compiled).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_matches_what_its_rule_accepts(
        text in prop_oneof![
            "[a-z0-9.:/=,()_@~ -]{1,24}",
            "[A-Za-zäß1-9.-]{1,12}",
            "/[a-z./_-]{0,16}",
            "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}(/[0-9]{1,2})?",
            "\\PC{1,20}",
        ]
    ) {
        for (name, check, pattern) in PATTERNS.iter() {
            let accepted = check(&text).is_ok();
            prop_assert!(!accepted || pattern.is_valid(&Value::from(text.as_str())), "{name}: {text}");
        }
    }
}

#[test]
fn what_holds_without_a_key_is_its_sample() {
    let all: String = KEYS
        .iter()
        .filter(|field| !field.required && !field.sample.is_empty())
        .map(|field| format!("{}: {}\n", field.name, field.sample))
        .collect();
    let deep = "storage: {type: anf, service_level: Premium, size_tib: 4}\nnetwork: {type: new, address_space: 10.64.0.0/16}\n";
    let without_places = |text: &str| Config { places: Places::default(), ..load(text).unwrap().0 };
    assert_eq!(without_places(&format!("{GOOD}{all}{deep}")), without_places(GOOD));
    assert!(all.lines().count() > 12, "{all}");
}
