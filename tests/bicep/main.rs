//! Rules that the infrastructure templates keep: about the sources and the compiled template here, about what they
//! deploy in the other files. A Bicep compiler is needed; without one the tests fail and say how to get it.

mod compiler;
mod deployed;
mod document;
mod metrics;
mod names;
mod network;
mod picture;
mod roles;
mod sets;

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

/// The files that make the product, with their texts.
fn product() -> Vec<(PathBuf, String)> {
    let folders = ["ansible", "bicep", "scripts", "src"];
    let files: Vec<_> = folders.iter().flat_map(|folder| texts(&Path::new(ROOT).join(folder))).collect();
    assert!(files.len() > 50);
    files
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

/// Names of a template's secure parameters.
fn secure(template: &Value) -> Vec<&String> {
    let parameters = members(template, "parameters");
    let secure = |kind: &Value| kind == "securestring" || kind == "secureObject";
    parameters.filter(|(_, parameter)| secure(&parameter["type"])).map(|(name, _)| name).collect()
}

/// Whether an expression somewhere in a value uses a parameter.
fn uses(value: &Value, parameter: &str) -> bool {
    value.to_string().contains(&format!("parameters('{parameter}')"))
}

#[test]
fn secrets_are_secure_parameters() {
    let main = json("main.json");
    let mut found = 0;
    for template in nested_templates(&main) {
        let secure = secure(template);
        for (name, _) in members(template, "parameters") {
            let secret = ["password", "privatekey", "publickey", "pwd", "secret"]
                .iter()
                .any(|word| name.to_lowercase().contains(word));
            // This one names secrets and holds none.
            assert_eq!(secret && name != "createSecrets", secure.contains(&name), "parameter {name}");
        }
        for name in &secure {
            let default = template["parameters"][name.as_str()].get("defaultValue");
            assert!(default.is_none_or(|value| value == ""), "{name} has a default");
        }
        found += secure.len();
    }
    assert_eq!(found, 4 + 4 + 1 + 1, "main, vault, server and database");
}

#[test]
fn secrets_go_into_secure_parameters_and_no_output() {
    let main = json("main.json");
    let mut handed_on = 0;
    for template in nested_templates(&main) {
        for name in secure(template) {
            for section in ["outputs", "variables"] {
                assert!(!uses(&template[section], name), "{name} is in {section}");
            }
            for (symbol, resource) in members(template, "resources") {
                let inner = &resource["properties"]["template"];
                let given = resource["properties"].get("parameters").filter(|_| inner.is_object());
                for (parameter, value) in given.and_then(Value::as_object).into_iter().flatten() {
                    let safe = !uses(value, name) || secure(inner).contains(&parameter);
                    assert!(safe, "{name} goes into {parameter} of {symbol}, which is not secure");
                    handed_on += usize::from(uses(value, name));
                }
            }
        }
        let outputs = template["outputs"].to_string().to_lowercase();
        for function in ["list", "getsecret"] {
            assert!(!outputs.contains(&format!("[{function}")) && !outputs.contains(&format!("({function}")));
        }
        assert!(!outputs.contains("securestring"), "a secure output is an output nevertheless");
    }
    assert_eq!(handed_on, 4 + 1 + 1, "to vault, server and database");
}

#[test]
fn no_source_says_what_a_reference_says_already() {
    for (path, source) in texts(&templates()) {
        let bicep = path.extension().is_some_and(|extension| extension == "bicep");
        assert!(
            !bicep || !source.contains("dependsOn"),
            "{}: references order everything here",
            path.display()
        );
    }
    let main = json("main.json");
    let mut waits = 0;
    for template in nested_templates(&main) {
        for (symbol, resource) in members(template, "resources") {
            for first in resource["dependsOn"].as_array().into_iter().flatten() {
                let first = first.as_str().expect("a symbol");
                assert!(
                    template["resources"].get(first).is_some(),
                    "{symbol} waits for {first}, which is not there"
                );
                waits += 1;
            }
        }
    }
    assert!(waits > 20, "{waits}");
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

#[test]
fn no_template_names_an_image() {
    for (path, source) in texts(&templates()) {
        let bicep = path.extension().is_some_and(|extension| extension == "bicep");
        for word in ["ubuntu-hpc", "azurecyclecloud", "microsoft-dsvm"] {
            assert!(!bicep || !source.contains(word), "{} names the image {word}", path.display());
        }
    }
    for image in ["cyclecloud", "nodeImages"] {
        assert!(json("versions.json")[image].is_object(), "{image} is in versions.json");
    }
}
