//! `config.yaml` as serde_yaml reads it: every value as written, then as its type.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{Config, Network, Os, Subscription, SubscriptionReader, defaults, public_key, rules};

/// Tag names with their values; nothing means the empty text.
type Tags = Option<BTreeMap<String, Option<String>>>;

/// The file, its values as text: `192` and `"192"` are the same.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Raw {
    pub region: Option<String>,
    pub resource_group_name: Option<String>,
    pub subscription_name: Option<String>,
    pub subscription_id: Option<String>,
    pub hpc_sku: Option<String>,
    pub hpc_max_core_count: Option<String>,
    pub hpc_max_num_vms: Option<String>,
    pub resource_group_tags: Tags,
    pub monitor_tags: Tags,
    pub tags: Tags,
    pub cluster_name: Option<String>,
    pub admin_user: Option<String>,
    pub ssh_public_key_file: Option<String>,
    pub os: Option<String>,
    pub scheduler_sku: Option<String>,
    pub login_sku: Option<String>,
    pub htc_sku: Option<String>,
    pub server_sku: Option<String>,
    pub login_nodes: Option<String>,
    pub htc_max_core_count: Option<String>,
    pub autoscale: Option<String>,
    pub accounting: Option<String>,
    pub monitoring: Option<String>,
    pub storage: Option<()>,
    pub network: Option<RawNetwork>,
    pub subscription_reader: Option<String>,
    pub zone: Option<String>,
}

/// The key `network`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct RawNetwork {
    pub r#type: Option<String>,
    pub address_space: Option<String>,
}

impl Raw {
    /// The configuration with its defaults. The rules have passed: an error here is ours, not the user's.
    pub fn into_config(self, folder: &Path) -> Result<Config, String> {
        let missing = || "a required key is missing".to_owned();
        let size = |text: Option<String>, default: &str| rules::vm_size(text.as_deref().unwrap_or(default));
        let number = |text: Option<String>, default: u32| {
            text.map_or(Ok(default), |text| rules::number(&text, 0, u32::MAX))
        };
        let network = self.network.and_then(|network| network.address_space);
        Ok(Config {
            region: self.region.ok_or_else(missing)?,
            resource_group_name: self.resource_group_name.ok_or_else(missing)?,
            subscription: match (self.subscription_name, self.subscription_id) {
                (Some(name), None) => Subscription::Name(name),
                (None, Some(id)) => Subscription::Id(id.to_lowercase()),
                _ => return Err(missing()),
            },
            hpc_sku: rules::gpu_size(&self.hpc_sku.ok_or_else(missing)?)?,
            hpc_max_core_count: number(self.hpc_max_core_count, 0)?,
            hpc_max_num_vms: number(self.hpc_max_num_vms, defaults::HPC_MAX_NUM_VMS)?,
            resource_group_tags: texts(self.resource_group_tags),
            monitor_tags: texts(self.monitor_tags),
            tags: texts(self.tags),
            cluster_name: self.cluster_name.unwrap_or_else(|| defaults::CLUSTER_NAME.to_owned()),
            admin_user: self.admin_user.unwrap_or_else(|| defaults::ADMIN_USER.to_owned()),
            ssh_public_key_file: self.ssh_public_key_file.map(|text| public_key::path(&text, folder)),
            os: match self.os.as_deref() {
                Some("ubuntu2204") => Os::Ubuntu2204,
                _ => Os::Ubuntu2404,
            },
            scheduler_sku: size(self.scheduler_sku, defaults::SCHEDULER_SKU)?,
            login_sku: size(self.login_sku, defaults::LOGIN_SKU)?,
            htc_sku: size(self.htc_sku, defaults::HTC_SKU)?,
            server_sku: size(self.server_sku, defaults::SERVER_SKU)?,
            login_nodes: number(self.login_nodes, defaults::LOGIN_NODES)?,
            htc_max_core_count: number(self.htc_max_core_count, defaults::HTC_MAX_CORE_COUNT)?,
            autoscale: self.autoscale.map_or(Ok(false), |text| rules::flag(&text))?,
            subscription_reader: match self.subscription_reader.as_deref() {
                Some("existing") => SubscriptionReader::Existing,
                _ => SubscriptionReader::Assign,
            },
            zone: self.zone,
            network: Network { address_space: network.unwrap_or_else(|| defaults::ADDRESS_SPACE.to_owned()) },
        })
    }
}

fn texts(tags: Tags) -> BTreeMap<String, String> {
    tags.unwrap_or_default().into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
}
