//! Rules that the infrastructure templates keep: about the sources and the compiled template here, about what they
//! deploy in `deployed.rs`. A Bicep compiler is needed; without one the tests fail and say how to get it.

mod compiler;
mod deployed;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use compiler::{bicep, templates};

/// The folder of the project.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Every file below a folder of the project, with its text; none if the folder is absent.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a folder entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                return texts(&path);
            }
            std::fs::read_to_string(&path).map(|text| vec![(path, text)]).unwrap_or_default()
        })
        .collect()
}

fn json(name: &str) -> Value {
    let text = std::fs::read(templates().join(name)).expect("reading a file of the templates");
    serde_json::from_slice(&text).expect("JSON")
}

/// The template and every one nested in it.
fn nested_templates(template: &Value) -> Vec<&Value> {
    let resources = template["resources"].as_object().expect("resources have symbolic names");
    let nested = resources.values().filter_map(|resource| resource["properties"].get("template"));
    std::iter::once(template).chain(nested.flat_map(nested_templates)).collect()
}

fn members<'a>(template: &'a Value, section: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    template[section].as_object().into_iter().flat_map(Map::iter)
}

#[test]
fn the_compiled_template_is_that_of_the_sources_without_diagnostics() {
    let compiled = bicep(&["build", "main.bicep", "--stdout"], &templates());
    assert!(compiled.status.success());
    assert_eq!(String::from_utf8_lossy(&compiled.stderr), "");
    let committed = std::fs::read(templates().join("main.json")).expect("reading main.json");
    assert!(
        compiled.stdout == committed,
        "main.json is not what this compiler makes of main.bicep: run `bicep build bicep/main.bicep` (made by {})",
        json("main.json")["metadata"]["_generator"]["version"]
    );
    let lint = bicep(&["lint", "main.bicep"], &templates());
    let said = [lint.stdout, lint.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "");
}

#[test]
fn secrets_are_secure_parameters_and_in_no_output() {
    let main = json("main.json");
    let mut secure = 0;
    for template in nested_templates(&main) {
        for (name, parameter) in members(template, "parameters") {
            let secret = ["password", "privatekey", "publickey", "pwd"]
                .iter()
                .any(|word| name.to_lowercase().contains(word));
            let is_secure = parameter["type"] == "securestring";
            assert_eq!(secret, is_secure, "parameter {name}");
            if is_secure {
                secure += 1;
                let outputs = template["outputs"].to_string();
                assert!(!outputs.contains(&format!("parameters('{name}')")), "{name} is in an output");
                assert!(
                    parameter.get("defaultValue").is_none_or(|value| value == ""),
                    "{name} has a default"
                );
            }
        }
    }
    assert_eq!(secure, 3 + 3 + 1, "main, vault and server");
}

#[test]
fn everything_is_described() {
    let main = json("main.json");
    for template in nested_templates(&main) {
        for section in ["parameters", "outputs"] {
            for (name, member) in members(template, section) {
                let text = member["metadata"]["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{section}: {name} has no description");
            }
        }
    }
}

#[test]
fn no_nested_deployment_is_named_like_one_of_the_driver() {
    let main = json("main.json");
    let resources = main["resources"].as_object().expect("resources");
    let in_group = resources.values().filter(|resource| resource.get("subscriptionId").is_none());
    let names: Vec<_> = in_group.map(|resource| resource["name"].as_str().expect("a name")).collect();
    assert!(names.len() > 5);
    for name in names {
        assert!(name.chars().all(char::is_alphanumeric), "{name} is not a plain name");
        assert!(!name.starts_with("ccslurm4ai"), "{name}: that prefix is how the driver finds its own");
    }
}

/// Every string that is made like a version of three parts.
fn pinned_versions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|member| pinned_versions(member, found)),
        Value::String(text) if text.split('.').count() == 3 => found.push(text.clone()),
        _ => (),
    }
}

#[test]
fn versions_stand_in_one_file() {
    let mut pinned = Vec::new();
    pinned_versions(&json("versions.json"), &mut pinned);
    assert!(pinned.len() > 4, "{pinned:?}");
    let mut seen = 0;
    for folder in ["ansible", "bicep", "scripts", "src"] {
        for (path, text) in texts(&Path::new(ROOT).join(folder)) {
            seen += 1;
            if path.ends_with("bicep/versions.json") || path.ends_with("bicep/main.json") {
                continue;
            }
            for version in &pinned {
                assert!(!text.contains(version), "{} repeats version {version}", path.display());
            }
            if path.extension().is_some_and(|extension| extension == "bicep") {
                for word in ["ubuntu-hpc", "azurecyclecloud", "microsoft-dsvm"] {
                    assert!(!text.contains(word), "{} names the image {word}", path.display());
                }
            }
        }
    }
    assert!(seen > 10);
}

#[test]
fn role_ids_stand_in_one_file() {
    let roles = json("roles.json");
    let roles = roles.as_array().expect("a list of assignments");
    assert!(roles.len() > 5);
    for folder in ["ansible", "bicep", "scripts", "src"] {
        for (path, text) in texts(&Path::new(ROOT).join(folder)) {
            if path.ends_with("bicep/roles.json") || path.ends_with("bicep/main.json") {
                continue;
            }
            for role in roles {
                let id = role["roleId"].as_str().expect("roleId");
                assert!(!text.contains(id), "{} repeats the role id {id}", path.display());
            }
        }
    }
    for role in roles {
        for key in ["name", "why", "source"] {
            assert!(!role[key].as_str().unwrap_or_default().is_empty(), "{role} has no {key}");
        }
    }
}
