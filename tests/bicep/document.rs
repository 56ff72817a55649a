//! `docs/infrastructure.md`: its picture is the one drawn now, its table has every resource with the right condition.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

use crate::picture::draw;
use crate::roles::listed;
use crate::sets::{Set, all, resources, text};

/// With this variable set, the test writes what is generated instead of comparing it.
const WRITE: &str = "CCSLURM4AI_WRITE_DOCS";

fn page() -> PathBuf {
    Path::new(crate::ROOT).join("docs/infrastructure.md")
}

/// Where a part stands, between its marks.
fn part(page: &str, name: &str) -> Range<usize> {
    let (begin, end) = (format!("<!-- {name}: generated -->\n"), format!("<!-- {name}: end -->"));
    let start = page.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
    start..start + page[start..].find(&end).unwrap_or_else(|| panic!("no {end}"))
}

/// The table of rights, from `roles.json`.
fn rights() -> String {
    let mut table = "| role | of | on | why |\n|---|---|---|---|\n".to_owned();
    for role in listed() {
        let [name, principal, scope, why] = ["name", "principal", "scope", "why"].map(|key| text(&role, key));
        table += &format!("| {name} | {principal} | {scope} | {why} |\n");
    }
    table
}

#[test]
fn picture_and_rights_are_those_of_the_template() {
    let write = std::env::var_os(WRITE).is_some();
    let mut text = std::fs::read_to_string(page()).expect("the page");
    for (name, now) in [("picture", format!("```mermaid\n{}```\n", draw("first"))), ("rights", rights())] {
        let place = part(&text, name);
        let command = "cargo test --test bicep picture_and_rights";
        assert!(write || text[place.clone()] == now, "the {name} is stale: {WRITE}=1 {command}");
        text.replace_range(place, &now);
    }
    if write {
        std::fs::write(page(), text).expect("writing the page");
    }
}

/// A resource's name with words in place of what differs from one installation to the next.
fn shown(resource: &Value, set: &Set) -> String {
    let value = |name: &str| set.parameters[name].as_str().expect("text");
    let hash = Regex::new(r"^(ccslurm4ai-?|ccs4ai-)[a-z0-9]{13}\b").expect("a regular expression");
    let name = text(resource, "name");
    if name.starts_with("[format(") {
        let link = if name.contains("'{0}/{1}'") { "/ccslurm4ai" } else { "" };
        return format!("privatelink.blob.<storage domain>{link}");
    }
    let name = name.replace(value("keyVaultName"), "<vault>");
    let name = name.replace(&format!("/{}-", value("adminUser")), "/<admin>-");
    hash.replace(&name, "$1<hash>").into_owned()
}

/// Whether a set fulfils a condition of the table's last column.
fn holds(condition: &str, set: &Set, name: &str) -> bool {
    let parameter = |name: &str| &set.parameters[name];
    let new = parameter("network")["type"] == "new";
    let dns = |kind: &str| parameter("network")["privateDns"] == kind;
    match condition {
        "always" => true,
        "new network" => new,
        "NetApp storage" => parameter("storage")["type"] == "anf",
        "accounting" => parameter("accounting") == true,
        "monitoring" => parameter("monitoring") == true,
        "private DNS new" => new || dns("new"),
        "private DNS new or existing" => new || !dns("none"),
        "while the vault lacks it" => {
            let kinds = parameter("createSecrets").as_array().expect("a list");
            kinds.iter().any(|kind| name.ends_with(&format!("-{}", kind.as_str().expect("text"))))
        }
        _ => panic!("unknown condition: {condition}"),
    }
}

/// The rows of the table of resources: type and name to conditions.
fn table(page: &str) -> BTreeMap<(String, String), Vec<String>> {
    let rows = page.lines().filter(|line| line.starts_with("| `Microsoft."));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [kind, name, why, when] = cells[..] else { panic!("four cells: {row}") };
        assert!(why.len() > 10, "{row}");
        let code = |cell: &str| cell.trim_matches('`').to_owned();
        ((code(kind), code(name)), when.split(", ").map(str::to_owned).collect())
    })
    .collect()
}

#[test]
fn the_table_has_every_resource_and_says_when_it_is_made() {
    let text_of_page = std::fs::read_to_string(page()).expect("the page");
    let table = table(&text_of_page);
    let mut seen = BTreeSet::new();
    for (set_name, set) in all() {
        let deployed =
            resources(set_name).iter().filter(|one| !text(one, "type").ends_with("/roleAssignments"));
        let made: BTreeSet<_> = deployed.map(|one| (text(one, "type").to_owned(), shown(one, set))).collect();
        for row in &made {
            assert!(table.contains_key(row), "docs/infrastructure.md lacks {row:?}");
        }
        for (row, conditions) in &table {
            let expected = conditions.iter().all(|condition| holds(condition, set, &row.1));
            assert_eq!(made.contains(row), expected, "{set_name}: {row:?} when {conditions:?}");
        }
        seen.extend(made);
    }
    assert_eq!(seen, table.into_keys().collect());
}
