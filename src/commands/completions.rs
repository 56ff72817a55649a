//! `completions`: what a shell must be told.

use clap::CommandFactory;
use serde_json::json;

use crate::cli::{Cli, CompletionsArgs};
use crate::ui::Answer;

/// The script for a shell.
///
/// # Errors
/// When it is no text, which none of the shells' is.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<Answer> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    let text = String::from_utf8(script)?;
    Ok(Answer { result: json!({ "shell": args.shell.to_string(), "script": text }), text })
}
