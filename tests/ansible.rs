//! Rules that every playbook, role and program under `ansible/` keeps.

#![allow(clippy::unwrap_used, reason = "a test that finds something unexpected may panic")]

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};
use serde_yaml::{Mapping, Value};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const ROLES: &str = "ansible/playbooks/roles";

/// Tasks that say of themselves that they never change or fail, or whose failure is ignored. Reviewed: each only reads
/// or waits. At most ten, and a new one needs a line here.
const REVIEWED: [(&str, &str); 3] = [
    ("CycleCloud answers", "changed_when"),
    ("Subscription's account is looked up", "changed_when"),
    ("Cluster is looked up", "changed_when"),
];

/// Everything of a task that is not its module.
const KEYWORDS: [&str; 20] = [
    "name",
    "when",
    "loop",
    "loop_control",
    "register",
    "vars",
    "changed_when",
    "failed_when",
    "ignore_errors",
    "until",
    "retries",
    "delay",
    "notify",
    "no_log",
    "timeout",
    "become",
    "delegate_to",
    "run_once",
    "tags",
    "environment",
];

struct Task {
    file: PathBuf,
    name: String,
    fields: Mapping,
}

impl Task {
    fn module(&self) -> &str {
        let found: Vec<&str> =
            self.fields.keys().filter_map(Value::as_str).filter(|key| !KEYWORDS.contains(key)).collect();
        assert_eq!(
            found.len(),
            1,
            "{}: task \"{}\" has not one module: {found:?}",
            self.file.display(),
            self.name
        );
        found[0]
    }

    fn text(&self) -> String {
        serde_yaml::to_string(&self.fields).unwrap()
    }
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, extension, found);
            } else if path.extension().is_some_and(|end| end == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(ROOT).join(folder), extension, &mut found);
    found.sort();
    found
}

fn yaml(path: &Path) -> Value {
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn add_tasks(file: &Path, list: &Value, found: &mut Vec<Task>) {
    for entry in list.as_sequence().into_iter().flatten() {
        let fields = entry.as_mapping().unwrap();
        for part in ["block", "rescue", "always", "pre_tasks", "tasks", "post_tasks", "handlers"] {
            if let Some(inner) = fields.get(part) {
                add_tasks(file, inner, found);
            }
        }
        if !fields.contains_key("block") && !fields.contains_key("hosts") {
            let name = fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            found.push(Task { file: file.to_owned(), name, fields: fields.clone() });
        }
    }
}

fn tasks() -> Vec<Task> {
    let mut found = Vec::new();
    for file in files("ansible/playbooks", "yml") {
        let folder = file.parent().unwrap().file_name().unwrap();
        if ["playbooks", "tasks", "handlers"].iter().any(|name| folder == *name) {
            add_tasks(&file, &yaml(&file), &mut found);
        }
    }
    assert!(found.len() > 20, "only {} tasks were found", found.len());
    found
}

fn roles() -> Vec<PathBuf> {
    let mut roles: Vec<PathBuf> =
        fs::read_dir(Path::new(ROOT).join(ROLES)).unwrap().map(|entry| entry.unwrap().path()).collect();
    roles.sort();
    roles
}

#[test]
fn modules_are_ansible_builtin_and_no_shell() {
    for task in tasks() {
        let module = task.module();
        assert!(
            module.starts_with("ansible.builtin."),
            "{}: {module} of \"{}\"",
            task.file.display(),
            task.name
        );
        assert_ne!(module, "ansible.builtin.shell", "{}: \"{}\"", task.file.display(), task.name);
    }
}

#[test]
fn results_are_honest_but_for_the_reviewed_reads() {
    let mut found = BTreeSet::new();
    for task in tasks() {
        for key in ["changed_when", "failed_when", "ignore_errors"] {
            let never = task.fields.get(key).and_then(Value::as_bool);
            if never == Some(key == "ignore_errors") {
                found.insert((task.name.clone(), key));
            }
        }
    }
    let reviewed = REVIEWED.map(|(name, key)| (name.to_owned(), key));
    assert!(reviewed.len() <= 10);
    assert_eq!(found, BTreeSet::from(reviewed));
}

#[test]
fn tasks_have_names_of_their_own() {
    let mut seen = HashSet::new();
    for task in tasks() {
        assert!(!task.name.is_empty(), "{}: a task has no name", task.file.display());
        assert!(seen.insert(task.name.clone()), "{}: \"{}\" is a name twice", task.file.display(), task.name);
    }
}

/// What may wait has an end: programs called directly by the task's own `timeout`, our programs by theirs.
#[test]
fn commands_are_bounded() {
    for task in tasks() {
        let text = task.text();
        let direct =
            text.contains("/usr/local/bin/cyclecloud") || text.contains("/opt/cycle_server/cycle_server ");
        assert!(
            !direct || task.fields.contains_key("timeout"),
            "{}: \"{}\" needs a timeout",
            task.file.display(),
            task.name
        );
    }
}

/// No task holds a password: programs on the server read them. One that ever must is hidden.
#[test]
fn passwords_stay_out_of_tasks() {
    for task in tasks() {
        let text = task.text().to_lowercase();
        if ["password", "rawpassword", "private_key", "access_token"].iter().any(|word| text.contains(word)) {
            let hidden = task.fields.get("no_log").and_then(Value::as_bool);
            assert_eq!(hidden, Some(true), "{}: \"{}\" needs no_log", task.file.display(), task.name);
        }
    }
    for file in files(ROLES, "py") {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("--password"), "{}: a password on a command line", file.display());
    }
}

#[test]
fn every_role_explains_itself_and_its_variables() {
    for role in roles() {
        let prefix = role.file_name().unwrap().to_str().unwrap().to_owned() + "_";
        let readme = fs::read_to_string(role.join("README.md"))
            .unwrap_or_else(|error| panic!("{} has no README.md: {error}", role.display()));
        for variable in yaml(&role.join("defaults/main.yml")).as_mapping().unwrap().keys() {
            let variable = variable.as_str().unwrap();
            assert!(variable.starts_with(&prefix), "{}: {variable} lacks the role's name", role.display());
            assert!(readme.contains(&format!("`{variable}`")), "{}: README lacks {variable}", role.display());
        }
    }
}

/// Ansible checks each role's variables against its `meta/argument_specs.yml` before the role runs.
#[test]
fn every_role_declares_its_variables() {
    for role in roles() {
        let specs = yaml(&role.join("meta/argument_specs.yml"));
        let main = &specs["argument_specs"]["main"];
        assert!(main["short_description"].is_string(), "{}", role.display());
        let options = main["options"].as_mapping().unwrap();
        let names = |mapping: &Mapping| -> BTreeSet<String> {
            mapping.keys().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let defaults = yaml(&role.join("defaults/main.yml"));
        assert_eq!(names(options), names(defaults.as_mapping().unwrap()), "{}", role.display());
        for (name, option) in options {
            assert!(option["type"].is_string() && option["description"].is_string(), "{name:?}");
        }
    }
}

#[test]
fn node_scripts_are_strict_and_say_what_they_do() {
    let scripts = files(&format!("{ROLES}/cyclecloud_cluster/files/cc_projects"), "sh");
    assert!(!scripts.is_empty());
    for script in scripts {
        let text = fs::read_to_string(&script).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("# "), "{}: the second line says what it does", script.display());
        if lines[0] == "# shellcheck shell=bash" {
            assert!(text.contains("ourced, not run"), "{}", script.display());
            continue;
        }
        assert_eq!(lines[0], "#!/usr/bin/env bash", "{}", script.display());
        assert!(text.contains("euo pipefail"), "{}", script.display());
    }
}

/// Runs a folder of Python tests.
fn passes(python: &Path, folder: &str, modules: &str) {
    let output = Command::new(python)
        .args(["-m", "unittest", "discover", "-s", folder])
        .current_dir(ROOT)
        .env("PYTHONPATH", modules)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    println!("{}", said.lines().find(|line| line.starts_with("Ran ")).expect("a number of tests"));
}

#[test]
fn programs_for_the_server_pass_their_tests() {
    let modules = [
        "ansible/playbooks/roles/cyclecloud/files/server",
        "ansible/playbooks/roles/cyclecloud_cluster/files/server",
        "ansible/playbooks/roles/cyclecloud_cluster/filter_plugins",
        "twin/hosts/server/opt/cycle_server",
        "twin/hosts/every/opt/ccslurm4ai-twin/lib",
    ]
    .map(|folder| format!("{ROOT}/{folder}"));
    passes(Path::new("python3"), "tests/server_programs", &modules.join(":"));
}

/// The twin's server has stand-ins where the role looks for the versions it wants; nothing can be fetched there.
#[test]
fn the_twin_has_the_metrics_programs_of_these_versions() {
    let versions = yaml(&Path::new(ROOT).join("bicep/versions.json"));
    for (name, key) in [("prometheus", "prometheus"), ("node_exporter", "nodeExporter")] {
        let version = versions[key]["version"].as_str().unwrap();
        let program =
            format!("{ROOT}/twin/hosts/server/opt/ccslurm4ai-metrics/{name}-{version}.linux-amd64/{name}");
        assert!(Path::new(&program).exists(), "{program} is missing: rename its folder");
    }
}

/// With stand-in programs that replay recorded outputs.
#[test]
fn scripts_for_the_nodes_pass_their_tests() {
    passes(Path::new("python3"), "tests/projects", "");
}

#[test]
fn every_project_explains_itself_and_runs_somewhere() {
    let nodes = yaml(&Path::new(ROOT).join(ROLES).join("cyclecloud_cluster/defaults/main.yml"));
    let nodes = nodes["cyclecloud_cluster_project_nodes"].as_mapping().unwrap();
    let projects = files(&format!("{ROLES}/cyclecloud_cluster/files/cc_projects"), "ini");
    let readme =
        fs::read_to_string(Path::new(ROOT).join(ROLES).join("cyclecloud_cluster/README.md")).unwrap();
    for project in &projects {
        let folder = project.parent().unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(nodes.contains_key(name), "{name} runs on no node");
        assert!(folder.join("README.md").exists(), "{name} has no README.md");
        assert!(readme.contains(&format!("`{name}`")), "the role's README lacks {name}");
    }
    assert_eq!(projects.len(), nodes.len(), "a project that is to run does not exist");
}

/// A program of the pinned ansible-core.
fn of_ansible(program: &str) -> PathBuf {
    let setup = assert_cmd::Command::cargo_bin("ccslurm4ai")
        .unwrap()
        .args(["setup", "--output", "json"])
        .assert()
        .success();
    let answer: Json = serde_json::from_slice(&setup.get_output().stdout).unwrap();
    Path::new(answer["result"]["folder"].as_str().unwrap()).join("bin").join(program)
}

/// Rendered by the pinned ansible-core, read by the twin's CycleCloud.
#[test]
fn the_cluster_template_holds_for_every_option_and_size() {
    passes(&of_ansible("python"), "tests/cluster_template", "");
}

/// What the first play says of some variables; nothing when they are complete.
fn complaint(variables: &Json) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), variables.to_string()).unwrap();
    let output = Command::new(of_ansible("ansible-playbook"))
        .args(["-i", "cycleserver,localhost,", "--limit", "localhost", "playbooks/site.yml", "-e"])
        .arg(format!("@{}", file.path().display()))
        .current_dir(Path::new(ROOT).join("ansible"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Json> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.last().expect("a run has events")["event"], "stats");
    let failed = events.iter().find(|event| event["status"] == "failed")?;
    Some(failed["message"].as_str().unwrap().to_owned())
}

#[test]
fn a_broken_contract_names_the_side_that_broke_it() {
    let complete = json!({
        "globalVars": {
            "clusterSubnetName": "compute", "clusterSubnetResourceGroup": "rg", "cycleserverAdmin": "admin",
            "cycleserverId": "/id", "cycleserverName": "server", "keyVaultName": "kv",
            "lockerAccountName": "locker", "lockerIdentityId": "/locker", "region": "eastus",
            "resourceGroup": "rg", "subscriptionId": "s", "subscriptionName": "S", "tenantId": "t",
            "vnetName": "vnet", "loginNodeCount": 1, "anfSharedIP": "", "anfSharedPath": "",
            "mySqlFqdn": "db", "mySqlUser": "user",
        },
        "ccslurm4ai": {
            "admin_user": "admin", "cluster_name": "c", "hpc_sku": "a", "htc_sku": "b", "login_sku": "c",
            "region": "eastus", "resource_group": "rg", "scheduler_sku": "d", "ssh_public_key": "ssh-rsa A",
            "hpc_max_core_count": 96, "hpc_max_num_vms": 1, "hpc_node_count": 1, "htc_max_core_count": 2,
            "login_nodes": 1, "autoscale": false, "accounting": true, "monitoring": false, "force": false, "hpc_infiniband": true, "hpc_unreported_gpus": null, "node_tags": {},
            "storage": { "type": "nfs", "size_gib": 100 }, "zone": null,
            "images": { "hpc": "i", "htc": "i", "login": "i", "scheduler": "i" },
        },
    });
    assert_eq!(complaint(&complete), None);
    let cases = [
        (
            "/globalVars/mySqlFqdn",
            json!(""),
            "globalVars.mySqlFqdn and mySqlUser must be texts with accounting: true",
        ),
        (
            "/ccslurm4ai/storage",
            json!({ "type": "anf" }),
            "globalVars.anfSharedIP and anfSharedPath must be texts",
        ),
        (
            "/ccslurm4ai/storage",
            json!({ "type": "existing" }),
            "ccslurm4ai.storage must be one of anf, nfs, existing",
        ),
        (
            "/ccslurm4ai/monitoring",
            json!("no"),
            "ccslurm4ai.autoscale, accounting, monitoring, force and hpc_infiniband must be true or false",
        ),
        ("/ccslurm4ai/login_nodes", json!(2), "differ between the deployment's outputs and config.yaml"),
    ];
    for (place, value, expected) in cases {
        let mut broken = complete.clone();
        *broken.pointer_mut(place).unwrap() = value;
        let said = complaint(&broken).unwrap_or_default();
        assert!(said.contains(expected), "{place}: {said}");
    }
}
