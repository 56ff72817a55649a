//! The marketplace terms of the CycleCloud image; a subscription accepts them once.

use super::az::Az;
use super::failed::AzError;
use crate::failure::Exit;
use crate::images::Image;

/// Whether the subscription has accepted the terms of `image`.
///
/// # Errors
/// When Azure does not answer.
pub fn is_accepted(az: &Az<'_>, image: &Image) -> Result<bool, AzError> {
    let found = az.json(&arguments("show", image), "reading the terms of the CycleCloud image")?;
    Ok(found["accepted"] == true)
}

/// Accepts the terms of `image` for the subscription.
///
/// # Errors
/// When Azure refuses, such as for a subscription without marketplace.
pub fn accept(az: &Az<'_>, image: &Image) -> anyhow::Result<()> {
    let command = az.command(&arguments("accept", image)).args(["--output", "none"]).changes();
    let accepted = az.run(&command, "accepting the terms of the CycleCloud image");
    accepted.map_err(|error| error.failure(Exit::Deployment))?;
    Ok(())
}

fn arguments<'a>(verb: &'a str, image: &'a Image) -> [&'a str; 10] {
    let Image { publisher, offer, sku, .. } = image;
    ["vm", "image", "terms", verb, "--publisher", publisher, "--offer", offer, "--plan", sku]
}
