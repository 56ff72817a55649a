//! What is valid in `config.yaml` but perhaps not meant.

use std::fmt;

use super::document::{Key, Node};
use super::report::shown;
use super::{Config, Network, Storage, tags};
use crate::sizes;

/// One such thing: place, key and one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything worth a warning in `config`, which was read from `root` in `file`.
pub fn find(config: &Config, root: &Node, file: &str) -> Vec<Warning> {
    let warn = |key: &str, place: &Key, text: String| {
        Warning(format!("{file}:{}:{} {key}: {text}", place.place.line, place.place.column))
    };
    let mut found = Vec::new();
    let mut add = |key: &str, text: Option<String>| {
        if let (Some((place, _)), Some(text)) = (root.get(key), text) {
            found.push(warn(key, place, text));
        }
    };
    let size = &config.hpc_sku;
    add("hpc_max_core_count", lost(config.hpc_max_core_count, size));
    add(
        if root.get("hpc_max_num_vms").is_some() { "hpc_max_num_vms" } else { "hpc_max_core_count" },
        cut(config),
    );
    if let Some(size) = sizes::find(&config.htc_sku) {
        add("htc_max_core_count", lost(config.htc_max_core_count, size));
    }
    if !config.monitor_tags.is_empty() && !config.monitoring {
        add("monitor_tags", Some("has no effect without monitoring".to_owned()));
    }
    add("storage", unconnected(config));
    for name in config.tags.keys().filter(|name| !tags::fits_dns(name)) {
        let text = format!("private DNS zones will not carry {}: Azure drops such names there", shown(name));
        add("tags", Some(text));
    }
    found
}

fn lost(cores: u32, size: &sizes::Size) -> Option<String> {
    let (nodes, rest) = (cores / size.vcpus, cores % size.vcpus);
    let (name, each) = (&size.name, size.vcpus);
    (rest > 0).then(|| {
        let (less, more) = (nodes * each, (nodes + 1) * each);
        let text = format!("{cores} vCPUs make {nodes} nodes of {name} with {each} each; {rest} stay unused");
        format!("{text} (none with {less} or {more})")
    })
}

fn cut(config: &Config) -> Option<String> {
    let wanted = config.hpc_max_core_count / config.hpc_sku.vcpus;
    let (nodes, gpus) = (config.hpc_node_count(), config.hpc_sku.gpus);
    (wanted > nodes).then(|| {
        format!(
            "hpc_max_num_vms = {} cuts the GPU nodes from {wanted} to {nodes}: {} of {} GPUs remain",
            config.hpc_max_num_vms,
            nodes * gpus,
            wanted * gpus
        )
    })
}

/// A new network is connected to no other.
fn unconnected(config: &Config) -> Option<String> {
    let (Storage::Existing { address, .. }, Network::New { .. }) = (&config.storage, &config.network) else {
        return None;
    };
    Some(format!(
        "nodes in a new network reach {address} over the internet alone, or once you have peered the networks"
    ))
}
