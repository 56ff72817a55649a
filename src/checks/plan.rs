//! The VMs that a configuration may bring up.

use crate::azure::skus::{self, Sku};
use crate::config::Config;
use crate::sizes;

/// VMs of one kind.
pub struct Part {
    /// The key of `config.yaml` that names the size.
    pub key: &'static str,
    /// `Standard_…`
    pub size: String,
    /// How many.
    pub amount: Amount,
}

/// How many VMs there are at most.
#[derive(Clone, Copy)]
pub enum Amount {
    /// So many.
    Vms(u32),
    /// As many VMs as fit into so many vCPUs.
    Cores(u32),
}

/// All VMs of a configuration at their most.
pub(super) struct Plan(Vec<Part>);

/// What a size costs in quota.
pub(super) struct Cost {
    pub vcpus: u64,
    /// Names of its quota family, the live one first.
    pub families: Vec<String>,
}

/// The VMs that a configuration may bring up, by kind.
pub fn parts(config: &Config) -> Vec<Part> {
    let part = |key, size: &str, amount| Part { key, size: size.to_owned(), amount };
    let mut parts = vec![
        part("hpc_sku", &config.hpc_sku.name, Amount::Vms(config.hpc_node_count())),
        part("scheduler_sku", &config.scheduler_sku, Amount::Vms(1)),
        part("login_sku", &config.login_sku, Amount::Vms(config.login_nodes)),
        part("htc_sku", &config.htc_sku, Amount::Cores(config.htc_max_core_count)),
        part("server_sku", &config.server_sku, Amount::Vms(1)),
    ];
    parts.retain(|part| !matches!(part.amount, Amount::Vms(0) | Amount::Cores(0)));
    parts
}

impl Plan {
    pub fn new(config: &Config) -> Self {
        Self(parts(config))
    }

    /// Each size once, with the keys that name it.
    pub fn sizes(&self) -> Vec<(&str, Vec<&'static str>)> {
        let mut sizes: Vec<(&str, Vec<&'static str>)> = Vec::new();
        for part in &self.0 {
            match sizes.iter_mut().find(|(size, _)| size.eq_ignore_ascii_case(&part.size)) {
                Some((_, keys)) => keys.push(part.key),
                None => sizes.push((&part.size, vec![part.key])),
            }
        }
        sizes
    }

    /// Nodes at most: all VMs but the server. Those of a size whose vCPUs nobody knows are left out.
    pub fn nodes(&self, skus: &[Sku]) -> u64 {
        let nodes = self.0.iter().filter(|part| part.key != "server_sku");
        nodes
            .map(|part| match part.amount {
                Amount::Vms(count) => u64::from(count),
                Amount::Cores(cores) => {
                    cost(&part.size, skus).map_or(0, |cost| u64::from(cores) / cost.vcpus)
                }
            })
            .sum()
    }

    /// For each kind of VM its key, its size, and the vCPUs of all of them; `None` for an unknown size.
    pub fn vcpus<'a>(
        &'a self,
        skus: &'a [Sku],
    ) -> impl Iterator<Item = (&'static str, &'a str, Option<(Cost, u64)>)> {
        self.0.iter().map(move |part| {
            let cost = cost(&part.size, skus).map(|cost| {
                let vcpus = match part.amount {
                    Amount::Vms(count) => u64::from(count) * cost.vcpus,
                    Amount::Cores(cores) => u64::from(cores) / cost.vcpus * cost.vcpus,
                };
                (cost, vcpus)
            });
            (part.key, part.size.as_str(), cost)
        })
    }
}

/// What one VM of `size` costs, by Azure's list or else by our own.
pub(super) fn cost(size: &str, skus: &[Sku]) -> Option<Cost> {
    let (live, known) = (skus::find(skus, size), sizes::find(size));
    let vcpus = live.and_then(|sku| sku.vcpus).or(known.map(|size| size.vcpus)).filter(|vcpus| *vcpus > 0)?;
    let families =
        live.map(|sku| sku.family.clone()).into_iter().chain(known.map(|size| size.family.clone()));
    Some(Cost { vcpus: vcpus.into(), families: families.collect() })
}
