//! Commands on a VM over one shared SSH connection. Each is a list of words, quoted for the VM's shell, and has a
//! time on both sides: `timeout` ends it there, we stop waiting here.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::failure::Failure;
use crate::process::{ProcessError, Runner, quote};
use crate::ssh::{Connection, Identity, Session};
use crate::tunnel::{Opener, Route, Tunnel};
use crate::ui::Ui;

/// What the network may add to a command's own time.
const WAY: Duration = Duration::from_secs(30);
/// Exit status of `timeout` when the time was over (coreutils).
const TIMED_OUT: i32 = 124;
/// Exit status of ssh when the connection is what failed (ssh(1)).
const NO_CONNECTION: i32 = 255;
/// How much is quoted of what a command said.
const LONGEST: usize = 300;

/// Why a command gave no answer that can be used.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// It ran and failed: exit status and last words.
    Failed(i32, String),
    /// It did not end in time, the VM cannot be reached, or the answer makes no sense.
    Unanswered(String),
    /// We were told to end.
    Interrupted,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(status, said) => write!(f, "exit status {status}: {said}"),
            Self::Unanswered(text) => f.write_str(text),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl From<ProcessError> for Trouble {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Interrupted => Self::Interrupted,
            other => Self::Unanswered(other.to_string()),
        }
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        if let Some(error) = error.downcast_ref::<ProcessError>() {
            return error.clone().into();
        }
        let text = match error.downcast_ref::<Failure>() {
            Some(failure) => {
                failure.problems.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            None => format!("{error:#}"),
        };
        Self::Unanswered(text)
    }
}

/// A VM that we are signed in to; the connection ends when this is dropped.
pub struct Host<'a> {
    runner: &'a Runner<'a>,
    name: String,
    session: Session,
    _connection: Connection,
    _tunnel: Tunnel,
}

/// One command, not yet run.
pub struct Remote<'a> {
    host: &'a Host<'a>,
    words: Vec<String>,
    input: String,
    limit: Duration,
    cleans_up: bool,
}

impl<'a> Host<'a> {
    /// Opens the way to a VM and signs in; `name` is what people call it. What the tunnel says goes into a folder of
    /// that name in `logs`.
    ///
    /// # Errors
    /// Those of the way and of signing in.
    pub fn reach(
        runner: &'a Runner<'a>,
        ui: &'a Ui,
        name: &str,
        route: &Route,
        identity: &Identity,
        logs: &Path,
    ) -> anyhow::Result<Self> {
        let logs = logs.join(name);
        std::fs::create_dir_all(&logs)?;
        let tunnel = Opener::new(runner, ui, route, &logs).open()?;
        let session = Session::new(identity, &route.vm, tunnel.address())?;
        let connection = session.connect(runner)?;
        Ok(Self { runner, name: name.to_owned(), session, _connection: connection, _tunnel: tunnel })
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command of these words, with half a minute of time.
    pub fn command(&'a self, words: &[&str]) -> Remote<'a> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Remote { host: self, words, input: String::new(), limit: Duration::from_secs(30), cleans_up: false }
    }
}

impl Remote<'_> {
    /// What it reads.
    #[must_use]
    pub fn input(self, text: impl Into<String>) -> Self {
        Self { input: text.into(), ..self }
    }

    /// The time it may take.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// It undoes what this run did, and runs after an interrupt too.
    #[must_use]
    pub fn cleans_up(self) -> Self {
        Self { cleans_up: true, ..self }
    }

    /// Runs it; what it printed.
    ///
    /// # Errors
    /// When it fails, takes too long or cannot be reached.
    pub fn run(self) -> Result<String, Trouble> {
        let command = self.host.session.command(&line(&self.words, self.limit));
        let command = command.stdin_bytes(self.input.as_bytes()).timeout(self.limit + WAY);
        let command = if self.cleans_up { command.cleans_up() } else { command };
        let output = self.host.runner.run(&command)?;
        let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
        let said = shorten(&self.host.runner.redact(said));
        match output.status {
            0 => Ok(output.stdout),
            TIMED_OUT => Err(Trouble::Unanswered(format!("no answer within {} s", self.limit.as_secs()))),
            NO_CONNECTION => {
                Err(Trouble::Unanswered(format!("the connection to {} failed: {said}", self.host.name)))
            }
            status => Err(Trouble::Failed(status, said)),
        }
    }
}

/// The line for the VM's shell.
fn line(words: &[String], limit: Duration) -> String {
    let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
    format!("timeout -k 5 {} {}", limit.as_secs(), words.join(" "))
}

/// The end of what was said, in one line.
fn shorten(said: &str) -> String {
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let skip = said.chars().count().saturating_sub(LONGEST);
    said.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_reach_the_program_as_they_are(words in proptest::collection::vec("[^\0]{0,20}", 1..4)) {
            let all: Vec<String> = ["printf".into(), "%s\\0".into()].into_iter().chain(words.clone()).collect();
            let shell = std::process::Command::new("sh").arg("-c").arg(line(&all, Duration::from_secs(20))).output();
            let printed = shell.unwrap().stdout;
            let expected: Vec<u8> = words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
            prop_assert_eq!(printed, expected);
        }
    }

    #[test]
    fn long_words_keep_their_end() {
        assert_eq!(shorten("a  b\n c"), "a b c");
        let long = shorten(&format!("{} the reason", "x".repeat(900)));
        assert!(long.len() == LONGEST && long.ends_with("the reason"));
    }
}
