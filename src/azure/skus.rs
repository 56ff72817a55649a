//! VM sizes as a region offers them to a subscription.

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;
use super::region::same_region;

/// A VM size in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sku {
    /// `Standard_…`
    pub name: String,
    /// Its quota family.
    pub family: String,
    /// vCPUs of one VM.
    pub vcpus: Option<u32>,
    /// Memory of one VM in GiB, a fraction left out.
    pub memory_gib: Option<u32>,
    /// GPUs of one VM. Azure lists none for some sizes that have them (skypilot-org/skypilot, seen with MI300X, GB200 and
    /// GB300).
    pub gpus: Option<u32>,
    /// Whether VMs of it reach each other over InfiniBand: Azure's capability `RdmaEnabled`.
    pub infiniband: Option<bool>,
    /// Whether its processors are arm64.
    pub is_arm: bool,
    /// Zones of the region that have it.
    pub zones: Vec<String>,
    /// Why it cannot be had in the whole region, in Azure's word.
    pub closed: Option<String>,
    /// Zones in which it cannot be had.
    pub closed_zones: Vec<String>,
}

/// The VM sizes of `region`, restricted ones included.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn skus(az: &Az<'_>, region: &str) -> Result<Vec<Sku>, AzError> {
    let subscription = az.subscription();
    let path = format!(
        "/subscriptions/{subscription}/providers/Microsoft.Compute/skus?api-version=2021-07-01&$filter=location eq '{region}'"
    );
    let items = az.rest_list(&path, &format!("reading the VM sizes of {region}"))?;
    Ok(items.iter().filter_map(|item| sku(item, region)).collect())
}

/// The size of that name, whatever its case.
pub fn find<'a>(skus: &'a [Sku], name: &str) -> Option<&'a Sku> {
    skus.iter().find(|sku| sku.name.eq_ignore_ascii_case(name))
}

fn sku(item: &Value, region: &str) -> Option<Sku> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let in_region = |place: &Value| place.as_str().is_some_and(|place| same_region(place, region));
    if text("resourceType") != Some("virtualMachines") || !list(item, "/locations").any(in_region) {
        return None;
    }
    let here = list(item, "/locationInfo").find(|info| info.get("location").is_some_and(in_region));
    let restrictions = || {
        list(item, "/restrictions").filter(|restriction| {
            list(restriction, "/restrictionInfo/locations").chain(list(restriction, "/values")).any(in_region)
        })
    };
    let is_type = |restriction: &&Value, kind: &str| {
        restriction.get("type").and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(kind))
    };
    let reason = |restriction: &Value| {
        restriction.get("reasonCode").and_then(Value::as_str).unwrap_or("no reason given").to_owned()
    };
    Some(Sku {
        name: text("name")?.to_owned(),
        family: text("family")?.to_owned(),
        vcpus: number(item, "vCPUs"),
        memory_gib: number(item, "MemoryGB"),
        gpus: number(item, "GPUs"),
        infiniband: capability(item, "RdmaEnabled").map(|enabled| enabled.eq_ignore_ascii_case("true")),
        is_arm: capability(item, "CpuArchitectureType")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("Arm64")),
        zones: here.into_iter().flat_map(|info| texts(info, "/zones")).collect(),
        closed: restrictions().find(|restriction| is_type(restriction, "Location")).map(reason),
        closed_zones: restrictions()
            .filter(|restriction| is_type(restriction, "Zone"))
            .flat_map(|restriction| texts(restriction, "/restrictionInfo/zones"))
            .collect(),
    })
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn texts(value: &Value, pointer: &str) -> impl Iterator<Item = String> {
    list(value, pointer).filter_map(|item| item.as_str().map(str::to_owned))
}

fn capability<'a>(item: &'a Value, name: &str) -> Option<&'a str> {
    let is_it = |capability: &&Value| capability.get("name").and_then(Value::as_str) == Some(name);
    list(item, "/capabilities").find(is_it)?.get("value")?.as_str()
}

/// Its whole part: memory may be `3.5`.
fn number(item: &Value, name: &str) -> Option<u32> {
    capability(item, name)?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(region: &str) -> Vec<Sku> {
        let page: Value =
            serde_json::from_str(include_str!("../../tests/data/azure/skus.json")).expect("JSON");
        list(&page, "/value").filter_map(|item| sku(item, region)).collect()
    }

    #[test]
    fn recorded_sizes_are_read() {
        let skus = recorded("East US");
        let facts = |name: &str| {
            let sku = find(&skus, name).expect("recorded");
            (sku.family.as_str(), sku.vcpus, sku.zones.len(), sku.closed.as_deref(), sku.closed_zones.len())
        };
        assert_eq!(skus.len(), 4);
        assert_eq!(facts("standard_d4S_v3"), ("standardDSv3Family", Some(4), 3, None, 0));
        let closed = Some("NotAvailableForSubscription");
        assert_eq!(facts("Standard_D13_v2_Promo"), ("standardDv2PromoFamily", Some(8), 3, closed, 3));
        assert_eq!(facts("Standard_NV6"), ("standardNVFamily", Some(6), 2, None, 3));
        let sku = find(&skus, "Standard_NV6").expect("recorded");
        assert_eq!((sku.memory_gib, sku.gpus, sku.is_arm), (Some(56), Some(1), false));
        assert_eq!(sku.infiniband, Some(false));
    }

    #[test]
    fn sizes_of_other_regions_and_kinds_are_not_ours() {
        assert_eq!(recorded("westus"), []);
        let disk = serde_json::json!({"resourceType": "disks", "name": "P10", "locations": ["eastus"]});
        assert_eq!(sku(&disk, "eastus"), None);
    }
}
