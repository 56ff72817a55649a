//! What bills while the cluster exists, with size and count; `billing.yaml` says what counts. Prices are not here.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::changes::kind_and_name;
use super::noise;
use crate::azure::whatif::Prediction;
use crate::checks::{self, Amount, Part};
use crate::config::{Config, Storage};
use crate::sizes;

const VM_SOURCE: &str = "https://learn.microsoft.com/azure/virtual-machines/states-billing";
const DISK_SOURCE: &str = "https://azure.microsoft.com/pricing/details/managed-disks/";

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Entry {
    Free {
        #[serde(rename = "type")]
        kind: String,
        /// Why.
        #[allow(dead_code, reason = "for readers of the table")]
        free: String,
    },
    Bills {
        #[serde(rename = "type")]
        kind: String,
        what: String,
        #[serde(default)]
        size: Vec<Measure>,
        by: String,
        when_stopped: bool,
        source: String,
    },
}

/// A place in a resource that says how large it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Measure {
    at: String,
    #[serde(default)]
    unit: String,
    divide: Option<u64>,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("billing.yaml")).expect("billing.yaml is checked by a test")
});

/// Things of one kind and size that bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// What it is.
    pub what: String,
    /// How large each is; empty where nothing says so.
    pub size: String,
    /// How many there are, at most.
    pub count: u32,
    /// Whether there may be fewer, down to none.
    pub at_most: bool,
    /// Names of those that the template makes.
    pub names: Vec<String>,
    /// What Azure counts; `None` when this program does not know the type.
    pub by: Option<String>,
    /// Whether it goes on billing while every VM is deallocated; `None` as `by`.
    pub when_stopped: Option<bool>,
    /// Who says so.
    pub source: String,
}

/// All that bills: what the template makes, and the nodes that CycleCloud starts.
pub fn of(config: &Config, prediction: &Prediction) -> Vec<Bill> {
    let mut bills: Vec<Bill> = Vec::new();
    for change in prediction.will_be() {
        let (kind, name) = kind_and_name(&change.id);
        for bill in of_resource(&kind, &name, &change.after) {
            add(&mut bills, bill);
        }
    }
    bills.extend(nodes(config));
    bills
}

/// Adds to those of the same kind and size.
fn add(bills: &mut Vec<Bill>, bill: Bill) {
    match bills.iter_mut().find(|other| (&other.what, &other.size) == (&bill.what, &bill.size)) {
        Some(other) => {
            other.count += bill.count;
            other.names.extend(bill.names);
        }
        None => bills.push(bill),
    }
}

fn of_resource(kind: &str, name: &str, body: &Value) -> Vec<Bill> {
    let of_type = |entry: &&Entry| {
        let (Entry::Free { kind: own, .. } | Entry::Bills { kind: own, .. }) = entry;
        own.eq_ignore_ascii_case(kind)
    };
    let one = |what: &str, size: String| Bill {
        what: what.to_owned(),
        size,
        count: 1,
        at_most: false,
        names: vec![name.to_owned()],
        by: None,
        when_stopped: None,
        source: String::new(),
    };
    match ENTRIES.iter().find(of_type) {
        Some(Entry::Free { .. }) => Vec::new(),
        None => vec![one(kind, String::new())],
        Some(Entry::Bills { what, size, by, when_stopped, source, .. }) => {
            let size: Vec<String> = size.iter().filter_map(|measure| measure.of(body)).collect();
            let own = Bill {
                by: Some(by.clone()),
                when_stopped: Some(*when_stopped),
                source: source.clone(),
                ..one(what, size.join(", "))
            };
            [vec![own], disks(body, name)].concat()
        }
    }
}

impl Measure {
    fn of(&self, body: &Value) -> Option<String> {
        let value = body.pointer(&self.at).filter(|value| !value.is_null() && !noise::is_open(value))?;
        let shown = match (value.as_u64(), self.divide) {
            (Some(number), Some(divide)) => (number / divide).to_string(),
            _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        Some(format!("{shown} {}", self.unit).trim_end().to_owned())
    }
}

/// The disks of a VM, which have no place of their own in the template.
fn disks(vm: &Value, name: &str) -> Vec<Bill> {
    let profile = &vm["properties"]["storageProfile"];
    let all =
        std::iter::once(&profile["osDisk"]).chain(profile["dataDisks"].as_array().into_iter().flatten());
    let kind = |disk: &Value| disk["managedDisk"]["storageAccountType"].as_str().map(str::to_owned);
    all.filter_map(|disk| {
        let size =
            disk["diskSizeGB"].as_u64().map_or("the image's size".to_owned(), |size| format!("{size} GiB"));
        let own = disk["name"].as_str().unwrap_or(name).to_owned();
        Some(disk_bill(format!("{}, {size}", kind(disk)?), vec![own]))
    })
    .collect()
}

fn disk_bill(size: String, names: Vec<String>) -> Bill {
    Bill {
        what: "disk".to_owned(),
        size,
        count: 1,
        at_most: false,
        names,
        by: Some("months of its size, used or not".to_owned()),
        when_stopped: Some(true),
        source: DISK_SOURCE.to_owned(),
    }
}

/// The VMs that CycleCloud starts, at their most, and their shared disk.
fn nodes(config: &Config) -> Vec<Bill> {
    let mut bills: Vec<Bill> = checks::parts(config).iter().filter_map(node).collect();
    if let Storage::Nfs { size_gib } = config.storage {
        let disk = disk_bill(format!("{size_gib} GiB"), Vec::new());
        bills.push(Bill { what: "disk of the shared files".to_owned(), ..disk });
    }
    bills
}

/// VMs of one kind; the server is in the template.
fn node(part: &Part) -> Option<Bill> {
    let (what, at_most) = match part.key {
        "hpc_sku" => ("GPU node", true),
        "htc_sku" => ("node without GPU", true),
        "scheduler_sku" => ("scheduler", false),
        "login_sku" => ("login node", false),
        _ => return None,
    };
    let count = match part.amount {
        Amount::Vms(count) => count,
        // Of a size that our table lacks, one for each core is the most there can be.
        Amount::Cores(cores) => cores / sizes::find(&part.size).map_or(1, |size| size.vcpus.max(1)),
    };
    Some(Bill {
        what: what.to_owned(),
        size: part.size.clone(),
        count,
        at_most,
        names: Vec::new(),
        by: Some("seconds while it is allocated, and months of its disk".to_owned()),
        when_stopped: Some(false),
        source: VM_SOURCE.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn kinds() -> Vec<&'static str> {
        let kind = |entry: &'static Entry| {
            let (Entry::Free { kind, .. } | Entry::Bills { kind, .. }) = entry;
            kind.as_str()
        };
        ENTRIES.iter().map(kind).collect()
    }

    /// Types of the resources of a template and of those inside it.
    fn types<'a>(template: &'a Value, found: &mut BTreeSet<&'a str>) {
        let resources = template["resources"].as_object().into_iter().flatten().map(|(_, resource)| resource);
        for resource in resources.chain(template["resources"].as_array().into_iter().flatten()) {
            found.extend(resource["type"].as_str());
            types(&resource["properties"]["template"], found);
        }
    }

    #[test]
    fn every_type_of_the_template_is_in_the_table_once() {
        let template: Value = serde_json::from_str(include_str!("../../bicep/main.json")).unwrap();
        let mut wanted = BTreeSet::new();
        types(&template, &mut wanted);
        assert!(wanted.len() > 25, "{wanted:?}");
        let kinds = kinds();
        for kind in wanted {
            assert_eq!(kinds.iter().filter(|own| **own == kind).count(), 1, "{kind}");
        }
    }

    #[test]
    fn whatever_bills_has_a_source() {
        for entry in ENTRIES.iter() {
            let Entry::Bills { kind, source, .. } = entry else { continue };
            let pages =
                ["https://azure.microsoft.com/pricing/details/", "https://learn.microsoft.com/azure/"];
            assert!(pages.iter().any(|page| source.starts_with(page)), "{kind}: {source}");
        }
    }

    #[test]
    fn sizes_are_read_where_they_are_and_left_out_where_they_are_open() {
        let size = |kind: &str, body: Value| of_resource(kind, "x", &body).remove(0).size;
        let pool = "microsoft.netapp/netappaccounts/capacitypools";
        let body = json!({"properties": {"serviceLevel": "Ultra", "size": 17_592_186_044_416_u64}});
        assert_eq!(size(pool, body), "Ultra, 16 TiB");
        let body = json!({"properties": {"serviceLevel": "[parameters('level')]"}});
        assert_eq!(size(pool, body), "");
        let body =
            json!({"sku": {"name": "Standard_D2ads_v5"}, "properties": {"storage": {"storageSizeGB": 20}}});
        assert_eq!(size("Microsoft.DBforMySQL/flexibleServers", body), "Standard_D2ads_v5, 20 GiB");
    }
}
