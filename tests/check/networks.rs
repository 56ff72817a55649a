//! A network that is there already: its subnets, its Bastion, its private DNS zones.

use serde_json::{Value, json};

use super::scene::{Case, HUB, SUBSCRIPTION, Scene, case};

const ZONES: [&str; 3] = [
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
    fn subnet(&self, name: &str, change: impl FnOnce(&mut Value)) {
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

fn zone_id(subscription: &str, group: &str, name: &str) -> String {
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

fn interface(group: &str, number: usize) -> Value {
    json!({"id": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Network/networkInterfaces/n{number}/ipConfigurations/c")})
}

fn spoke(name: &'static str, exit: i32, arrange: impl Fn(&Scene) + Sync + 'static) -> Case {
    case(name, exit, move |scene| {
        scene.in_network("none", "");
        arrange(scene);
    })
}

pub fn subnets() -> Vec<Case> {
    let gone = r#"ERROR: Not Found({"error":{"code":"ResourceNotFound","message":"It was not found."}})"#;
    vec![
        spoke("all is well, no address to spare", 0, |_| {}),
        spoke("no such network", 4, move |scene| scene.fails("spoke", 1, gone)),
        spoke("the network is forbidden", 0, |scene| scene.forbids("spoke")),
        spoke("the network hangs", 0, |scene| scene.how("spoke", "hang")),
        spoke("another region", 4, |scene| {
            scene.change("spoke", |network| network["location"] = "westeurope".into())
        }),
        spoke("another spelling of the region", 0, |scene| {
            scene.change("spoke", |network| network["location"] = "East US".into());
        }),
        spoke("another subscription", 4, |scene| {
            let path = scene.path("config.yaml");
            let text = std::fs::read_to_string(&path).expect("read");
            std::fs::write(path, text.replace(SUBSCRIPTION, HUB)).expect("written");
        }),
        spoke("no such subnet", 4, |scene| scene.subnet("nodes", |subnet| subnet["name"] = "node".into())),
        spoke("another case of a subnet's name", 0, |scene| {
            scene.subnet("nodes", |subnet| subnet["name"] = "Nodes".into());
        }),
        spoke("one address too few for the nodes", 4, |scene| {
            scene.subnet("nodes", |subnet| {
                subnet["properties"]["ipConfigurations"]
                    .as_array_mut()
                    .expect("a list")
                    .push(interface("others", 99));
            });
        }),
        spoke("the nodes are there already", 0, |scene| {
            scene.subnet("nodes", |subnet| {
                let list = subnet["properties"]["ipConfigurations"].as_array_mut().expect("a list");
                list.extend((0..16).map(|number| interface("Cluster-RG", number)));
            });
        }),
        spoke("two address ranges", 0, |scene| {
            scene.subnet("nodes", |subnet| {
                subnet["properties"]["addressPrefix"] = Value::Null;
                subnet["properties"]["addressPrefixes"] = json!(["10.7.1.0/28", "10.7.3.0/27", "fd00::/64"]);
            });
        }),
        spoke("no room for endpoints", 4, |scene| {
            scene.subnet("ends", |subnet| {
                subnet["properties"]["ipConfigurations"] = json!([interface("others", 1)])
            });
        }),
        spoke("neither NAT gateway nor routes", 0, |scene| {
            for name in ["server", "nodes"] {
                let remove = |subnet: &mut Value| {
                    for way in ["natGateway", "routeTable"] {
                        subnet["properties"].as_object_mut().expect("a mapping").remove(way);
                    }
                };
                scene.subnet(name, remove);
            }
        }),
        spoke("the subnet of files is not delegated", 4, |scene| {
            scene.subnet("files", |subnet| subnet["properties"]["delegations"] = json!([]));
        }),
        spoke("the subnet of files is delegated to others", 4, |scene| {
            scene.subnet("files", |subnet| {
                subnet["properties"]["delegations"][0]["properties"]["serviceName"] =
                    "Microsoft.Web/serverFarms".into();
            });
        }),
        spoke("the subnet of nodes is delegated", 4, |scene| {
            scene.subnet("nodes", |subnet| {
                subnet["properties"]["delegations"] =
                    json!([{"properties": {"serviceName": "Microsoft.DBforMySQL/flexibleServers"}}]);
            });
        }),
        spoke("no such Bastion", 4, move |scene| scene.fails("gate", 1, gone)),
        spoke("the Bastion is forbidden", 0, |scene| scene.forbids("gate")),
        spoke("a Bastion without tunnels", 4, |scene| {
            scene.answer_json("gate", &json!({"sku": {"name": "Basic"}, "properties": {}}));
        }),
    ]
}

pub fn zones() -> Vec<Case> {
    let existing = |name, exit, arrange: fn(&Scene)| {
        case(name, exit, move |scene| {
            scene.in_network("existing", "");
            arrange(scene);
        })
    };
    let new = |name, exit, arrange: fn(&Scene)| {
        case(name, exit, move |scene| {
            scene.in_network("new", "");
            arrange(scene);
        })
    };
    vec![
        existing("all in another subscription", 0, Scene::all_zones),
        existing("all in ours", 0, |scene| {
            scene.all_zones();
            scene.zones(SUBSCRIPTION, &ZONES);
            scene.zones(HUB, &[]);
        }),
        existing("one is missing", 4, |scene| {
            scene.all_zones();
            scene.zones(HUB, &ZONES[..2]);
        }),
        existing("one is linked to others", 4, |scene| {
            scene.all_zones();
            scene.linked(ZONES[1], &["other"]);
        }),
        existing("none at all", 4, |_| {}),
        existing("the other subscription is forbidden", 4, |scene| {
            scene.all_zones();
            scene.forbids(&format!("{HUB} privateDnsZones"));
        }),
        existing("ours is forbidden, the other has them", 0, |scene| {
            scene.all_zones();
            scene.forbids(&format!("{SUBSCRIPTION} privateDnsZones"));
        }),
        existing("zones hang", 4, |scene| scene.how("privateDnsZones", "hang")),
        existing("links are forbidden", 4, |scene| {
            scene.all_zones();
            scene.forbids(&format!("{} virtualNetworkLinks", ZONES[0]));
        }),
        existing("zones may not be joined", 10, |scene| {
            scene.all_zones();
            scene.answer_json(
                &format!("{} permissions", ZONES[2]),
                &json!({"value": [{"actions": ["*/read"], "notActions": []}]}),
            );
        }),
        case("without accounting two are enough", 0, |scene| {
            scene.in_network("existing", "accounting: false\n");
            scene.all_zones();
            scene.zones(HUB, &ZONES[..2]);
        }),
        new("none at all, new ones wanted", 0, |_| {}),
        new("there are others, not linked", 0, |scene| {
            scene.all_zones();
            ZONES.iter().for_each(|zone| scene.linked(zone, &["other"]));
        }),
        new("there are others, linked", 4, Scene::all_zones),
        new("ours, of an earlier run", 0, |scene| {
            scene.all_zones();
            scene.zones(HUB, &[]);
            let ours =
                ZONES.map(|name| json!({"id": zone_id(SUBSCRIPTION, "Cluster-rg", name), "name": name}));
            scene.answer_json(&format!("{SUBSCRIPTION} privateDnsZones"), &json!({"value": ours}));
        }),
        new("zones are forbidden, new ones wanted", 0, |scene| scene.forbids("privateDnsZones")),
    ]
}

/// Rights on somebody else's network.
pub fn rights() -> Vec<Case> {
    let only = |actions: &[&str]| json!({"value": [{"actions": actions, "notActions": []}]});
    let reader = only(&["*/read"]);
    let join = only(&["*/read", "Microsoft.Network/virtualNetworks/subnets/join/action"]);
    let (group_reader, network_reader, join_only) = (reader.clone(), reader, join.clone());
    vec![
        spoke("all rights, on the network too", 0, |_| {}),
        spoke("the network's group may only be read", 10, move |scene| {
            scene.answer_json("spokes permissions", &group_reader);
        }),
        spoke("the network may only be read", 10, move |scene| {
            scene.answer_json("spoke permissions", &network_reader);
        }),
        spoke("subnets may be joined, which is enough without new zones", 0, move |scene| {
            scene.answer_json("spoke permissions", &join_only);
        }),
        case("subnets may be joined, which is not enough for new zones", 10, move |scene| {
            scene.in_network("new", "");
            scene.answer_json("spoke permissions", &join);
        }),
        spoke("rights on the network are forbidden to be read", 0, |scene| {
            scene.forbids("spoke permissions")
        }),
    ]
}
