//! `config.yaml` with positions: a tree in which every key and value knows its line and column.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::report::{Place, Report};

/// Levels of nesting that the keys need, and a few more; deeper input is refused before it costs anything.
const MAX_DEPTH: usize = 16;

/// A value in the document. Aliases share the node of their anchor, so they cannot blow the tree up.
#[derive(Debug)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a [`Node`] is.
#[derive(Debug)]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// Any other scalar, as written; `192`, `"192"` and `'192'` are the same text.
    Text(String),
    /// A list. No key takes one, so its items are not kept.
    Sequence,
    /// Keys and values in the order written, duplicates included.
    Mapping(Vec<(Key, Rc<Node>)>),
}

/// Where the values of a file's keys stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    file: String,
    places: BTreeMap<String, Place>,
}

impl Places {
    /// The file as the user named it, line and column of the value of `key`; `None` when the file does not have it.
    pub fn of(&self, key: &str) -> Option<(String, usize, usize)> {
        let place = self.places.get(key)?;
        Some((self.file.clone(), place.line, place.column))
    }
}

/// A key and where it stands.
#[derive(Debug, Clone)]
pub struct Key {
    /// Where it begins.
    pub place: Place,
    /// Its name.
    pub text: String,
}

impl Node {
    /// The value of `key`, null counting as absent; `None` as well if this is no mapping.
    pub fn get(&self, key: &str) -> Option<(&Key, &Node)> {
        let Kind::Mapping(entries) = &self.kind else { return None };
        let (name, value) = entries.iter().find(|(name, _)| name.text == key)?;
        (!matches!(value.kind, Kind::Null)).then_some((name, &**value))
    }

    /// Where the values of the keys of this mapping stand; `file` is how the user spelled it.
    pub fn places(&self, file: &str) -> Places {
        let Kind::Mapping(entries) = &self.kind else { return Places::default() };
        let places = entries.iter().map(|(key, node)| (key.text.clone(), node.place)).collect();
        Places { file: file.to_owned(), places }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    /// What it is, for messages.
    pub fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Text(_) => "a single value",
            Kind::Sequence => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }
}

/// Reads the one document in `text`. What is wrong goes into `report`; `None` if there is nothing to go on with.
pub fn parse(text: &str, report: &mut Report) -> Option<Rc<Node>> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let more = match event {
            Ok((event, span)) => builder.take(event, span, report),
            Err(error) => {
                syntax(error.marker(), error.info(), report);
                false
            }
        };
        if !more {
            return None;
        }
    }
    builder.root
}

fn syntax(marker: &Marker, info: &str, report: &mut Report) {
    let text = format!("this is not valid YAML: {}", info.trim_end_matches('.'));
    let remedy = info.contains("tab").then_some("indent with spaces");
    report.syntax(place(*marker), text, remedy);
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}

/// A collection that is still open.
struct Frame {
    place: Place,
    anchor: usize,
    /// `None` in a list.
    entries: Option<Vec<(Key, Rc<Node>)>>,
    key: Option<Key>,
    seen: HashSet<String>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Frame>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
}

impl Builder {
    /// Takes one event; `false` ends the reading.
    fn take(&mut self, event: Event<'_>, span: Span, report: &mut Report) -> bool {
        let place = place(span.start);
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                report.syntax(place, "a second document starts here, only one is allowed", None);
                return false;
            }
            Event::Scalar(text, style, anchor, tag) => {
                if anchor > 0 {
                    // YAML 1.1 and 1.2 disagree on where the anchor's name ends and the scalar begins.
                    report.syntax(place, "an anchor (`&…`) is only read on a mapping", None);
                }
                let node = scalar(place, &text, style, tag.as_deref(), report);
                self.add(node, 0, report);
            }
            Event::SequenceStart(anchor, tag) => {
                return self.push(place, anchor, tag.as_deref(), None, report);
            }
            Event::MappingStart(anchor, tag) => {
                return self.push(place, anchor, tag.as_deref(), Some(Vec::new()), report);
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(report),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => self.attach(Rc::clone(node), place, report),
                None => {
                    report.syntax(place, "this alias stands inside its own anchor", None);
                    return false;
                }
            },
            _ => {}
        }
        true
    }

    fn push(
        &mut self,
        place: Place,
        anchor: usize,
        tag: Option<&Tag>,
        entries: Option<Vec<(Key, Rc<Node>)>>,
        report: &mut Report,
    ) -> bool {
        refuse_tag(place, tag, &[], report);
        if self.open.len() == MAX_DEPTH {
            report.syntax(place, format!("nested deeper than {MAX_DEPTH} levels"), None);
            return false;
        }
        self.open.push(Frame { place, anchor, entries, key: None, seen: HashSet::new() });
        true
    }

    fn pop(&mut self, report: &mut Report) {
        let Some(frame) = self.open.pop() else { return };
        let kind = frame.entries.map_or(Kind::Sequence, Kind::Mapping);
        self.add(Node { place: frame.place, kind }, frame.anchor, report);
    }

    fn add(&mut self, node: Node, anchor: usize, report: &mut Report) {
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        let place = node.place;
        self.attach(node, place, report);
    }

    /// Puts a finished node where it belongs: root, list, key or value.
    fn attach(&mut self, node: Rc<Node>, place: Place, report: &mut Report) {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        let Some(entries) = &mut frame.entries else { return };
        let Some(key) = frame.key.take() else {
            let text = key_text(&node, place, report);
            if !text.is_empty() && !frame.seen.insert(text.clone()) {
                report.add("DuplicateKey", place, &text, "is given twice");
            }
            frame.key = Some(Key { place, text });
            return;
        };
        entries.push((key, node));
    }
}

fn key_text(node: &Node, place: Place, report: &mut Report) -> String {
    match &node.kind {
        Kind::Text(text) => text.clone(),
        Kind::Null | Kind::Sequence | Kind::Mapping(_) => {
            report.syntax(place, format!("{} cannot be a key", node.what()), None);
            String::new()
        }
    }
}

fn scalar(place: Place, text: &str, style: ScalarStyle, tag: Option<&Tag>, report: &mut Report) -> Node {
    refuse_tag(place, tag, &["str", "int", "bool", "float"], report);
    let plain = style == ScalarStyle::Plain && tag.is_none();
    let kind = match text {
        "" | "~" | "null" | "Null" | "NULL" if plain => Kind::Null,
        _ => Kind::Text(text.to_owned()),
    };
    Node { place, kind }
}

/// Type tags of YAML's core schema change nothing here, as every value is read as text; others are refused.
fn refuse_tag(place: Place, tag: Option<&Tag>, allowed: &[&str], report: &mut Report) {
    if let Some(tag) = tag
        && !(tag.is_yaml_core_schema() && allowed.contains(&tag.suffix.as_str()))
    {
        report.syntax(place, "a YAML tag (`!…`) is not allowed here", None);
    }
}
