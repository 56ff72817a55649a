//! What `destroy` takes away: read first, shown, then deleted in an order that a later run can take up.

mod grants;
mod group;
mod listing;
mod obstacles;
mod parts;
mod records;
mod survey;

pub use grants::remove as remove_outside;
pub use listing::{listing, result, summary};
pub use obstacles::check;
pub use survey::Survey;

use crate::azure::Az;
use crate::config::Config;
use crate::ui::Ui;

/// Deletes the resource group, or what is ours of it.
///
/// # Errors
/// With Azure's reasons for what stays.
pub fn remove_inside(az: &Az<'_>, ui: &Ui, survey: &Survey, config: &Config) -> anyhow::Result<()> {
    let Some(found) = &survey.group else { return Ok(()) };
    let name = config.resource_group_name.as_str();
    if found.is_ours {
        return phase(az, ui, "resource group", || {
            group::remove(az, ui, name)?;
            Ok(((), format!("{name} deleted")))
        });
    }
    phase(az, ui, "resources", || {
        let count = parts::remove(az, ui, name, &survey.made)?;
        Ok(((), format!("{count} deleted")))
    })?;
    // Last, for they tell what is ours; but they must go, for `install` takes them for what is there.
    phase(az, ui, "deployment records", || {
        records::remove(az, &survey.made.records)?;
        Ok(((), format!("{} deleted", survey.made.records.len())))
    })
}

fn phase<T>(
    az: &Az<'_>,
    ui: &Ui,
    name: &str,
    work: impl FnOnce() -> anyhow::Result<(T, String)>,
) -> anyhow::Result<T> {
    ui.phase(name, || {
        let (value, note) = work().map_err(|error| obstacles::name_locks(az, error))?;
        Ok((value, if az.is_dry_run() { "only shown: dry run".to_owned() } else { note }))
    })
}
