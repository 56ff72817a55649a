//! Why an az call failed, told from its exit status and its words.

use std::fmt;
use std::time::Duration;

use super::error::{self, ArmError};
use crate::failure::{Exit, Failure, GO_ON, Problem};
use crate::known_errors::{self, By, Known, Means};
use crate::process::ProcessError;

/// An az call that failed. Has no `From` into [`anyhow::Error`]: the caller says with
/// [`AzError::failure`] which phase it was in.
#[derive(Debug, Clone)]
pub struct AzError {
    /// What is wrong.
    pub kind: Kind,
    /// What the call was for, as in "reading the quota of eastus".
    pub why: String,
    /// The command line, redacted, as one could paste it.
    pub command: String,
}

/// What is wrong with an az call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// There is no `az`.
    Missing,
    /// Nobody is signed in, or must sign in again; az's own words and the command it proposes.
    SignIn {
        /// Why and what to do.
        known: &'static Known,
        /// What az said.
        text: String,
        /// `az login …`
        command: String,
    },
    /// az knows no such subscription, or several of that name.
    NoSubscription {
        /// Why and what to do.
        known: &'static Known,
        /// What az said.
        text: String,
    },
    /// Two az processes met at the token cache, twice.
    TokenCacheRace {
        /// Why and what to do.
        known: &'static Known,
        /// What az said last.
        text: String,
    },
    /// Signed in, but not allowed.
    Forbidden(Vec<ArmError>),
    /// What was asked for does not exist.
    NotFound(Vec<ArmError>),
    /// Azure cannot be reached.
    NoConnection {
        /// Why and what to do.
        known: &'static Known,
        /// What az said last.
        text: String,
    },
    /// It took too long and was ended.
    TimedOut {
        /// The time it was given.
        after: Duration,
    },
    /// A signal ended it.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// It said that all is well, but what it printed is not what was asked for.
    NoJson,
    /// az itself is broken: it ended with a traceback.
    Broken {
        /// Why and what to do.
        known: &'static Known,
        /// The last line of the traceback.
        text: String,
    },
    /// SIGINT or SIGTERM reached us.
    Interrupted,
    /// The operating system did not let it run.
    Io {
        /// Its reason.
        reason: String,
    },
    /// Azure said no for another reason.
    Refused(Vec<ArmError>),
}

impl Kind {
    /// The kind of failure behind exit status `status` and the words `stderr`.
    pub(super) fn of(status: i32, stderr: &str) -> Self {
        if status > 128 {
            return Self::Killed { signal: status - 128 };
        }
        let text = errors_only(stderr);
        // A warning may be about another tenant; it counts only where nothing else is said.
        let said = if text.is_empty() { stderr } else { &text };
        known_errors::find(By::Az, "", said)
            .and_then(|known| Self::told(known, &text, stderr))
            .unwrap_or_else(|| Self::answered(status, &text))
    }

    /// az or what it runs on failed, in words that are known.
    fn told(known: &'static Known, text: &str, stderr: &str) -> Option<Self> {
        Some(match known.means? {
            Means::SignIn => Self::SignIn { known, text: gist(text), command: login_command(stderr) },
            Means::NoSubscription => Self::NoSubscription { known, text: gist(text) },
            Means::TokenCacheRace => Self::TokenCacheRace { known, text: gist(text) },
            Means::NoConnection => Self::NoConnection { known, text: gist(text) },
            Means::Broken => Self::Broken { known, text: last_exception(text) },
            _ => return None,
        })
    }

    /// Azure answered that it will not.
    fn answered(status: i32, text: &str) -> Self {
        let leaves = error::leaves(text);
        // Key Vault's codes begin so, those of Resource Manager end so.
        let forbids = |leaf: &ArmError| {
            leaf.code.starts_with("Forbidden") || leaf.code.ends_with("AuthorizationFailed")
        };
        if text.starts_with("Forbidden(") || leaves.iter().any(forbids) {
            return Self::Forbidden(leaves);
        }
        let missing = |leaf: &ArmError| leaf.code.ends_with("NotFound");
        if status == 3 || text.starts_with("Not Found(") || (!leaves.is_empty() && leaves.iter().all(missing))
        {
            return Self::NotFound(leaves);
        }
        Self::Refused(leaves)
    }

    /// Azure's errors.
    fn leaves(&self) -> &[ArmError] {
        match self {
            Self::Forbidden(leaves) | Self::NotFound(leaves) | Self::Refused(leaves) => leaves,
            _ => &[],
        }
    }
}

impl From<ProcessError> for Kind {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::NotFound { .. } => Self::Missing,
            ProcessError::TimedOut { after, .. } => Self::TimedOut { after },
            ProcessError::Interrupted => Self::Interrupted,
            ProcessError::Io { reason, .. } => Self::Io { reason },
        }
    }
}

impl AzError {
    /// The stable code for the JSON document.
    pub fn code(&self) -> String {
        let code = match &self.kind {
            Kind::Missing => "ProgramMissing",
            Kind::SignIn { .. } => "NotSignedIn",
            Kind::NoSubscription { .. } => "SubscriptionNotFound",
            Kind::TokenCacheRace { .. } => "TokenCacheBusy",
            Kind::NoConnection { .. } => "AzureUnreachable",
            Kind::TimedOut { .. } => "AzTimedOut",
            Kind::Killed { .. } => "AzKilled",
            Kind::NoJson => "AzUnusableAnswer",
            Kind::Broken { .. } => "AzBroken",
            Kind::Interrupted => "Interrupted",
            Kind::Io { .. } => "AzNotRunnable",
            Kind::Forbidden(leaves) | Kind::NotFound(leaves) | Kind::Refused(leaves) => {
                return leaves
                    .first()
                    .map(|leaf| leaf.code.clone())
                    .filter(|code| !code.is_empty())
                    .unwrap_or_else(|| "AzFailed".into());
            }
        };
        code.to_owned()
    }

    /// What is wrong, why, and what to do next: one problem, or one for each error of Azure.
    pub fn problems(&self) -> Vec<Problem> {
        match self.kind.leaves() {
            [] | [_] => vec![self.problem()],
            leaves => leaves.iter().map(|leaf| leaf.problem(format!("{}: {leaf}", self.why))).collect(),
        }
    }

    /// As one problem.
    pub fn problem(&self) -> Problem {
        let text = self.to_string();
        match (&self.kind, self.kind.leaves()) {
            (Kind::SignIn { known, command, .. }, _) => {
                Problem::new(self.code(), text).known(known, &[("login", command)])
            }
            (
                Kind::NoSubscription { known, .. }
                | Kind::TokenCacheRace { known, .. }
                | Kind::NoConnection { known, .. }
                | Kind::Broken { known, .. },
                _,
            ) => Problem::new(self.code(), text).known(known, &[]),
            (_, [first, ..]) => Problem { code: self.code(), ..first.problem(text) },
            _ => Problem { remedy: self.own_remedy(), ..Problem::new(self.code(), text) },
        }
    }

    /// What to do next, when that is known.
    pub fn remedy(&self) -> Option<String> {
        self.problem().remedy
    }

    /// What to do about what nobody said: what we saw ourselves.
    fn own_remedy(&self) -> Option<String> {
        let remedy = match &self.kind {
            Kind::Missing => super::INSTALL_AZ,
            Kind::TimedOut { .. } => {
                "check the network, or give az longer with CCSLURM4AI_AZ_TIMEOUT (seconds)"
            }
            Kind::Killed { .. } => "see the kernel's log whether memory ran out, then run it again",
            Kind::NoJson => "run that command by hand and see what it prints",
            Kind::Interrupted => GO_ON,
            _ => return None,
        };
        Some(remedy.to_owned())
    }

    /// As a failure: the exit code of the cause where that says more, else that of the phase, `otherwise`.
    pub fn failure(&self, otherwise: Exit) -> Failure {
        let exit = match self.kind {
            Kind::Missing => Exit::ProgramMissing,
            Kind::SignIn { .. } | Kind::Forbidden(_) => Exit::Access,
            Kind::Interrupted => Exit::Interrupted,
            _ => otherwise,
        };
        Failure::many(exit, self.problems())
    }
}

impl fmt::Display for AzError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, why, command } = self;
        match kind {
            Kind::Missing => return write!(f, "{why}: the program `az` is not on PATH"),
            Kind::Interrupted => return write!(f, "{why}: interrupted"),
            Kind::SignIn { text, .. } => return write!(f, "{why}: not signed in to Azure: {text}"),
            Kind::NoSubscription { text, .. } => return write!(f, "{why}: {text}"),
            Kind::TokenCacheRace { text, .. } => write!(f, "{why}: az's token cache is busy: {text}")?,
            Kind::NoConnection { text, .. } => write!(f, "{why}: Azure cannot be reached: {text}")?,
            Kind::TimedOut { after } => write!(f, "{why}: az did not answer within {} s", after.as_secs())?,
            Kind::Killed { signal } => write!(f, "{why}: az was ended by signal {signal}")?,
            Kind::NoJson => write!(f, "{why}: az printed something else than the JSON asked for")?,
            Kind::Broken { text, .. } => write!(f, "{why}: az itself is broken: {text}")?,
            Kind::Io { reason } => write!(f, "{why}: az could not run: {reason}")?,
            Kind::Forbidden(leaves) => write!(f, "{why}: forbidden: {}", joined(leaves))?,
            Kind::NotFound(leaves) => write!(f, "{why}: not found: {}", joined(leaves))?,
            Kind::Refused(leaves) => write!(f, "{why}: {}", joined(leaves))?,
        }
        write!(f, " (the command was: {command})")
    }
}

fn joined(leaves: &[ArmError]) -> String {
    match leaves {
        [] => "az said nothing".to_owned(),
        leaves => leaves.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

/// What az said without its warnings and its `ERROR:` marks. A warning may name another tenant's trouble.
fn errors_only(stderr: &str) -> String {
    let lines = stderr.lines().filter(|line| !line.starts_with("WARNING:"));
    lines
        .map(|line| line.strip_prefix("ERROR: ").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

/// The sentences of az's words that say why, each once.
fn gist(text: &str) -> String {
    const NO_REASON: [&str; 4] =
        ["Run the command below", "az log", "Traceback (", "The command failed with an unexpected error"];
    if text.contains("{\"") {
        return joined(&error::leaves(text));
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let says_why = |line: &&str| !line.is_empty() && !NO_REASON.iter().any(|start| line.starts_with(start));
    let code = lines.iter().position(|line| line.contains("AADSTS"));
    let Some(first) = code.or_else(|| lines.iter().position(says_why)) else {
        return "az said nothing".to_owned();
    };
    let paragraph = lines[first..].iter().copied().take_while(says_why).collect::<Vec<_>>().join(" ");
    each_once(paragraph.split(" Trace ID").next().unwrap_or_default())
}

/// Policies that hit several times are told several times.
fn each_once(text: &str) -> String {
    let mut sentences: Vec<&str> = Vec::new();
    for sentence in text.split(". ") {
        if !sentences.iter().any(|other| other.trim_end_matches('.') == sentence.trim_end_matches('.')) {
            sentences.push(sentence);
        }
    }
    sentences.join(". ").trim().to_owned()
}

/// The line of a traceback that says what was raised.
fn last_exception(text: &str) -> String {
    let line = text.lines().rfind(|line| {
        let word = line.split(':').next().unwrap_or_default();
        word.ends_with("Error") || word.ends_with("Exception")
    });
    line.map_or_else(|| gist(text), str::to_owned)
}

/// The sign-in command az proposes; it knows tenant, scope and claims.
pub fn login_command(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| line.trim().trim_start_matches("WARNING: "));
    lines.rev().find(|line| line.starts_with("az login")).unwrap_or("az login").to_owned()
}

#[cfg(test)]
mod tests;
