//! What goes with a resource, and what forgets it.

use serde_json::{Value, json};

use crate::azure::state::{Group, Resource, State, key};
use crate::azure::{Azure, behind, machines, vaults};

/// Takes a resource away: with its parts, its role assignments, its identity, and what Azure keeps for it alone.
pub fn remove(azure: &Azure, id: &str) {
    let going = with_all_below(&azure.state(), id);
    going.iter().for_each(|id| behind::end(azure, id));
    let mut state = azure.state();
    let Some(resource) = state.resource(id).cloned() else { return };
    vaults::keep_deleted(&mut state, id);
    take(&mut state, id);
    forget_identity(&mut state, &resource);
    for part in with_it(&resource) {
        take(&mut state, &part);
    }
    detach_disks(&mut state, id);
    let account = format!("{}/", resource.body["name"].as_str().unwrap_or_default());
    if resource.kind.eq_ignore_ascii_case("Microsoft.Storage/storageAccounts") {
        state.blobs.retain(|path, _| !path.starts_with(&account));
    }
    count_links(&mut state, &resource);
    drop(state);
    remove_managed(azure, id);
}

/// The ids of a resource and of all below it.
fn with_all_below(state: &State, id: &str) -> Vec<String> {
    let (own, prefix) = (key(id), format!("{}/", key(id)));
    state.resources.keys().filter(|id| **id == own || id.starts_with(&prefix)).cloned().collect()
}

/// Takes away the groups that Azure kept for a resource that is gone.
fn remove_managed(azure: &Azure, owner: &str) {
    let belongs = |group: &Group| group.managed_by.as_ref().is_some_and(|id| key(id) == key(owner));
    let state = azure.state();
    let names: Vec<String> =
        state.groups.iter().filter(|(_, group)| belongs(group)).map(|(name, _)| name.clone()).collect();
    drop(state);
    names.iter().for_each(|name| super::group::clear(azure, name));
}

/// Takes the records of a resource and all below it away, and every mention of them elsewhere.
fn take(state: &mut State, id: &str) {
    let (own, prefix) = (key(id), format!("{}/", key(id)));
    for id in with_all_below(state, id) {
        state.resources.remove(&id);
    }
    state.role_assignments.retain(|id, _| *id != own && !id.starts_with(&prefix));
    state.deallocated.remove(&own);
    for resource in state.resources.values_mut() {
        forget(&mut resource.body, &own);
    }
}

/// Removes references (`{"id": …}`) to what is gone, and to what was in it.
fn forget(value: &mut Value, gone: &str) {
    let refers = |value: &Value| {
        let ids = [&value["id"], &value["properties"]["privateEndpoint"]["id"]];
        ids.iter().any(|id| {
            let id = key(id.as_str().unwrap_or_default());
            id.strip_prefix(gone).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    match value {
        Value::Array(items) => {
            items.retain(|item| !refers(item));
            items.iter_mut().for_each(|item| forget(item, gone));
        }
        Value::Object(members) => {
            // Azure leaves out a list of users that has none (recorded: azure-cli, subnets).
            let last_user =
                |list: &[Value]| !list.is_empty() && list.iter().all(|item| is_bare(item) && refers(item));
            members.retain(|_, member| match member {
                Value::Array(list) => !last_user(list),
                Value::Object(_) => !refers(member),
                _ => true,
            });
            members.values_mut().for_each(|member| forget(member, gone));
        }
        _ => {}
    }
}

/// Whether `value` is a reference and nothing more.
fn is_bare(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.len() == 1 && members.contains_key("id"))
}

/// The directory forgets an identity that is part of the resource; roles it had elsewhere stay, as roles of nobody.
fn forget_identity(state: &mut State, resource: &Resource) {
    let ids = [&resource.body["identity"]["principalId"], &resource.body["properties"]["principalId"]];
    let is_identity = resource.kind.eq_ignore_ascii_case("Microsoft.ManagedIdentity/userAssignedIdentities");
    let own = if is_identity { &ids[..] } else { &ids[..1] };
    for id in own.iter().filter_map(|id| id.as_str()) {
        state.principals.remove(id);
    }
}

/// Ids of what a VM takes along (`deleteOption`), and of the interface that is a private endpoint's.
fn with_it(resource: &Resource) -> Vec<String> {
    let properties = &resource.body["properties"];
    let disks = [&properties["storageProfile"]["osDisk"]]
        .into_iter()
        .chain(list(&properties["storageProfile"]["dataDisks"]));
    let disks = disks.filter(|disk| disk["deleteOption"] == "Delete").map(|disk| &disk["managedDisk"]["id"]);
    let interfaces = list(&properties["networkProfile"]["networkInterfaces"]);
    let interfaces =
        interfaces.filter(|one| one["properties"]["deleteOption"] == "Delete").map(|one| &one["id"]);
    let of_machine = resource.kind.eq_ignore_ascii_case(machines::MACHINE);
    let of_endpoint = resource.kind.eq_ignore_ascii_case("Microsoft.Network/privateEndpoints");
    let ids: Vec<&Value> = match (of_machine, of_endpoint) {
        (true, _) => disks.chain(interfaces).collect(),
        (_, true) => list(&properties["networkInterfaces"]).map(|one| &one["id"]).collect(),
        _ => Vec::new(),
    };
    ids.into_iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn detach_disks(state: &mut State, machine: &str) {
    for disk in state.resources.values_mut() {
        if disk.body["managedBy"].as_str().is_some_and(|owner| key(owner) == key(machine)) {
            disk.body["properties"]["diskState"] = json!("Unattached");
            if let Some(body) = disk.body.as_object_mut() {
                body.remove("managedBy");
            }
        }
    }
}

/// A private DNS zone counts its links.
fn count_links(state: &mut State, gone: &Resource) {
    if !gone.kind.eq_ignore_ascii_case("Microsoft.Network/privateDnsZones/virtualNetworkLinks") {
        return;
    }
    let zone = key(&gone.id).split("/virtualnetworklinks/").next().unwrap_or_default().to_owned();
    let left = state.resources_of(&zone, &gone.kind).count();
    if let Some(zone) = state.resources.get_mut(&zone) {
        zone.body["properties"]["numberOfVirtualNetworkLinks"] = json!(left);
    }
}
