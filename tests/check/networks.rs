//! A network that is there already: its subnets, its Bastion, its private DNS zones.

use serde_json::{Value, json};

use super::scene::{Case, HUB, SUBSCRIPTION, Scene, case};
use super::spoke::{ZONES, interface, zone_id};

fn spoke(name: &'static str, exit: i32, arrange: impl Fn(&Scene) + Sync + 'static) -> Case {
    case(name, exit, move |scene| {
        scene.in_network("none", "");
        arrange(scene);
    })
}

const GONE: &str = r#"ERROR: Not Found({"error":{"code":"ResourceNotFound","message":"It was not found."}})"#;

pub fn subnets() -> Vec<Case> {
    [names(), contents(), delegations(), bastions()].into_iter().flatten().collect()
}

/// Whether it is there, and where.
fn names() -> Vec<Case> {
    vec![
        spoke("all is well, no address to spare", 0, |_| {}),
        spoke("no such network", 4, move |scene| scene.fails("spoke", 1, GONE)),
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
    ]
}

/// What is in the subnets, and what leads out of them.
fn contents() -> Vec<Case> {
    vec![
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
    ]
}

fn delegations() -> Vec<Case> {
    vec![
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
    ]
}

fn bastions() -> Vec<Case> {
    vec![
        spoke("no such Bastion", 4, move |scene| scene.fails("gate", 1, GONE)),
        spoke("the Bastion is forbidden", 0, |scene| scene.forbids("gate")),
        spoke("a Bastion without tunnels", 4, |scene| {
            scene.answer_json("gate", &json!({"sku": {"name": "Basic"}, "properties": {}}));
        }),
    ]
}

pub fn zones() -> Vec<Case> {
    existing_zones().into_iter().chain(new_zones()).collect()
}

fn existing_zones() -> Vec<Case> {
    let existing = |name, exit, arrange: fn(&Scene)| {
        case(name, exit, move |scene| {
            scene.in_network("existing", "");
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
    ]
}

fn new_zones() -> Vec<Case> {
    let new = |name, exit, arrange: fn(&Scene)| {
        case(name, exit, move |scene| {
            scene.in_network("new", "");
            arrange(scene);
        })
    };
    vec![
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
