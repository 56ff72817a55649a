//! What `plan` tells: what an installation would change, whom it gives rights, and what bills.

mod billing;
mod changes;
mod noise;
mod rights;
mod text;

use serde::Serialize;

pub use billing::Bill;
pub use changes::{Changes, Incomplete, Place, Resource};
pub use rights::{Right, Role};

use crate::infrastructure::{Foresight, Preparation, Site};

/// What `plan` tells; the `result` of the JSON document.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// The resource group.
    pub resource_group: Group,
    /// Whether an installation would change something.
    pub has_changes: bool,
    /// The succeeded deployment with the same inputs: an installation deploys only with `--force`.
    pub unchanged_since: Option<String>,
    /// A deployment that is going on.
    pub active_deployment: Option<String>,
    /// Whether Azure also looked at policies, quota and rights, as it does before a deployment.
    pub validated: bool,
    /// What is done before the deployment.
    pub before: Vec<Preparation>,
    /// What the deployment changes.
    pub changes: Changes,
    /// Whom it gives rights.
    pub rights: Vec<Right>,
    /// What bills.
    pub billing: Vec<Bill>,
}

/// The resource group.
#[derive(Debug, Serialize)]
pub struct Group {
    /// ARM id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Whether it is there.
    pub exists: bool,
}

impl Plan {
    /// What is told of `foresight`.
    ///
    /// # Errors
    /// When `roles.json` can't be read.
    pub fn of(foresight: Foresight, site: &Site<'_>) -> anyhow::Result<Self> {
        let roles: Vec<Role> = site.templates.roles()?;
        let Foresight { group_exists, before, unchanged_since, active, validated, prediction } = foresight;
        let changes = Changes::of(&prediction);
        Ok(Self {
            resource_group: Group {
                id: site.group_id(),
                name: site.config.resource_group_name.clone(),
                region: site.config.region.clone(),
                exists: group_exists,
            },
            has_changes: !(before.is_empty() && changes.resources.is_empty()),
            unchanged_since,
            active_deployment: active,
            validated,
            before,
            rights: rights::of(&roles, site, &prediction),
            billing: billing::of(site.config, &prediction),
            changes,
        })
    }
}
