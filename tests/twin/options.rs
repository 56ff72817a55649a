//! Configurations that users have: each is deployed on the twin through the real az, and deployed again by force.

use std::time::Instant;

use serde_json::Value;

use super::compare::{RESOURCES, differences};
use super::rehearsal::{Twin, Workspace, side_by_side};

/// A row: its name, the resource group, further keys of `config.yaml`, types of which nothing is deployed, and types of
/// which something is.
struct Case {
    name: &'static str,
    group: &'static str,
    more: String,
    absent: &'static [&'static str],
    present: &'static [&'static str],
}

const NETWORK: &str = "Microsoft.Network/virtualNetworks";
const NAT: &str = "Microsoft.Network/natGateways";
const BASTION: &str = "Microsoft.Network/bastionHosts";
const ZONE: &str = "Microsoft.Network/privateDnsZones";
const ZONE_GROUP: &str = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups";
const NETAPP: &str = "Microsoft.NetApp/netAppAccounts/capacityPools/volumes";
const MYSQL: &str = "Microsoft.DBforMySQL/flexibleServers";
const WORKSPACE: &str = "Microsoft.Monitor/accounts";
const GRAFANA: &str = "Microsoft.Dashboard/grafana";

/// Every character that a resource group's name may have, 90 of them in all.
const LONGEST_GROUP: &str =
    "Größe_(of)-a.Group-0123456789_(of)-a.Group-0123456789_(of)-a.Group-0123456789_(of)-a.Group";

/// The networks of `existing-network.yaml`, and everything that the cases ask for.
pub const SCENARIO: &str = include_str!("../../twin/scenarios/existing-network.yaml");

/// `network` of a configuration in the company's network.
pub fn company(subnets: &str, more: &str) -> String {
    let network = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/company-network/providers/\
                   Microsoft.Network/virtualNetworks/company/subnets";
    let subnets: Vec<String> = subnets
        .split(' ')
        .map(|pair| {
            let (key, name) = pair.split_once('=').unwrap();
            format!("{key}: {network}/{name}")
        })
        .collect();
    format!("network: {{type: existing, subnets: {{{}}}, {more}}}\n", subnets.join(", "))
}

pub const SUBNETS: &str = "cyclecloud=servers compute=nodes endpoints=endpoints";
pub const FOREIGN_BASTION: &str = "bastion: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/\
                               company-network/providers/Microsoft.Network/bastionHosts/company-bastion";

fn cases() -> Vec<Case> {
    let case = |name, group, more: String, absent, present| Case { name, group, more, absent, present };
    vec![
        case("defaults", "d", String::new(), &[], &[NETWORK, NAT, BASTION, ZONE, NETAPP, MYSQL, WORKSPACE, GRAFANA]),
        case(
            "existing network without NAT gateway and Bastion",
            "company",
            company(&format!("{SUBNETS} anf=files"), "bastion: none, private_dns: none"),
            &[NETWORK, NAT, BASTION, ZONE, ZONE_GROUP],
            &[NETAPP, MYSQL],
        ),
        case(
            "existing network with its Bastion and zones",
            "company-zones",
            company(SUBNETS, &format!("{FOREIGN_BASTION}, private_dns: existing"))
                + "storage: {type: nfs, size_gib: 512}\n",
            &[NETWORK, NAT, BASTION, ZONE, NETAPP],
            &[ZONE_GROUP, MYSQL],
        ),
        case("nfs", "nfs", "storage: {type: nfs, size_gib: 1024}\n".to_owned(), &[NETAPP], &[MYSQL]),
        case(
            "existing storage",
            "existing-storage",
            "storage: {type: existing, address: 10.9.0.4, export_path: /shared, mount_options: 'vers=3,hard'}\n"
                .to_owned(),
            &[NETAPP],
            &[NETWORK],
        ),
        case("no accounting", "no-accounting", "accounting: false\n".to_owned(), &[MYSQL], &[NETAPP]),
        case("no monitoring", "no-monitoring", "monitoring: false\n".to_owned(), &[WORKSPACE, GRAFANA], &[MYSQL]),
        case("A100", "a100", "hpc_sku: Standard_ND96amsr_A100_v4\n".to_owned(), &[], &[NETAPP]),
        case("H200", "h200", "hpc_sku: Standard_ND96isr_H200_v5\nzone: 1\n".to_owned(), &[], &[NETAPP]),
        case(
            "extreme names and tags",
            LONGEST_GROUP,
            "cluster_name: a-cluster-with-the-longest-name0\nadmin_user: an-admin-with-the-longest-name00\n\
             network: {address_space: 192.168.2.0/23}\nlogin_nodes: 0\n\
             tags: {Ünïcode key: 'a value with spaces', CostCenter: 42}\nmonitor_tags: {owner: somebody}\n"
                .to_owned(),
            &[],
            &[NETWORK, GRAFANA],
        ),
    ]
}

#[test]
fn every_configuration_is_deployed_and_stays_as_it_is() {
    assert_eq!(LONGEST_GROUP.chars().count(), 90);
    let cases = cases();
    let number = cases.len();
    side_by_side(cases, |case| {
        let begin = Instant::now();
        case.check(&Twin::up(&["--no-hosts"], SCENARIO));
        println!("{:6.1} s  {}", begin.elapsed().as_secs_f32(), case.name);
    });
    println!("{number} configurations");
}

impl Case {
    fn check(&self, twin: &Twin) {
        let workspace = Workspace::of_group(self.group, &self.more);
        let run = workspace.install(twin, &["-b"]).expect(0);
        assert_eq!(run.document["result"]["deployment"]["changed"], true, "{}", self.name);
        let before = twin.state();
        self.has_what_it_asked_for(&before);

        workspace.install(twin, &["-b", "--force"]).expect(0);
        let after = twin.state();
        assert_eq!(differences(&before, &after, &RESOURCES), Vec::<String>::new(), "{}", self.name);
        for (name, versions) in secrets(&after) {
            assert_eq!(versions.as_array().map(Vec::len), Some(1), "{}: {name}", self.name);
        }
    }

    fn has_what_it_asked_for(&self, state: &Value) {
        let group = format!("/resourcegroups/{}/", self.group).to_lowercase();
        let own = state["resources"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(id, _)| id.to_lowercase().contains(&group));
        let kinds: Vec<&str> = own.filter_map(|(_, resource)| resource["body"]["type"].as_str()).collect();
        let has = |kind: &str| kinds.iter().any(|other| other.eq_ignore_ascii_case(kind));
        for kind in self.absent {
            assert!(!has(kind), "{}: there is a {kind}", self.name);
        }
        for kind in self.present {
            assert!(has(kind), "{}: there is no {kind} in {kinds:?}", self.name);
        }
        let with_my_sql = secrets(state).any(|(name, _)| name.ends_with("-mysqlpwd"));
        assert_eq!(with_my_sql, has(MYSQL), "{}", self.name);
    }
}

/// The secrets of the one vault with their versions.
fn secrets(state: &Value) -> impl Iterator<Item = (&String, &Value)> {
    state["secrets"].as_object().unwrap().values().flat_map(|vault| vault.as_object().unwrap())
}
