//! Every VM size of `config.yaml` can be had in the region.
//!
//! - Inputs: `hpc_sku`, `scheduler_sku`, `login_sku`, `htc_sku`, `server_sku`, `region`, `zone`; the sizes
//!   that Azure offers there to the subscription, with their restrictions.
//! - Pass: the size is listed without a restriction on the region; those of GPU nodes and server also in the
//!   zone.
//! - Fail: it is not listed, or restricted in the region or, where it matters, the zone; exit code 4.
//! - Unknown: the sizes cannot be read.
//! - By hand: `az vm list-skus --location REGION --size SIZE --all --output table`

use super::Item;
use super::plan::Plan;
use crate::azure::AzError;
use crate::azure::skus::{self, Sku};
use crate::config::Config;

pub(super) const ID: &str = "sizes";
/// The sizes whose VMs go into `zone`: GPU nodes and, by the template, the server.
const IN_ZONE: [&str; 2] = ["hpc_sku", "server_sku"];

pub(super) fn check(
    subscription: &str,
    config: &Config,
    plan: &Plan,
    skus: &Result<Vec<Sku>, AzError>,
) -> Vec<Item> {
    let skus = match skus {
        Ok(skus) => skus,
        Err(error) => return vec![Item::undecided(ID, "VM sizes", error)],
    };
    let judge = |(size, keys): (&str, Vec<&str>)| {
        let zone = config.zone.as_deref().filter(|_| keys.iter().any(|key| IN_ZONE.contains(key)));
        let subject = format!("{size} ({})", keys.join(", "));
        let elsewhere = format!(
            "az vm list-skus --subscription {subscription} --size {size} --all --output table shows where it can be had"
        );
        let (item, key) = judge(&subject, &elsewhere, &config.region, zone, skus::find(skus, size));
        item.at(config.places.of(key.unwrap_or(keys[0])))
    };
    plan.sizes().into_iter().map(judge).collect()
}

/// The item, and the key that is wrong if it is not the size's.
fn judge(
    subject: &str,
    elsewhere: &str,
    region: &str,
    zone: Option<&str>,
    sku: Option<&Sku>,
) -> (Item, Option<&'static str>) {
    let fail = |code: &str, message: String, remedy: String| {
        Item::failed(ID, subject, message).code(code).remedy(remedy)
    };
    let Some(sku) = sku else {
        return (fail("SizeNotOffered", format!("not offered in {region}"), elsewhere.to_owned()), None);
    };
    if let Some(reason) = &sku.closed {
        let message = format!("restricted in {region} for this subscription ({reason})");
        let remedy = format!("ask Azure support to lift it; {elsewhere}");
        return (fail("SizeRestricted", message, remedy), None);
    }
    let Some(zone) = zone else { return (Item::ok(ID, subject, format!("offered in {region}")), None) };
    let is_zone = |other: &String| other == zone;
    let mut open: Vec<&str> =
        sku.zones.iter().filter(|zone| !sku.closed_zones.contains(zone)).map(String::as_str).collect();
    open.sort_unstable();
    let choice = match open.as_slice() {
        [] => "leave `zone` out of config.yaml, or take another region".to_owned(),
        open => format!("zones that have it: {}", open.join(", ")),
    };
    let item = if !sku.zones.iter().any(is_zone) {
        fail("SizeNotInZone", format!("not offered in zone {zone} of {region}"), choice)
    } else if sku.closed_zones.iter().any(is_zone) {
        let message = format!("restricted in zone {zone} of {region} for this subscription");
        fail("SizeRestricted", message, choice)
    } else {
        Item::ok(ID, subject, format!("offered in {region}, zone {zone}"))
    };
    (item, Some("zone"))
}
