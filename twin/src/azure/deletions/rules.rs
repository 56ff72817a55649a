//! What cannot be deleted while something uses it.

use serde_json::Value;

use crate::arm::id::ResourceId;
use crate::arm::types::subnet_unused;
use crate::azure::error::{AzureError, typed_name};
use crate::azure::state::{Resource, State};

/// Parts that have to be deleted before the whole.
const PARTS: &[(&str, &str)] = &[
    ("Microsoft.Network/privateDnsZones", "Microsoft.Network/privateDnsZones/virtualNetworkLinks"),
    ("Microsoft.NetApp/netAppAccounts", "Microsoft.NetApp/netAppAccounts/capacityPools"),
    (
        "Microsoft.NetApp/netAppAccounts/capacityPools",
        "Microsoft.NetApp/netAppAccounts/capacityPools/volumes",
    ),
];

/// Azure's refusal to delete a resource, if something is in the way.
pub fn refusal(state: &State, resource: &Resource) -> Option<AzureError> {
    let properties = &resource.body["properties"];
    let user = |pointer: &str| properties.pointer(pointer).and_then(Value::as_str);
    let id = &resource.id;
    let is = |kind: &str| resource.kind.eq_ignore_ascii_case(kind);
    let used = match () {
        () if is("Microsoft.Network/virtualNetworks") => {
            return state
                .resources_of(id, "Microsoft.Network/virtualNetworks/subnets")
                .find_map(|subnet| subnet_unused(&subnet.body).err());
        }
        () if is("Microsoft.Network/virtualNetworks/subnets") => return subnet_unused(&resource.body).err(),
        () if is("Microsoft.Network/networkInterfaces") => {
            interface(id, user("/virtualMachine/id"), user("/privateEndpoint/id"))
        }
        () if is("Microsoft.Network/publicIPAddresses") => {
            user("/ipConfiguration/id").or_else(|| user("/natGateway/id")).map(|user| address(id, user))
        }
        () if is("Microsoft.Network/networkSecurityGroups") => in_use(
            "InUseNetworkSecurityGroupCannotBeDeleted",
            &format!("Network security group {id}"),
            &[&properties["networkInterfaces"], &properties["subnets"]],
        ),
        () if is("Microsoft.Network/natGateways") => {
            in_use("InUseNatGatewayCannotBeDeleted", &format!("Nat Gateway {id}"), &[&properties["subnets"]])
        }
        () if is("Microsoft.Compute/disks") => resource.body["managedBy"].as_str().map(|vm| disk(id, vm)),
        () => None,
    };
    used.or_else(|| whole(state, resource))
}

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

fn interface(id: &str, machine: Option<&str>, endpoint: Option<&str>) -> Option<AzureError> {
    let by_machine = machine.map(|vm| {
        AzureError::new(400, "NicInUse", format!("Network Interface {id} is used by existing VM {vm}."))
    });
    by_machine.or_else(|| {
        let message = format!(
            "Network interface {id} cannot be deleted because it is currently in use with an private endpoint ({}).",
            endpoint?
        );
        Some(AzureError::new(400, "NicInUseWithPrivateEndpoint", message))
    })
}

fn address(id: &str, user: &str) -> AzureError {
    let message = format!(
        "Public IP address {id} can not be deleted since it is still allocated to resource {user}. In order to delete the public IP, disassociate/detach the Public IP address from the resource.  To learn how to do this, see aka.ms/deletepublicip."
    );
    AzureError::new(400, "PublicIPAddressCannotBeDeleted", message)
}

fn in_use(code: &str, what: &str, lists: &[&Value]) -> Option<AzureError> {
    let users = lists.iter().filter_map(|list| list.as_array()).flatten();
    let users: Vec<&str> = users.filter_map(|user| user["id"].as_str()).collect();
    (!users.is_empty()).then(|| {
        let message = format!(
            "{what} cannot be deleted because it is in use by the following resources: {}.",
            users.join(", ")
        );
        AzureError::new(400, code, message)
    })
}

fn disk(id: &str, machine: &str) -> AzureError {
    AzureError::new(409, "OperationNotAllowed", format!("Disk {} is attached to VM {machine}.", last(id)))
}

fn whole(state: &State, resource: &Resource) -> Option<AzureError> {
    let (_, part) = PARTS.iter().find(|(whole, _)| whole.eq_ignore_ascii_case(&resource.kind))?;
    let parts: Vec<String> = state.resources_of(&resource.id, part).map(|part| typed(&part.id)).collect();
    (!parts.is_empty()).then(|| {
        let message = format!(
            "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: '{}'. Please delete all nested resources before deleting this resource.",
            parts.join(",")
        );
        AzureError::gateway(409, "CannotDeleteResource", message)
    })
}

/// An id from its type on, as in `Microsoft.Network/virtualNetworks/v`.
pub fn typed(id: &str) -> String {
    ResourceId::parse(id).map(|id| typed_name(&id.kind, &id.name)).unwrap_or_default()
}
