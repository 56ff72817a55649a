//! The region of `config.yaml` exists for the subscription.
//!
//! - Inputs: `region`; the list of locations of the subscription.
//! - Pass: a physical region of that name.
//! - Fail: there is none; exit code 4.
//! - By hand: `az account list-locations --query "[?metadata.regionType=='Physical'].name" --output tsv`

use super::Item;
use crate::azure::AzError;
use crate::azure::region::same_region;

pub(super) const ID: &str = "region";

pub(super) fn check(subscription: &str, wanted: &str, regions: &Result<Vec<String>, AzError>) -> Item {
    let regions = match regions {
        Ok(regions) => regions,
        Err(error) => return Item::undecided(ID, wanted, error),
    };
    if regions.iter().any(|region| same_region(region, wanted)) {
        return Item::ok(ID, wanted, "there");
    }
    let names: Vec<&str> = regions.iter().map(String::as_str).collect();
    let hint =
        super::nearest(wanted, &names).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
    Item::failed(ID, wanted, format!("the subscription has no such region{hint}"))
        .code("RegionUnknown")
        .remedy(format!(
            "az account list-locations --subscription {subscription} --query [].name --output tsv"
        ))
}
