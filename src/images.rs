//! Which marketplace images a configuration uses, from `bicep/versions.json`.

use std::fmt;

use anyhow::Context;
use serde_json::Value;

use crate::config::{Config, Os};

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
    /// Of every node.
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
        // Every supported size has NVIDIA GPUs.
        Ok(Self {
            server: image(versions, "/cyclecloud")?,
            node: image(versions, &format!("/nodeImages/{os}/cuda"))?,
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
