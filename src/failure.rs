//! What a failed run says: an exit code and one or more problems, each with its place and its remedy.

use std::fmt;

use serde::Serialize;

use crate::known_errors::Known;
use crate::resource_id;
use crate::ui::Answer;

/// What to do after an interrupt.
pub const GO_ON: &str = "run the same command again: it goes on where it stopped";

/// Exit codes of every command; they are documented for users in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for is done.
    Done = 0,
    /// A fault of this program.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// `config.yaml` is invalid.
    Config = 3,
    /// A preflight check failed.
    Check = 4,
    /// The deployment failed.
    Deployment = 5,
    /// Ansible failed on a task.
    Ansible = 6,
    /// SIGINT or SIGTERM ended the run.
    Interrupted = 7,
    /// Another run or deployment is active.
    Busy = 8,
    /// A program that is needed is missing or too old.
    ProgramMissing = 9,
    /// Not signed in, or forbidden.
    Access = 10,
    /// A host cannot be reached.
    Unreachable = 11,
    /// Refused for safety, such as a changed host key.
    Refused = 12,
    /// `plan --detailed-exitcode`: all went well, and an installation would change something.
    Changes = 20,
}

impl Exit {
    /// Whether the command did what was asked for.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::Changes)
    }
}

/// One thing that is wrong: what, where, and what to do next.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Problem {
    /// Stable name of the kind of problem, such as `QuotaTooSmall`.
    pub code: String,
    /// One or more sentences for a person.
    pub message: String,
    /// The Azure resource, host or task concerned.
    pub resource: Option<String>,
    /// The file concerned, as the user named it.
    pub file: Option<String>,
    /// Line in `file`, counted from 1.
    pub line: Option<usize>,
    /// Column in `file`, counted from 1.
    pub column: Option<usize>,
    /// Why it happened, when that is known.
    pub cause: Option<String>,
    /// What to do next.
    pub remedy: Option<String>,
    /// The page of the official documentation on it.
    pub link: Option<String>,
}

impl Problem {
    /// A problem of kind `code`.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), ..Self::default() }
    }

    /// Names the resource, host or task concerned.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Says why it happened, what to do next and where to read on; `values` stand for the `{names}` in the
    /// remedy.
    #[must_use]
    pub fn known(mut self, known: &Known, values: &[(&str, &str)]) -> Self {
        self.cause = Some(known.cause.clone());
        self.remedy = Some(known.remedy(values));
        self.link = Some(known.link.clone());
        self
    }

    /// Names the file and, counted from 1, the line and column.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: usize, column: usize) -> Self {
        self.file = Some(file.into());
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}

impl Problem {
    /// Why, what to do, and where to read on: a line each.
    fn advice(&self) -> String {
        let parts = [("why", &self.cause), ("next", &self.remedy), ("see", &self.link)];
        let lines = parts.iter().filter_map(|(name, text)| Some(format!("\n  {name}: {}", text.as_ref()?)));
        lines.collect()
    }
}

/// With `#`, what is wrong and where; else also why, what to do, and where to read on.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, ":{number}")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.message)?;
        if let Some(resource) = &self.resource {
            write!(f, "\n  where: {}", resource_id::in_words(resource))?;
        }
        if f.alternate() { Ok(()) } else { f.write_str(&self.advice()) }
    }
}

/// The problems as a person reads them: what several in a row have in common is said once, after the last.
pub fn paragraphs(problems: &[Problem]) -> Vec<String> {
    let nexts = problems.iter().skip(1).map(Some).chain([None]);
    let same = |one: &Problem, next: Option<&Problem>| next.is_some_and(|next| next.advice() == one.advice());
    let pairs = problems.iter().zip(nexts);
    pairs.map(|(one, next)| if same(one, next) { format!("{one:#}") } else { one.to_string() }).collect()
}

/// Why a command ends with something else than [`Exit::Done`].
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit code of the process.
    pub exit: Exit,
    /// At least one problem.
    pub problems: Vec<Problem>,
    /// What is known all the same, such as the report of failed checks.
    pub partial: Option<Box<Answer>>,
}

impl Failure {
    /// A failure with one problem of kind `code`.
    pub fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::many(exit, vec![Problem::new(code, message)])
    }

    /// A failure with many problems.
    pub fn many(exit: Exit, problems: Vec<Problem>) -> Self {
        Self { exit, problems, partial: None }
    }

    /// Says what is known all the same.
    #[must_use]
    pub fn partial(mut self, answer: Answer) -> Self {
        self.partial = Some(Box::new(answer));
        self
    }

    /// Names the resource concerned, on every problem.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        let resource = resource.into();
        for problem in &mut self.problems {
            problem.resource = Some(resource.clone());
        }
        self
    }

    /// Says what to do next, on every problem.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        let remedy = remedy.into();
        for problem in &mut self.problems {
            problem.remedy = Some(remedy.clone());
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&paragraphs(&self.problems).join("\n"))
    }
}

impl std::error::Error for Failure {}
