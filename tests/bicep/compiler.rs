//! The Bicep compiler, as the tests run it. The twin's tests use this file too.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Subscription that predictions are made for.
pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";

/// The folder of the templates.
pub fn templates() -> PathBuf {
    Path::new(crate::ROOT).join("bicep")
}

/// Runs the compiler of `$BICEP`, else the one on PATH.
pub fn bicep(arguments: &[&str], folder: &Path) -> Output {
    let program = std::env::var_os("BICEP").unwrap_or_else(|| "bicep".into());
    Command::new(&program).args(arguments).current_dir(folder).output().unwrap_or_else(|error| {
        panic!(
            "running {}: {error}; set BICEP to a Bicep compiler (`az bicep install` puts one into ~/.azure/bin)",
            program.display()
        )
    })
}

/// What the official evaluator makes of `main.json` with one set of parameters: `{predictedResources, outputs, …}`.
pub fn predict(parameters: &str, group: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("{parameters}.bicepparam");
    let sets = Path::new(crate::ROOT).join("tests/data/bicep");
    std::fs::copy(sets.join(&file), folder.path().join(&file)).expect("copying the parameters");
    std::fs::copy(templates().join("main.json"), folder.path().join("main.json")).expect("copying main.json");
    snapshot(folder.path(), parameters, group)
}

/// What the official evaluator predicts for `<parameters>.bicepparam` in a folder.
pub fn snapshot(folder: &Path, parameters: &str, group: &str) -> Value {
    let file = format!("{parameters}.bicepparam");
    let tenant = "00000000-0000-0000-0000-000000000002";
    let place = ["--subscription-id", SUBSCRIPTION, "--tenant-id", tenant, "--location", "eastus"];
    let arguments = [&["snapshot", &file, "--resource-group", group], &place[..]].concat();
    let output = bicep(&arguments, folder);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "bicep snapshot of {parameters}: {errors}");
    let snapshot = std::fs::read(folder.join(format!("{parameters}.snapshot.json")));
    serde_json::from_slice(&snapshot.expect("reading the snapshot")).expect("a snapshot is JSON")
}
