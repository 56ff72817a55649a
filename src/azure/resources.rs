//! What a resource group already has: its VMs, its Azure Monitor workspace.

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;
use super::region::same_region;
use crate::resource_id::group_of;
use crate::threads::joined;

/// VMs of one size that count against the vCPU quota of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// `Standard_…`
    pub size: String,
    /// How many.
    pub count: u64,
}

/// The VMs and scale-set instances of `group` in `region`; none when the group does not exist. Deallocated
/// ones are in it, since quota counts them, and Spot is not, since it draws on a quota of its own.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn running(az: &Az<'_>, group: &str, region: &str) -> Result<Vec<Running>, AzError> {
    let read = |kind: &str| {
        let path =
            format!("{}/providers/Microsoft.Compute/{kind}?api-version=2025-04-01", az.group_id(group));
        az.rest_list_if_any(&path, &format!("reading the VMs of resource group {group}"))
    };
    let (machines, sets) = std::thread::scope(|scope| {
        let sets = scope.spawn(|| read("virtualMachineScaleSets"));
        (read("virtualMachines"), joined(sets))
    });
    let here = |item: &&Value| text(item, "/location").is_some_and(|place| same_region(place, region));
    let machines = machines?;
    let sets = sets?;
    Ok(machines
        .iter()
        .filter(here)
        .filter_map(machine)
        .chain(sets.iter().filter(here).filter_map(scale_set))
        .collect())
}

/// Id of the resource group that Azure Monitor made for the data collection rule of the cluster's workspace; none
/// before there is one.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn collection_group(az: &Az<'_>, group: &str, cluster: &str) -> Result<Option<String>, AzError> {
    let path = format!("{}/providers/Microsoft.Monitor/accounts?api-version=2025-10-03", az.group_id(group));
    let workspaces = az.rest_list_if_any(&path, "reading the Azure Monitor workspaces")?;
    let ours = workspaces.iter().find(|item| item["tags"]["ccslurm4ai-cluster"] == cluster);
    let rule = |item| text(item, "/properties/defaultIngestionSettings/dataCollectionRuleResourceId");
    Ok(ours.and_then(rule).map(group_of))
}

fn machine(item: &Value) -> Option<Running> {
    let size = text(item, "/properties/hardwareProfile/vmSize")?.to_owned();
    (text(item, "/properties/priority") != Some("Spot")).then_some(Running { size, count: 1 })
}

/// Instances of a flexible scale set are listed among the VMs; of a uniform one they are not.
fn scale_set(item: &Value) -> Option<Running> {
    let flexible = text(item, "/properties/orchestrationMode") == Some("Flexible");
    let spot = text(item, "/properties/virtualMachineProfile/priority") == Some("Spot");
    let count = item.pointer("/sku/capacity").and_then(Value::as_u64)?;
    let size = text(item, "/sku/name")?.to_owned();
    (!flexible && !spot).then_some(Running { size, count })
}

fn text<'a>(item: &'a Value, pointer: &str) -> Option<&'a str> {
    item.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_counts_as_running() {
        let vm = |priority| json!({"properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v5"}, "priority": priority}});
        let one = Some(Running { size: "Standard_D4s_v5".into(), count: 1 });
        assert_eq!([machine(&vm("Regular")), machine(&vm("Spot")), machine(&json!({}))], [one, None, None]);
        let set = |mode, priority| {
            json!({"sku": {"name": "Standard_F2s_v2", "capacity": 3},
                "properties": {"orchestrationMode": mode, "virtualMachineProfile": {"priority": priority}}})
        };
        let three = Some(Running { size: "Standard_F2s_v2".into(), count: 3 });
        let found = [("Uniform", "Regular"), ("Flexible", "Regular"), ("Uniform", "Spot")];
        assert_eq!(found.map(|(mode, priority)| scale_set(&set(mode, priority))), [three, None, None]);
    }
}
