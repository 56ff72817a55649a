//! Whether a request's way to a service is open: the public one, or through a private endpoint.

use std::net::IpAddr;

use super::state::{Resource, State, key};

/// Whether `peer` reaches the resource: loopback plays the public internet, every other address a host in the virtual
/// network, which reaches a closed service through a private endpoint only.
pub fn reachable(state: &State, resource: &Resource, peer: IpAddr) -> bool {
    let properties = &resource.body["properties"];
    let open = properties["publicNetworkAccess"] != "Disabled"
        && properties["networkAcls"]["defaultAction"] != "Deny";
    open || (!peer.is_loopback() && has_private_endpoint(state, &resource.id))
}

fn has_private_endpoint(state: &State, id: &str) -> bool {
    let endpoints = state
        .resources
        .values()
        .filter(|one| one.kind.eq_ignore_ascii_case("Microsoft.Network/privateEndpoints"));
    let connections = |one: &Resource| {
        let lists = ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"];
        let all = lists.iter().filter_map(|list| one.body["properties"][*list].as_array());
        all.flatten().any(|connection| {
            connection["properties"]["privateLinkServiceId"]
                .as_str()
                .is_some_and(|target| key(target) == key(id))
        })
    };
    endpoints.into_iter().any(connections)
}
