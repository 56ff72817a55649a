//! What Azure is asked: exactly what an installation would deploy, with placeholders for secrets that do not exist.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use super::scene::SUBSCRIPTION;
use super::site::Site;

/// Stands for every secret that an installation would make.
const PLACEHOLDER: &str = "Placeholder-0-for-what-is-not-made";
/// Parameters whose values are secrets, or the public half of one.
const SECRETS: [&str; 4] = ["sshPrivateKey", "sshPublicKey", "cycleCloudPassword", "mySqlPassword"];

fn kept(site: &Site, name: &str) -> Value {
    let text = fs::read(site.path("answers").join(name)).expect("Azure was asked");
    serde_json::from_slice(&text).expect("JSON")
}

/// Plans, and returns the parameters that az was given.
fn asked(site: &Site, args: &[&str]) -> Map<String, Value> {
    let run = site.run(&[&["plan"], args].concat());
    assert_eq!(run.exit, 0, "{}", run.said);
    assert_eq!(site.changes(), [""; 0]);
    kept(site, "asked.json")["parameters"].as_object().expect("parameters").clone()
}

/// Deploys, and returns the parameters that az was given.
fn deployed(site: &Site, args: &[&str]) -> Map<String, Value> {
    let run = site.install(&[&["-b"], args].concat());
    assert_eq!(run.exit, 0, "{}", run.said);
    site.forget_calls();
    site.parameters(site.deployments())["parameters"].as_object().expect("parameters").clone()
}

fn is_nobodys(key: &Value) -> bool {
    key["value"]
        .as_str()
        .is_some_and(|key| key.starts_with("ssh-rsa AAAA") && key.ends_with("// placeholder"))
}

#[test]
fn it_is_what_an_installation_deploys() {
    let site = Site::new();
    site.has_group(&json!({}));
    let plan = asked(&site, &[]);
    assert!(!site.path("ws").exists(), "nothing is made");
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("bicep/main.json");
    let main: Value = serde_json::from_slice(&fs::read(main).expect("compiled")).expect("JSON");
    assert_eq!(kept(&site, "asked.template.json"), main);

    let first = deployed(&site, &[]);
    assert_eq!(plan.keys().collect::<Vec<_>>(), first.keys().collect::<Vec<_>>());
    for (name, value) in &first {
        match name.as_str() {
            "sshPublicKey" => assert!(is_nobodys(&plan[name]), "{}", plan[name]),
            secret if SECRETS.contains(&secret) => assert_eq!(plan[name]["value"], PLACEHOLDER, "{name}"),
            _ => assert_eq!(&plan[name], value, "{name}"),
        }
    }

    let again = asked(&site, &[]);
    assert_eq!(again, deployed(&site, &["--force"]), "existing secrets are referred to");
    assert!(again["sshPublicKey"]["reference"].is_object());
}

#[test]
fn a_key_that_is_there_is_used_by_its_public_half() {
    let site = Site::new();
    site.has_group(&json!({}));
    // A deployment that is refused leaves the pair that it was to store.
    site.scene.fails("deployment group create", 1, "ERROR: (BadRequest) Not now.");
    assert_eq!(site.install(&["-b"]).exit, 5);
    site.forget_calls();
    let pair = site.path("ws/.ccslurm4ai/cluster-rg/ssh/id_rsa");
    let private = fs::read_to_string(&pair).expect("a pair");
    let plan = asked(&site, &[]);
    assert!(
        !is_nobodys(&plan["sshPublicKey"]) && plan["sshPublicKey"]["value"].is_string(),
        "{}",
        plan["sshPublicKey"]
    );
    assert_eq!(plan["sshPrivateKey"]["value"], PLACEHOLDER);
    assert!(!kept(&site, "asked.json").to_string().contains(private.trim()));

    let public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0Dpo7uCpgKVqJ6LrVn4ZCBhcWYj8hzXX mine";
    fs::write(site.path("mine.pub"), public).expect("written");
    site.scene.config("ssh_public_key_file: mine.pub\n");
    let plan = asked(&site, &[]);
    assert_eq!(plan["sshPublicKey"]["value"], public);
    assert!(plan.get("sshPrivateKey").is_none());
}

#[test]
fn a_closed_vault_stays_closed() {
    let site = Site::new();
    site.has_group(&json!({}));
    site.scene.answer_json("vault", &json!({"properties": {"networkAcls": {"defaultAction": "Deny"}}}));
    assert_eq!(asked(&site, &[])["keyVaultDefaultAction"]["value"], "Deny");
}

#[test]
fn what_a_deleted_vault_holds_is_not_made_again() {
    let site = Site::new();
    site.has_group(&json!({}));
    asked(&site, &[]);
    let vault = site.vault();
    site.scene.answer_json("deletedVaults", &json!({"value": [{"name": vault}]}));
    let plan = asked(&site, &[]);
    assert_eq!(plan["createSecrets"]["value"], json!([]));
    assert!(
        is_nobodys(&plan["sshPublicKey"]),
        "a deleted vault cannot be referred to: {}",
        plan["sshPublicKey"]
    );
    assert_eq!(plan["mySqlPassword"]["value"], PLACEHOLDER);
    let run = site.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(run.exit, 20);
    let before = &run.document["result"]["before"];
    let recovery =
        before.as_array().and_then(|steps| steps.iter().find(|step| step["phase"] == "key vault recovery"));
    assert!(
        recovery.is_some_and(|step| step["what"].as_str().is_some_and(|what| what.contains(&vault))),
        "{before}"
    );
}

#[test]
fn no_placeholder_and_no_secret_is_on_a_command_line() {
    let site = Site::new();
    site.has_group(&json!({}));
    asked(&site, &[]);
    let calls = site.scene.calls().concat();
    assert!(!calls.contains("Placeholder") && calls.contains("--parameters @-"), "{calls}");
}

/// In a group that does not exist Azure foresees nothing, so the group is in the template. The official evaluator has
/// to see the same resources in it as in the template alone.
#[test]
fn a_missing_group_is_made_by_the_template() {
    let site = Site::new();
    site.scene.config("tags: {note: '[not an expression]'}\nresource_group_tags: {owner: us}\n");
    let outer = asked(&site, &[]);
    let with_group = kept(&site, "asked.template.json");
    let whole = predicted(&with_group, &outer);
    site.has_group(&json!({}));
    let inner = asked(&site, &[]);
    assert_eq!(outer, inner, "the same parameters, whatever the template");
    let alone = predicted(&kept(&site, "asked.template.json"), &inner);

    let (group, cluster): (Vec<&Value>, Vec<&Value>) =
        whole.iter().partition(|resource| resource["type"] == "Microsoft.Resources/resourceGroups");
    let [group] = group[..] else { panic!("one group: {group:?}") };
    let tags = json!({"created-by": "ccslurm4ai", "note": "[not an expression]", "owner": "us"});
    assert_eq!(
        (&group["name"], &group["location"], &group["tags"]),
        (&json!("cluster-rg"), &json!("eastus"), &tags)
    );
    let sorted = |resources: Vec<&Value>| {
        let mut ids: Vec<String> = resources.iter().map(|resource| resource["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert!(alone.len() > 40, "{}", alone.len());
    assert_eq!(sorted(cluster), sorted(alone.iter().collect()));
}

/// What `bicep snapshot` expects of a template with these parameters.
fn predicted(template: &Value, parameters: &Map<String, Value>) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    write("main.json", &template.to_string());
    let quoted =
        |value: &Value| value.to_string().replace('\\', r"\\").replace('\'', r"\'").replace("${", r"\${");
    let lines = parameters
        .iter()
        .map(|(name, value)| format!("param {name} = json('{}')\n", quoted(&value["value"])));
    write("main.bicepparam", &format!("using './main.json'\n{}", lines.collect::<String>()));
    let program = std::env::var_os("BICEP").unwrap_or_else(|| "bicep".into());
    let in_subscription = template["$schema"].as_str().is_some_and(|schema| schema.contains("subscription"));
    let group: &[&str] = if in_subscription { &[] } else { &["--resource-group", "cluster-rg"] };
    let place = [&["--subscription-id", SUBSCRIPTION, "--location", "eastus"], group].concat();
    let mut command = Command::new(program);
    let output =
        command.args(["snapshot", "main.bicepparam"]).args(place).current_dir(folder.path()).output();
    let output = output.expect("a Bicep compiler: set BICEP");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let snapshot = fs::read(folder.path().join("main.snapshot.json")).expect("a snapshot");
    let mut snapshot: Value = serde_json::from_slice(&snapshot).expect("JSON");
    serde_json::from_value(snapshot["predictedResources"].take()).expect("a list")
}
