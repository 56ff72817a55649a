//! The marketplace images of `bicep/versions.json` that the configuration uses exist in the region.
//!
//! - Inputs: the image of the CycleCloud server, and those of the nodes for `os` and `hpc_sku`; their versions in
//!   `region`.
//! - Pass: the very version is there, or any for `latest`.
//! - Warning: the version is deprecated, or will be; after that day Azure makes no new VM of it.
//! - Fail: the region does not have it; exit code 4. The newest that it has is named.
//! - Unknown: the versions cannot be read.
//! - By hand: `az vm image show --location REGION --urn PUBLISHER:OFFER:SKU:VERSION`

use std::cmp::Ordering;

use super::Item;
use crate::azure::images::{ACTIVE, DEPRECATED, Version, compare};
use crate::azure::{AzError, Kind};
use crate::images::{Image, Images};

pub(super) const ID: &str = "images";

/// What the region has of an image.
pub(super) type Versions = Result<Vec<Version>, AzError>;

/// The images of `images`, each once, with whose it is.
pub(super) fn wanted(images: &Images) -> Vec<(&'static str, &Image)> {
    if images.gpu_node == images.node {
        return vec![("server", &images.server), ("nodes", &images.node)];
    }
    vec![("server", &images.server), ("GPU nodes", &images.gpu_node), ("other nodes", &images.node)]
}

pub(super) fn check(whose: &str, region: &str, image: &Image, versions: &Versions) -> Item {
    let subject = format!("{}:{} ({whose})", image.offer, image.sku);
    let missing = |message: String| {
        let remedy = "use a newer ccslurm4ai, or templates of your own (--templates) whose bicep/versions.json names \
                      an image that is there, or another region";
        Item::failed(ID, &subject, message).code("ImageMissing").remedy(remedy)
    };
    let versions = match versions {
        Ok(versions) => versions,
        Err(AzError { kind: Kind::NotFound(_), .. }) => {
            return missing(format!("{region} has no such image of {}", image.publisher));
        }
        Err(error) => return Item::undecided(ID, &subject, error),
    };
    let Some(newest) = newest(versions) else { return missing(format!("{region} has no version of it")) };
    let wanted = versions.iter().find(|version| version.name == image.version);
    match (image.version.as_str(), wanted) {
        ("latest", _) => judge_state(&subject, region, newest, newest),
        (_, Some(wanted)) => judge_state(&subject, region, wanted, newest),
        (wanted, None) => {
            missing(format!("{region} does not have version {wanted}; its newest is {}", newest.name))
        }
    }
}

/// The newest that a VM can be made of, else the newest: what Azure takes for `latest`.
fn newest(versions: &[Version]) -> Option<&Version> {
    versions.iter().rev().find(|version| version.state != DEPRECATED).or(versions.last())
}

fn judge_state(subject: &str, region: &str, version: &Version, newest: &Version) -> Item {
    if version.state == ACTIVE {
        return Item::ok(ID, subject, format!("{} in {region}", version.name));
    }
    let when = version.ends.as_ref().map(|ends| format!(" ({ends})")).unwrap_or_default();
    let newer = match compare(&newest.name, &version.name) {
        Ordering::Greater => format!("; the newest is {}", newest.name),
        _ => String::new(),
    };
    let message = format!("{} in {region} is {}{when}{newer}", version.name, version.state);
    Item::warning(ID, subject, message).code("ImageDeprecated").remedy("use a newer ccslurm4ai")
}
