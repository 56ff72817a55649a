//! A program with its arguments, environment, input and limits.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ProcessError;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// What to run; built up, then given to a [`super::Runner`]. Arguments never hold secrets: these go in
/// through [`Command::stdin_bytes`].
#[derive(Debug, Clone)]
pub struct Command {
    program: String,
    args: Vec<String>,
    env: Vec<(String, Option<OsString>)>,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    stdin_held: bool,
    timeout: Duration,
    changes: bool,
    cleans_up: bool,
    secret_output: bool,
}

impl Command {
    /// `program` is a name on `PATH` or a path.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            stdin: Vec::new(),
            stdin_held: false,
            timeout: DEFAULT_TIMEOUT,
            changes: false,
            cleans_up: false,
            secret_output: false,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<String>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Takes a variable out of its environment.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<String>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// Runs it in `dir`.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// What it reads; without this its standard input is empty.
    #[must_use]
    pub fn stdin_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Started beside us, its standard input stays open and empty until its handle is dropped.
    #[must_use]
    pub fn stdin_held(mut self) -> Self {
        self.stdin_held = true;
        self
    }

    /// The time after which it is ended (two minutes when not said).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// It changes something outside: a dry run shows it instead of running it.
    #[must_use]
    pub fn changes(mut self) -> Self {
        self.changes = true;
        self
    }

    /// It undoes what this run did: an interrupt neither keeps it from running nor ends it, only its time does.
    #[must_use]
    pub fn cleans_up(mut self) -> Self {
        self.cleans_up = true;
        self
    }

    /// Its standard output holds a secret and is not logged.
    #[must_use]
    pub fn secret_output(mut self) -> Self {
        self.secret_output = true;
        self
    }

    pub(super) fn time_limit(&self) -> Duration {
        self.timeout
    }

    pub(super) fn changes_something(&self) -> bool {
        self.changes
    }

    pub(super) fn heeds_interrupts(&self) -> bool {
        !self.cleans_up
    }

    pub(super) fn has_secret_output(&self) -> bool {
        self.secret_output
    }

    pub(super) fn holds_stdin(&self) -> bool {
        self.stdin_held
    }

    pub(super) fn expression(&self) -> Result<duct::Expression, ProcessError> {
        let program = which::which(&self.program)
            .map_err(|_| ProcessError::NotFound { program: self.program.clone() })?;
        let mut expression = duct::cmd(program, &self.args).before_spawn(|child| {
            child.process_group(0);
            Ok(())
        });
        for (name, value) in &self.env {
            expression = match value {
                Some(value) => expression.env(name, value),
                None => expression.env_remove(name),
            };
        }
        if let Some(dir) = &self.dir {
            expression = expression.dir(dir);
        }
        Ok(match (self.stdin_held, self.stdin.is_empty()) {
            (true, _) => expression,
            (false, true) => expression.stdin_null(),
            (false, false) => expression.stdin_bytes(self.stdin.clone()),
        })
    }
}

impl fmt::Display for Command {
    /// The command line as one could paste it into a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote(&self.program))?;
        for arg in &self.args {
            write!(f, " {}", quote(arg))?;
        }
        Ok(())
    }
}

/// `text` as one word of a POSIX shell.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
