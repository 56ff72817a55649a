//! `config.yaml` as serde_yaml reads it: every value as written, then as its type.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{
    Config, ExistingNetwork, Network, Os, Places, PrivateDns, Storage, Subnets, Subscription,
    SubscriptionReader, defaults, network, public_key, rules, storage,
};
use crate::sizes::Size;

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
    pub storage: Option<RawStorage>,
    pub network: Option<RawNetwork>,
    pub subscription_reader: Option<String>,
    pub zone: Option<String>,
}

/// The key `storage`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct RawStorage {
    pub r#type: Option<String>,
    pub service_level: Option<String>,
    pub size_tib: Option<String>,
    pub size_gib: Option<String>,
    pub address: Option<String>,
    pub export_path: Option<String>,
    pub mount_options: Option<String>,
}

/// The key `network`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct RawNetwork {
    pub r#type: Option<String>,
    pub address_space: Option<String>,
    pub subnets: Option<RawSubnets>,
    pub bastion: Option<String>,
    pub private_dns: Option<String>,
}

/// The key `network.subnets`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct RawSubnets {
    pub cyclecloud: Option<String>,
    pub compute: Option<String>,
    pub anf: Option<String>,
    pub endpoints: Option<String>,
}

impl Raw {
    /// The configuration with its defaults. The rules have passed: an error here is ours, not the user's.
    pub fn into_config(
        self,
        folder: &Path,
        unlisted: Option<&Size>,
        places: Places,
    ) -> Result<Config, String> {
        let size = |text: Option<String>, default: &str| rules::vm_size(text.as_deref().unwrap_or(default));
        let number = |text: Option<String>, default: u32| {
            text.map_or(Ok(default), |text| rules::number(&text, 0, u32::MAX))
        };
        let flag = |text: Option<String>, default: bool| text.map_or(Ok(default), |text| rules::flag(&text));
        Ok(Config {
            region: self.region.ok_or_else(missing)?,
            resource_group_name: self.resource_group_name.ok_or_else(missing)?,
            subscription: match (self.subscription_name, self.subscription_id) {
                (Some(name), None) => Subscription::Name(name),
                (None, Some(id)) => Subscription::Id(id.to_lowercase()),
                _ => return Err(missing()),
            },
            hpc_sku: rules::gpu_size(&self.hpc_sku.ok_or_else(missing)?, unlisted)?.clone(),
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
            autoscale: flag(self.autoscale, false)?,
            accounting: flag(self.accounting, true)?,
            monitoring: flag(self.monitoring, true)?,
            storage: self.storage.unwrap_or_default().into_storage()?,
            subscription_reader: match self.subscription_reader.as_deref() {
                Some("existing") => SubscriptionReader::Existing,
                _ => SubscriptionReader::Assign,
            },
            zone: self.zone,
            network: self.network.unwrap_or_default().into_network()?,
            places,
        })
    }
}

impl RawStorage {
    fn into_storage(self) -> Result<Storage, String> {
        Ok(match self.r#type.as_deref() {
            None | Some("anf") => Storage::NetApp {
                service_level: self.service_level.unwrap_or_else(|| defaults::ANF_SERVICE_LEVEL.to_owned()),
                size_tib: self
                    .size_tib
                    .map_or(Ok(defaults::ANF_SIZE_TIB), |text| storage::size_tib(&text))?,
            },
            Some("nfs") => Storage::Nfs { size_gib: storage::size_gib(&self.size_gib.ok_or_else(missing)?)? },
            Some(_) => Storage::Existing {
                address: self.address.ok_or_else(missing)?,
                export_path: self.export_path.ok_or_else(missing)?,
                mount_options: self.mount_options.unwrap_or_default(),
            },
        })
    }
}

impl RawNetwork {
    fn into_network(self) -> Result<Network, String> {
        if self.r#type.is_none_or(|kind| kind == "new") {
            let address_space = self.address_space.unwrap_or_else(|| defaults::ADDRESS_SPACE.to_owned());
            return Ok(Network::New { address_space });
        }
        let raw = self.subnets.ok_or_else(missing)?;
        let subnet = |text: Option<String>| network::subnet(&text.ok_or_else(missing)?);
        Ok(Network::Existing(Box::new(ExistingNetwork {
            subnets: Subnets {
                cyclecloud: subnet(raw.cyclecloud)?,
                compute: subnet(raw.compute)?,
                anf: raw.anf.map(|text| network::subnet(&text)).transpose()?,
                endpoints: subnet(raw.endpoints)?,
            },
            bastion: network::bastion(&self.bastion.ok_or_else(missing)?)?,
            private_dns: match self.private_dns.ok_or_else(missing)?.as_str() {
                "new" => PrivateDns::New,
                "existing" => PrivateDns::Existing,
                _ => PrivateDns::None,
            },
        })))
    }
}

fn missing() -> String {
    "a required key is missing".to_owned()
}

fn texts(tags: Tags) -> BTreeMap<String, String> {
    tags.unwrap_or_default().into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
}
