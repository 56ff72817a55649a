//! Resource groups: their deletion, what blocks it, and those that go with a resource.

use serde_json::{Value, json};

use super::azure_support::{S, Twin};
use super::{GROUP, NETWORK, gone, id, like_recorded, put};

#[test]
fn a_group_goes_as_recorded_and_takes_no_writes_meanwhile() {
    let twin = Twin::with_group("deletion_seconds: 0.5");
    twin.deploy_machine();
    let path = format!("{S}/{GROUP}");
    let got = twin.arm("DELETE", &path, None);
    like_recorded(&got, "group", 16);
    assert_eq!(twin.arm("GET", &path, None).body["properties"]["provisioningState"], "Deleting");
    like_recorded(
        &twin.arm(
            "GET",
            got.header("location").unwrap().strip_prefix("https://management.azure.com").unwrap(),
            None,
        ),
        "group",
        17,
    );
    assert_eq!(twin.arm("DELETE", &path, None).status, 202, "again while it goes");
    let nsg = format!("{}?{NETWORK}", id("Microsoft.Network/networkSecurityGroups/n"));
    let deployment = format!("{}?api-version=2025-04-01", id("Microsoft.Resources/deployments/d2"));
    let template = json!({"properties": {"mode": "Incremental", "template": {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": []}}});
    for (path, body) in [
        (&path, json!({"location": "eastus"})),
        (&nsg, json!({"location": "eastus"})),
        (&deployment, template),
    ] {
        let got = twin.arm("PUT", path, Some(body));
        assert_eq!((got.status, got.code()), (409, "ResourceGroupBeingDeleted"), "{path}");
    }
    like_recorded(&twin.polled(got.header("location").unwrap()), "group", 15);
    let state = twin.azure.state();
    assert!(state.groups.is_empty() && state.deployments.is_empty());
    assert!(state.resources.values().all(|one| !one.id.contains("rg1")));
}

#[test]
fn a_group_used_from_outside_comes_back_with_the_reasons() {
    let twin = Twin::with_group("");
    twin.deploy_machine();
    twin.arm(
        "PUT",
        &format!("{S}/resourcegroups/rg2?api-version=2024-11-01"),
        Some(json!({"location": "eastus"})),
    );
    let subnet = id("Microsoft.Network/virtualNetworks/vnet/subnets/default");
    let theirs =
        format!("{S}/resourceGroups/rg2/providers/Microsoft.Network/networkInterfaces/theirs?{NETWORK}");
    let body = json!({"location": "eastus", "properties": {"ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": subnet}}}]}});
    assert_eq!(twin.arm("PUT", &theirs, Some(body)).status, 201);
    let got = twin.arm("DELETE", &format!("{S}/{GROUP}"), None);
    let end = twin.polled(got.header("location").unwrap());
    assert_eq!(
        (end.status, &end.body["Error"]["Code"]),
        (409, &json!("ResourceGroupDeletionBlocked")),
        "{}",
        end.body
    );
    let message = end.body["Error"]["Message"].as_str().unwrap();
    assert!(message.starts_with("Deletion of resource group 'rg1' failed as resources with identifiers 'Microsoft.Network/virtualNetworks/vnet' could not"), "{message}");
    let reason: Value =
        serde_json::from_str(end.body["Error"]["Details"][0]["Message"].as_str().unwrap()).unwrap();
    assert_eq!(reason["error"]["code"], "InUseSubnetCannotBeDeleted");
    let group = twin.arm("GET", &format!("{S}/{GROUP}"), None);
    assert_eq!(group.body["properties"]["provisioningState"], "Succeeded");
    assert!(
        twin.azure.state().resource(&id("Microsoft.Compute/virtualMachines/vm1")).is_none(),
        "the rest is gone"
    );
}

#[test]
fn a_managed_group_goes_with_its_owner() {
    let twin = Twin::with_group("");
    let workspace = "Microsoft.Monitor/accounts/metrics";
    let make = || put(&twin, workspace, "2025-10-03", json!({"location": "eastus"}));
    let managed = format!("{S}/resourcegroups/MA_metrics_eastus_managed?api-version=2024-11-01");
    make();
    assert_eq!(twin.arm("GET", &managed, None).status, 200);
    gone(&twin, workspace);
    assert_eq!(twin.arm("GET", &managed, None).status, 404);
    make();
    let got = twin.arm("DELETE", &format!("{S}/{GROUP}"), None);
    assert_eq!(twin.polled(got.header("location").unwrap()).status, 200);
    assert!(twin.azure.state().groups.is_empty());
}
