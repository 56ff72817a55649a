//! Our templates and foreign ones: what the evaluator writes is what `bicep snapshot` predicts.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::compare::assert_equal;
use crate::compiler;
use crate::rules::lasting;
use crate::world::{FakeWorld, SUBSCRIPTION, request};

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A world for types that have no rules here: what their providers would add is the same for all.
fn world() -> FakeWorld {
    let read_only = json!({
        "vaultUri": "https://vault/", "principalId": "44444444-4444-4444-4444-444444444444", "clientId": "c", "customerId": "w",
        "fullyQualifiedDomainName": "mysql.example", "networkInterfaces": [{"id": "/nic/1"}], "secretUri": "s", "secretUriWithVersion": "v",
    });
    FakeWorld {
        read_only: read_only.as_object().cloned().unwrap_or_else(Map::new),
        ruled: false,
        ..FakeWorld::default()
    }
}

#[test]
fn foreign_templates_become_what_the_official_evaluator_predicts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/templates");
    let entries =
        std::fs::read_dir(&folder).expect("the templates").map(|entry| entry.expect("an entry").path());
    let mut names: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    names.sort();
    for path in &names {
        let mut world = world();
        let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1");
        world.add(
            &format!("{group}/providers/Microsoft.Network/virtualNetworks/vnet-a"),
            json!({"location": "eastus"}),
        );
        let parameters = read(&path.join("params.json"))["parameters"].clone();
        let checked = assert_equal(
            &mut world,
            &read(&path.join("main.json")),
            &parameters,
            &read(&path.join("snapshot.json")),
        );
        println!("{}: {checked} resources and outputs", path.display());
    }
    assert_eq!(names.len(), 14);
}

/// Parameters of a `.bicepparam` file.
fn parameters(name: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("{name}.bicepparam");
    let sets = Path::new(crate::ROOT).join("tests/data/bicep");
    std::fs::copy(sets.join(&file), folder.path().join(&file)).expect("copying the parameters");
    std::fs::copy(compiler::templates().join("main.json"), folder.path().join("main.json"))
        .expect("copying main.json");
    let output = compiler::bicep(&["build-params", &file, "--outfile", "out.json"], folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    read(&folder.path().join("out.json"))["parameters"].clone()
}

#[test]
fn our_templates_become_what_the_official_evaluator_predicts() {
    for name in ["first", "again", "repair"] {
        let template = read(&compiler::templates().join("main.json"));
        let prediction = compiler::predict(name, "rg1");
        let mut world = FakeWorld::default();
        let checked = assert_equal(&mut world, &template, &parameters(name), &prediction);
        println!("{name}: {checked} resources and outputs");
    }
}

#[test]
fn a_forced_redeployment_changes_nothing() {
    let template = read(&compiler::templates().join("main.json"));
    let mut parameters = parameters("first");
    let mut world = FakeWorld::default();
    let outputs = world.deploy(request(template.clone(), parameters.clone())).expect("the first deployment");
    let state = |world: &FakeWorld| -> Vec<(String, Value)> {
        world.resources.iter().map(|(id, (body, _))| (id.clone(), lasting(body))).collect()
    };
    let (before, secrets) = (state(&world), world.secrets.clone());
    parameters["createSecrets"] = json!({"value": []});
    for secret in ["sshPrivateKey", "cycleCloudPassword"] {
        parameters.as_object_mut().expect("parameters").remove(secret);
    }
    let again = world.deploy(request(template, parameters)).expect("the second deployment");
    assert_eq!(again, outputs);
    assert_eq!(world.secrets, secrets, "no new version of a secret");
    assert_eq!(secrets.len(), 3);
    for (before, after) in before.iter().zip(state(&world)) {
        assert_eq!(&after, before);
    }
    assert_eq!(world.resources.len(), before.len());
}
