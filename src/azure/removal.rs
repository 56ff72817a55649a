//! Deletion of single resources.

use std::time::Duration;

use super::assignments::gone;
use super::az::Az;
use super::failed::AzError;

/// The longest that Azure takes for one: a database server, a Bastion.
const LIMIT: Duration = Duration::from_secs(3600);

/// Deletes a resource and waits until it is gone; it may be so already.
///
/// # Errors
/// As [`Az::run`], with Azure's reason.
pub fn delete(az: &Az<'_>, id: &str) -> Result<(), AzError> {
    // Without --verbose az says only that it failed (azure-cli 2.91, command_modules/resource/custom.py,
    // `delete_resource`).
    let args = ["resource", "delete", "--verbose", "--output", "none", "--ids", id];
    let command = az.command(&args).timeout(LIMIT).changes();
    gone(az.run(&command, "deleting a resource"))
}
