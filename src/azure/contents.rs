//! What a resource group holds: resources of any type, and the VMs with their power.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::az::Az;
use super::failed::AzError;
use crate::threads::joined;

const RESOURCES: &str = "api-version=2024-11-01";
const COMPUTE: &str = "api-version=2025-04-01";
const NETWORK: &str = "api-version=2025-05-01";

/// A resource, as the list of its group shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Resource {
    /// ARM id.
    pub id: String,
    /// Type with namespace, as in `Microsoft.Compute/disks`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name with those of its parents.
    pub name: String,
    /// The CycleCloud cluster that it was started for, see [`site_of`].
    pub started_for: Option<String>,
    /// The cluster that our template tags it with; Azure tags the disks that come with a VM as the VM.
    pub cluster: Option<String>,
    /// Object id of its own identity.
    pub principal: Option<String>,
}

/// A VM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vm {
    /// ARM id.
    pub id: String,
    /// `Standard_…`
    pub size: String,
    /// Azure's own id of the machine.
    pub vm_id: Option<String>,
    /// ARM ids of its network interfaces and disks.
    #[serde(default)]
    pub parts: Vec<Option<String>>,
    /// `running`, `deallocated` and such, where Azure says it.
    #[serde(default)]
    pub power: Option<String>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Interface {
    /// ARM id.
    pub id: String,
    /// ARM id of the private endpoint that it is part of.
    pub endpoint: Option<String>,
}

/// A scale set whose VMs Azure does not list one by one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ScaleSet {
    /// ARM id.
    pub id: String,
    /// `Standard_…`
    pub size: String,
    /// How many VMs it has.
    pub count: u64,
}

/// The resources of `group`; none when it does not exist. What has no life of its own (subnets, secrets) is
/// not listed by Azure.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn resources(az: &Az<'_>, group: &str) -> Result<Vec<Resource>, AzError> {
    let path = format!("{}/resources?{RESOURCES}", az.group_id(group));
    let item = "{id: id, type: type, name: name, principal: identity.principalId, \
                started_for: tags.CycleCloudCluster, cluster: tags.\"ccslurm4ai-cluster\"}";
    az.rest_list_of_if_any(&path, item, "reading what the resource group holds").map(typed)
}

fn vms(az: &Az<'_>, group: &str) -> Result<Vec<Vm>, AzError> {
    let path = format!("{}/providers/Microsoft.Compute/virtualMachines?{COMPUTE}", az.group_id(group));
    let item = "{id: id, size: properties.hardwareProfile.vmSize, vmId: properties.vmId, parts: [\
                properties.networkProfile.networkInterfaces[].id, \
                properties.storageProfile.dataDisks[].managedDisk.id, \
                [properties.storageProfile.osDisk.managedDisk.id]][]}";
    let mut vms: Vec<Vm> = typed(az.rest_list_of_if_any(&path, item, "reading the VMs")?);
    if vms.is_empty() {
        return Ok(vms);
    }
    // One answer for all VMs of the subscription; the list of a group shows no power.
    // Azure REST reference, virtual-machines/list-all, `statusOnly`.
    let path = format!(
        "/subscriptions/{}/providers/Microsoft.Compute/virtualMachines?statusOnly=true&{COMPUTE}",
        az.subscription()
    );
    let item =
        "{id: id, power: properties.instanceView.statuses[?starts_with(code, 'PowerState/')].code | [0]}";
    let states = az.rest_list_of(&path, item, "reading which VMs run")?;
    for vm in &mut vms {
        let own = |state: &&Value| state["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&vm.id));
        let power = states.iter().find(own).and_then(|state| state["power"].as_str());
        vm.power = power.and_then(|code| code.strip_prefix("PowerState/")).map(str::to_owned);
    }
    Ok(vms)
}

fn interfaces(az: &Az<'_>, group: &str) -> Result<Vec<Interface>, AzError> {
    let path = format!("{}/providers/Microsoft.Network/networkInterfaces?{NETWORK}", az.group_id(group));
    let item = "{id: id, endpoint: properties.privateEndpoint.id}";
    az.rest_list_of_if_any(&path, item, "reading the network interfaces").map(typed)
}

/// The uniform scale sets of `group` that have VMs; none when it does not exist.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn scale_sets(az: &Az<'_>, group: &str) -> Result<Vec<ScaleSet>, AzError> {
    let path =
        format!("{}/providers/Microsoft.Compute/virtualMachineScaleSets?{COMPUTE}", az.group_id(group));
    let item = "{id: id, size: sku.name, count: sku.capacity, mode: properties.orchestrationMode}";
    let mut found = az.rest_list_of_if_any(&path, item, "reading the scale sets")?;
    found.retain(|set| set["mode"] != "Flexible" && set["count"].as_u64().is_some_and(|count| count > 0));
    Ok(typed(found))
}

/// What a resource group holds, read at one moment.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its resources.
    pub resources: Vec<Resource>,
    /// Its VMs.
    pub vms: Vec<Vm>,
    /// Its network interfaces.
    pub interfaces: Vec<Interface>,
}

impl Contents {
    /// Reads side by side what `group` holds; nothing when it does not exist.
    ///
    /// # Errors
    /// As [`Az::rest_list`].
    pub fn read(az: &Az<'_>, group: &str) -> Result<Self, AzError> {
        std::thread::scope(|scope| {
            let vms = scope.spawn(|| vms(az, group));
            let interfaces = scope.spawn(|| interfaces(az, group));
            let resources = resources(az, group);
            Ok(Self { resources: resources?, vms: joined(vms)?, interfaces: joined(interfaces)? })
        })
    }

    /// Each part that something else has, with its owner: disks and interfaces of VMs, interfaces of private
    /// endpoints. Ids are in lower case.
    pub fn parts(&self) -> BTreeMap<String, String> {
        let of_vms = self.vms.iter().flat_map(|vm| vm.parts.iter().flatten().map(|part| (part, &vm.id)));
        let of_endpoints = self.interfaces.iter().filter_map(|one| Some((&one.id, one.endpoint.as_ref()?)));
        of_vms
            .chain(of_endpoints)
            .map(|(part, owner)| (part.to_ascii_lowercase(), owner.to_ascii_lowercase()))
            .collect()
    }
}

/// How the `started_for` of a resource begins that the CycleCloud server with this VM id started: our set-up makes
/// the VM's id the site's. Source: learn.microsoft.com, cyclecloud/how-to/tag-nodes, tag `CycleCloudCluster`.
pub fn site_of(vm_id: &str) -> String {
    format!("/sites/{vm_id}/clusters/").to_ascii_lowercase()
}

/// Items as a type; those without what the type must have are no such things and left out.
pub(super) fn typed<T: serde::de::DeserializeOwned>(items: Vec<Value>) -> Vec<T> {
    items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect()
}
