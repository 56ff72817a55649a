//! `config.yaml` as a [`Config`]: typed, complete, and free of everything that can be known wrong without Azure.

#[cfg(test)]
mod agreement;
mod defaults;
mod document;
mod example;
mod keys;
mod mapping;
mod network;
mod public_key;
mod raw;
mod report;
mod rules;
mod schema;
mod source;
mod storage;
mod tags;
#[cfg(test)]
mod tests;
mod together;
mod warnings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::failure::{Exit, Failure};
use crate::sizes::{self, Size};
pub use document::Places;
pub use example::{Answers, example};
pub use keys::check as check_value;
pub use network::{ExistingNetwork, KEPT_BY_AZURE, Network, PrivateDns, Subnets};
pub use report::nearest;
pub use schema::{ID as SCHEMA_ID, schema_text};
pub use storage::Storage;
pub use warnings::Warning;

use report::{Place, Report};

/// Everything the user decides. Holding one means that `config.yaml` was valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Azure region, as in `eastus`.
    pub region: String,
    /// The one resource group that holds the cluster.
    pub resource_group_name: String,
    /// Where the bill goes.
    pub subscription: Subscription,
    /// Size of the GPU nodes.
    pub hpc_sku: Size,
    /// vCPUs the GPU partition may grow to.
    pub hpc_max_core_count: u32,
    /// VMs a scale set of GPU nodes may hold.
    pub hpc_max_num_vms: u32,
    /// Tags of the resource group alone.
    pub resource_group_tags: BTreeMap<String, String>,
    /// Tags of the monitoring resources alone.
    pub monitor_tags: BTreeMap<String, String>,
    /// Tags of every resource and node.
    pub tags: BTreeMap<String, String>,
    /// Name of the Slurm cluster and prefix of its nodes.
    pub cluster_name: String,
    /// Administrator on every VM and in CycleCloud.
    pub admin_user: String,
    /// Public key that opens the VMs; absolute or relative to the working folder. `None`: a pair is made.
    pub ssh_public_key_file: Option<PathBuf>,
    /// Operating system of the nodes.
    pub os: Os,
    /// Size of the scheduler, `Standard_…`.
    pub scheduler_sku: String,
    /// Size of the login nodes, `Standard_…`.
    pub login_sku: String,
    /// Size of the nodes for jobs without GPU, `Standard_…`.
    pub htc_sku: String,
    /// Size of the CycleCloud server, `Standard_…`.
    pub server_sku: String,
    /// How many login nodes there are.
    pub login_nodes: u32,
    /// vCPUs the partition without GPUs may grow to.
    pub htc_max_core_count: u32,
    /// Whether Slurm starts and stops nodes by itself.
    pub autoscale: bool,
    /// Whether Slurm keeps records of jobs, in a database of its own.
    pub accounting: bool,
    /// Whether there are metrics and dashboards.
    pub monitoring: bool,
    /// Where the shared files lie.
    pub storage: Storage,
    /// Who gives the CycleCloud server its Reader role on the subscription.
    pub subscription_reader: SubscriptionReader,
    /// Availability zone of the GPU nodes, `1` to `3`.
    pub zone: Option<String>,
    /// The network the cluster lives in.
    pub network: Network,
    /// Where its keys stand in the file.
    pub places: Places,
}

/// What a file asks for when its `hpc_sku` is of no table: enough to ask Azure for that size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// Name or id of the subscription.
    pub subscription: String,
    /// The region.
    pub region: String,
    /// The size's name.
    pub size: String,
}

impl Unlisted {
    /// What `path` asks for. `None` when its size is of the table, or when the file has a problem that [`Config::load`]
    /// tells better.
    pub fn of(path: &Path) -> Option<Self> {
        let text = source::read(path, "").ok()?;
        let root = document::parse(&text, &mut Report::new(""))?;
        let value = |key: &str| {
            let text = root.get(key)?.1.text()?;
            keys::check(key, text).is_ok().then(|| text.to_owned())
        };
        let size = value("hpc_sku").filter(|size| rules::gpu_size(size, None).is_err())?;
        let is_new = rules::vm_size(&size).is_ok() && sizes::find(&size).is_none();
        let subscription = value("subscription_id").or_else(|| value("subscription_name"))?;
        is_new.then_some(Self { subscription, region: value("region")?, size })
    }
}

impl Config {
    /// Reads `path`. All that is wrong comes back in one [`Failure`] with [`Exit::Config`]. `unlisted` is a size that
    /// Azure lists, which `hpc_sku` may name besides those of the table.
    pub fn load(path: &Path, unlisted: Option<&Size>) -> anyhow::Result<(Self, Vec<Warning>)> {
        let name = path.display().to_string();
        let text = source::read(path, &name)?;
        let folder = path.parent().unwrap_or(Path::new(""));

        let mut report = Report::new(&name);
        let root = document::parse(&text, &mut report);
        match &root {
            Some(root) => {
                mapping::check(root, &mut report);
                together::check(root, folder, unlisted, &mut report);
            }
            None if report.is_empty() => report.syntax(Place::START, "the file is empty", None),
            None => {}
        }
        if let Some(problems) = report.into_problems() {
            return Err(Failure::many(Exit::Config, problems).into());
        }
        let root = root.ok_or_else(|| anyhow!("{name} has neither content nor problems"))?;
        let raw = fill(&text, &name)?;
        let config = raw
            .into_config(folder, unlisted, root.places(&name))
            .map_err(|error| anyhow!("{name}: {error}"))?;
        let warnings = warnings::find(&config, &root, &name);
        Ok((config, warnings))
    }

    /// GPU nodes the cluster may grow to: what the cores allow, but no more than one scale set holds.
    pub fn hpc_node_count(&self) -> u32 {
        (self.hpc_max_core_count / self.hpc_sku.vcpus).min(self.hpc_max_num_vms)
    }
}

/// The GPU size of the table with that name, or what is wrong with it.
///
/// # Errors
/// One sentence for the user.
pub fn gpu_size(name: &str) -> Result<&'static Size, String> {
    rules::gpu_size(name, None)
}

/// How `config.yaml` names the subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscription {
    /// Display name, any printable text.
    Name(String),
    /// UUID, lower case.
    Id(String),
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Name(text) | Self::Id(text)) = self;
        f.write_str(text)
    }
}

/// Operating system of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Os {
    /// Ubuntu 22.04.
    Ubuntu2204,
    /// Ubuntu 24.04.
    Ubuntu2404,
}

/// Who gives the CycleCloud server its Reader role on the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionReader {
    /// The deployment does.
    Assign,
    /// An administrator did so beforehand.
    Existing,
}

/// Lets serde_yaml read what the checks have passed. Where it is stricter about syntax, its word is the user's.
fn fill(text: &str, name: &str) -> Result<raw::Raw, Failure> {
    serde_yaml::from_str(text).map_err(|error| {
        let mut report = Report::new(name);
        let place =
            error.location().map_or(Place::START, |at| Place { line: at.line(), column: at.column() });
        report.syntax(place, format!("this is not valid YAML: {error}"), None);
        Failure::many(Exit::Config, report.into_problems().unwrap_or_default())
    })
}
