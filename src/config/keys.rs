//! The keys of `config.yaml`: which there are and what each may hold.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use super::document::{Key, Kind, Node};
use super::report::{Place, Report, nearest, shown};
use super::{network, rules, storage, tags, together};

/// What a key holds.
enum Holds {
    /// One value that a rule accepts.
    Value(fn(&str) -> Result<(), String>),
    /// Tag names and values, so many at most.
    Tags(usize),
    /// A mapping with keys of its own.
    Keys(&'static [Field]),
    /// A mapping whose key `type` says which keys it has; without it, it is the first of these.
    OneOf(&'static [Variant]),
}
use Holds::{Keys, OneOf, Tags, Value};

/// A key of a mapping.
struct Field {
    name: &'static str,
    holds: Holds,
    required: bool,
}

/// A kind of mapping.
struct Variant {
    name: &'static str,
    fields: &'static [Field],
}

const fn required(name: &'static str, holds: Holds) -> Field {
    Field { name, holds, required: true }
}

const fn optional(name: &'static str, holds: Holds) -> Field {
    Field { name, holds, required: false }
}

/// Tags for everything: private DNS zones take 15 (see [`tags`]), and one is ours.
const MAX_TAGS: usize = 14;

/// Tags for one resource: with those for everything they stay below the 50 that Azure takes.
const MAX_TAGS_OF_ONE: usize = 30;

/// A sanity limit for vCPUs: a thousand nodes of a thousand.
pub(super) const MAX_CORES: u32 = 1_000_000;

/// VMs in a scale set (learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits).
const MAX_SCALE_SET: u32 = 1000;

const KEYS: [Field; 27] = [
    required("region", Value(rules::region)),
    required("resource_group_name", Value(rules::resource_group)),
    optional("subscription_name", Value(rules::subscription_name)),
    optional("subscription_id", Value(rules::subscription_id)),
    required("hpc_sku", Value(|text| rules::gpu_size(text).map(drop))),
    required("hpc_max_core_count", Value(|text| rules::number(text, 1, MAX_CORES).map(drop))),
    optional("hpc_max_num_vms", Value(|text| rules::number(text, 1, MAX_SCALE_SET).map(drop))),
    optional("resource_group_tags", Tags(MAX_TAGS_OF_ONE)),
    optional("monitor_tags", Tags(MAX_TAGS_OF_ONE)),
    optional("tags", Tags(MAX_TAGS)),
    optional("cluster_name", Value(rules::cluster_name)),
    optional("admin_user", Value(rules::admin_user)),
    optional("ssh_public_key_file", Value(rules::path)),
    optional("os", Value(|text| rules::one_of(text, &["ubuntu2404", "ubuntu2204"]))),
    optional("scheduler_sku", Value(|text| rules::vm_size(text).map(drop))),
    optional("login_sku", Value(|text| rules::vm_size(text).map(drop))),
    optional("htc_sku", Value(|text| rules::vm_size(text).map(drop))),
    optional("server_sku", Value(|text| rules::vm_size(text).map(drop))),
    optional("login_nodes", Value(|text| rules::number(text, 0, 10).map(drop))),
    optional("htc_max_core_count", Value(|text| rules::number(text, 0, MAX_CORES).map(drop))),
    optional("autoscale", Value(|text| rules::flag(text).map(drop))),
    optional("accounting", Value(|text| rules::flag(text).map(drop))),
    optional("monitoring", Value(|text| rules::flag(text).map(drop))),
    optional("storage", OneOf(&STORAGE)),
    optional("network", OneOf(&NETWORK)),
    optional("subscription_reader", Value(|text| rules::one_of(text, &["assign", "existing"]))),
    optional("zone", Value(|text| rules::one_of(text, &["1", "2", "3"]))),
];

const STORAGE: [Variant; 3] = [
    Variant {
        name: "anf",
        fields: &[
            optional("service_level", Value(|text| rules::one_of(text, &storage::SERVICE_LEVELS))),
            optional("size_tib", Value(|text| storage::size_tib(text).map(drop))),
        ],
    },
    Variant { name: "nfs", fields: &[required("size_gib", Value(|text| storage::size_gib(text).map(drop)))] },
    Variant {
        name: "existing",
        fields: &[
            required("address", Value(storage::address)),
            required("export_path", Value(storage::export_path)),
            optional("mount_options", Value(storage::mount_options)),
        ],
    },
];

const NETWORK: [Variant; 2] = [
    Variant {
        name: "new",
        fields: &[optional("address_space", Value(|text| network::address_space(text).map(drop)))],
    },
    Variant {
        name: "existing",
        fields: &[
            required("subnets", Keys(&SUBNETS)),
            required("bastion", Value(|text| network::bastion(text).map(drop))),
            required("private_dns", Value(|text| rules::one_of(text, &["new", "existing", "none"]))),
        ],
    },
];

const SUBNETS: [Field; 4] = [
    required("cyclecloud", Value(|text| network::subnet(text).map(drop))),
    required("compute", Value(|text| network::subnet(text).map(drop))),
    optional("anf", Value(|text| network::subnet(text).map(drop))),
    required("endpoints", Value(|text| network::subnet(text).map(drop))),
];

/// Checks the whole document; `folder` is where the file lies.
pub fn check(root: &Node, folder: &Path, report: &mut Report) {
    let Kind::Mapping(entries) = &root.kind else {
        report.syntax(root.place, format!("keys and values are expected here, not {}", root.what()), None);
        return;
    };
    let all = Mapping { name: "", place: root.place, entries };
    all.check(&KEYS, report);
    together::check(root, folder, report);
}

/// A mapping to check.
struct Mapping<'a> {
    /// The key that holds it, empty for the document.
    name: &'a str,
    place: Place,
    entries: &'a [(Key, Rc<Node>)],
}

impl Mapping<'_> {
    /// Every key is one of `fields` and holds what it may, and the required ones are there.
    fn check(&self, fields: &[Field], report: &mut Report) {
        for (key, node) in self.entries {
            match fields.iter().find(|field| field.name == key.text) {
                Some(field) => check_value(&self.full(key), node, &field.holds, report),
                None => unknown(&self.full(key), &key.text, fields.iter().map(|field| field.name), report),
            }
        }
        self.check_required(fields, report);
    }

    fn check_required(&self, fields: &[Field], report: &mut Report) {
        for field in fields.iter().filter(|field| field.required) {
            let given = self.entries.iter().find(|(key, _)| key.text == field.name);
            if given.is_none_or(|(_, node)| matches!(node.kind, Kind::Null)) {
                let place = given.map_or(self.place, |(key, _)| key.place);
                report.add("MissingKey", place, &self.full_name(field.name), "is required");
            }
        }
    }

    /// As [`Mapping::check`] for the fields of the variant that the value `kind` of key `type` names.
    fn check_variant(&self, kind: Option<&Node>, variants: &[Variant], report: &mut Report) {
        let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
        let chosen =
            variants.iter().find(|variant| kind.is_none_or(|kind| kind.text() == Some(variant.name)));
        for (key, node) in self.entries {
            let full = self.full(key);
            if key.text == "type" {
                check_one_of(&full, node, &names, report);
                continue;
            }
            let Some(chosen) = chosen else { continue };
            match chosen.fields.iter().find(|field| field.name == key.text) {
                Some(field) => check_value(&full, node, &field.holds, report),
                None => misplaced(&full, &key.text, chosen, variants, report),
            }
        }
        if let Some(chosen) = chosen {
            self.check_required(chosen.fields, report);
        }
    }

    fn full(&self, key: &Key) -> Key {
        Key { place: key.place, text: self.full_name(&key.text) }
    }

    fn full_name(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) }
    }
}

fn check_value(key: &Key, node: &Node, holds: &Holds, report: &mut Report) {
    let inner = |entries| Mapping { name: &key.text, place: key.place, entries };
    match (holds, &node.kind) {
        (_, Kind::Null) => {}
        (Value(rule), Kind::Text(text)) => {
            if let Err(wrong) = rule(text) {
                report.add("InvalidValue", node.place, &key.text, wrong);
            }
        }
        (Value(_), _) => wrong_type(key, node, "a single value", report),
        (Tags(most), Kind::Mapping(entries)) => check_tags(key, entries, *most, report),
        (Tags(_), _) => wrong_type(key, node, "tag names with values", report),
        (Keys(fields), Kind::Mapping(entries)) => inner(entries).check(fields, report),
        (OneOf(variants), Kind::Mapping(entries)) => {
            inner(entries).check_variant(node.get("type").map(|(_, kind)| kind), variants, report);
        }
        (Keys(fields), _) => {
            let names: Vec<_> = fields.iter().map(|field| field.name).collect();
            wrong_type(key, node, &format!("a mapping with {}", names.join(", ")), report);
        }
        (OneOf(variants), _) => {
            let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
            wrong_type(key, node, &format!("a mapping with type ({})", names.join(", ")), report);
        }
    }
}

fn check_one_of(key: &Key, node: &Node, words: &[&str], report: &mut Report) {
    match &node.kind {
        Kind::Null => {}
        Kind::Text(text) => {
            if let Err(wrong) = rules::one_of(text, words) {
                report.add("InvalidValue", node.place, &key.text, wrong);
            }
        }
        _ => wrong_type(key, node, "a single value", report),
    }
}

fn wrong_type(key: &Key, node: &Node, wanted: &str, report: &mut Report) {
    let text = format!("must be {wanted}, not {}", node.what());
    report.add("WrongType", node.place, &key.text, text);
}

/// A key that the chosen variant does not have: another one may.
fn misplaced(key: &Key, word: &str, chosen: &Variant, variants: &[Variant], report: &mut Report) {
    let has = |variant: &&Variant| variant.fields.iter().any(|field| field.name == word);
    match variants.iter().find(has) {
        Some(other) => {
            let text = format!("goes with type {}, not with {}", other.name, chosen.name);
            report.add("InvalidValue", key.place, &key.text, text);
        }
        None => {
            let names = chosen.fields.iter().map(|field| field.name);
            unknown(key, word, std::iter::once("type").chain(names), report);
        }
    }
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

/// Every key's name.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|field| field.name)
}

/// The keys that hold one value.
#[cfg(test)]
pub fn single_values() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|field| matches!(field.holds, Value(_))).map(|field| field.name)
}
