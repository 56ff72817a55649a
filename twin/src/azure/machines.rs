//! Virtual machines, alone and in scale sets: power, and the hosts behind them.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::Azure;
use super::behind;
use super::http::Reply;
use super::resources;
use super::routes::{Answer, Call, Route};
use super::state::{Resource, State, key};
use super::writes;
use crate::arm::types::INSTANCE;
use crate::claims::Sure;
use crate::hosts::{HostFile, HostKind, HostSpec};

/// Type of a VM.
pub const MACHINE: &str = "Microsoft.Compute/virtualMachines";
/// Type of a VM's extension.
pub const EXTENSION: &str = "Microsoft.Compute/virtualMachines/extensions";
const VERSIONS: &[&str] =
    &["2022-11-01", "2024-07-01", "2024-11-01", "2025-04-01", "2025-11-01", "2026-04-01"];
const ONE: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{machine}";
const START: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{machine}/start";
const DEALLOCATE: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{machine}/deallocate";

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm("PATCH", ONE, VERSIONS, "Microsoft.Compute/virtualMachines/write", patch).known_from(
        "Azure docs, update-manager/prerequsite-for-schedule-patching (patch mode) and how-to-configure-managed-identities (identities that are not named again go)",
        Sure::Medium,
    ),
    Route::arm("POST", START, VERSIONS, "Microsoft.Compute/virtualMachines/start/action", start)
        .known_from("Azure REST reference, virtual-machines/start; answered when it is done", Sure::Medium),
    Route::arm(
        "POST",
        DEALLOCATE,
        VERSIONS,
        "Microsoft.Compute/virtualMachines/deallocate/action",
        deallocate,
    )
    .known_from("Azure REST reference, virtual-machines/deallocate; answered when it is done", Sure::Medium),
];

/// A PATCH of a VM: its identity, tags and patch settings.
fn patch(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let patched = writes::patch(call.azure, call.caller()?, &call.request.path, call.api_version(), body)?;
    resources::follow(call, 200, patched)
}

/// Whether a type is a machine's: alone, or a member of a scale set.
pub fn is_machine(kind: &str) -> bool {
    kind.eq_ignore_ascii_case(MACHINE) || kind.eq_ignore_ascii_case(INSTANCE)
}

/// Size of a machine; members of a scale set have it as their SKU.
pub fn size(body: &Value) -> &str {
    let own = body["properties"]["hardwareProfile"]["vmSize"].as_str();
    own.or(body["sku"]["name"].as_str()).unwrap_or_default()
}

fn id(call: &Call<'_>) -> String {
    let path = call.request.path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(machine, _)| machine).to_owned()
}

fn start(call: &Call<'_>) -> Answer {
    let id = id(call);
    let host = behind::plan(call.azure, &call.azure.state(), &id).ok_or_else(|| resources::missing(&id))?;
    let stopped = call.azure.state().deallocated.contains(&key(&id));
    if stopped {
        behind::boot(call.azure, &id, &[host])?;
        call.azure.state().deallocated.remove(&key(&id));
    }
    Ok(Reply::empty(200))
}

fn deallocate(call: &Call<'_>) -> Answer {
    let id = id(call);
    if call.azure.state().resource(&id).is_none() {
        return Err(resources::missing(&id));
    }
    behind::end(call.azure, &id);
    call.azure.state().deallocated.insert(key(&id));
    Ok(Reply::empty(200))
}

/// Adds what a VM's reply tells of its extensions: all of it, or in lists only their ids.
pub fn add_extensions(body: &mut Value, state: &State, machine: &Resource, whole: bool) {
    if !machine.kind.eq_ignore_ascii_case(MACHINE) {
        return;
    }
    let shown = extensions(state, machine).map(|one| match whole {
        true => one.body.clone(),
        false => json!({"id": one.id}),
    });
    let shown: Vec<Value> = shown.collect();
    if !shown.is_empty() {
        body["resources"] = json!(shown);
    }
}

fn extensions<'a>(state: &'a State, machine: &Resource) -> impl Iterator<Item = &'a Resource> {
    state.resources_of(&machine.id, EXTENSION)
}

/// Adds the instance view that `$expand=instanceView` asks for (recorded: azure-cli; that of extensions: Azure REST
/// reference, virtual-machines/instance-view).
pub fn add_instance_view(body: &mut Value, state: &State, machine: &Resource) {
    if !is_machine(&machine.kind) {
        return;
    }
    let properties = &body["properties"];
    let status = |code: &str, words: &str| json!({"code": code, "level": "Info", "displayStatus": words});
    let now = |mut status: Value| {
        status["time"] = json!(super::now());
        status
    };
    let provisioned = || now(status("ProvisioningState/succeeded", "Provisioning succeeded"));
    let power = if state.deallocated.contains(&key(&machine.id)) { "deallocated" } else { "running" };
    let mut view = json!({
        "computerName": properties["osProfile"]["computerName"], "osName": "debian", "osVersion": "13",
        "disks": [{"name": properties["storageProfile"]["osDisk"]["name"], "statuses": [provisioned()]}],
        "hyperVGeneration": "V2",
        "statuses": [provisioned(), status(&format!("PowerState/{power}"), &format!("VM {power}"))],
    });
    if power == "running" {
        let mut ready = now(status("ProvisioningState/succeeded", "Ready"));
        ready["message"] = json!("Guest Agent is running");
        let handlers: Vec<Value> = extensions(state, machine)
            .map(|one| json!({"type": handler(one), "typeHandlerVersion": one.body["properties"]["typeHandlerVersion"], "status": status("ProvisioningState/succeeded", "Ready")}))
            .collect();
        view["vmAgent"] =
            json!({"vmAgentVersion": "2.8.0.5", "statuses": [ready], "extensionHandlers": handlers});
    }
    let installed: Vec<Value> = extensions(state, machine)
        .map(|one| json!({"name": one.body["name"], "type": handler(one), "typeHandlerVersion": one.body["properties"]["typeHandlerVersion"], "statuses": [status("ProvisioningState/succeeded", "Provisioning succeeded")]}))
        .collect();
    if !installed.is_empty() {
        view["extensions"] = json!(installed);
    }
    body["properties"]["instanceView"] = view;
}

fn handler(extension: &Resource) -> String {
    let text = |member: &str| extension.body["properties"][member].as_str().unwrap_or_default();
    format!("{}.{}", text("publisher"), text("type"))
}

/// A VM as `statusOnly=true` lists it (Azure REST reference, virtual-machines/list-all).
pub fn status(state: &State, machine: &Resource) -> Value {
    let mut whole = machine.body.clone();
    add_instance_view(&mut whole, state, machine);
    let properties = &whole["properties"];
    json!({
        "id": machine.id, "name": whole["name"], "type": whole["type"], "location": whole["location"],
        "properties": {
            "vmId": properties["vmId"], "provisioningState": properties["provisioningState"],
            "instanceView": properties["instanceView"],
        },
    })
}

/// What a machine's host needs, from its body and that of its primary network interface.
pub fn host(azure: &Azure, state: &State, machine: &Resource) -> Option<HostSpec> {
    let properties = &machine.body["properties"];
    let profile = &properties["osProfile"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let keys = profile["linuxConfiguration"]["ssh"]["publicKeys"].as_array();
    let by_cyclecloud = machine.body["tags"].get("ClusterName").is_some();
    let size = azure.catalog.sizes.iter().find(|known| known.name == size(&machine.body));
    let players = size.and_then(|size| size.players.clone());
    let files = players.iter().map(|_| bad_nodes(azure)).collect::<Option<_>>()?;
    Some(HostSpec {
        name: text(&profile["computerName"]).or_else(|| text(&machine.body["name"]))?,
        kind: if by_cyclecloud { HostKind::Node } else { HostKind::Server },
        private_ip: address(state, properties)?,
        admin_user: text(&profile["adminUsername"]),
        ssh_public_keys: keys.into_iter().flatten().filter_map(|one| text(&one["keyData"])).collect(),
        custom_data: hidden(&machine.hidden, "customData"),
        gpus: size.map_or(0, |size| size.gpus),
        players,
        files,
        id: machine.id.clone(),
        uuid: text(&properties["vmId"]).unwrap_or_default(),
    })
}

/// What the scenario wants of nodes' hardware, for the programs that play it.
fn bad_nodes(azure: &Azure) -> Option<HostFile> {
    let text = serde_json::to_string(&azure.scenario.bad_nodes).ok()?;
    Some(HostFile { path: "etc/ccslurm4ai-twin/bad-nodes.json".to_owned(), mode: 0o644, text })
}

/// A write-only value wherever the type's rules keep it.
fn hidden(kept: &Value, name: &str) -> Option<String> {
    match kept {
        Value::Object(fields) => {
            let own = fields.get(name).and_then(Value::as_str).map(str::to_owned);
            own.or_else(|| fields.values().find_map(|field| hidden(field, name)))
        }
        _ => None,
    }
}

/// Address of the primary network interface of a VM.
pub fn address(state: &State, properties: &Value) -> Option<Ipv4Addr> {
    let interfaces = properties["networkProfile"]["networkInterfaces"].as_array()?;
    let primary = interfaces.iter().find(|one| one["properties"]["primary"] == true).or(interfaces.first())?;
    let interface = state.resource(primary["id"].as_str()?)?;
    let configurations = interface.body["properties"]["ipConfigurations"].as_array()?;
    let address = configurations.first()?["properties"]["privateIPAddress"].as_str()?;
    address.parse().ok()
}
