//! The marketplace terms of the CycleCloud image; a subscription accepts them once.

use anyhow::Context;
use serde_json::Value;

use super::az::Az;
use super::failed::AzError;
use crate::failure::Exit;

/// A marketplace plan.
#[derive(Debug, Clone)]
pub struct Plan {
    publisher: String,
    offer: String,
    sku: String,
}

impl Plan {
    /// The plan of the CycleCloud image in `versions.json`.
    ///
    /// # Errors
    /// When the file has no such entry.
    pub fn of_cyclecloud(versions: &Value) -> anyhow::Result<Self> {
        let text = |key: &str| {
            let value = versions["cyclecloud"][key].as_str().map(str::to_owned);
            value.with_context(|| format!("versions.json has no cyclecloud.{key}"))
        };
        Ok(Self { publisher: text("publisher")?, offer: text("offer")?, sku: text("sku")? })
    }

    /// Whether the subscription has accepted the terms.
    ///
    /// # Errors
    /// When Azure does not answer.
    pub fn is_accepted(&self, az: &Az<'_>) -> Result<bool, AzError> {
        let found = az.json(&self.arguments("show"), "reading the terms of the CycleCloud image")?;
        Ok(found["accepted"] == true)
    }

    /// Accepts the terms for the subscription.
    ///
    /// # Errors
    /// When Azure refuses, such as for a subscription without marketplace.
    pub fn accept(&self, az: &Az<'_>) -> anyhow::Result<()> {
        let command = az.command(&self.arguments("accept")).args(["--output", "none"]).changes();
        let accepted = az.run(&command, "accepting the terms of the CycleCloud image");
        accepted.map_err(|error| error.failure(Exit::Deployment))?;
        Ok(())
    }

    fn arguments<'a>(&'a self, verb: &'a str) -> [&'a str; 10] {
        let Self { publisher, offer, sku } = self;
        ["vm", "image", "terms", verb, "--publisher", publisher, "--offer", offer, "--plan", sku]
    }
}
