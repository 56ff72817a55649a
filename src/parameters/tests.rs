use super::*;
use crate::azure::Az;
use crate::azure::account::PrincipalType;
use crate::process::Runner;
use crate::ui::{Format, Ui};

const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";

/// The configuration with `more` keys.
fn config(more: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let text = format!(
        "region: eastus\nsubscription_id: {SUBSCRIPTION}\nresource_group_name: rg\n\
         hpc_sku: Standard_ND96isr_H100_v5\nhpc_max_core_count: 192\n{more}"
    );
    std::fs::write(&path, text).unwrap();
    Config::load(&path, None).unwrap_or_else(|error| panic!("{error}")).0
}

/// The whole document of a run that makes `new`.
fn document_of(config: &Config, new: &[Secret], public_key: PublicKey, vault_denies: bool) -> Value {
    let ui = Ui::new(Format::Text, false, false);
    let runner = Runner::new(&ui, false);
    let az = Az::new(&runner, SUBSCRIPTION);
    let vault = Vault::new(&az, "rg", "eastus", "cycleadmin");
    let caller = Caller {
        subscription_id: SUBSCRIPTION.into(),
        tenant_id: "t".into(),
        object_id: "o".into(),
        principal_type: PrincipalType::User,
    };
    let subscription = Subscription {
        id: SUBSCRIPTION.into(),
        name: "research".into(),
        tenant_id: "t".into(),
        state: "Enabled".into(),
        environment_name: "AzureCloud".into(),
        is_default: true,
    };
    let secrets = Secrets {
        new: new.iter().map(|secret| (*secret, format!("value of {}", secret.name()))).collect(),
        public_key,
        my_sql: config.accounting,
    };
    let run =
        Run { caller: &caller, subscription: &subscription, vault: &vault, vault_denies, secrets: &secrets };
    document(of_config(config, "kv-1", &ZoneIds::default()), "hash", &run)
}

#[test]
fn the_hash_changes_with_each_input_and_with_nothing_else() {
    let map = |region: &str| json!({ "location": region }).as_object().cloned().unwrap();
    let base = input_hash(b"template", &map("eastus"), None);
    assert_eq!(base, input_hash(b"template", &map("eastus"), None));
    assert_ne!(base, input_hash(b"templat2", &map("eastus"), None));
    assert_ne!(base, input_hash(b"template", &map("westus"), None));
    assert_ne!(base, input_hash(b"template", &map("eastus"), Some("ssh-rsa A")));
}

/// Each option arrives in the template's words, and no two configurations have the same parameters.
#[test]
fn options_become_parameters() {
    let subnets = |anf: &str| {
        let id = |name: &str| {
            format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/spoke/subnets/{name}"
            )
        };
        let anf = if anf.is_empty() { String::new() } else { format!(", anf: {}", id(anf)) };
        format!("{{cyclecloud: {}, compute: {}, endpoints: {}{anf}}}", id("server"), id("nodes"), id("ends"))
    };
    let bastion = "/subscriptions/99999999-2222-3333-4444-555555555555/resourceGroups/hub/providers/Microsoft.Network/bastionHosts/b";
    let cases = [
        ("defaults", String::new()),
        ("NetApp", "storage: {service_level: Ultra, size_tib: 12}".to_owned()),
        (
            "nfs, nothing else",
            "storage: {type: nfs, size_gib: 512}\naccounting: false\nmonitoring: false".to_owned(),
        ),
        (
            "existing storage",
            "storage: {type: existing, address: 10.9.0.4, export_path: /a/b, mount_options: 'vers=3,hard'}"
                .to_owned(),
        ),
        (
            "existing network",
            format!(
                "network: {{type: existing, subnets: {}, bastion: {bastion}, private_dns: existing}}",
                subnets("files")
            ),
        ),
        (
            "existing network without Bastion",
            format!(
                "storage: {{type: nfs, size_gib: 10}}\nnetwork: {{type: existing, subnets: {}, bastion: none, private_dns: none}}",
                subnets("")
            ),
        ),
        ("tags", "tags: {owner: me}\nmonitor_tags: {owner: them}".to_owned()),
    ];
    let zones = ZoneIds { vault: "/zones/v".into(), blob: "/zones/b".into(), my_sql: "/zones/m".into() };
    let mut seen = Vec::new();
    let mut text = String::new();
    for (name, more) in &cases {
        let parameters = Value::Object(of_config(&config(more), "kv-1", &zones));
        assert!(!seen.contains(&parameters), "{name}");
        text += &format!("## {name}\n{parameters:#}\n\n");
        seen.push(parameters);
    }
    println!("{} cases", cases.len());
    insta::assert_snapshot!(text);
}

/// The template declares exactly the parameters that a document can hold, and those without a default are in each.
#[test]
fn the_document_is_what_the_template_asks_for() {
    let template: Value = serde_json::from_str(include_str!("../../bicep/main.json")).unwrap();
    let declared = template["parameters"].as_object().unwrap();
    let all = [Secret::SshPrivateKey, Secret::SshPublicKey, Secret::CycleCloudPwd, Secret::MySqlPwd];
    let everything = document_of(&config(""), &all, PublicKey::Line("ssh-rsa A".into()), false);
    let least = document_of(&config("accounting: false"), &[], PublicKey::InVault, true);
    let names = |document: &Value| -> Vec<String> {
        document["parameters"].as_object().unwrap().keys().cloned().collect()
    };
    let (mut given, mut known) = (names(&everything), declared.keys().cloned().collect::<Vec<_>>());
    given.sort();
    known.sort();
    assert_eq!(given, known);
    let required = declared.iter().filter(|(_, parameter)| parameter.get("defaultValue").is_none());
    for (name, _) in required {
        assert!(least["parameters"].get(name).is_some(), "{name}");
    }
}

#[test]
fn a_secret_is_a_value_once_and_a_reference_afterwards() {
    let with = |new: &[Secret], accounting: &str| {
        let config = config(accounting);
        document_of(&config, new, PublicKey::InVault, false)["parameters"].take()
    };
    let first = with(&[Secret::CycleCloudPwd, Secret::MySqlPwd], "");
    assert_eq!(first["mySqlPassword"], json!({ "value": "value of MySqlPwd" }));
    assert_eq!(first["createSecrets"]["value"], json!(["CycleCloudPwd", "MySqlPwd"]));
    let later = with(&[], "");
    assert_eq!(later["mySqlPassword"]["reference"]["secretName"], "cycleadmin-MySqlPwd");
    assert!(later.get("cycleCloudPassword").is_none());
    assert!(with(&[], "accounting: false").get("mySqlPassword").is_none());
}

#[test]
fn a_closed_vault_stays_closed() {
    let action = |denies| {
        let document = document_of(&config(""), &[], PublicKey::InVault, denies);
        document["parameters"]["keyVaultDefaultAction"]["value"].clone()
    };
    assert_eq!([action(false), action(true)], [json!("Allow"), json!("Deny")]);
}
