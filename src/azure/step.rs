//! Changes that are told before they are made.

use super::az::Az;
use super::failed::AzError;
use crate::process::Command;

/// One thing that a resource lacks, and the az command that gives it.
pub struct Step {
    what: String,
    command: Command,
}

impl Step {
    /// `what` names the resource and what it lacks, as in "cycleserver: a system-assigned identity".
    pub(super) fn new(what: String, command: Command) -> Self {
        Self { what, command: command.args(["--output", "none"]).changes() }
    }

    /// The resource and what it lacks.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Makes the change.
    ///
    /// # Errors
    /// As [`Az::run`].
    pub fn take(&self, az: &Az<'_>) -> Result<(), AzError> {
        az.run(&self.command, &self.what).map(drop)
    }
}
