//! The two readers of `config.yaml`, the spanned parse and serde_yaml, must see the same in every file.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;

use super::document::{self, Kind, Node};
use super::raw::Raw;
use super::report::Report;
use super::source::is_text;
use super::{Config, Exit, Failure, raw};

/// What the spanned parse saw; `None` if it has something to say against the file.
fn spanned(text: &str) -> Option<Value> {
    let mut report = Report::new("config.yaml");
    let root = document::parse(text, &mut report);
    root.filter(|_| report.is_empty()).map(|root| value(&root))
}

/// Nothing counts as absent, as for serde.
fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Text(text) => Value::String(text.clone()),
        Kind::Sequence => Value::Array(Vec::new()),
        Kind::Mapping(entries) => {
            Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), value(node))).collect())
        }
    }
}

/// What serde_yaml saw, in the same form.
fn typed(text: &str) -> Result<Value, serde_yaml::Error> {
    let raw: Raw = serde_yaml::from_str(text)?;
    Ok(serde_json::to_value(raw).unwrap())
}

/// Adds the keys that a file leaves out and that [`Raw`] has.
fn filled(mut value: Value) -> Value {
    let subnets = all(&raw::RawSubnets::default(), value["network"]["subnets"].take());
    if let Some(network) = value["network"].as_object_mut().filter(|_| subnets.is_object()) {
        network.insert("subnets".to_owned(), subnets);
    }
    for (key, all) in [
        ("network", all(&raw::RawNetwork::default(), value["network"].take())),
        ("storage", all(&raw::RawStorage::default(), value["storage"].take())),
    ] {
        value[key] = all;
    }
    all(&Raw::default(), value)
}

/// `seen` with what `raw` has besides; what is no mapping stays.
fn all(raw: &impl serde::Serialize, seen: Value) -> Value {
    let (Value::Object(mut all), Value::Object(seen)) = (serde_json::to_value(raw).unwrap(), seen.clone())
    else {
        return seen;
    };
    all.extend(seen);
    Value::Object(all)
}

/// A scalar as people and programs write it, with characters that mean something in YAML.
fn scalar() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "~",
        "null",
        "Null",
        "true",
        "yes",
        "0x1F",
        "0o17",
        "010",
        "1_000",
        "1e3",
        ".inf",
        "-",
        "1.10",
        "2024-12-02",
        "!!str 5",
        "!!int '7'",
        "",
        "''",
        "\"\"",
        "a # b",
        "a#b",
        "a: b",
        "a:b",
        "- a",
        "[a",
        "{a",
        "*a",
        "&a b",
        "|",
        ">",
        "@a",
        "`a",
        "%a",
        "? a",
        "a\\b",
        "<<",
        "=",
        "\"\\x41\\u00e9\\n\"",
        "'it''s'",
        "a\n  b",
        "\"a\n  b\"",
    ]);
    prop_oneof![
        odd.prop_map(str::to_owned),
        "[a-zA-Z0-9 $(){}\\[\\]:#&*!|>'\"%@`,?/._~-]{0,16}",
        "\\PC{0,12}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[a-z]{1,5}( [a-z]{1,5}){0,2}".prop_map(|text| format!(">-\n  {text}\n  x")),
        "[a-z]{1,5}( [a-z]{1,5}){0,2}".prop_map(|text| format!("|\n  {text}\n    x\n")),
    ]
}

fn file() -> impl Strategy<Value = String> {
    let keys = prop::sample::subsequence(super::tests::single_values().collect::<Vec<_>>(), 0..6);
    let tags = prop::collection::vec((scalar(), scalar()), 0..3);
    let deep = prop::sample::subsequence(
        vec![
            "network:\n  address_space: ",
            "storage:\n  mount_options: ",
            "network:\n  bastion: none\n  subnets:\n    anf: ",
        ],
        0..2,
    );
    (keys, prop::collection::vec(scalar(), 6), tags, deep, scalar()).prop_map(
        |(keys, values, tags, deep, inner)| {
            let mut text: String =
                keys.iter().zip(values).map(|(key, value)| format!("{key}: {value}\n")).collect();
            if !tags.is_empty() {
                text += "tags:\n";
                text.extend(
                    tags.iter().map(|(name, value)| format!("  {name}: {}\n", value.replace('\n', "\n  "))),
                );
            }
            text.extend(deep.iter().map(|start| format!("{start}{}\n", inner.replace('\n', "\n    "))));
            text
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_readers_see_the_same(text in file().prop_filter("refused before", |text| text.chars().all(is_text))) {
        if let (Some(Value::Object(seen)), Ok(typed)) = (spanned(&text), typed(&text)) {
            prop_assert_eq!(filled(Value::Object(seen)), filled(typed), "{}", text);
        }
    }

    #[test]
    fn quoted_text_arrives_unchanged(text in "[^\\p{C}\u{2028}\u{2029}\u{feff}]{0,40}") {
        let single = format!("region: '{}'\ntags: {{a: {}}}\n", text.replace('\'', "''"), serde_json::to_string(&text).unwrap());
        let seen = spanned(&single).expect("valid YAML");
        prop_assert_eq!(&seen["region"], &Value::String(text.clone()));
        prop_assert_eq!(filled(seen), filled(typed(&single).unwrap()));
    }

    #[test]
    fn any_bytes_are_an_answer_or_a_refusal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, bytes).unwrap();
        let error = Config::load(&path, None).expect_err("nobody writes one by chance");
        prop_assert_eq!(error.downcast_ref::<Failure>().map(|failure| failure.exit), Some(Exit::Config));
    }
}

#[test]
fn the_generated_files_are_mostly_read_by_both() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let both = (0..500).filter(|_| {
        let text = file().new_tree(&mut runner).unwrap().current();
        matches!(spanned(&text), Some(Value::Object(_))) && typed(&text).is_ok()
    });
    let both = both.count();
    println!("{both} of 500 files are read by both");
    assert!(both > 100, "{both}");
}
