//! What the checks found, as a table, as JSON, and as a failure.

use std::fmt::{self, Write};

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};

use crate::azure::account::{Caller, Subscription};
use crate::azure::private_dns::ZoneIds;
use crate::azure::{AzError, Kind};
use crate::failure::{Exit, Failure, Problem};
use crate::ui::Answer;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Ok,
    /// It may become a problem.
    Warning,
    /// It could not be decided; never taken for good.
    Unknown,
    /// It does not hold: an installation would fail.
    Failed,
}

/// vCPUs against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Numbers {
    /// vCPUs the configuration asks for.
    pub needed: u64,
    /// vCPUs used by the whole subscription.
    pub used: u64,
    /// Those of them that the resource group uses.
    pub ours: u64,
    /// vCPUs approved.
    pub limit: u64,
}

/// One thing that was checked.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The check.
    pub id: &'static str,
    /// What was looked at.
    pub subject: String,
    /// How it ended.
    pub status: Status,
    /// Stable name of what is wrong; empty when all is well.
    pub code: String,
    /// What was found.
    pub message: String,
    /// Why it happened, when that is known.
    pub cause: Option<String>,
    /// What to do next.
    pub remedy: Option<String>,
    /// The page of the official documentation on it.
    pub link: Option<String>,
    /// For quota.
    #[serde(flatten)]
    pub numbers: Option<Numbers>,
    /// File, line and column of what asks for it.
    #[serde(skip)]
    place: Option<(String, usize, usize)>,
    #[serde(skip)]
    exit: Exit,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.subject.is_empty() { self.id } else { &self.subject };
        write!(f, "{subject}: {}", self.message)?;
        for (name, text) in self.advice() {
            write!(f, "\n  {name}: {text}")?;
        }
        Ok(())
    }
}

impl Item {
    fn new(id: &'static str, status: Status, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            id,
            subject: subject.into(),
            status,
            code: String::new(),
            message: message.into(),
            cause: None,
            remedy: None,
            link: None,
            numbers: None,
            place: None,
            exit: Exit::Check,
        }
    }

    pub(super) fn ok(id: &'static str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(id, Status::Ok, subject, message)
    }

    pub(super) fn warning(id: &'static str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(id, Status::Warning, subject, message)
    }

    pub(super) fn unknown(id: &'static str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(id, Status::Unknown, subject, message)
    }

    pub(super) fn failed(id: &'static str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(id, Status::Failed, subject, message)
    }

    /// A check that a failed call leaves open; only a missing sign-in is sure to stop an installation.
    pub(super) fn undecided(id: &'static str, subject: impl Into<String>, error: &AzError) -> Self {
        let status = if matches!(error.kind, Kind::SignIn { .. }) { Status::Failed } else { Status::Unknown };
        let item = Self::new(id, status, subject, error.to_string()).code(error.code());
        item.known_of(error).exit(error.failure(Exit::Check).exit)
    }

    /// What is known of a failed call, to be done and to be read.
    pub(super) fn known_of(self, error: &AzError) -> Self {
        let Problem { cause, remedy, link, .. } = error.problem();
        Self { cause, remedy, link, ..self }
    }

    /// Why, what to do, and where to read on.
    fn advice(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts = [("why", &self.cause), ("next", &self.remedy), ("see", &self.link)];
        parts.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }

    /// Nothing works without it, so that it is open is a failure.
    pub(super) fn needed(mut self) -> Self {
        self.status = Status::Failed;
        self
    }

    pub(super) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    pub(super) fn numbers(mut self, numbers: Numbers) -> Self {
        self.numbers = Some(numbers);
        self
    }

    /// Where `config.yaml` asks for it.
    pub(super) fn at(mut self, place: Option<(String, usize, usize)>) -> Self {
        self.place = place;
        self
    }

    /// The exit code if it fails; [`Exit::Check`] when not said.
    pub(super) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

/// What all checks found.
#[derive(Debug, Clone)]
pub struct Report {
    /// In the order in which a user should read them.
    pub items: Vec<Item>,
    /// Who runs us, when that could be told. Without it nothing can be installed, and an item has failed.
    pub caller: Option<Caller>,
    /// The subscription, when az could show it.
    pub subscription: Option<Subscription>,
    /// The private DNS zones of an existing network, when they are wanted and all there.
    pub zones: ZoneIds,
}

/// What the checks found out that an installation needs.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Who installs.
    pub caller: Caller,
    /// Where.
    pub subscription: Subscription,
    /// The private DNS zones of an existing network.
    pub zones: ZoneIds,
}

impl Report {
    /// The failed items as one failure; its exit code is the most blocking one: a missing program, then
    /// access, then any other.
    pub fn failure(&self) -> Option<Failure> {
        let failed: Vec<_> = self.of(Status::Failed).collect();
        let blocking = [Exit::ProgramMissing, Exit::Access, Exit::Check];
        let exit = blocking.into_iter().find(|exit| failed.iter().any(|item| item.exit == *exit))?;
        let problem = |item: &&Item| {
            let problem = Problem::new(&item.code, format!("{}: {}", item.subject, item.message));
            let Item { cause, remedy, link, .. } = (*item).clone();
            let problem = Problem { cause, remedy, link, ..problem };
            match &item.place {
                Some((file, line, column)) => problem.at(file, *line, *column),
                None => problem,
            }
        };
        Some(Failure::many(exit, failed.iter().map(problem).collect()))
    }

    /// What an installation needs to know, if nothing failed.
    ///
    /// # Errors
    /// [`Report::failure`], with the report.
    pub fn ready(self) -> anyhow::Result<Ready> {
        if let Some(failure) = self.failure() {
            return Err(failure.partial(Answer { text: self.table(), result: self.json() }).into());
        }
        let known = self.caller.zip(self.subscription);
        let (caller, subscription) = known.context("no check failed, but who is signed in is not known")?;
        Ok(Ready { caller, subscription, zones: self.zones })
    }

    /// The items that ended so.
    pub fn of(&self, status: Status) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.status == status)
    }

    /// One line an item, with what to do next below it, and a last line that counts.
    pub fn table(&self) -> String {
        let width = |text: fn(&Item) -> &str| {
            self.items.iter().map(|item| text(item).chars().count()).max().unwrap_or_default()
        };
        let (ids, subjects) = (width(|item| item.id), width(|item| &item.subject));
        let mut text = String::new();
        for item in &self.items {
            let Item { id, subject, status, message, .. } = item;
            let message = message.replace('\n', "\n         ");
            let line = format!("{:<7}  {id:<ids$}  {subject:<subjects$}  {message}", word(*status));
            let _ = writeln!(text, "{}", line.trim_end());
            for (name, advice) in item.advice() {
                let _ = writeln!(text, "         {name}: {advice}");
            }
        }
        text + &self.counts() + "\n"
    }

    /// How many items ended how, as in `18 ok, 1 failed`.
    pub fn counts(&self) -> String {
        let all = [Status::Ok, Status::Warning, Status::Unknown, Status::Failed];
        let counts = all.map(|status| (self.of(status).count(), word(status)));
        let counts =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        counts.collect::<Vec<_>>().join(", ")
    }

    /// The `result` of the JSON document.
    pub fn json(&self) -> Value {
        json!({ "checks": self.items })
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warning => "warning",
        Status::Unknown => "unknown",
        Status::Failed => "failed",
    }
}
