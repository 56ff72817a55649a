//! Subnets: they fit, each is closed by a security group of its own, and no machine has a public address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::compiler::{SUBSCRIPTION, bicep, snapshot};
use crate::sets::{GROUP, all, many, of_type, resources, resources_of, text};

/// First and last address of a range.
type Span = (u32, u32);

/// A range in CIDR notation; it must begin where a range of its size can.
fn span(range: &str) -> Span {
    let (address, bits) = range.split_once('/').expect("a range");
    let address = u32::from(address.parse::<Ipv4Addr>().expect("an address"));
    let rest = u32::MAX.checked_shr(bits.parse().expect("a length")).unwrap_or(0);
    assert_eq!(address & rest, 0, "{range} does not begin at its first address");
    (address, address + rest)
}

/// A private address space of a size: <https://www.rfc-editor.org/rfc/rfc1918>
fn address_space(bits: u32) -> impl Strategy<Value = String> {
    let homes = [("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16)];
    let homes: Vec<_> = homes.into_iter().filter(|home| home.1 <= bits).collect();
    (prop::sample::select(homes), any::<u32>()).prop_map(move |((home, home_bits), random)| {
        let home = u32::from(home.parse::<Ipv4Addr>().expect("an address"));
        let inside = random & u32::MAX.checked_shr(home_bits).unwrap_or(0);
        let aligned = inside & !u32::MAX.checked_shr(bits).unwrap_or(0);
        format!("{}/{bits}", Ipv4Addr::from(home | aligned))
    })
}

/// Deploys one network an address space, each in a group of its own.
const MANY: &str = "
param spaces string[]

module networks 'modules/network.bicep' = [
  for (space, place) in spaces: {
    name: 'network${place}'
    scope: resourceGroup('group${place}')
    params: { location: 'eastus', tags: {}, addressSpace: space, zone: '' }
  }
]
";

/// The subnets that the template makes of address spaces.
fn networks(spaces: &BTreeSet<String>) -> BTreeMap<String, Value> {
    let prediction = snapshot(many(MANY, "spaces", spaces).path(), "many", GROUP);
    let networks =
        resources_of(&prediction).iter().filter(|one| one["type"] == "Microsoft.Network/virtualNetworks");
    let space = |network: &Value| network["properties"]["addressSpace"]["addressPrefixes"][0].clone();
    let subnets = |network: &Value| network["properties"]["subnets"].clone();
    networks.map(|network| (space(network).as_str().expect("a range").to_owned(), subnets(network))).collect()
}

fn assert_fits(space: &str, subnets: &Value) {
    let whole = span(space);
    let mut spans = Vec::new();
    for subnet in subnets.as_array().expect("subnets") {
        let range = text(&subnet["properties"], "addressPrefix");
        let (first, last) = span(range);
        assert!(first >= whole.0 && last <= whole.1, "{space}: {range} is outside");
        let least = match text(subnet, "name") {
            "AzureBastionSubnet" => 64, // https://learn.microsoft.com/azure/bastion/configuration-settings#subnet
            "anf" => 16, // https://learn.microsoft.com/azure/azure-netapp-files/azure-netapp-files-network-topologies
            "compute" => (whole.1 - whole.0) / 2 + 1,
            _ => 8, // Azure keeps five: https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq
        };
        assert!(last - first + 1 >= least, "{space}: {range} is too small");
        spans.push((first, last));
    }
    assert_eq!(spans.len(), 5);
    spans.sort_unstable();
    assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{space}: subnets overlap: {subnets}");
}

#[test]
fn subnets_fit_and_do_not_overlap_in_any_address_space() {
    let mut runner = TestRunner::default();
    let mut draw = |bits| address_space(bits).new_tree(&mut runner).expect("a space").current();
    let mut spaces: BTreeSet<_> =
        (8..=23).flat_map(|bits| std::iter::repeat_n(bits, 8)).map(&mut draw).collect();
    spaces.extend(["10.255.254.0/23", "10.0.0.0/8", "192.168.252.0/22"].map(str::to_owned));
    let networks = networks(&spaces);
    assert_eq!(networks.keys().collect::<BTreeSet<_>>(), spaces.iter().collect());
    assert!(networks.len() > 60);
    for (space, subnets) in &networks {
        assert_fits(space, subnets);
    }
}

#[test]
fn a_space_that_is_too_small_is_refused() {
    let folder = many(MANY, "spaces", &BTreeSet::from(["10.0.0.0/27".to_owned()]));
    let place = ["--resource-group", GROUP, "--subscription-id", SUBSCRIPTION];
    let refused = bicep(&[&["snapshot", "many.bicepparam"], &place[..]].concat(), folder.path());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("Could not generate subnet"), "{said}");
}

/// The sets with a network of ours.
fn with_network() -> Vec<(&'static str, &'static Value)> {
    let found: Vec<_> = all()
        .keys()
        .flat_map(|set| {
            of_type(set, "Microsoft.Network/virtualNetworks").into_iter().map(|one| (set.as_str(), one))
        })
        .collect();
    assert!(found.len() > 5 && found.len() < all().len());
    found
}

#[test]
fn every_subnet_is_closed_by_a_security_group_of_its_own() {
    for (set, network) in with_network() {
        let groups = of_type(set, "Microsoft.Network/networkSecurityGroups");
        let mut used = BTreeSet::new();
        for subnet in network["properties"]["subnets"].as_array().expect("subnets") {
            let properties = &subnet["properties"];
            assert_eq!(properties["defaultOutboundAccess"], false);
            let machines = subnet["name"] == "compute" || subnet["name"] == "cyclecloud";
            assert_eq!(properties["natGateway"].is_object(), machines, "{}", subnet["name"]);
            let id = text(&properties["networkSecurityGroup"], "id");
            used.insert(id);
            check_rules(groups.iter().find(|group| group["id"] == id).expect("the group is deployed"));
        }
        assert_eq!((used.len(), groups.len()), (5, 5), "{set}");
    }
}

fn check_rules(group: &Value) {
    let rules = group["properties"]["securityRules"].as_array().expect("rules");
    let inbound: Vec<_> = rules.iter().filter(|rule| rule["properties"]["direction"] == "Inbound").collect();
    let last = &inbound.last().expect("an inbound rule")["properties"];
    assert_eq!((&last["access"], &last["priority"]), (&json!("Deny"), &json!(4096)), "{}", group["name"]);
    let priorities: BTreeSet<_> =
        inbound.iter().map(|rule| rule["properties"]["priority"].as_i64()).collect();
    assert_eq!(priorities.len(), inbound.len(), "{}: a priority twice", group["name"]);
    for rule in inbound {
        let open = rule["properties"]["access"] == "Allow"
            && ["Internet", "*", "0.0.0.0/0"]
                .iter()
                .any(|any| rule["properties"]["sourceAddressPrefix"] == *any);
        assert!(!open || rule["name"] == "AllowHttpsInbound", "{} lets anyone in: {rule}", group["name"]);
    }
}

/// Who may reach what, as `source -> destination: ports` with subnets' names, of the groups of machines, files and
/// endpoints; what Bastion's group needs is Azure's business.
fn allowed(set: &str) -> BTreeSet<String> {
    let network = of_type(set, "Microsoft.Network/virtualNetworks")[0];
    let subnets = network["properties"]["subnets"].as_array().expect("subnets");
    let name = |range: &str| {
        let subnet = subnets.iter().find(|subnet| subnet["properties"]["addressPrefix"] == range);
        subnet.map_or(range, |subnet| text(subnet, "name")).to_owned()
    };
    let groups = of_type(set, "Microsoft.Network/networkSecurityGroups").into_iter();
    let rules = groups
        .filter(|group| !text(group, "name").contains("Bastion"))
        .flat_map(|group| group["properties"]["securityRules"].as_array().expect("rules"));
    rules
        .filter(|rule| rule["properties"]["access"] == "Allow")
        .map(|rule| {
            let properties = &rule["properties"];
            let single = properties["destinationPortRange"].as_str().map(str::to_owned);
            let list = properties["destinationPortRanges"].as_array().expect("ports");
            let list = list.iter().map(|port| port.as_str().expect("a port"));
            let ports = single.unwrap_or_else(|| list.collect::<Vec<_>>().join(" "));
            let (from, to) =
                (text(properties, "sourceAddressPrefix"), text(properties, "destinationAddressPrefix"));
            format!("{} -> {}: {} {ports}", name(from), name(to), text(properties, "protocol"))
        })
        .collect()
}

#[test]
fn only_what_a_cluster_needs_is_let_in() {
    let expected = [
        "AzureBastionSubnet -> compute: Tcp 22 443",
        "AzureBastionSubnet -> cyclecloud: Tcp 22 443",
        "compute -> anf: Tcp 111 635 2049 4045 4046 4049",
        "compute -> compute: * *",
        "compute -> cyclecloud: Tcp 9443 5672",
        "compute -> endpoints: Tcp 443 3306 33060",
        "cyclecloud -> anf: Tcp 111 635 2049 4045 4046 4049",
        "cyclecloud -> compute: Tcp 22",
        "cyclecloud -> endpoints: Tcp 443",
    ];
    for (set, _) in with_network() {
        assert_eq!(allowed(set).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{set}");
    }
}

#[test]
fn a_change_of_options_takes_nothing_from_the_network() {
    let subnets = |set: &str| of_type(set, "Microsoft.Network/virtualNetworks")[0]["properties"].clone();
    for set in ["nfs", "existing-storage", "no-accounting", "no-monitoring"] {
        assert_eq!(subnets(set), subnets("first"), "{set}");
    }
}

#[test]
fn machines_have_no_public_address() {
    for set in all().keys() {
        let interfaces = of_type(set, "Microsoft.Network/networkInterfaces");
        assert_eq!(interfaces.len(), 1, "{set}");
        for interface in interfaces {
            assert!(!interface.to_string().contains("publicIP"), "{set}: {interface}");
        }
    }
    let addresses = of_type("first", "Microsoft.Network/publicIPAddresses");
    let names: Vec<_> = addresses.iter().map(|address| &address["name"]).collect();
    assert_eq!(names, ["ccslurm4ai-nat-ip", "ccslurm4ai-bastion-ip"]);
    for address in addresses {
        assert_eq!(address["sku"]["name"], "Standard");
        assert_eq!(address["properties"]["publicIPAllocationMethod"], "Static");
    }
}

#[test]
fn somebody_elses_network_is_left_alone() {
    let ours =
        ["virtualNetworks", "networkSecurityGroups", "natGateways", "publicIPAddresses", "bastionHosts"];
    for (name, set) in all().iter().filter(|(_, set)| set.parameters["network"]["type"] == "existing") {
        for resource in resources(name) {
            let kind = text(resource, "type").trim_start_matches("Microsoft.Network/");
            assert!(!ours.contains(&kind), "{name}: {kind}");
        }
        let subnets = &set.parameters["network"]["subnets"];
        let interface = of_type(name, "Microsoft.Network/networkInterfaces")[0];
        let place = &interface["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"];
        assert_eq!(place, &subnets["cyclecloud"], "{name}");
        for endpoint in of_type(name, "Microsoft.Network/privateEndpoints") {
            assert_eq!(endpoint["properties"]["subnet"]["id"], subnets["endpoints"], "{name}");
        }
        for volume in of_type(name, "Microsoft.NetApp/netAppAccounts/capacityPools/volumes") {
            assert_eq!(volume["properties"]["subnetId"], subnets["anf"], "{name}");
        }
    }
}

#[test]
fn private_dns_is_made_given_or_left_to_others() {
    let count = |set: &str, kind: &str| of_type(set, &format!("Microsoft.Network/{kind}")).len();
    for (set, zones, groups) in [
        ("first", 3, 3),
        ("no-accounting", 2, 2),
        ("existing-network", 0, 0),
        ("existing-zones", 0, 3),
        ("new-zones", 3, 3),
        ("least", 0, 0),
    ] {
        assert_eq!(count(set, "privateDnsZones"), zones, "{set}");
        assert_eq!(count(set, "privateDnsZones/virtualNetworkLinks"), zones, "{set}");
        assert_eq!(count(set, "privateEndpoints/privateDnsZoneGroups"), groups, "{set}");
    }
    let given = &all()["existing-zones"].parameters["network"]["privateDnsZoneIds"];
    let given: BTreeSet<_> = given.as_object().expect("ids").values().filter_map(Value::as_str).collect();
    let used =
        of_type("existing-zones", "Microsoft.Network/privateEndpoints/privateDnsZoneGroups").into_iter();
    let zone = |group: &'static Value| {
        text(&group["properties"]["privateDnsZoneConfigs"][0]["properties"], "privateDnsZoneId")
    };
    assert_eq!(used.map(zone).collect::<BTreeSet<_>>(), given);
}
