//! Metrics of the cluster's machines arrive in the Azure Monitor workspace.

use std::collections::BTreeSet;

use super::report::{Fault, Finding, Probe};
use crate::azure::metrics::scraped;
use crate::azure::{Az, Kind};
use crate::config::Config;
use crate::process::ProcessError;

/// Asks the workspace `id` which machines it has heard of; of a cluster that is new there may be none yet.
///
/// # Errors
/// When interrupted.
pub fn arrive(az: &Az<'_>, config: &Config, id: &str, is_new: bool) -> Result<Finding, ProcessError> {
    let name = format!("{}/{}", config.resource_group_name, config.cluster_name);
    let probe = Probe::new("metrics", format!("metrics of {name} arrived in the last five minutes"));
    let series = match scraped(az, id) {
        Ok(series) => series,
        Err(error) if matches!(error.kind, Kind::Interrupted) => return Err(ProcessError::Interrupted),
        Err(error) => {
            let remedy = match error.kind {
                Kind::Forbidden(_) => format!("you need the role Monitoring Data Reader on {id}"),
                _ => error.remedy().unwrap_or_else(|| format!("by hand: {}", error.command)),
            };
            return Ok(probe.unknown(format!("the workspace could not be asked: {error}"), remedy));
        }
    };
    let ours = series.iter().filter(|one| one.cluster.eq_ignore_ascii_case(&name));
    let machines: BTreeSet<&str> = ours.map(|one| one.instance.as_str()).collect();
    if machines.is_empty() && is_new {
        return Ok(probe.unknown("none arrived yet", "run `ccslurm4ai verify` in ten minutes"));
    }
    if machines.is_empty() {
        let remedy = "on the scheduler: `systemctl status prometheus` and `journalctl -u prometheus`; the first \
                      metrics may take ten minutes";
        return Ok(probe.failed(Fault::Installation, "none arrived", remedy));
    }
    Ok(probe.ok(format!("{} machines report", machines.len())))
}
