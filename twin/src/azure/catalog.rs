//! What the simulated Azure offers: regions, sizes, images and roles, from the YAML files in `data/`.

use anyhow::{Context, Result};
use serde::Deserialize;

/// Offers that no request changes.
#[derive(Debug)]
pub struct Catalog {
    /// Regions of the subscription.
    pub regions: Vec<Region>,
    /// VM sizes.
    pub sizes: Vec<Size>,
    /// Marketplace images.
    pub images: Vec<Image>,
    /// VM extensions.
    pub extensions: Vec<Extension>,
    /// Built-in roles.
    pub roles: Vec<Role>,
}

/// A region.
#[derive(Debug, Deserialize)]
pub struct Region {
    /// `eastus`.
    pub name: String,
    /// `East US`.
    pub display: String,
    /// `(US) East US`.
    pub regional: String,
    /// Geography.
    pub geography: String,
    /// Geography group.
    pub group: String,
    /// Degrees, as text.
    pub longitude: String,
    /// Degrees, as text.
    pub latitude: String,
    /// Where it is.
    pub physical: String,
    /// Paired region.
    pub pair: String,
}

/// A VM size.
#[derive(Debug, Deserialize)]
pub struct Size {
    /// `Standard_…`.
    pub name: String,
    /// Quota family in the size list's spelling.
    pub family: String,
    /// The usages' spelling, where it differs.
    #[serde(default)]
    usage: Option<String>,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in GiB.
    pub memory_gb: u32,
    /// GPUs that the size list names; 0 for none.
    #[serde(default)]
    pub gpus: u32,
    /// Folder of `hosts/` with programs that play what was recorded on such a machine.
    #[serde(default)]
    pub players: Option<String>,
    /// Virtual CPUs of a core.
    #[serde(default = "one_thread")]
    pub threads_per_core: u32,
    /// Whether its processors are arm64.
    #[serde(default)]
    pub arm: bool,
    /// InfiniBand.
    #[serde(default)]
    pub rdma: bool,
    /// Zones that have it.
    pub zones: Vec<String>,
    /// Regions that have it.
    pub regions: Vec<String>,
}

fn one_thread() -> u32 {
    1
}

impl Size {
    /// Quota family in the usages' spelling.
    pub fn usage(&self) -> &str {
        self.usage.as_ref().unwrap_or(&self.family)
    }
}

/// A marketplace image with its versions, oldest first.
#[derive(Debug, Deserialize)]
pub struct Image {
    /// Publisher.
    pub publisher: String,
    /// Offer.
    pub offer: String,
    /// SKU.
    pub sku: String,
    /// Versions, oldest first.
    pub versions: Vec<String>,
    /// Whether it has a plan with terms.
    #[serde(default)]
    pub plan: bool,
}

/// A VM extension.
#[derive(Debug, Deserialize)]
pub struct Extension {
    /// Publisher.
    pub publisher: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Major and minor versions.
    pub versions: Vec<String>,
}

/// A built-in role.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Display name.
    pub name: String,
    /// Guid.
    pub id: String,
    /// Control-plane actions allowed.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Control-plane actions taken out again.
    #[serde(default)]
    pub not_actions: Vec<String>,
    /// Data-plane actions allowed.
    #[serde(default)]
    pub data_actions: Vec<String>,
}

impl Catalog {
    /// Reads the files that are compiled in.
    pub fn load() -> Result<Self> {
        Ok(Self {
            regions: serde_yaml::from_str(include_str!("data/regions.yaml")).context("data/regions.yaml")?,
            sizes: serde_yaml::from_str(include_str!("data/sizes.yaml")).context("data/sizes.yaml")?,
            images: serde_yaml::from_str(include_str!("data/images.yaml")).context("data/images.yaml")?,
            extensions: serde_yaml::from_str(include_str!("data/extensions.yaml"))
                .context("data/extensions.yaml")?,
            roles: serde_yaml::from_str(include_str!("data/roles.yaml")).context("data/roles.yaml")?,
        })
    }

    /// A region by name; Azure takes `East US` for `eastus` too.
    pub fn region(&self, name: &str) -> Option<&Region> {
        let plain = name.replace(' ', "").to_ascii_lowercase();
        self.regions.iter().find(|region| region.name == plain)
    }

    /// A size in a region.
    pub fn size(&self, name: &str, region: &str) -> Option<&Size> {
        let sizes = self.sizes_in(region);
        sizes.into_iter().find(|size| size.name.eq_ignore_ascii_case(name))
    }

    /// The sizes of a region.
    pub fn sizes_in(&self, region: &str) -> Vec<&Size> {
        let has = |size: &&Size| size.regions.iter().any(|name| name.eq_ignore_ascii_case(region));
        self.sizes.iter().filter(has).collect()
    }

    /// A role by guid, or by the id that ends in it.
    pub fn role(&self, id: &str) -> Option<&Role> {
        let guid = id.rsplit('/').next().unwrap_or(id);
        self.roles.iter().find(|role| role.id.eq_ignore_ascii_case(guid))
    }

    /// A role by name.
    pub fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_in_known_regions_and_every_role_has_a_guid() {
        let catalog = Catalog::load().unwrap();
        for size in &catalog.sizes {
            assert!(!size.zones.is_empty() && size.vcpus > 0, "{}", size.name);
            for region in &size.regions {
                assert!(catalog.region(region).is_some(), "{} in {region}", size.name);
            }
        }
        for role in &catalog.roles {
            assert!(uuid::Uuid::parse_str(&role.id).is_ok(), "{}", role.name);
        }
    }
}
