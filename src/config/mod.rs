//! `config.yaml` as a [`Config`]: typed, complete, and free of everything that can be known wrong without Azure.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::sizes::Size;

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
    pub hpc_sku: &'static Size,
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
    /// Who gives the CycleCloud server its Reader role on the subscription.
    pub subscription_reader: SubscriptionReader,
    /// Availability zone of the GPU nodes, `1` to `3`.
    pub zone: Option<String>,
    /// The network the cluster lives in.
    pub network: Network,
}

impl Config {
    /// GPU nodes the cluster may grow to: what the cores allow, but no more than one scale set holds.
    pub fn hpc_node_count(&self) -> u32 {
        (self.hpc_max_core_count / self.hpc_sku.vcpus).min(self.hpc_max_num_vms)
    }
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

/// A new virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// CIDR of the virtual network, which the template divides into subnets.
    pub address_space: String,
}

/// Something valid in `config.yaml` that the user may not have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(pub String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
