//! Which marketplace images a configuration uses, from `bicep/versions.json`.

use std::fmt;

use anyhow::Context;
use serde_json::Value;

use crate::config::{Config, Os};
use crate::sizes::Variant;

/// A marketplace image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Who publishes it.
    pub publisher: String,
    /// Its offer.
    pub offer: String,
    /// Its plan, for images that have terms.
    pub sku: String,
    /// Its version, or `latest`.
    pub version: String,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { publisher, offer, sku, version } = self;
        write!(f, "{publisher}:{offer}:{sku}:{version}")
    }
}

/// The images of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Of the CycleCloud server.
    pub server: Image,
    /// Of the GPU nodes.
    pub gpu_node: Image,
    /// Of all other nodes. What they compile is for the GPU nodes, so it is the same but for its processors.
    pub node: Image,
}

impl Images {
    /// Those that `config` uses; `versions` is the content of `versions.json`.
    ///
    /// # Errors
    /// When one is not whole there.
    pub fn of(versions: &Value, config: &Config) -> anyhow::Result<Self> {
        let os = match config.os {
            Os::Ubuntu2204 => "ubuntu2204",
            Os::Ubuntu2404 => "ubuntu2404",
        };
        let node = |variant: Variant| image(versions, &format!("/nodeImages/{os}/{}", variant.as_str()));
        let variant = config.hpc_sku.image;
        Ok(Self {
            server: image(versions, "/cyclecloud")?,
            gpu_node: node(variant)?,
            node: node(if variant == Variant::Gb { Variant::Cuda } else { variant })?,
        })
    }
}

fn image(versions: &Value, place: &str) -> anyhow::Result<Image> {
    let part = |name: &str| {
        let text = versions.pointer(&format!("{place}/{name}")).and_then(Value::as_str).map(str::to_owned);
        text.with_context(|| format!("versions.json has no {place}/{name}"))
    };
    Ok(Image {
        publisher: part("publisher")?,
        offer: part("offer")?,
        sku: part("sku")?,
        version: part("version")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sizes;
    use crate::templates::Templates;

    fn images(size: &str, os: &str) -> Result<(String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        let text = format!(
            "region: eastus\nsubscription_name: x\nresource_group_name: x\nhpc_max_core_count: 128\nhpc_sku: {size}\nos: {os}\n"
        );
        std::fs::write(&path, text).unwrap();
        let (config, _) = Config::load(&path, None).map_err(|error| error.to_string())?;
        let images = Images::of(&Templates::open(None).unwrap().versions().unwrap(), &config).unwrap();
        Ok((images.gpu_node.sku, images.node.sku))
    }

    #[test]
    fn every_size_has_its_image_and_all_other_nodes_one_for_their_processors() {
        for size in sizes::gpu_sizes() {
            for (os, release) in [("ubuntu2404", "2404"), ("ubuntu2204", "2204")] {
                let expected = match (size.image, os) {
                    (Variant::Cuda, _) => Some((release.to_owned(), release.to_owned())),
                    (Variant::Rocm, _) => Some((format!("{release}-rocm"), format!("{release}-rocm"))),
                    (Variant::Gb, "ubuntu2404") => Some(("2404-gb".to_owned(), "2404".to_owned())),
                    (Variant::Gb, _) => None,
                };
                assert_eq!(images(&size.name, os).ok(), expected, "{} with {os}", size.name);
            }
        }
        let variant = |name| sizes::find(name).map(|size| size.image);
        assert_eq!(variant("Standard_ND96isr_MI300X_v5"), Some(Variant::Rocm));
        assert_eq!(variant("Standard_ND128isr_GB300_v6"), Some(Variant::Gb));
    }
}
