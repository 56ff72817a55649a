//! The text of `config.yaml`: a regular file of a sane size that holds text.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::report::Place;
use crate::failure::{Exit, Failure, Problem};

/// No configuration comes near it.
const MAX_BYTES: u64 = 1024 * 1024;

/// Reads the file; `name` is how the user spelled it.
pub fn read(path: &Path, name: &str) -> Result<String, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(name, &error))?;
    if !metadata.is_file() {
        return Err(fail(Problem::new("ConfigUnreadable", "this is not a file"), name));
    }
    if metadata.len() > MAX_BYTES {
        let text = format!("the file has {} bytes, a configuration has at most {MAX_BYTES}", metadata.len());
        return Err(fail(Problem::new("ConfigUnreadable", text), name));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
        .map_err(|error| unreadable(name, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        not_text(name, end_of(&before), "this is not UTF-8 text")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match text.char_indices().find(|(_, c)| !is_text(*c)) {
        None => Ok(text.to_owned()),
        Some((at, c)) => {
            let what = format!("the character U+{:04X} does not belong into a text file", u32::from(c));
            Err(not_text(name, end_of(&text[..at]), &what))
        }
    }
}

/// YAML 1.1 and 1.2 disagree on the line breaks of Unicode, and no terminal should print control characters.
pub(super) fn is_text(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r')
        || !(c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

fn end_of(before: &str) -> Place {
    let line = before.rsplit('\n').next().unwrap_or_default();
    Place { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

fn not_text(name: &str, place: Place, text: &str) -> Failure {
    let problem = Problem::new("ConfigSyntax", text).at(name, place.line, place.column);
    Failure::many(Exit::Config, vec![problem.remedy("save the file as UTF-8 text")])
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    let problem = match error.kind() {
        std::io::ErrorKind::NotFound => Problem::new("ConfigMissing", "there is no such file")
            .remedy("`ccslurm4ai init` writes one; or name another file with --config"),
        _ => Problem::new("ConfigUnreadable", format!("the file cannot be read: {error}")),
    };
    fail(problem, name)
}

fn fail(mut problem: Problem, name: &str) -> Failure {
    problem.file = Some(name.to_owned());
    Failure::many(Exit::Config, vec![problem])
}
