//! Records of deployments are deleted and gone.

use std::time::{Duration, Instant};

use super::survey::failed;
use crate::azure::{Az, assignments};
use crate::failure::{Exit, Failure};
use crate::process::interrupt;

/// Azure takes some seconds for one.
const LIMIT: Duration = Duration::from_secs(15 * 60);
const PAUSE: Duration = Duration::from_secs(2);

/// Deletes the records with these ids, in order, and waits until they are gone.
///
/// # Errors
/// When Azure refuses, or does not get it done.
pub(super) fn remove(az: &Az<'_>, ids: &[String]) -> anyhow::Result<()> {
    for id in ids {
        assignments::delete_record(az, id).map_err(failed)?;
    }
    if az.is_dry_run() {
        return Ok(());
    }
    let started = Instant::now();
    for id in ids {
        while assignments::has_record(az, id).map_err(failed)? {
            if started.elapsed() > LIMIT {
                let message =
                    "the record of a deployment is still there a quarter of an hour after its deletion";
                return Err(Failure::new(Exit::Deployment, "DeletionTimeout", message)
                    .resource(id.clone())
                    .remedy("run the same command again")
                    .into());
            }
            interrupt::sleep(PAUSE)?;
        }
    }
    Ok(())
}
