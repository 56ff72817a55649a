//! The keys of `config.yaml`: which there are, what each may hold, and how they must fit together.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use super::document::{Key, Kind, Node};
use super::report::{Report, nearest, shown};
use super::{defaults, network, public_key, rules, tags};

/// What a key holds.
enum Holds {
    /// One value that a rule accepts.
    Value(fn(&str) -> Result<(), String>),
    /// Tag names and values, so many at most.
    Tags(usize),
    /// The mapping `network`.
    Network,
    /// Nothing in this version.
    Later,
}
use Holds::{Later, Network, Tags, Value};

/// Tags for everything: private DNS zones take 15 (see [`tags`]), and one is ours.
const MAX_TAGS: usize = 14;

/// Tags for one resource: with those for everything they stay below the 50 that Azure takes.
const MAX_TAGS_OF_ONE: usize = 30;

/// A sanity limit for vCPUs: a thousand nodes of a thousand.
const MAX_CORES: u32 = 1_000_000;

/// VMs in a scale set (learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits).
const MAX_SCALE_SET: u32 = 1000;

const REQUIRED: [&str; 4] = ["region", "resource_group_name", "hpc_sku", "hpc_max_core_count"];

const KEYS: [(&str, Holds); 27] = [
    ("region", Value(rules::region)),
    ("resource_group_name", Value(rules::resource_group)),
    ("subscription_name", Value(rules::subscription_name)),
    ("subscription_id", Value(rules::subscription_id)),
    ("hpc_sku", Value(|text| rules::gpu_size(text).map(drop))),
    ("hpc_max_core_count", Value(|text| rules::number(text, 1, MAX_CORES).map(drop))),
    ("hpc_max_num_vms", Value(|text| rules::number(text, 1, MAX_SCALE_SET).map(drop))),
    ("resource_group_tags", Tags(MAX_TAGS_OF_ONE)),
    ("monitor_tags", Tags(MAX_TAGS_OF_ONE)),
    ("tags", Tags(MAX_TAGS)),
    ("cluster_name", Value(rules::cluster_name)),
    ("admin_user", Value(rules::admin_user)),
    ("ssh_public_key_file", Value(rules::path)),
    ("os", Value(|text| rules::one_of(text, &["ubuntu2404", "ubuntu2204"]))),
    ("scheduler_sku", Value(|text| rules::vm_size(text).map(drop))),
    ("login_sku", Value(|text| rules::vm_size(text).map(drop))),
    ("htc_sku", Value(|text| rules::vm_size(text).map(drop))),
    ("server_sku", Value(|text| rules::vm_size(text).map(drop))),
    ("login_nodes", Value(|text| rules::number(text, 0, 10).map(drop))),
    ("htc_max_core_count", Value(|text| rules::number(text, 0, MAX_CORES).map(drop))),
    ("autoscale", Value(|text| rules::flag(text).map(drop))),
    ("accounting", Value(rules::switched_off)),
    ("monitoring", Value(rules::switched_off)),
    ("storage", Later),
    ("network", Network),
    ("subscription_reader", Value(|text| rules::one_of(text, &["assign", "existing"]))),
    ("zone", Value(|text| rules::one_of(text, &["1", "2", "3"]))),
];

/// Checks the whole document; `folder` is where the file lies.
pub fn check(root: &Node, folder: &Path, report: &mut Report) {
    let Kind::Mapping(entries) = &root.kind else {
        report.syntax(root.place, format!("keys and values are expected here, not {}", root.what()), None);
        return;
    };
    for (key, node) in entries {
        match KEYS.iter().find(|(name, _)| *name == key.text) {
            Some((_, holds)) => check_value(key, node, holds, report),
            None => unknown(key, &key.text, KEYS.iter().map(|(name, _)| *name), report),
        }
    }
    for name in REQUIRED.into_iter().filter(|name| root.get(name).is_none()) {
        let empty = entries.iter().find(|(key, _)| key.text == name);
        report.add("MissingKey", empty.map_or(root.place, |(key, _)| key.place), name, "is required");
    }
    check_subscription(root, report);
    check_cores(root, report);
    check_room(root, report);
    check_public_key(root, folder, report);
}

fn check_value(key: &Key, node: &Node, holds: &Holds, report: &mut Report) {
    match (holds, &node.kind) {
        (_, Kind::Null) => {}
        (Later, _) => report.add("NotYet", key.place, &key.text, "comes with a later version; leave it out"),
        (Value(rule), Kind::Text(text)) => {
            if let Err(wrong) = rule(text) {
                report.add("InvalidValue", node.place, &key.text, wrong);
            }
        }
        (Value(_), _) => wrong_type(key, node, "a single value", report),
        (Tags(most), Kind::Mapping(entries)) => check_tags(key, entries, *most, report),
        (Tags(_), _) => wrong_type(key, node, "tag names with values", report),
        (Network, Kind::Mapping(entries)) => check_network(node, entries, report),
        (Network, _) => wrong_type(key, node, "a mapping with type and address_space", report),
    }
}

fn wrong_type(key: &Key, node: &Node, wanted: &str, report: &mut Report) {
    let text = format!("must be {wanted}, not {}", node.what());
    report.add("WrongType", node.place, &key.text, text);
}

fn unknown<'a>(key: &Key, word: &str, known: impl Iterator<Item = &'a str>, report: &mut Report) {
    if report.is_full() {
        report.add("UnknownKey", key.place, &key.text, "is not a key of this file");
        return; // a suggestion nobody will read costs time
    }
    let known: Vec<_> = known.collect();
    let help = match nearest(word, &known) {
        Some(near) => format!("did you mean {near}"),
        None => format!("allowed: {}", known.join(", ")),
    };
    report.add("UnknownKey", key.place, &key.text, format!("is not a key of this file ({help})"));
}

fn check_tags(key: &Key, entries: &[(Key, Rc<Node>)], most: usize, report: &mut Report) {
    if entries.len() > most {
        let text = format!("{} tags are too many (allowed: {most})", entries.len());
        report.add("InvalidValue", key.place, &key.text, text);
    }
    let mut names = HashMap::new();
    for (name, node) in entries {
        if let Err(wrong) = tags::name(&name.text) {
            report.add("InvalidValue", name.place, &key.text, wrong);
        }
        let earlier = names.insert(name.text.to_lowercase(), &name.text);
        if earlier.is_some_and(|earlier| *earlier != name.text) {
            let text = format!("the tag name {} is given twice; case does not count", shown(&name.text));
            report.add("DuplicateKey", name.place, &key.text, text);
        }
        match &node.kind {
            Kind::Null => {}
            Kind::Text(text) => {
                if let Err(wrong) = tags::value(&name.text, text) {
                    report.add("InvalidValue", node.place, &key.text, wrong);
                }
            }
            _ => wrong_type(key, node, "tag names with single values", report),
        }
    }
}

fn check_network(node: &Node, entries: &[(Key, Rc<Node>)], report: &mut Report) {
    const KNOWN: [(&str, Holds); 2] = [
        ("type", Value(|text| rules::one_of(text, &["new"]))),
        ("address_space", Value(|text| network::address_space(text).map(drop))),
    ];
    if let Some((_, kind)) = node.get("type").filter(|(_, kind)| kind.text() == Some("existing")) {
        report.add(
            "NotYet",
            kind.place,
            "network.type",
            "`existing` comes with a later version (allowed: new)",
        );
        return;
    }
    for (key, value) in entries {
        let full = Key { place: key.place, text: format!("network.{}", key.text) };
        match KNOWN.iter().find(|(name, _)| *name == key.text) {
            Some((_, holds)) => check_value(&full, value, holds, report),
            None => unknown(&full, &key.text, KNOWN.iter().map(|(name, _)| *name), report),
        }
    }
}

fn check_subscription(root: &Node, report: &mut Report) {
    match (root.get("subscription_name"), root.get("subscription_id")) {
        (None, None) => {
            report.add(
                "MissingKey",
                root.place,
                "subscription_name",
                "this key or subscription_id is required",
            );
        }
        (Some((one, _)), Some((other, _))) => {
            let (first, second) = if place(one) < place(other) { (one, other) } else { (other, one) };
            let text = format!("cannot stand beside {}; keep one of them", first.text);
            report.add("InvalidValue", second.place, &second.text, text);
        }
        _ => {}
    }
}

fn place(key: &Key) -> (usize, usize) {
    (key.place.line, key.place.column)
}

fn check_cores(root: &Node, report: &mut Report) {
    let size = root.get("hpc_sku").and_then(|(_, node)| rules::gpu_size(node.text()?).ok());
    let (Some(size), Some((_, node))) = (size, root.get("hpc_max_core_count")) else { return };
    if number(root, "hpc_max_core_count").is_some_and(|cores| (1..size.vcpus).contains(&cores)) {
        let least = size.vcpus;
        let text = format!("is less than one node of {} has (allowed: {least} or more)", size.name);
        report.add("InvalidValue", node.place, "hpc_max_core_count", text);
    }
}

fn number(root: &Node, key: &str) -> Option<u32> {
    rules::number(root.get(key)?.1.text()?, 0, MAX_CORES).ok()
}

/// The compute subnet must hold the scheduler, the login nodes and all GPU nodes.
fn check_room(root: &Node, report: &mut Report) {
    let size = root.get("hpc_sku").and_then(|(_, node)| rules::gpu_size(node.text()?).ok());
    let (Some(size), Some(cores)) = (size, number(root, "hpc_max_core_count")) else { return };
    let most = number(root, "hpc_max_num_vms").unwrap_or(defaults::HPC_MAX_NUM_VMS);
    let logins = number(root, "login_nodes").unwrap_or(defaults::LOGIN_NODES);
    let nodes = (cores / size.vcpus).min(most) + logins + 1;

    let space = root.get("network").and_then(|(_, network)| network.get("address_space"));
    let Some((_, node)) = space else { return };
    let Some(Ok(length)) = node.text().map(network::address_space) else { return };
    let room = network::node_capacity(length);
    if nodes > room {
        let text = format!("has room for {room} nodes, the cluster may grow to {nodes}; make it larger");
        report.add("InvalidValue", node.place, "network.address_space", text);
    }
}

fn check_public_key(root: &Node, folder: &Path, report: &mut Report) {
    let Some((key, node)) = root.get("ssh_public_key_file") else { return };
    let Some(text) = node.text().filter(|text| rules::path(text).is_ok()) else { return };
    if let Err(wrong) = public_key::check(&public_key::path(text, folder)) {
        report.add("InvalidValue", node.place, &key.text, wrong);
    }
}

/// Every key's name.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(name, _)| *name)
}

/// The keys that hold one value.
#[cfg(test)]
pub fn single_values() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|(_, holds)| matches!(holds, Value(_))).map(|(name, _)| *name)
}
