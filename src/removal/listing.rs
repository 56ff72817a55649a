//! What goes and what stays, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::survey::{Group, KeptVault, Survey};
use crate::azure::contents::Resource;
use crate::config::Config;

/// Types that hold what users made, and what to call them.
const DATA: [(&str, &str); 5] = [
    ("Microsoft.NetApp/netAppAccounts/capacityPools/volumes", "NetApp volume"),
    ("Microsoft.Compute/disks", "disk"),
    ("Microsoft.DBforMySQL/flexibleServers", "accounting database"),
    ("Microsoft.Monitor/accounts", "metrics"),
    ("Microsoft.Storage/storageAccounts", "storage account"),
];

/// The list that a user consents to.
pub fn listing(survey: &Survey, config: &Config) -> String {
    let mut text = String::new();
    if let Some(group) = &survey.group {
        in_group(&mut text, survey, group, &config.resource_group_name);
    }
    let outside = &survey.outside;
    if !outside.assignments.is_empty() || !outside.records.is_empty() {
        text += "role assignments and deployment records, deleted too:\n";
    }
    for (one, _) in &outside.assignments {
        let whom = survey.name_of_principal(&one.principal);
        let _ = writeln!(text, "  role {} of {whom} on {}", one.role_name(), one.scope);
    }
    for record in &outside.records {
        let _ = writeln!(text, "  deployment record {record}");
    }
    text + &stays(survey, &config.resource_group_name)
}

fn in_group(text: &mut String, survey: &Survey, group: &Group, name: &str) {
    let place = format!("the resource group {name} in {}", group.location);
    let _ = match (group.is_ours, group.is_going) {
        (true, true) => writeln!(text, "Azure is deleting {place} already; in it still:"),
        (true, false) => writeln!(text, "{place} is deleted with all in it:"),
        (false, _) => {
            writeln!(text, "{place} was not made by ccslurm4ai; of it is deleted what was deployed:")
        }
    };
    let resources = &survey.resources;
    by_type(text, resources.nodes.iter().chain(&resources.deployed));
    if group.is_ours && !resources.foreign.is_empty() {
        *text += "in it, too, but not deployed by ccslurm4ai:\n";
        by_type(text, resources.foreign.iter());
    }
    let running = running(survey);
    if !running.is_empty() {
        *text += "VMs now:\n";
    }
    for (name, size, state) in running {
        let _ = writeln!(text, "  {name} ({size}): {state}");
    }
    let data: Vec<_> = data(survey).collect();
    if !data.is_empty() {
        *text += "data that is lost:\n";
    }
    for (what, name) in data {
        let _ = writeln!(text, "  {what} {name}");
    }
}

fn by_type<'a>(text: &mut String, resources: impl Iterator<Item = &'a Resource>) {
    let mut types: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for resource in resources {
        types.entry(&resource.kind).or_default().push(&resource.name);
    }
    let width = types.keys().map(|kind| kind.len()).max().unwrap_or_default();
    for (kind, names) in types {
        let _ = writeln!(text, "  {:>3}  {kind:<width$}  {}", names.len(), names.join(", "));
    }
}

/// Name, size and state of each VM and scale set that goes.
fn running(survey: &Survey) -> Vec<(&str, &str, String)> {
    let goes = |id: &str| survey.going().any(|resource| resource.id.eq_ignore_ascii_case(id));
    let name = |id| str::rsplit(id, '/').next().unwrap_or_default();
    let vms = survey.vms.iter().filter(|vm| goes(&vm.id)).map(|vm| {
        let state = vm.power.clone().unwrap_or_else(|| "state unknown".to_owned());
        (name(vm.id.as_str()), vm.size.as_str(), state)
    });
    let sets = survey.sets.iter().filter(|set| goes(&set.id));
    let sets = sets.map(|set| (name(set.id.as_str()), set.size.as_str(), format!("{} VMs", set.count)));
    vms.chain(sets).collect()
}

fn data(survey: &Survey) -> impl Iterator<Item = (&'static str, &str)> {
    survey.going().filter_map(|resource| {
        let (_, what) = DATA.iter().find(|(kind, _)| kind.eq_ignore_ascii_case(&resource.kind))?;
        Some((*what, resource.name.as_str()))
    })
}

fn stays(survey: &Survey, group: &str) -> String {
    let mut text = String::new();
    let foreign = &survey.resources.foreign;
    let group_stays = survey.group.as_ref().is_some_and(|group| !group.is_ours);
    if group_stays || !survey.vaults.is_empty() {
        text += "stays:\n";
    }
    for KeptVault { name, days } in &survey.vaults {
        let _ = write!(text, "  {}", kept(name, *days));
    }
    if group_stays {
        let _ = writeln!(text, "  the resource group {group}");
        by_type(&mut text, foreign.iter());
    }
    text
}

/// What a person reads at the end.
pub fn summary(survey: &Survey, config: &Config) -> String {
    let name = &config.resource_group_name;
    let mut text = match &survey.group {
        Some(group) if group.is_ours => format!("the resource group {name} is deleted\n"),
        Some(_) => {
            format!("what ccslurm4ai deployed to the resource group {name} is deleted; the group stays\n")
        }
        None => format!("there is no resource group {name}; nothing of ours is left in Azure\n"),
    };
    for KeptVault { name, days } in &survey.vaults {
        text += &kept(name, *days);
    }
    text
}

fn kept(name: &str, days: Option<u64>) -> String {
    let days = days.map(|days| format!(" for {days} days")).unwrap_or_default();
    format!(
        "key vault {name}: Azure keeps it as deleted{days}; until then `install` brings it back with its secrets\n"
    )
}

/// The `result` of the JSON document.
pub fn result(survey: &Survey, config: &Config) -> Value {
    let one =
        |resource: &Resource| json!({ "id": resource.id, "type": resource.kind, "name": resource.name });
    let vms: Vec<Value> = running(survey)
        .into_iter()
        .map(|(name, size, state)| json!({ "name": name, "size": size, "state": state }))
        .collect();
    let data: Vec<Value> = data(survey).map(|(what, name)| json!({ "kind": what, "name": name })).collect();
    let assignments: Vec<Value> = survey
        .outside
        .assignments
        .iter()
        .map(|(one, _)| json!({ "id": one.id, "scope": one.scope, "role": one.role_name(), "principal": one.principal }))
        .collect();
    let vaults: Vec<Value> =
        survey.vaults.iter().map(|vault| json!({ "name": vault.name, "days": vault.days })).collect();
    let foreign = &survey.resources.foreign;
    let whole = survey.is_whole();
    json!({
        "resource_group": config.resource_group_name,
        "existed": survey.group.is_some(),
        "whole": whole,
        "resources": survey.going().map(one).collect::<Vec<_>>(),
        "not_deployed_by_us": foreign.iter().map(one).collect::<Vec<_>>(),
        "vms": vms,
        "data": data,
        "outside": { "role_assignments": assignments, "deployments": survey.outside.records },
        "stays": { "key_vaults": vaults, "resource_group": survey.group.is_some() && !whole },
    })
}
