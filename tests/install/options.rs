//! What the options of `config.yaml` make of a deployment.

use serde_json::{Value, json};

use super::scene::HUB;
use super::site::Site;
use super::spoke::{ZONES, zone_id};

/// The parameters of the newest deployment.
fn newest(site: &Site) -> Value {
    site.parameters(site.deployments())["parameters"].take()
}

fn deploy(site: &Site, args: &[&str]) -> Value {
    let run = site.install(&[&["-b"], args].concat());
    assert_eq!(run.exit, 0, "{}", run.said);
    newest(site)
}

#[test]
fn the_database_has_a_password_once_it_is_wanted() {
    let site = Site::new();
    site.scene.config("accounting: false\n");
    let without = deploy(&site, &[]);
    assert_eq!(without["createSecrets"]["value"], json!(["SshPrivateKey", "SshPublicKey", "CycleCloudPwd"]));
    assert!(without.get("mySqlPassword").is_none());

    site.scene.config("");
    let first = deploy(&site, &[]);
    assert_eq!(first["createSecrets"]["value"], json!(["MySqlPwd"]));
    assert!(first["mySqlPassword"]["value"].as_str().is_some_and(|password| password.len() == 32));

    let later = deploy(&site, &["--force"]);
    assert_eq!(later["createSecrets"]["value"], json!([]));
    assert_eq!(later["mySqlPassword"]["reference"]["secretName"], "cycleadmin-MySqlPwd");
    assert_eq!(later["inputHash"], first["inputHash"]);

    site.scene.config("accounting: false\n");
    assert!(deploy(&site, &[]).get("mySqlPassword").is_none());
}

#[test]
fn a_vault_that_was_closed_is_not_opened_again() {
    let site = Site::new();
    assert_eq!(deploy(&site, &[])["keyVaultDefaultAction"]["value"], "Allow");
    site.scene.change("vault", |vault| vault["properties"]["networkAcls"]["defaultAction"] = "Deny".into());
    let unchanged = site.install(&["-b"]);
    assert_eq!((unchanged.exit, site.deployments()), (0, 1), "the firewall is no input: {}", unchanged.said);
    assert_eq!(deploy(&site, &["--force"])["keyVaultDefaultAction"]["value"], "Deny");
}

#[test]
fn a_recovered_vault_stays_as_it_was() {
    let site = Site::new();
    site.install(&["-b", "--dry-run"]);
    let vault = site.vault();
    site.scene.answer_json("deletedVaults", &json!({"value": [{"name": vault}]}));
    site.file("secrets of the deleted vault", &json!({"value": []}).to_string());
    let closed = json!({"properties": {"networkAcls": {"defaultAction": "Deny"}}});
    site.file("the deleted vault", &closed.to_string());
    assert_eq!(deploy(&site, &[])["keyVaultDefaultAction"]["value"], "Deny");
}

#[test]
fn an_existing_network_arrives_with_its_zones() {
    let site = Site::new();
    site.scene.in_network("existing", "");
    site.scene.all_zones();
    let network = deploy(&site, &[])["network"]["value"].take();
    assert_eq!((&network["type"], &network["privateDns"]), (&json!("existing"), &json!("existing")));
    let [vault, blob, my_sql] = ZONES.map(|name| zone_id(HUB, "dns", name));
    assert_eq!(network["privateDnsZoneIds"], json!({"vault": vault, "blob": blob, "mySql": my_sql}));
    assert!(network["subnets"]["anf"].as_str().is_some_and(|id| id.ends_with("/spoke/subnets/files")));

    let missing = Site::new();
    missing.scene.in_network("existing", "");
    let run = missing.install(&["-b"]);
    assert_eq!((run.exit, missing.changes()), (4, vec![]), "{}", run.said);
}

#[test]
fn without_a_bastion_everything_goes_straight_to_private_addresses() {
    let site = Site::new();
    site.scene.in_network("none", "");
    let config = std::fs::read_to_string(site.path("config.yaml")).expect("read");
    let line = config.lines().find(|line| line.contains("bastion:")).expect("a Bastion");
    std::fs::write(site.path("config.yaml"), config.replace(line, "  bastion: none")).expect("written");
    let nodes = ["scheduler", "login1", "login2", "login3"];
    let interface = |(number, node): (usize, &&str)| {
        json!({"properties": {"virtualMachine": {"id": format!("/subscriptions/S/{node}")},
            "ipConfigurations": [{"properties": {"privateIPAddress": format!("127.7.1.{}", 4 + number)}}]}})
    };
    let interfaces: Vec<Value> = nodes.iter().enumerate().map(interface).collect();
    site.scene.answer_json("networkInterfaces", &json!({"value": interfaces}));

    let run = site.install_near(&[]);
    assert_eq!(run.exit, 0, "{}", run.said);
    assert!(site.calls_of("network bastion").is_empty());
    let inventory = std::fs::read_to_string(site.path("ws/.ccslurm4ai/cluster-rg/ansible/inventory.json"));
    let inventory: Value = serde_json::from_str(&inventory.expect("an inventory")).expect("JSON");
    let server = &inventory["all"]["hosts"]["cycleserver"];
    assert_eq!((&server["ansible_host"], &server["ansible_port"]), (&json!("127.0.0.1"), &json!(22)));

    let settings = std::fs::read_to_string(site.path("ws/ssh_config")).expect("written");
    for (host, address) in [("cycleserver", "127.0.0.1"), ("scheduler", "127.7.1.4"), ("login3", "127.7.1.7")]
    {
        assert!(settings.contains(&format!("Host {host}\nHostName {address}\n")), "{host}:\n{settings}");
    }
    assert!(!settings.contains("ProxyCommand") && settings.contains("StrictHostKeyChecking accept-new"));
    let script = std::fs::read_to_string(site.path("ws/bastion_tunnel_login.sh")).expect("written");
    assert!(script.contains("[2]=127.7.1.6"), "{script}");
}

#[test]
fn the_bastion_of_another_subscription_is_asked_there() {
    let site = Site::new();
    site.scene.in_network("none", "");
    let run = site.install(&[]);
    assert_eq!(run.exit, 0, "{}", run.said);
    let tunnels = site.calls_of("network bastion tunnel");
    let there = format!("--subscription {HUB} --name gate --resource-group hub --target-resource-id");
    assert!(!tunnels.is_empty() && tunnels.iter().all(|call| call.contains(&there)), "{tunnels:?}");
    let script = std::fs::read_to_string(site.path("ws/bastion_tunnel_login.sh")).expect("written");
    assert!(
        script.contains(&format!("subscription={HUB}\nreadonly resource_group=hub\nreadonly bastion=gate\n"))
    );
}
