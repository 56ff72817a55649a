//! One file a verb; each composes the rooms in reading order.
pub mod configure;
pub mod setup;

use crate::{
    cli::Cli,
    ui::{Answer, Ui},
};
pub fn not_there(cli: &Cli, _ui: &Ui) -> anyhow::Result<Answer> {
    anyhow::bail!("{} comes with a later commit", cli.command.name())
}
