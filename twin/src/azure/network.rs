//! Whether a request's way to a service is open: the public one, or through a private endpoint.

use std::net::IpAddr;

use super::state::{Resource, State, key};

/// What keeps a request out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// There is no public way in.
    Shut,
    /// The firewall's default action is Deny.
    Firewall,
}

/// What keeps `peer` from the resource: loopback plays the public internet, every other address a host in the virtual
/// network, which reaches a closed service through a private endpoint only.
pub fn barrier(state: &State, resource: &Resource, peer: IpAddr) -> Option<Barrier> {
    let barrier = public_barrier(resource)?;
    let inside = !peer.is_loopback() && has_private_endpoint(state, &resource.id);
    (!inside).then_some(barrier)
}

/// What keeps Azure's own services from the resource: they pass where it lets them.
pub fn barrier_to_azure(resource: &Resource) -> Option<Barrier> {
    let bypass = &resource.body["properties"]["networkAcls"]["bypass"];
    public_barrier(resource).filter(|_| bypass == "None")
}

fn public_barrier(resource: &Resource) -> Option<Barrier> {
    let properties = &resource.body["properties"];
    if properties["publicNetworkAccess"] == "Disabled" {
        return Some(Barrier::Shut);
    }
    (properties["networkAcls"]["defaultAction"] == "Deny").then_some(Barrier::Firewall)
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
