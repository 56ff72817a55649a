//! The vCPU quota of the region holds the whole cluster at its largest.
//!
//! - Inputs: sizes and counts of `config.yaml` (GPU nodes: `hpc_max_core_count` by the size's vCPUs, at most
//!   `hpc_max_num_vms`); the limits and uses of the region; the VMs the resource group already has.
//! - Pass: for the family of each size, and for all vCPUs of the region (`cores`): used, less what the group
//!   itself uses, plus needed, is within the limit. So a second run at the exact limit passes. Sizes that
//!   share a family are added up. Spot VMs and those in other regions do not count.
//! - Fail: a limit is too small; exit code 4.
//! - Unknown: limits, sizes or the group's VMs cannot be read, or Azure lists no limit for a family.
//! - By hand: `az vm list-usage --location REGION --output table`

use super::Item;
use super::plan::{self, Plan};
use super::report::Numbers;
use crate::azure::AzError;
use crate::azure::quota::{self, REGIONAL, Usage};
use crate::azure::resources::Running;
use crate::azure::skus::Sku;
use crate::sizes::same_family;

pub(super) const ID: &str = "quota";

/// What was read; sizes that could not be read are an empty list.
pub(super) struct Facts<'a> {
    pub subscription: &'a str,
    pub region: &'a str,
    pub skus: &'a [Sku],
    pub usages: &'a Result<Vec<Usage>, AzError>,
    pub running: &'a Result<Vec<Running>, AzError>,
}

/// vCPUs under one limit.
struct Need {
    /// Spellings of the limit's name, the live one first.
    names: Vec<String>,
    /// Keys of `config.yaml` that ask for them.
    keys: Vec<&'static str>,
    vcpus: u64,
    /// A size of unknown cost adds to them.
    more: bool,
}

pub(super) fn check(plan: &Plan, facts: &Facts<'_>) -> Vec<Item> {
    let usages = match facts.usages {
        Ok(usages) => usages,
        Err(error) => return vec![Item::undecided(ID, format!("vCPUs of {}", facts.region), error)],
    };
    let (mut items, mut needs) = (Vec::new(), Vec::<Need>::new());
    let mut all = Need { names: vec![REGIONAL.to_owned()], keys: Vec::new(), vcpus: 0, more: false };
    for (key, size, cost) in plan.vcpus(facts.skus) {
        all.keys.push(key);
        let Some((plan::Cost { families, .. }, vcpus)) = cost else {
            all.more = true;
            items.push(Item::unknown(
                ID,
                size,
                "its vCPUs and family are not known, so its quota is not either",
            ));
            continue;
        };
        all.vcpus += vcpus;
        let same = |need: &&mut Need| same_family(&need.names[0], &families[0]);
        match needs.iter_mut().find(same) {
            Some(need) => {
                need.keys.push(key);
                need.vcpus += vcpus;
            }
            None => needs.push(Need { names: families, keys: vec![key], vcpus, more: false }),
        }
    }
    needs.push(all);
    items.extend(needs.iter().map(|need| judge(need, usages, facts)));
    items
}

fn judge(need: &Need, usages: &[Usage], facts: &Facts<'_>) -> Item {
    let name = &need.names[0];
    let subject = if name == REGIONAL { format!("all vCPUs of {}", facts.region) } else { name.clone() };
    let Some(usage) = need.names.iter().find_map(|name| quota::find(usages, name)) else {
        let message =
            format!("needs {} vCPUs; Azure lists no limit of that name in {}", need.vcpus, facts.region);
        return Item::unknown(ID, subject, message).remedy(by_hand(facts));
    };
    let (ours, complete) = ours(need, facts);
    let ours = ours.min(usage.used);
    let numbers = Numbers { needed: need.vcpus, used: usage.used, ours, limit: usage.limit };
    let wanted = usage.used - ours + need.vcpus.max(ours);
    let message =
        format!("needs {}, used {} ({ours} by this group), limit {}", need.vcpus, usage.used, usage.limit);
    let short = wanted.saturating_sub(usage.limit);
    if short == 0 && need.more {
        let message = format!("{message}: enough, but a size of unknown vCPUs adds to it");
        return Item::unknown(ID, subject, message).numbers(numbers);
    }
    if short == 0 {
        return Item::ok(ID, subject, message).numbers(numbers);
    }
    if !complete {
        let message =
            format!("{message}: too few, unless the group's own VMs, which are not known, are among them");
        return Item::unknown(ID, subject, message).numbers(numbers).remedy(by_hand(facts));
    }
    let message = format!("{message}: {short} too few for {}", need.keys.join(", "));
    let remedy = raise(facts, &usage.name, wanted);
    Item::failed(ID, subject, message).code("QuotaTooSmall").numbers(numbers).remedy(remedy)
}

/// vCPUs the group already has under this limit, and whether that is all of them.
fn ours(need: &Need, facts: &Facts<'_>) -> (u64, bool) {
    let Ok(running) = facts.running else { return (0, false) };
    let (mut vcpus, mut complete) = (0, true);
    for Running { size, count } in running {
        match plan::cost(size, facts.skus) {
            None => complete = false,
            Some(cost) => {
                let counts = |name: &String| {
                    name == REGIONAL || cost.families.iter().any(|family| same_family(family, name))
                };
                vcpus += if need.names.iter().any(counts) { count * cost.vcpus } else { 0 };
            }
        }
    }
    (vcpus, complete)
}

/// Source: `az quota` (extension `quota`), Microsoft.Quota REST reference, resource type `dedicated`.
fn raise(facts: &Facts<'_>, name: &str, wanted: u64) -> String {
    let Facts { subscription, region, .. } = facts;
    format!(
        "ask for {wanted}: az quota update --resource-name '{name}' --resource-type dedicated --limit-object value={wanted} \
         --scope /subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region} \
         (extension quota), or https://portal.azure.com/#view/Microsoft_Azure_Capacity/QuotaMenuBlade/~/myQuotas; \
         or lower the counts in config.yaml"
    )
}

fn by_hand(facts: &Facts<'_>) -> String {
    format!(
        "az vm list-usage --subscription {} --location {} --output table",
        facts.subscription, facts.region
    )
}
