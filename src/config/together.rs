//! How the keys of `config.yaml` must fit together. A value that is wrong by itself is left to [`super::mapping`].

use std::net::Ipv4Addr;
use std::path::Path;

use super::document::{Key, Kind, Node};
use super::report::{Report, shown};
use super::{defaults, keys, network, public_key, rules};
use crate::resource_id::SubnetId;
use crate::sizes::{Size, Variant};

/// Checks the whole document; `folder` is where the file lies.
pub fn check(root: &Node, folder: &Path, unlisted: Option<&Size>, report: &mut Report) {
    if !matches!(root.kind, Kind::Mapping(_)) {
        return;
    }
    check_subscription(root, report);
    if let Some(size) = check_size(root, unlisted, report) {
        check_os(root, size, report);
        check_cores(root, size, report);
        check_room(root, size, report);
    }
    check_public_key(root, folder, report);
    check_subnets(root, report);
    check_storage_address(root, report);
}

fn check_subscription(root: &Node, report: &mut Report) {
    match (root.get("subscription_name"), root.get("subscription_id")) {
        (None, None) => {
            report.add(
                "MissingKey",
                root.place,
                "subscription_name",
                "this key or subscription_id is required, such as `subscription_name: My Subscription`",
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

/// The size of the GPU nodes, if it is one.
fn check_size<'a>(root: &Node, unlisted: Option<&'a Size>, report: &mut Report) -> Option<&'a Size> {
    let (key, node) = root.get("hpc_sku")?;
    match rules::gpu_size(node.text()?, unlisted) {
        Ok(size) => Some(size),
        Err(wrong) => {
            report.add("InvalidValue", node.place, &key.text, wrong);
            None
        }
    }
}

/// Not every release of the operating system has an image for every GPU.
fn check_os(root: &Node, size: &Size, report: &mut Report) {
    let Some((key, node)) = root.get("os") else { return };
    if node.text() == Some("ubuntu2204") && size.image == Variant::Gb {
        let text = format!("`ubuntu2204` has no image for {}; set ubuntu2404, or leave it out", size.name);
        report.add("InvalidValue", node.place, &key.text, text);
    }
}

fn check_cores(root: &Node, size: &Size, report: &mut Report) {
    let Some((_, node)) = root.get("hpc_max_core_count") else { return };
    if let Some(cores) = number(root, "hpc_max_core_count").filter(|cores| (1..size.vcpus).contains(cores)) {
        let least = size.vcpus;
        let text = format!("`{cores}` is less than one node of {} has (allowed: {least} or more)", size.name);
        report.add("InvalidValue", node.place, "hpc_max_core_count", text);
    }
}

fn number(root: &Node, key: &str) -> Option<u32> {
    rules::number(root.get(key)?.1.text()?, 0, keys::MAX_CORES).ok()
}

/// The compute subnet must hold the scheduler, the login nodes and all GPU nodes.
fn check_room(root: &Node, size: &Size, report: &mut Report) {
    let Some(cores) = number(root, "hpc_max_core_count") else { return };
    let most = number(root, "hpc_max_num_vms").unwrap_or(defaults::HPC_MAX_NUM_VMS);
    let logins = number(root, "login_nodes").unwrap_or(defaults::LOGIN_NODES);
    let nodes = (cores / size.vcpus).min(most) + logins + 1;

    if kind(root, "network", "new") != Some("new") {
        return;
    }
    let space = root.get("network").and_then(|(_, network)| network.get("address_space"));
    let Some((_, node)) = space else { return };
    let Some(Ok(block)) = node.text().map(network::address_space) else { return };
    let room = network::node_capacity(block);
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

/// The `type` of the mapping `key`, or what it is without one; `None` if it is no word.
fn kind<'a>(root: &'a Node, key: &str, default: &'a str) -> Option<&'a str> {
    match root.get(key).and_then(|(_, mapping)| mapping.get("type")) {
        Some((_, kind)) => kind.text(),
        None => Some(default),
    }
}

/// The subnets of an existing network are of one network, in the cluster's subscription, and that of NetApp
/// Files is there when it is needed, and its alone.
fn check_subnets(root: &Node, report: &mut Report) {
    if kind(root, "network", "new") != Some("existing") {
        return;
    }
    let Some((subnets_key, subnets)) = root.get("network").and_then(|(_, network)| network.get("subnets"))
    else {
        return;
    };
    check_anf(root, subnets_key, subnets, report);
    let found: Vec<_> = ["cyclecloud", "compute", "endpoints", "anf"]
        .into_iter()
        .filter_map(|name| {
            let (_, node) = subnets.get(name)?;
            Some((name, node, SubnetId::parse(node.text()?)?))
        })
        .collect();
    let Some((first_name, _, first)) = found.first() else { return };
    let ours = root.get("subscription_id").and_then(|(_, node)| node.text());
    let ours = ours.filter(|id| rules::subscription_id(id).is_ok());
    let anf = found.iter().find(|(name, ..)| *name == "anf").map(|(.., id)| id);
    for (name, node, id) in &found {
        let mut wrong = |text: String| {
            report.add("InvalidValue", node.place, &format!("network.subnets.{name}"), text);
        };
        if let Some(ours) = ours.filter(|ours| !ours.eq_ignore_ascii_case(&id.subscription)) {
            // CycleCloud names a subnet by group, network and name alone, within its own subscription.
            wrong(format!(
                "is in subscription {}, the cluster in {ours}; they must be the same",
                id.subscription
            ));
        } else if !same(&id.network_id(), &first.network_id()) {
            let (network, other) = (shown(&id.network), shown(&first.network));
            wrong(format!("is in network {network}, {first_name} in {other}; all must be of one network"));
        }
        if *name != "anf" && anf.is_some_and(|anf| same(&anf.to_string(), &id.to_string())) {
            wrong("is the subnet of anf too, which is delegated and takes nothing else".to_owned());
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn check_anf(root: &Node, subnets_key: &Key, subnets: &Node, report: &mut Report) {
    const NAME: &str = "network.subnets.anf";
    match (kind(root, "storage", "anf"), subnets.get("anf")) {
        (Some("anf"), None) => {
            let text = "is required with storage of type anf: a subnet delegated to Microsoft.NetApp/volumes";
            report.add("MissingKey", subnets_key.place, NAME, text);
        }
        (Some("nfs" | "existing"), Some((key, _))) => {
            let text = "goes with storage of type anf alone; leave it out";
            report.add("InvalidValue", key.place, NAME, text);
        }
        _ => {}
    }
}

/// A server that is there already cannot lie in a network that is yet to be made.
fn check_storage_address(root: &Node, report: &mut Report) {
    if kind(root, "storage", "anf") != Some("existing") || kind(root, "network", "new") != Some("new") {
        return;
    }
    let text = |mapping: &str, key: &str| root.get(mapping)?.1.get(key)?.1.text();
    let space = text("network", "address_space").unwrap_or(defaults::ADDRESS_SPACE);
    let Some((_, node)) = root.get("storage").and_then(|(_, storage)| storage.get("address")) else { return };
    let address = node.text().and_then(|text| text.parse::<Ipv4Addr>().ok());
    let (Some(address), Ok(block)) = (address, network::address_space(space)) else { return };
    if block.holds(address) {
        let text = format!(
            "`{address}` lies within {space}, the new network's own addresses; give network.address_space others"
        );
        report.add("InvalidValue", node.place, "storage.address", text);
    }
}
