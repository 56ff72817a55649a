//! The sets of parameters in `tests/data/bicep`, and what the official evaluator predicts for each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::compiler::{bicep, predict, templates};

/// The resource group that predictions are made for.
pub const GROUP: &str = "rg1";

/// A set of parameters.
pub struct Set {
    /// Its parameters by name.
    pub parameters: BTreeMap<String, Value>,
    /// What would be deployed, and the outputs.
    pub prediction: Value,
}

static SETS: LazyLock<BTreeMap<String, Set>> = LazyLock::new(|| {
    std::thread::scope(|scope| {
        let running: Vec<_> =
            names().into_iter().map(|name| (name.clone(), scope.spawn(|| read(name)))).collect();
        running.into_iter().map(|(name, thread)| (name, thread.join().expect("a set"))).collect()
    })
});

/// All sets by name.
pub fn all() -> &'static BTreeMap<String, Set> {
    &SETS
}

/// What is predicted for a set.
pub fn prediction(set: &str) -> &'static Value {
    &SETS.get(set).unwrap_or_else(|| panic!("no set {set}")).prediction
}

/// The resources that a set would deploy.
pub fn resources(set: &str) -> &'static [Value] {
    resources_of(prediction(set))
}

/// The resources of a prediction.
pub fn resources_of(prediction: &Value) -> &[Value] {
    prediction["predictedResources"].as_array().expect("predictedResources is a list")
}

/// Those of a type.
pub fn of_type(set: &str, kind: &str) -> Vec<&'static Value> {
    resources(set).iter().filter(|resource| resource["type"] == kind).collect()
}

/// Text of a member.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value} is no text"))
}

/// A folder with our templates and with one more, `many`, whose only parameter is a list of texts: one evaluation of it
/// takes little longer than that of a single text.
pub fn many(template: &str, parameter: &str, values: &BTreeSet<String>) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sources = crate::texts(&templates()).into_iter();
    // Without the linter's configuration: `many` is nobody's template.
    for (path, source) in sources.filter(|(path, _)| !path.ends_with("bicepconfig.json")) {
        let copy = folder.path().join(path.strip_prefix(templates()).expect("below the templates"));
        std::fs::create_dir_all(copy.parent().expect("a folder")).expect("making a folder");
        std::fs::write(copy, source).expect("copying");
    }
    let list: Vec<_> = values.iter().map(|value| format!("'{value}'")).collect();
    let parameters = format!("using 'many.bicep'\n\nparam {parameter} = [{}]\n", list.join(", "));
    std::fs::write(folder.path().join("many.bicep"), template).expect("writing");
    std::fs::write(folder.path().join("many.bicepparam"), parameters).expect("writing");
    folder
}

fn names() -> Vec<String> {
    let folder = Path::new(crate::ROOT).join("tests/data/bicep");
    let files = std::fs::read_dir(folder).expect("the sets").map(|entry| entry.expect("an entry").path());
    let sets = files.filter(|path| path.extension().is_some_and(|extension| extension == "bicepparam"));
    sets.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

fn read(name: String) -> Set {
    Set { parameters: parameters(&name), prediction: predict(&name, GROUP) }
}

fn parameters(name: &str) -> BTreeMap<String, Value> {
    let folder = Path::new(crate::ROOT).join("tests/data/bicep");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let main = scratch.path().join("main.json");
    std::fs::copy(templates().join("main.json"), main).expect("copying main.json");
    let file = format!("{name}.bicepparam");
    std::fs::copy(folder.join(&file), scratch.path().join(&file)).expect("copying the parameters");
    let output = bicep(&["build-params", &file, "--outfile", "out.json"], scratch.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document = std::fs::read(scratch.path().join("out.json")).expect("reading the parameters");
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    let parameters = document["parameters"].as_object().expect("parameters");
    parameters.iter().map(|(name, parameter)| (name.clone(), parameter["value"].clone())).collect()
}
