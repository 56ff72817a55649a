//! The picture of what a set of parameters deploys, in Mermaid, drawn from the prediction alone.
//!
//! A resource is a box. What belongs to one other resource (a child; a network interface, an address or a DNS zone that one
//! resource uses) is a line in that one's box. A box lies in the subnet that its resource names. An arrow is a reference
//! by id; a dotted arrow is a right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use regex::Regex;
use serde_json::Value;

use crate::roles::{principal, scope};
use crate::sets::{all, of_type, resources, text};

/// Types of what is shown as a line in the box of the one resource that uses it.
const PARTS: [&str; 3] = [
    "Microsoft.Network/networkInterfaces",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/privateDnsZones",
];
/// Types that are drawn in another way than as a box.
const NO_BOX: [&str; 3] = [
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/virtualNetworks",
];

/// A resource with all that is drawn in its box.
struct Node {
    resource: &'static Value,
    inside: Vec<&'static Value>,
}

impl Node {
    fn kind(&self) -> &'static str {
        text(self.resource, "type")
    }

    /// The name without the hash that differs from one installation to the next.
    fn name(&self) -> String {
        let hash = Regex::new(r"^(ccslurm4ai-?|ccs4ai-)[a-z0-9]{13}$").expect("a regular expression");
        hash.replace(text(self.resource, "name"), "${1}…").into_owned()
    }

    /// What Mermaid knows the box by.
    fn key(&self) -> String {
        let name = format!("{}_{}", last(self.kind()), self.name());
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
    }

    /// Name, type, and the number of what is inside.
    fn label(&self) -> String {
        let mut lines = vec![self.name(), self.kind().trim_start_matches("Microsoft.").to_owned()];
        let mut counts = BTreeMap::new();
        for inside in &self.inside {
            *counts.entry(text(inside, "type")).or_insert(0) += 1;
        }
        lines.extend(counts.iter().map(|(kind, count)| format!("+ {count} {}", last(kind))));
        lines.join("<br>")
    }

    /// Whether the resource, or something in its box, names an id.
    fn names(&self, id: &str) -> bool {
        let bodies = std::iter::once(&self.resource).chain(&self.inside);
        bodies.into_iter().any(|body| body["properties"].to_string().contains(id))
    }
}

/// The last part of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// An id without the brackets that make it an expression.
fn bare(value: &str) -> &str {
    value.trim_start_matches('[').trim_end_matches(']')
}

fn is_child(child: &Value, parent: &Value) -> bool {
    let (kind, name) = (text(child, "type"), text(child, "name"));
    let parent_name = text(parent, "name");
    kind.starts_with(&format!("{}/", text(parent, "type")))
        && (name.starts_with(&format!("{parent_name}/"))
            || (name.starts_with('[') && parent_name.starts_with('[') && name.contains(bare(parent_name))))
}

/// The boxes, in the order of the prediction.
fn nodes(set: &str) -> Vec<Node> {
    let all = resources(set);
    let parent = |one: &Value| all.iter().find(|other| is_child(one, other));
    let children = |one: &Value| all.iter().filter(|other| is_child(other, one)).collect::<Vec<_>>();
    let roots = all.iter().filter(|one| parent(one).is_none() && !NO_BOX.contains(&text(one, "type")));
    let (parts, owners): (Vec<_>, Vec<_>) = roots.partition(|one| PARTS.contains(&text(one, "type")));
    let mut nodes: Vec<_> =
        owners.into_iter().map(|resource| Node { resource, inside: children(resource) }).collect();
    for part in parts {
        let users = nodes.iter_mut().filter(|node| node.names(bare(text(part, "id"))));
        let [user] = &mut users.collect::<Vec<_>>()[..] else {
            panic!("{} is not used by exactly one resource", part["name"]);
        };
        user.inside.push(part);
        user.inside.extend(children(part));
    }
    nodes
}

/// The picture.
pub fn draw(set: &str) -> String {
    let nodes = nodes(set);
    let mut picture = "flowchart LR\n".to_owned();
    let mut inside = BTreeSet::new();
    for network in of_type(set, "Microsoft.Network/virtualNetworks") {
        draw_network(&mut picture, network, &nodes, &mut inside);
    }
    for node in nodes.iter().filter(|node| !inside.contains(&node.key())) {
        writeln!(picture, "  {}[\"{}\"]", node.key(), node.label()).expect("writing");
    }
    for arrow in references(&nodes).into_iter().chain(rights(set, &nodes)) {
        writeln!(picture, "  {arrow}").expect("writing");
    }
    picture
}

/// A network with its subnets and the boxes in them.
fn draw_network(picture: &mut String, network: &Value, nodes: &[Node], inside: &mut BTreeSet<String>) {
    let space = &network["properties"]["addressSpace"]["addressPrefixes"][0];
    let space = space.as_str().expect("an address space");
    let network_name = text(network, "name");
    writeln!(picture, "  subgraph network[\"{network_name} {space}\"]").expect("writing");
    for subnet in network["properties"]["subnets"].as_array().expect("subnets") {
        let (name, properties) = (text(subnet, "name"), &subnet["properties"]);
        let group = last(text(&properties["networkSecurityGroup"], "id"));
        let title = format!("{name} {}<br>{group}", text(properties, "addressPrefix"));
        writeln!(picture, "    subgraph {name}[\"{title}\"]").expect("writing");
        let id = format!("\"{}/subnets/{name}\"", text(network, "id"));
        let here: Vec<_> = nodes.iter().filter(|node| node.names(&id)).collect();
        for node in &here {
            writeln!(picture, "      {}[\"{}\"]", node.key(), node.label()).expect("writing");
            inside.insert(node.key());
        }
        if here.is_empty() {
            writeln!(picture, "      {name}_nodes([\"nodes, made by CycleCloud\"])").expect("writing");
        }
        writeln!(picture, "    end").expect("writing");
    }
    writeln!(picture, "  end").expect("writing");
    for subnet in network["properties"]["subnets"].as_array().expect("subnets") {
        let gateway = &subnet["properties"]["natGateway"]["id"];
        for node in nodes.iter().filter(|node| &node.resource["id"] == gateway) {
            writeln!(picture, "  {} --> {}", text(subnet, "name"), node.key()).expect("writing");
        }
    }
}

/// An arrow from each resource to each that it names.
fn references(nodes: &[Node]) -> Vec<String> {
    let mut arrows = Vec::new();
    for from in nodes {
        let named =
            nodes.iter().filter(|to| to.key() != from.key() && from.names(bare(text(to.resource, "id"))));
        arrows.extend(named.map(|to| format!("{} --> {}", from.key(), to.key())));
    }
    arrows
}

/// A dotted arrow for each role assignment.
fn rights(set: &str, nodes: &[Node]) -> Vec<String> {
    let listed = crate::roles::listed();
    let caller = &all()[set].parameters["callerObjectId"];
    let assignments = of_type(set, "Microsoft.Authorization/roleAssignments").into_iter();
    assignments
        .map(|assignment| {
            let properties = &assignment["properties"];
            let description = text(properties, "description");
            // Those outside the group say for which cluster, too.
            let role = listed.iter().find(|role| description.starts_with(text(role, "why")));
            let role = text(role.expect("a listed role"), "name");
            let from = place(principal(text(properties, "principalId"), caller), true, nodes);
            let to = place(scope(text(assignment, "id")), false, nodes);
            format!("{from} -. {role} .-> {to}")
        })
        .collect()
}

/// The box of an identity or of a scope; those that the template does not make are round.
fn place(name: &str, identity: bool, nodes: &[Node]) -> String {
    let kind = match (name, identity) {
        ("server", _) => "Microsoft.Compute/virtualMachines",
        ("locker", true) => "Microsoft.ManagedIdentity/userAssignedIdentities",
        ("locker", false) => "Microsoft.Storage/storageAccounts",
        ("keyVault", _) => "Microsoft.KeyVault/vaults",
        ("grafana", _) => "Microsoft.Dashboard/grafana",
        ("monitorWorkspace", _) => "Microsoft.Monitor/accounts",
        _ => "",
    };
    let title = match name {
        "caller" => "who installs",
        "resourceGroup" => "the resource group",
        "dataCollectionRule" => "the workspace's data collection rule, made by Azure",
        other => other,
    };
    let node = nodes.iter().find(|node| node.kind() == kind);
    node.map_or_else(|| format!("{name}([\"{title}\"])"), Node::key)
}
