//! `az` with the subscription said on every call.
//!
//! `az rest` takes `--subscription` (a global argument) but chooses the token's tenant by the subscription
//! id in the URL, and with none there by the default subscription (azure-cli `core/util.py`,
//! `send_raw_request`). So paths here carry the id, never a name, and `az account set` is never called.

use std::time::Duration;

use serde_json::Value;

use super::failed::{AzError, Kind};
use crate::process::{Command, Output, Runner};

/// Seconds an az call may take when `CCSLURM4AI_AZ_TIMEOUT` does not say otherwise. A list of VM sizes
/// takes az 10 to 40 s on a slow line.
const DEFAULT_TIMEOUT_S: u64 = 120;
/// How many times as long those calls may take in which Azure works on much at once, such as the start of a
/// deployment.
const LONG: u32 = 5;
/// Pages of one list; Azure's longest of those we read has fewer than ten.
const MOST_PAGES: usize = 100;
/// Where pages of a list may come from.
const ARM: &str = "https://management.azure.com/";

/// `az`, bound to a subscription.
#[derive(Clone)]
pub struct Az<'a> {
    runner: &'a Runner<'a>,
    subscription: String,
    timeout: Duration,
}

impl<'a> Az<'a> {
    /// `subscription` is a name or an id; [`Az::rest_get`] needs paths with the id all the same.
    pub fn new(runner: &'a Runner<'a>, subscription: impl Into<String>) -> Self {
        let seconds = std::env::var("CCSLURM4AI_AZ_TIMEOUT").ok().and_then(|text| text.parse().ok());
        let seconds = seconds.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_TIMEOUT_S);
        Self { runner, subscription: subscription.into(), timeout: Duration::from_secs(seconds) }
    }

    /// The subscription's name or id, as given.
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// ARM id of the resource group `name`.
    pub fn group_id(&self, name: &str) -> String {
        format!("/subscriptions/{}/resourceGroups/{name}", self.subscription)
    }

    /// Whether what changes something is only shown.
    pub fn is_dry_run(&self) -> bool {
        self.runner.is_dry_run()
    }

    /// The same `az` on the subscription `id`.
    #[must_use]
    pub fn on(&self, id: impl Into<String>) -> Self {
        Self { subscription: id.into(), ..self.clone() }
    }

    /// `az ARGS --subscription S`, to be adorned (input, `changes()`) and given to [`Az::run`].
    pub fn command(&self, args: &[&str]) -> Command {
        self.bare(args).args(["--subscription", &self.subscription])
    }

    /// As [`Az::command`], with more time.
    pub(super) fn long_command(&self, args: &[&str]) -> Command {
        self.command(args).timeout(self.timeout * LONG)
    }

    /// `az ARGS` without a subscription, for the few commands that take none.
    pub(super) fn bare(&self, args: &[&str]) -> Command {
        Command::new("az").args(args.iter().copied()).timeout(self.timeout)
    }

    /// Runs a command of [`Az::command`]; `why` completes an error, as in "reading the quota of eastus".
    ///
    /// # Errors
    /// When az is missing, hangs, is killed, or says that it failed.
    pub fn run(&self, command: &Command, why: &str) -> Result<Output, AzError> {
        let attempt = || match self.runner.run(command) {
            Ok(output) if output.status == 0 => Ok(output),
            Ok(output) => Err(Kind::of(output.status, &self.runner.redact(&output.stderr))),
            Err(error) => Err(error.into()),
        };
        let result = match attempt() {
            Err(Kind::TokenCacheRace { .. }) => attempt(),
            result => result,
        };
        result.map_err(|kind| self.error(kind, command, why))
    }

    /// Runs `az ARGS -o json` and parses its answer.
    ///
    /// # Errors
    /// As [`Az::run`], and when the answer is not JSON.
    pub fn json(&self, args: &[&str], why: &str) -> Result<Value, AzError> {
        self.json_of(self.command(args), why)
    }

    /// As [`Az::json`] for an answer that holds a secret: it is neither logged nor quoted.
    ///
    /// # Errors
    /// As [`Az::json`].
    pub fn secret_json(&self, args: &[&str], why: &str) -> Result<Value, AzError> {
        self.json_of(self.command(args).secret_output(), why)
    }

    pub(super) fn json_of(&self, command: Command, why: &str) -> Result<Value, AzError> {
        let command = command.args(["-o", "json"]);
        let output = self.run(&command, why)?;
        serde_json::from_str(&output.stdout).map_err(|_| self.error(Kind::NoJson, &command, why))
    }

    /// `GET`s a path of Resource Manager that starts with `/subscriptions/{id}`, api-version included.
    ///
    /// # Errors
    /// As [`Az::json`].
    pub fn rest_get(&self, path: &str, why: &str) -> Result<Value, AzError> {
        self.json(&["rest", "--method", "get", "--url", path], why)
    }

    /// `GET`s a list: the items of all its pages.
    ///
    /// # Errors
    /// As [`Az::json`], and when an answer is not a list or the pages do not end.
    pub fn rest_list(&self, path: &str, why: &str) -> Result<Vec<Value>, AzError> {
        self.pages(path, None, why)
    }

    /// As [`Az::rest_list`]; nothing where what would hold the items does not exist.
    ///
    /// # Errors
    /// As [`Az::rest_list`].
    pub fn rest_list_if_any(&self, path: &str, why: &str) -> Result<Vec<Value>, AzError> {
        none_if_missing(self.rest_list(path, why))
    }

    /// As [`Az::rest_list`], each item cut down to what the JMESPath `item` (a multiselect hash) names:
    /// some lists are megabytes of which we need lines.
    ///
    /// # Errors
    /// As [`Az::rest_list`].
    pub fn rest_list_of(&self, path: &str, item: &str, why: &str) -> Result<Vec<Value>, AzError> {
        self.pages(path, Some(&format!("{{value: value[].{item}, nextLink: nextLink}}")), why)
    }

    /// As [`Az::rest_list_of`]; nothing where what would hold the items does not exist.
    ///
    /// # Errors
    /// As [`Az::rest_list`].
    pub fn rest_list_of_if_any(&self, path: &str, item: &str, why: &str) -> Result<Vec<Value>, AzError> {
        none_if_missing(self.rest_list_of(path, item, why))
    }

    fn pages(&self, path: &str, query: Option<&str>, why: &str) -> Result<Vec<Value>, AzError> {
        let mut items = Vec::new();
        let mut url = path.to_owned();
        for _ in 0..MOST_PAGES {
            let mut args = vec!["rest", "--method", "get", "--url", &url];
            args.extend(query.iter().flat_map(|query| ["--query", *query]));
            let mut page = self.json(&args, why)?;
            let Some(Value::Array(more)) = page.get_mut("value").map(Value::take) else { break };
            items.extend(more);
            match page.get("nextLink").and_then(Value::as_str) {
                None | Some("") => return Ok(items),
                Some(next) if next.starts_with(ARM) && next != url => next.clone_into(&mut url),
                Some(_) => break,
            }
        }
        Err(self.unusable(&["rest", "--method", "get", "--url", path], why))
    }

    /// As [`Az::not_usable`] of [`Az::command`].
    pub(super) fn unusable(&self, args: &[&str], why: &str) -> AzError {
        self.not_usable(&self.command(args), why)
    }

    /// An error for an answer of `command` that lacks what it must have.
    pub(super) fn not_usable(&self, command: &Command, why: &str) -> AzError {
        self.error(Kind::NoJson, &command.clone().args(["-o", "json"]), why)
    }

    pub(super) fn hide(&self, secret: &str) {
        self.runner.hide(secret);
    }

    fn error(&self, kind: Kind, command: &Command, why: &str) -> AzError {
        AzError { kind, why: why.to_owned(), command: self.runner.redact(&command.to_string()) }
    }
}

fn none_if_missing(listed: Result<Vec<Value>, AzError>) -> Result<Vec<Value>, AzError> {
    match listed {
        Err(AzError { kind: Kind::NotFound(_), .. }) => Ok(Vec::new()),
        listed => listed,
    }
}
