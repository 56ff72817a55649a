//! Replies as recorded from the real Azure.

use serde_json::json;

use super::azure_support::{S, Twin};
use super::{NETWORK, delete, gone, id, like_recorded, put};

#[test]
fn replies_are_as_recorded() {
    let twin = Twin::with_group(
        "deletion_seconds: 0.3\ndeleted_vaults: [{name: kv1, group: rg1, location: eastus}]",
    );
    assert_eq!(twin.deploy_machine()["properties"]["provisioningState"], "Succeeded");
    let bastion = delete(&twin, "Microsoft.Network/bastionHosts/bastion");
    like_recorded(&bastion, "bastion", 2);
    let operation = bastion.header("azure-asyncoperation").unwrap();
    let going = twin.arm("GET", &format!("{}?{NETWORK}", id("Microsoft.Network/bastionHosts/bastion")), None);
    assert_eq!(going.body["properties"]["provisioningState"], "Deleting");
    let running = twin.arm("GET", operation.strip_prefix("https://management.azure.com").unwrap(), None);
    like_recorded(&running, "network-operation-status", 2);
    like_recorded(&twin.polled(operation), "network-operation-status", 3);
    assert_eq!(twin.polled(bastion.header("location").unwrap()).status, 204);
    like_recorded(&delete(&twin, "Microsoft.Network/publicIPAddresses/address"), "public-ip", 1);
    put(
        &twin,
        "Microsoft.ManagedIdentity/userAssignedIdentities/uai",
        "2024-11-30",
        json!({"location": "eastus"}),
    );
    like_recorded(
        &delete(&twin, "Microsoft.ManagedIdentity/userAssignedIdentities/uai"),
        "user-assigned-identity",
        2,
    );
    put(
        &twin,
        "Microsoft.KeyVault/vaults/kv1",
        "2026-02-01",
        json!({"location": "eastus", "properties": {"createMode": "recover"}}),
    );
    like_recorded(&delete(&twin, "Microsoft.KeyVault/vaults/kv1"), "keyvault-deleted", 0);
    assert!(twin.azure.state().deleted_vaults.contains_key("kv1"));
    put(&twin, "Microsoft.Monitor/accounts/metrics", "2025-10-03", json!({"location": "eastus"}));
    like_recorded(&delete(&twin, "Microsoft.Monitor/accounts/metrics"), "monitor-account", 3);
    assert_eq!(delete(&twin, "Microsoft.Network/publicIPAddresses/nope").status, 204);
}

#[test]
fn services_are_deleted_while_one_polls() {
    let twin = Twin::with_group("deletion_seconds: 0.1");
    let server = json!({"location": "eastus", "sku": {"name": "Standard_D2ads_v5", "tier": "GeneralPurpose"},
        "properties": {"administratorLogin": "slurm", "administratorLoginPassword": "Hidden-Value-1", "version": "8.4"}});
    let grafana = json!({"location": "eastus", "sku": {"name": "Standard"}, "identity": {"type": "SystemAssigned"},
        "properties": {"grafanaMajorVersion": "12"}});
    for (path, version, body) in [
        ("Microsoft.DBforMySQL/flexibleServers/mysql-1", "2024-12-30", server),
        ("Microsoft.Dashboard/grafana/grafana-1", "2025-08-01", grafana),
        ("Microsoft.NetApp/netAppAccounts/files", "2025-12-01", json!({"location": "eastus"})),
    ] {
        put(&twin, path, version, body);
        gone(&twin, path);
        assert_eq!(delete(&twin, path).status, 204, "{path}");
    }
}

#[test]
fn a_deployments_record_goes_as_recorded_and_what_it_made_stays() {
    let twin = Twin::with_group("deletion_seconds: 0.3");
    twin.deploy_machine();
    let path = format!("{}?api-version=2025-04-01", id("Microsoft.Resources/deployments/d1"));
    let got = twin.arm("DELETE", &path, None);
    assert_eq!((got.status, got.header("location").is_some()), (202, true), "{}", got.body);
    assert_eq!(twin.arm("GET", &path, None).body["properties"]["provisioningState"], "Deleting");
    let address = got.header("location").unwrap().strip_prefix("https://management.azure.com").unwrap();
    like_recorded(&twin.arm("GET", address, None), "deployment-delete", 0);
    like_recorded(&twin.polled(got.header("location").unwrap()), "deployment-delete", 1);
    assert_eq!(twin.arm("GET", &path, None).code(), "DeploymentNotFound");
    assert!(twin.azure.state().resource(&id("Microsoft.Compute/virtualMachines/vm1")).is_some());
    assert_eq!(twin.arm("DELETE", &path, None).status, 204);
}

#[test]
fn power_is_listed_for_the_subscription() {
    let twin = Twin::with_group("");
    twin.deploy_machine();
    let path =
        format!("{S}/providers/Microsoft.Compute/virtualMachines?statusOnly=true&api-version=2025-04-01");
    let power = || {
        twin.arm("GET", &path, None).body["value"][0]["properties"]["instanceView"]["statuses"][1]["code"]
            .clone()
    };
    assert_eq!(power(), "PowerState/running");
    let stop = format!("{}/deallocate?api-version=2025-04-01", id("Microsoft.Compute/virtualMachines/vm1"));
    assert_eq!(twin.arm("POST", &stop, None).status, 200);
    assert_eq!(power(), "PowerState/deallocated");
}
