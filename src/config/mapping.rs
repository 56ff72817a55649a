//! A mapping against the table of keys: every problem at its place.

use std::collections::HashMap;
use std::rc::Rc;

use super::document::{Key, Kind, Node};
use super::keys::{Field, Holds, KEYS, Variant};
use super::report::{Place, Report, nearest, shown};
use super::{rules, tags};

/// Checks each key of the document by itself.
pub fn check(root: &Node, report: &mut Report) {
    let Kind::Mapping(entries) = &root.kind else {
        report.syntax(root.place, format!("keys and values are expected here, not {}", root.what()), None);
        return;
    };
    let all = Mapping { name: "", place: root.place, entries };
    all.check(&KEYS, report);
}

/// A mapping to check.
struct Mapping<'a> {
    /// The key that holds it, empty for the document.
    name: &'a str,
    place: Place,
    entries: &'a [(Key, Rc<Node>)],
}

impl Mapping<'_> {
    /// Every key is one of `fields` and holds what it may, and the required ones are there.
    fn check(&self, fields: &[Field], report: &mut Report) {
        for (key, node) in self.entries {
            match fields.iter().find(|field| field.name == key.text) {
                Some(field) => check_value(&self.full(key), node, &field.holds, report),
                None => unknown(&self.full(key), &key.text, fields.iter().map(|field| field.name), report),
            }
        }
        self.check_required(fields, report);
    }

    fn check_required(&self, fields: &[Field], report: &mut Report) {
        for field in fields.iter().filter(|field| field.required) {
            let given = self.entries.iter().find(|(key, _)| key.text == field.name);
            if given.is_none_or(|(_, node)| matches!(node.kind, Kind::Null)) {
                let place = given.map_or(self.place, |(key, _)| key.place);
                let text = format!("is required, such as `{}: {}`", field.name, field.sample);
                report.add("MissingKey", place, &self.full_name(field.name), text);
            }
        }
    }

    /// As [`Mapping::check`] for the fields of the variant that the value `kind` of key `type` names.
    fn check_variant(&self, kind: Option<&Node>, variants: &[Variant], report: &mut Report) {
        let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
        let chosen =
            variants.iter().find(|variant| kind.is_none_or(|kind| kind.text() == Some(variant.name)));
        for (key, node) in self.entries {
            let full = self.full(key);
            if key.text == "type" {
                check_one_of(&full, node, &names, report);
                continue;
            }
            let Some(chosen) = chosen else { continue };
            match chosen.fields.iter().find(|field| field.name == key.text) {
                Some(field) => check_value(&full, node, &field.holds, report),
                None => misplaced(&full, &key.text, chosen, variants, report),
            }
        }
        if let Some(chosen) = chosen {
            self.check_required(chosen.fields, report);
        }
    }

    fn full(&self, key: &Key) -> Key {
        Key { place: key.place, text: self.full_name(&key.text) }
    }

    fn full_name(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) }
    }
}

fn check_value(key: &Key, node: &Node, holds: &Holds, report: &mut Report) {
    let inner = |entries| Mapping { name: &key.text, place: key.place, entries };
    match (holds, &node.kind) {
        (_, Kind::Null) => {}
        (Holds::Tags(most), Kind::Mapping(entries)) => check_tags(key, entries, *most, report),
        (Holds::Tags(_), _) => wrong_type(key, node, "tag names with values", report),
        (Holds::Keys(fields), Kind::Mapping(entries)) => inner(entries).check(fields, report),
        (Holds::OneOf(variants), Kind::Mapping(entries)) => {
            inner(entries).check_variant(node.get("type").map(|(_, kind)| kind), variants, report);
        }
        (Holds::Keys(fields), _) => {
            let names: Vec<_> = fields.iter().map(|field| field.name).collect();
            wrong_type(key, node, &format!("a mapping with {}", names.join(", ")), report);
        }
        (Holds::OneOf(variants), _) => {
            let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
            wrong_type(key, node, &format!("a mapping with type ({})", names.join(", ")), report);
        }
        (single, Kind::Text(text)) => {
            if let Err(wrong) = single.check(text) {
                report.add("InvalidValue", node.place, &key.text, wrong);
            }
        }
        _ => wrong_type(key, node, "a single value", report),
    }
}

fn check_one_of(key: &Key, node: &Node, words: &[&str], report: &mut Report) {
    match &node.kind {
        Kind::Null => {}
        Kind::Text(text) => {
            if let Err(wrong) = rules::one_of(text, words) {
                report.add("InvalidValue", node.place, &key.text, wrong);
            }
        }
        _ => wrong_type(key, node, "a single value", report),
    }
}

fn wrong_type(key: &Key, node: &Node, wanted: &str, report: &mut Report) {
    let text = format!("must be {wanted}, not {}", node.what());
    report.add("WrongType", node.place, &key.text, text);
}

/// A key that the chosen variant does not have: another one may.
fn misplaced(key: &Key, word: &str, chosen: &Variant, variants: &[Variant], report: &mut Report) {
    let has = |variant: &&Variant| variant.fields.iter().any(|field| field.name == word);
    match variants.iter().find(has) {
        Some(other) => {
            let text = format!(
                "goes with type {}, not with {}; leave it out, or set type: {0}",
                other.name, chosen.name
            );
            report.add("InvalidValue", key.place, &key.text, text);
        }
        None => {
            let names = chosen.fields.iter().map(|field| field.name);
            unknown(key, word, std::iter::once("type").chain(names), report);
        }
    }
}

fn unknown<'a>(key: &Key, word: &str, known: impl Iterator<Item = &'a str>, report: &mut Report) {
    if report.is_full() {
        report.add("UnknownKey", key.place, &key.text, "is not a key of this file");
        return; // a suggestion nobody will read costs time
    }
    let known: Vec<_> = known.collect();
    let help = match nearest(word, &known) {
        Some(near) => format!("did you mean {near}"),
        None => format!("allowed: {}", known.join(", ")),
    };
    report.add("UnknownKey", key.place, &key.text, format!("is not a key of this file ({help})"));
}

fn check_tags(key: &Key, entries: &[(Key, Rc<Node>)], most: usize, report: &mut Report) {
    if entries.len() > most {
        let text = format!("{} tags are too many (allowed: {most})", entries.len());
        report.add("InvalidValue", key.place, &key.text, text);
    }
    let mut names = HashMap::new();
    for (name, node) in entries {
        if let Err(wrong) = tags::name(&name.text) {
            report.add("InvalidValue", name.place, &key.text, wrong);
        }
        let earlier = names.insert(name.text.to_lowercase(), &name.text);
        if earlier.is_some_and(|earlier| *earlier != name.text) {
            let text = format!("the tag name {} is given twice; case does not count", shown(&name.text));
            report.add("DuplicateKey", name.place, &key.text, text);
        }
        match &node.kind {
            Kind::Null => {}
            Kind::Text(text) => {
                if let Err(wrong) = tags::value(&name.text, text) {
                    report.add("InvalidValue", node.place, &key.text, wrong);
                }
            }
            _ => wrong_type(key, node, "tag names with single values", report),
        }
    }
}
