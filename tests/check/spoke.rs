//! The network `spoke`, which is there already, and what belongs to it.

use serde_json::{Value, json};

use super::scene::{HUB, SUBSCRIPTION, Scene};

/// Zones that an installation of everything needs.
pub const ZONES: [&str; 3] = [
    "privatelink.vaultcore.azure.net",
    "privatelink.blob.core.windows.net",
    "privatelink.mysql.database.azure.com",
];

fn network(name: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/spokes/providers/Microsoft.Network/virtualNetworks/{name}"
    )
}

impl Scene {
    /// The configuration puts the cluster into the network `spoke`, which has just room enough, with a Bastion in the
    /// subscription `hub`; `private_dns` says who makes names known, `more` are other keys.
    pub fn in_network(&self, private_dns: &str, more: &str) {
        let subnet = |name: &str| format!("{}/subnets/{name}", network("spoke"));
        let bastion =
            format!("/subscriptions/{HUB}/resourceGroups/hub/providers/Microsoft.Network/bastionHosts/gate");
        self.config(&format!(
            "network:\n  type: existing\n  subnets:\n    cyclecloud: {}\n    compute: {}\n    endpoints: {}\n    anf: {}\n  \
             bastion: {bastion}\n  private_dns: {private_dns}\n{more}",
            subnet("server"),
            subnet("nodes"),
            subnet("ends"),
            subnet("files")
        ));
        // Compute: 2 GPU nodes, 10 others, 3 login nodes and the scheduler need 16 of 27, others have 11.
        self.answer_json(
            "spoke",
            &json!({"name": "spoke", "location": "eastus", "properties": {"subnets": [
                made("server", "10.7.0.0/29", 0, json!({"natGateway": {"id": "/nat"}})),
                made("nodes", "10.7.1.0/27", 11, json!({"routeTable": {"id": "/routes"}})),
                made("ends", "10.7.0.8/29", 0, json!({})),
                made("files", "10.7.2.0/28", 0, json!({"delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.Netapp/volumes"}}]})),
            ]}}),
        );
        self.answer_json(
            "gate",
            &json!({"sku": {"name": "Standard"}, "properties": {"enableTunneling": true}}),
        );
        self.answer_json("privateDnsZones", &json!({"value": []}));
        self.answer_json("virtualNetworkLinks", &json!({"value": []}));
    }

    /// Changes a subnet of `spoke`.
    pub fn subnet(&self, name: &str, change: impl FnOnce(&mut Value)) {
        self.change("spoke", |network| {
            let subnets = network["properties"]["subnets"].as_array_mut().expect("a list");
            change(subnets.iter_mut().find(|subnet| subnet["name"] == name).expect("a subnet"));
        });
    }

    /// A subscription has these zones in its group `dns`.
    pub fn zones(&self, subscription: &str, zones: &[&str]) {
        let zone = |name: &&str| json!({"id": zone_id(subscription, "dns", name), "name": name, "location": "global"});
        let zones: Vec<Value> = zones.iter().map(zone).collect();
        self.answer_json(&format!("{subscription} privateDnsZones"), &json!({"value": zones}));
    }

    /// These networks are linked to a zone, whosever it is.
    pub fn linked(&self, zone: &str, networks: &[&str]) {
        let link = |name: &&str| json!({"name": "l", "properties": {"virtualNetwork": {"id": network(name)}, "registrationEnabled": false}});
        let links: Vec<Value> = networks.iter().map(link).collect();
        self.answer_json(&format!("{zone} virtualNetworkLinks"), &json!({"value": links}));
    }

    /// The hub has all zones, and the network is linked to them.
    pub fn all_zones(&self) {
        self.zones(HUB, &ZONES);
        ZONES.iter().for_each(|zone| self.linked(zone, &["other", "Spoke"]));
    }
}

/// Id of a private DNS zone.
pub fn zone_id(subscription: &str, group: &str, name: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/privateDnsZones/{name}"
    )
}

/// A subnet with some addresses taken by others.
fn made(name: &str, prefix: &str, taken: usize, more: Value) -> Value {
    let mut subnet = json!({"name": name, "id": format!("{}/subnets/{name}", network("spoke")),
        "properties": {"addressPrefix": prefix, "delegations": [], "provisioningState": "Succeeded"}});
    let owners: Vec<Value> = (0..taken).map(|number| interface("others", number)).collect();
    if taken > 0 {
        subnet["properties"]["ipConfigurations"] = owners.into();
    }
    for (key, value) in more.as_object().expect("a mapping") {
        subnet["properties"][key] = value.clone();
    }
    subnet
}

/// What has an address: a network interface of that group.
pub fn interface(group: &str, number: usize) -> Value {
    json!({"id": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Network/networkInterfaces/n{number}/ipConfigurations/c")})
}
