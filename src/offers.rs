//! Which GPU sizes a region offers to a subscription, and for how many nodes its quota has room.

use crate::azure::quota::{self, REGIONAL, Usage};
use crate::azure::skus::{self, Sku};
use crate::sizes::{self, Size};

/// A GPU size of the table in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The size.
    pub size: &'static Size,
    /// What can be had of it.
    pub state: State,
}

/// What can be had of a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The quota that is left has room for so many nodes; `None` when Azure lists no quota for it.
    Open(Option<u64>),
    /// Azure does not offer it there.
    Absent,
    /// It is there, but not for this subscription.
    Closed,
}

/// Every GPU size of the table: those with room for most nodes first, then those without, then those not to be had.
pub fn offers(skus: &[Sku], usages: &[Usage]) -> Vec<Offer> {
    let mut offers: Vec<_> =
        sizes::gpu_sizes().map(|size| Offer { size, state: state(size, skus, usages) }).collect();
    offers.sort_by_key(|offer| match &offer.state {
        State::Open(Some(nodes)) => (0, std::cmp::Reverse(*nodes)),
        State::Open(None) => (1, std::cmp::Reverse(0)),
        State::Closed => (2, std::cmp::Reverse(0)),
        State::Absent => (3, std::cmp::Reverse(0)),
    });
    offers
}

fn state(size: &Size, skus: &[Sku], usages: &[Usage]) -> State {
    let Some(sku) = skus::find(skus, &size.name) else { return State::Absent };
    if sku.closed.is_some() {
        return State::Closed;
    }
    let left = |name: &str| {
        quota::find(usages, name).map(|usage| usage.limit.saturating_sub(usage.used) / u64::from(size.vcpus))
    };
    let family = left(&sku.family).or_else(|| left(&size.family));
    State::Open(family.map(|nodes| nodes.min(left(REGIONAL).unwrap_or(nodes))))
}

impl Offer {
    /// Nodes that the quota that is left has room for, if that is known and any.
    pub fn nodes(&self) -> Option<u64> {
        match self.state {
            State::Open(nodes) => nodes.filter(|nodes| *nodes > 0),
            _ => None,
        }
    }

    /// For a list, in 74 columns.
    pub fn describe(&self) -> String {
        let Size { name, gpus, vcpus, .. } = self.size;
        let plural = if *gpus == 1 { ' ' } else { 's' };
        let state = match &self.state {
            State::Open(Some(1)) => "quota left for 1 node".to_owned(),
            State::Open(Some(nodes)) => format!("quota left for {nodes} nodes"),
            State::Open(None) => "quota not known".to_owned(),
            State::Closed => "not for this subscription".to_owned(),
            State::Absent => "not offered".to_owned(),
        };
        format!("{name:<30} {gpus} GPU{plural} {vcpus:>3} vCPUs  {state}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sku(name: &str, family: &str, closed: Option<&str>) -> Sku {
        Sku {
            name: name.to_owned(),
            family: family.to_owned(),
            vcpus: None,
            memory_gib: None,
            gpus: None,
            infiniband: None,
            is_arm: false,
            zones: Vec::new(),
            closed: closed.map(str::to_owned),
            closed_zones: Vec::new(),
        }
    }

    #[test]
    fn the_smaller_of_family_and_region_decides() {
        let skus = [
            sku("Standard_ND96isr_H100_v5", "standardNDSH100v5Family", None),
            sku("Standard_ND96asr_v4", "StandardNDASv4_A100Family", None),
            sku("Standard_NC24ads_A100_v4", "StandardNCADSA100v4Family", None),
            sku("Standard_ND96isr_H200_v5", "standardNDISRH200V5Family", Some("NotAvailableForSubscription")),
        ];
        let usage = |name: &str, used, limit| Usage { name: name.to_owned(), used, limit };
        let usages = [
            usage("cores", 100, 400),
            usage("standard NDSH100v5Family", 96, 960),
            usage("Standard NDASv4_A100 Family", 96, 191),
        ];
        let found = offers(&skus, &usages);
        let shown: Vec<_> = found.iter().map(Offer::describe).collect();
        insta::assert_snapshot!(shown.join("\n"));
        let open: Vec<_> = found.iter().filter_map(Offer::nodes).collect();
        assert_eq!(open, [3]);
    }
}
