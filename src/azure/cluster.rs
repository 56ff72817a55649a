//! The VMs of the cluster: the server that the deployment made, and the scheduler and login nodes that
//! CycleCloud starts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::az::Az;
use super::failed::Kind;
use crate::failure::{Exit, Failure};
use crate::process::interrupt;
use crate::ui::{Event, Ui};

const API: &str = "api-version=2025-04-01";
const NETWORK_API: &str = "api-version=2025-05-01";
/// CycleCloud needs about five minutes for a VM; allocation may wait in a queue.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// For how long a broken network or an expired sign-in is borne.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
const PAUSE: Duration = Duration::from_secs(5);

/// The VMs that one can sign in to, by ARM id.
#[derive(Debug, Clone, Default)]
pub struct ClusterVms {
    /// The scheduler.
    pub scheduler: String,
    /// `login1` first.
    pub logins: Vec<String>,
}

/// The private addresses of VMs in `group`, in the order of `vms`, their ids.
///
/// # Errors
/// When Azure does not answer, or a VM has no address.
pub fn addresses(az: &Az<'_>, group: &str, vms: &[&str]) -> anyhow::Result<Vec<IpAddr>> {
    let path = format!("{}/providers/Microsoft.Network/networkInterfaces?{NETWORK_API}", az.group_id(group));
    let interfaces = az.rest_list(&path, "reading the network interfaces of the cluster");
    let interfaces = interfaces.map_err(|error| error.failure(Exit::Unreachable))?;
    let find = |vm: &&str| {
        address_of(&interfaces, vm).ok_or_else(|| {
            let text = "Azure names no private address of this VM";
            Failure::new(Exit::Unreachable, "NoAddress", text).resource((*vm).to_owned()).into()
        })
    };
    vms.iter().map(find).collect()
}

fn address_of(interfaces: &[Value], vm: &str) -> Option<IpAddr> {
    let belongs = |interface: &&Value| {
        let id = interface.pointer("/properties/virtualMachine/id").and_then(Value::as_str);
        id.is_some_and(|id| id.eq_ignore_ascii_case(vm))
    };
    let interface = interfaces.iter().find(belongs)?;
    let address = interface.pointer("/properties/ipConfigurations/0/properties/privateIPAddress")?;
    address.as_str()?.parse().ok()
}

/// The public key that opens a VM, as the VM itself says.
///
/// # Errors
/// When Azure does not answer or the VM is not there.
pub fn public_key(az: &Az<'_>, vm_id: &str) -> anyhow::Result<String> {
    let vm = az.rest_get(&format!("{vm_id}?{API}"), "reading the CycleCloud server");
    let vm = vm.map_err(|error| match error.kind {
        Kind::NotFound(_) => {
            Failure::new(Exit::Deployment, "ServerMissing", "the CycleCloud server does not exist any more")
                .resource(vm_id.to_owned())
                .remedy("run `ccslurm4ai install -b --force`")
        }
        _ => error.failure(Exit::Deployment),
    })?;
    let key = vm.pointer("/properties/osProfile/linuxConfiguration/ssh/publicKeys/0/keyData");
    Ok(key.and_then(Value::as_str).unwrap_or_default().trim().to_owned())
}

/// Waits until scheduler and login nodes of `cluster` exist and are provisioned; each look is one query.
///
/// # Errors
/// [`Exit::Unreachable`] naming those still missing at the deadline, or one that failed.
pub fn wait_for_vms(
    az: &Az<'_>,
    ui: &Ui,
    group: &str,
    cluster: &str,
    login_nodes: u32,
) -> anyhow::Result<ClusterVms> {
    let wanted: Vec<String> = names(login_nodes).collect();
    let path = path_of_vms(az, group);
    let started = Instant::now();
    let mut last_answer = started;
    loop {
        let vms = match az.rest_list(&path, "reading the VMs of the cluster") {
            Ok(vms) => vms,
            Err(error) if matches!(error.kind, Kind::Interrupted) || last_answer.elapsed() > PATIENCE => {
                return Err(error.failure(Exit::Unreachable).into());
            }
            Err(error) => {
                ui.event(Event::Progress { text: &format!("trying again: {error}") });
                interrupt::sleep(PAUSE)?;
                continue;
            }
        };
        last_answer = Instant::now();
        let ids: Vec<Option<String>> =
            wanted.iter().map(|node| ready_id(&vms, cluster, node)).collect::<anyhow::Result<_>>()?;
        let missing: Vec<&str> =
            wanted.iter().zip(&ids).filter(|(_, id)| id.is_none()).map(|(node, _)| node.as_str()).collect();
        if missing.is_empty() {
            let mut ids = ids.into_iter().flatten();
            return Ok(ClusterVms { scheduler: ids.next().unwrap_or_default(), logins: ids.collect() });
        }
        if started.elapsed() > LIMIT {
            return Err(too_late(&missing, cluster));
        }
        ui.event(Event::Progress { text: &format!("waiting for {}", missing.join(", ")) });
        interrupt::sleep(PAUSE)?;
    }
}

/// The scheduler and login nodes that have a VM now, by name, with its id.
///
/// # Errors
/// [`Exit::Unreachable`] when Azure does not answer, or a VM failed.
pub fn vms(
    az: &Az<'_>,
    group: &str,
    cluster: &str,
    login_nodes: u32,
) -> anyhow::Result<BTreeMap<String, String>> {
    let vms = az.rest_list(&path_of_vms(az, group), "reading the VMs of the cluster");
    let vms = vms.map_err(|error| error.failure(Exit::Unreachable))?;
    let mut found = BTreeMap::new();
    for node in names(login_nodes) {
        if let Some(id) = ready_id(&vms, cluster, &node)? {
            found.insert(node, id);
        }
    }
    Ok(found)
}

fn names(login_nodes: u32) -> impl Iterator<Item = String> {
    std::iter::once("scheduler".to_owned()).chain((1..=login_nodes).map(|number| format!("login{number}")))
}

fn path_of_vms(az: &Az<'_>, group: &str) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines?{API}",
        az.subscription()
    )
}

/// CycleCloud tags each VM with its cluster and its node's name.
fn ready_id(vms: &[Value], cluster: &str, node: &str) -> anyhow::Result<Option<String>> {
    let tagged = |vm: &&Value| vm["tags"]["ClusterName"] == cluster && vm["tags"]["Name"] == node;
    let Some(vm) = vms.iter().find(tagged) else { return Ok(None) };
    let id = vm["id"].as_str().unwrap_or_default().to_owned();
    match vm["properties"]["provisioningState"].as_str() {
        Some("Succeeded") => Ok(Some(id)),
        Some("Failed") => {
            Err(Failure::new(Exit::Unreachable, "NodeFailed", format!("the VM of {node} failed"))
                .resource(id)
                .remedy(format!("see the node's events in CycleCloud: cyclecloud show_nodes -c {cluster}"))
                .into())
        }
        _ => Ok(None),
    }
}

fn too_late(missing: &[&str], cluster: &str) -> anyhow::Error {
    let message = format!("after {} minutes there is no VM for {}", LIMIT.as_secs() / 60, missing.join(", "));
    Failure::new(Exit::Unreachable, "NodesMissing", message)
        .resource(format!("cluster {cluster}"))
        .remedy("look at the cluster's events in CycleCloud, then run `ccslurm4ai install -a` again")
        .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_that_of_the_vms_own_interface() {
        let interface = |vm: &str, address: &str| {
            json!({ "properties": { "virtualMachine": { "id": vm },
                "ipConfigurations": [{ "properties": { "privateIPAddress": address } }] } })
        };
        let endpoint = json!({ "properties": { "ipConfigurations": [] } });
        let interfaces = [endpoint, interface("/vms/a", "10.0.0.4"), interface("/vms/B", "10.0.0.5")];
        let address = |vm| address_of(&interfaces, vm).map(|address| address.to_string());
        assert_eq!([address("/VMs/b"), address("/vms/c")], [Some("10.0.0.5".to_owned()), None]);
    }

    #[test]
    fn a_node_counts_when_its_vm_is_provisioned() {
        let vm = |cluster: &str, node: &str, state: &str| {
            json!({ "id": format!("/{cluster}/{node}"), "tags": { "ClusterName": cluster, "Name": node },
                    "properties": { "provisioningState": state } })
        };
        let vms = [
            vm("other", "scheduler", "Succeeded"),
            vm("c", "login1", "Creating"),
            vm("c", "login2", "Failed"),
            vm("c", "scheduler", "Succeeded"),
            json!({ "id": "/untagged" }),
        ];
        assert_eq!(ready_id(&vms, "c", "scheduler").unwrap().as_deref(), Some("/c/scheduler"));
        assert_eq!(ready_id(&vms, "c", "login1").unwrap(), None);
        assert_eq!(ready_id(&vms, "c", "login3").unwrap(), None);
        assert!(ready_id(&vms, "c", "login2").unwrap_err().to_string().contains("login2"));
    }
}
