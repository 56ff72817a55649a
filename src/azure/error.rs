//! What went wrong inside an answer of Azure Resource Manager.
//!
//! A failed deployment comes back as errors inside errors: each nested deployment wraps its own in
//! "at least one operation failed", often as JSON inside a message string, with prose around it. What a
//! person can act on are the innermost ones. Shapes seen in the test data of azure-dev, aks-engine, mpf,
//! ARO-RP and data-management-zone; see `tests/data/errors/README.md`.

use std::fmt;

use serde_json::{Map, Value};

use super::lenient;
use crate::failure::Problem;
use crate::known_errors::{self, By, Known};

/// Longest text shown when nothing in it can be understood, in bytes.
const LONGEST_UNREAD: usize = 4000;
/// Where we stop looking for documents in prose; a text with more beginnings than this is not an error.
const MOST_BEGINNINGS: usize = 2000;
/// Codes of wrappers: they say that something failed, not what.
const WRAPPERS: [&str; 5] = [
    "DeploymentFailed",
    "ResourceDeploymentFailure",
    "InvalidTemplateDeployment",
    "Conflict",
    "MultipleErrorsOccurred",
];

/// One error of Azure: the innermost that has something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmError {
    /// Azure's code, such as `SkuNotAvailable`; empty when the text had none.
    pub code: String,
    /// Azure's sentence.
    pub message: String,
    /// The resource id, name or property concerned, when Azure says so.
    pub target: Option<String>,
}

impl ArmError {
    /// What is known of it.
    pub fn known(&self) -> Option<&'static Known> {
        known_errors::find(By::Azure, &self.code, &self.message)
    }

    /// The id of the resource concerned; else its name, or whatever else Azure aims at.
    pub fn resource(&self) -> Option<String> {
        let in_sentence = || self.message.split('\'').rfind(|part| is_id(part));
        let missing = || {
            let before = ["The Resource '", "Parent resource '"];
            before.iter().find_map(|before| between(&self.message, before, "'"))
        };
        let aimed_at = self.target.as_deref().filter(|target| !target.is_empty());
        let found = aimed_at.filter(|target| is_id(target)).or_else(in_sentence);
        found.or_else(missing).or(aimed_at).map(str::to_owned)
    }

    /// As a problem of which `message` says what is wrong.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        let problem = Problem { resource: self.resource(), ..Problem::new(&self.code, message) };
        match self.known() {
            Some(known) => {
                let namespace = between(&self.message, "namespace '", "'").unwrap_or("NAMESPACE");
                problem.known(known, &[("namespace", namespace)])
            }
            None => problem,
        }
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with("/subscriptions/")
}

impl fmt::Display for ArmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.as_str() {
            "" => f.write_str(&self.message),
            code => write!(f, "{code}: {}", self.message),
        }
    }
}

/// The innermost errors in `text`, each once, those of mere wrappers last. A text in which nothing is
/// recognised comes back whole (shortened) as one error without a code; a blank one gives none.
pub fn leaves(text: &str) -> Vec<ArmError> {
    let mut found = documents(text).iter().flat_map(|value| inside(value, 0)).collect::<Vec<_>>();
    for reader in [prose, validation, fragments] {
        if found.is_empty() {
            found = reader(text);
        }
    }
    if found.is_empty() && !text.trim().is_empty() {
        let message = shorten(text.trim());
        found.push(ArmError { code: String::new(), message, target: None });
    }
    for leaf in found.iter_mut().filter(|leaf| leaf.code == "Forbidden") {
        leaf.code = why_forbidden(text).unwrap_or("Forbidden").to_owned();
    }
    tidy(found)
}

/// Key Vault says what forbids in an inner error that is a code alone, such as `ForbiddenByFirewall`
/// (documentation, "Azure Key Vault REST API error codes").
fn why_forbidden(text: &str) -> Option<&str> {
    text.split('"').find(|word| word.starts_with("ForbiddenBy") && is_code(word))
}

/// The innermost errors in a parsed answer, as [`leaves`]; none when it holds no error.
pub fn leaves_of(answer: &Value) -> Vec<ArmError> {
    tidy(inside(answer, 0))
}

/// Every document in `text`: objects, and strings that hold one.
fn documents(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut at = 0;
    for _ in 0..MOST_BEGINNINGS {
        let Some(start) = text[at..].find(['{', '"']).map(|offset| at + offset) else { break };
        at = match lenient::value(&text[start..]) {
            Some((Value::String(inner), length)) if !inner.trim_start().starts_with('{') => start + length,
            Some((Value::String(inner), length)) => {
                found.extend(documents(&inner));
                start + length
            }
            Some((value, length)) => {
                found.push(value);
                start + length
            }
            None => start + 1,
        };
    }
    found
}

/// The innermost errors in `value`; `depth` counts documents inside message strings.
fn inside(value: &Value, depth: usize) -> Vec<ArmError> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| inside(item, depth)).collect(),
        Value::Object(object) => inside_object(object, depth),
        Value::String(text) if text.contains('{') && depth < 32 => {
            documents(text).iter().flat_map(|value| inside(value, depth + 1)).collect()
        }
        _ => Vec::new(),
    }
}

fn inside_object(object: &Map<String, Value>, depth: usize) -> Vec<ArmError> {
    let part = |name: &str| field(object, name).map(|value| inside(value, depth)).unwrap_or_default();
    for wrapper in ["error", "statusMessage", "properties"] {
        let found = part(wrapper);
        if !found.is_empty() {
            return found;
        }
    }
    let code = text_of(object, "code");
    let target = text_of(object, "target");
    let mut found = part("message");
    found.extend(part("details"));
    if found.is_empty() {
        found = part("innererror");
    }
    for leaf in &mut found {
        if leaf.code.is_empty() {
            leaf.code.clone_from(&code);
        }
        let is_resource = |target: &String| !target.is_empty() && !target.contains("/deployments/");
        leaf.target = leaf.target.take().or_else(|| Some(target.clone()).filter(is_resource));
    }
    let message = text_of(object, "message");
    let says_something = !message.trim().is_empty() && !message.trim_start().starts_with('{');
    if found.is_empty() && says_something {
        found = clauses(&code, message.trim(), Some(target).filter(|target| !target.is_empty()));
    }
    found
}

/// Azure writes keys in camelCase, some providers in PascalCase.
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text_of(object: &Map<String, Value>, name: &str) -> String {
    match field(object, name) {
        Some(Value::String(text)) => text.clone(),
        Some(number @ Value::Number(_)) => number.to_string(),
        _ => String::new(),
    }
}

/// One sentence may hold many errors: preflight joins a clause for each resource with `.:`, or wraps a
/// provider's own sentence.
fn clauses(code: &str, message: &str, target: Option<String>) -> Vec<ArmError> {
    const CLAUSE: &str = "Authorization failed for template resource '";
    let leaf = |code: &str, message: &str, target| ArmError {
        code: code.to_owned(),
        message: message.to_owned(),
        target,
    };
    if message.contains(CLAUSE) {
        let parts = message.split(CLAUSE).skip(1).map(|clause| {
            let clause = clause.strip_suffix(".:").or(clause.strip_suffix(".'.")).unwrap_or(clause);
            let sentence = format!("{CLAUSE}{clause}");
            let scope = between(clause, "at scope '", "'").map(str::to_owned);
            leaf("AuthorizationFailed", &sentence, scope)
        });
        return parts.collect();
    }
    if let Some(inner) = message.split_once("' failed validation with message: '") {
        let id = inner.0.rsplit_once('\'').map(|(_, id)| id.to_owned());
        return vec![leaf(code, inner.1.strip_suffix("'.'.").unwrap_or(inner.1), id)];
    }
    vec![leaf(code, message, target)]
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(inner, _)| inner)
}

/// Errors in az's own words: `(Code) sentence`, the inner ones after `Exception Details:` or
/// `Inner Errors:` (azure-core, `ODataV4Error`), or `ERROR CODE: Code, sentence` (the Go SDK).
fn prose(text: &str) -> Vec<ArmError> {
    let lines = text.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("ERROR: ").trim_start_matches("INFO: ");
        let line =
            line.trim_start_matches("Exception Details:").trim_start_matches("Inner Errors:").trim_start();
        let (code, message) = match line.strip_prefix('(') {
            Some(rest) => rest.split_once(") ")?,
            None => line.split_once("ERROR CODE: ")?.1.split_once(", ")?,
        };
        is_code(code).then(|| ArmError {
            code: code.to_owned(),
            message: message.trim().to_owned(),
            target: None,
        })
    });
    without_wrappers(lines.filter(|leaf| !leaf.message.is_empty()))
}

/// What az says of a validation whose answer is an error: a line `Code - sentence` for each, the wrapper first; a
/// sentence may go on below (azure-cli `command_modules/resource/_utils.py`, `_build_preflight_error_message`).
fn validation(text: &str) -> Vec<ArmError> {
    let mut found: Vec<ArmError> = Vec::new();
    for line in text.trim().lines() {
        let parts = line.trim_start_matches("ERROR: ").split_once(" - ").filter(|(code, _)| is_code(code));
        match (parts, found.last_mut()) {
            (Some((code, message)), _) => found.push(ArmError {
                code: code.to_owned(),
                message: message.trim().to_owned(),
                target: None,
            }),
            (None, Some(last)) => last.message = format!("{}\n{}", last.message, line.trim()),
            (None, None) => return Vec::new(),
        }
    }
    without_wrappers(found)
}

fn without_wrappers(found: impl IntoIterator<Item = ArmError>) -> Vec<ArmError> {
    let (wrappers, inner): (Vec<_>, Vec<_>) = found.into_iter().partition(is_wrapper);
    if inner.is_empty() { wrappers } else { inner }
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// Pairs of `"code"` and `"message"` in a document that was cut or masked.
fn fragments(text: &str) -> Vec<ArmError> {
    let mut found = Vec::new();
    for part in text.split("\"code\"").skip(1) {
        let string_after_colon = |rest: &str| {
            let rest = rest.trim_start().strip_prefix(':')?.trim_start();
            lenient::value(rest)?.0.as_str().map(str::to_owned)
        };
        let code = string_after_colon(part);
        let message = part.split_once("\"message\"").and_then(|(_, rest)| string_after_colon(rest));
        if let (Some(code), Some(message)) = (code, message.filter(|message| !message.trim().is_empty())) {
            let target = part.split_once("\"target\"").and_then(|(_, rest)| string_after_colon(rest));
            found.push(ArmError { code, message, target });
        }
    }
    found
}

fn is_wrapper(leaf: &ArmError) -> bool {
    WRAPPERS.contains(&leaf.code.as_str())
}

/// Each error once, in order, wrappers last.
fn tidy(found: Vec<ArmError>) -> Vec<ArmError> {
    let mut once: Vec<ArmError> = Vec::new();
    for leaf in found {
        match once.iter_mut().find(|other| other.code == leaf.code && other.message == leaf.message) {
            Some(other) => other.target = other.target.take().or(leaf.target),
            None => once.push(leaf),
        }
    }
    once.sort_by_key(is_wrapper);
    once
}

fn shorten(text: &str) -> String {
    if text.len() <= LONGEST_UNREAD {
        return text.to_owned();
    }
    let end = (0..=LONGEST_UNREAD).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    format!("{} …", &text[..end])
}

#[cfg(test)]
mod tests;
