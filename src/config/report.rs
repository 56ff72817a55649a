//! Problems of `config.yaml` as they are found.

use strsim::damerau_levenshtein;

use crate::failure::Problem;

/// Problems kept; a file with more is not a configuration.
const MAX_PROBLEMS: usize = 100;

/// Characters of a wrong value that a message repeats.
const MAX_SHOWN: usize = 60;

/// A position in the file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

impl Place {
    /// Where the file begins.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// Collects the problems of one file.
#[derive(Debug)]
pub struct Report {
    file: String,
    problems: Vec<Problem>,
    left_out: usize,
}

impl Report {
    /// An empty report on `file`, spelled as the user did.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: Vec::new(), left_out: 0 }
    }

    /// `key` is wrong in the way `text` says.
    pub fn add(&mut self, code: &'static str, place: Place, key: &str, text: impl AsRef<str>) {
        self.push(Problem::new(code, format!("{}: {}", cut(key), text.as_ref())), place);
    }

    /// The file is wrong as YAML.
    pub fn syntax(&mut self, place: Place, text: impl Into<String>, remedy: Option<&str>) {
        let problem = Problem::new("ConfigSyntax", text);
        self.push(remedy.into_iter().fold(problem, Problem::remedy), place);
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether further problems are only counted.
    pub fn is_full(&self) -> bool {
        self.problems.len() == MAX_PROBLEMS
    }

    /// The problems in the order of the file, `None` if there are none.
    pub fn into_problems(mut self) -> Option<Vec<Problem>> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        if self.left_out > 0 {
            let text = format!("and {} more problems", self.left_out);
            let mut more = Problem::new("ConfigSyntax", text);
            more.file = Some(self.file);
            self.problems.push(more);
        }
        (!self.problems.is_empty()).then_some(self.problems)
    }

    fn push(&mut self, problem: Problem, place: Place) {
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.problems.push(problem.at(&self.file, place.line, place.column));
        }
    }
}

/// A value for a message: in backquotes, control characters escaped, not too long.
pub fn shown(value: &str) -> String {
    format!("`{}`", cut(value))
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        short.push('…');
    }
    short.replace("\\'", "'").replace("\\\"", "\"")
}

/// `(allowed: a, b; did you mean a)`, the second half only if `word` looks like one of them.
pub fn allowed<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().collect();
    let hint = nearest(word, &words).map(|near| format!("; did you mean {near}")).unwrap_or_default();
    format!("(allowed: {}{hint})", words.join(", "))
}

/// Longest word that is compared: a matrix of both lengths is filled.
const LONGEST: usize = 64;

/// How many letters make `other` of `word`; case and the kind of separator do not count.
fn distance(word: &str, other: &str) -> usize {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    damerau_levenshtein(&plain(word), &plain(other))
}

/// The one of `words` that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let nearest = words.iter().copied().min_by_key(|other| distance(word, other))?;
    let (distance, length) = (distance(word, nearest), word.chars().count());
    (distance <= (length / 3).max(1) && distance < length).then_some(nearest)
}

/// The `count` of `words` that are most like `word`, the most alike first.
pub fn near<'a>(word: &str, words: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let word: String = word.chars().take(LONGEST).collect();
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_by_key(|other| distance(&word, other));
    words.truncate(count);
    words
}
