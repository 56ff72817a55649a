//! The table of known errors, and the rows of `tests/data/known_errors.yaml` that say how each entry is played.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// An entry of `src/known_errors.yaml`, as a reader of that file sees it.
#[derive(Deserialize)]
pub struct Entry {
    #[serde(default = "azure")]
    by: String,
    #[serde(default)]
    codes: Vec<String>,
    #[serde(default)]
    says: Vec<String>,
    cause: String,
    remedy: String,
    link: String,
}

fn azure() -> String {
    "azure".to_owned()
}

/// How an entry is played, and where its text was seen.
#[derive(Deserialize)]
pub struct Row {
    pub entry: String,
    pub source: String,
    #[serde(flatten)]
    pub play: Play,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Play {
    Refused(Value),
    Failed(Failed),
    Answered(Answered),
    Token(Token),
    Vault { body: Option<Value> },
    SignedOut {},
    UnknownSubscription {},
    NoCertificate {},
    NoConnection {},
    Az(String),
    Tunnel(String),
    Ssh(String),
    FailedTask(String),
    Unreachable(String),
}

/// A resource whose write fails, in the deployment of that number.
#[derive(Deserialize)]
pub struct Failed {
    pub run: u32,
    #[serde(flatten)]
    pub write: serde_json::Map<String, Value>,
}

/// The answer to one request.
#[derive(Deserialize)]
pub struct Answered {
    pub method: String,
    pub path: String,
    pub status: u16,
    pub code: String,
    pub message: String,
}

/// A refusal of Microsoft Entra.
#[derive(Deserialize)]
pub struct Token {
    pub error: String,
    pub code: u32,
    pub sentence: String,
}

impl Entry {
    /// Who says it, the first code and the first text: the name by which rows call it.
    pub fn name(&self) -> String {
        let parts = [Some(&self.by), self.codes.first(), self.says.first()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Whether `text` says why, what to do, and where to read on.
    pub fn is_told_in(&self, text: &str) -> bool {
        let has = |line: &str| literals(line).all(|part| text.contains(part));
        has(&self.cause) && has(&self.remedy) && has(&self.link)
    }

    /// Whether the problem `error` of a JSON document does.
    pub fn is_told_by(&self, error: &Value) -> bool {
        let remedy = error["remedy"].as_str().unwrap_or_default();
        error["cause"] == self.cause.as_str()
            && error["link"] == self.link.as_str()
            && literals(&self.remedy).all(|part| remedy.contains(part))
            && !remedy.contains(['{', '}'])
    }
}

/// What stands in a remedy beside its `{names}`.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest))
}

fn read<T: serde::de::DeserializeOwned>(path: &str) -> T {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path);
    serde_yaml::from_str(&text).expect(path)
}

pub fn entries() -> Vec<Entry> {
    read("src/known_errors.yaml")
}

pub fn rows() -> Vec<Row> {
    read("tests/data/known_errors.yaml")
}

/// The entry that a row plays.
pub fn entry(name: &str) -> Entry {
    let entry = entries().into_iter().find(|entry| entry.name() == name);
    entry.unwrap_or_else(|| panic!("no entry is called {name}"))
}
