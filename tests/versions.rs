//! Versions of what we build on stand in `bicep/versions.json` alone.
//!
//! A search for the versions of today would find nothing once one is raised in one of two places. So besides them
//! the shapes in which a version is written down are looked for: of images, of Python packages, of a property or
//! variable named so. What a sentence says of a version ("since 8.7") decides nothing and is not looked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Files with versions that decide nothing in the product.
const EXEMPT: [(&str, &str); 7] = [
    ("ansible/playbooks/roles/cyclecloud_cluster/files/cc_projects/", "versions of our own projects"),
    ("bicep/versions.json", "their home"),
    ("bicep/main.json", "compiled from it"),
    ("tests/data/", "recorded by others"),
    ("twin/tests/data/", "recorded by others"),
    ("twin/src/azure/data/images.yaml", "what the simulated marketplace offers, whatever we ask for"),
    ("twin/tests/azure_recordings/", "asks that marketplace for some of it"),
];

/// Where a property or variable that is named so decides on a version.
const DECIDING: [&str; 4] = ["bicep/", "ansible/", "scripts/", "src/"];

/// Versions of interfaces, which change with the code that speaks to them.
const INTERFACES: [&str; 5] =
    ["api-version", "apiversion", "contentversion", "languageversion", "callback_version"];

/// Every version in `versions.json`: all its texts that begin with a digit, but for the names of images.
fn pinned(value: &Value, key: &str) -> Vec<String> {
    match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| pinned(value, key)).collect(),
        Value::String(text) if key != "sku" && text.starts_with(|c: char| c.is_ascii_digit()) => {
            vec![text.clone()]
        }
        _ => Vec::new(),
    }
}

/// What in `line` of the file `name` is a version.
fn found(name: &str, line: &str, pinned: &[String]) -> Vec<String> {
    let deciding = DECIDING.iter().any(|folder| name.starts_with(folder)) && !is_comment(line);
    let mut found: Vec<String> = words(line).filter(|word| is_image(word)).map(str::to_owned).collect();
    for version in pinned {
        let whole = version.matches('.').count() > 1 && words(line).any(|word| word == version);
        let quoted =
            deciding && ["'", "\""].iter().any(|mark| line.contains(&format!("{mark}{version}{mark}")));
        if whole || quoted {
            found.push(version.clone());
        }
    }
    if line.split("==").skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit())) {
        found.push("a pinned package".to_owned());
    }
    if deciding && assigns(line) {
        found.push(line.trim().to_owned());
    }
    found
}

/// The parts of a line that may be versions.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).map(|word| word.trim_matches('.'))
}

/// `8.9.120260630`, `22.04.2026072001`: two short numbers and a date.
fn is_image(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3
        && parts.iter().all(digits)
        && parts[0].len() < 3
        && parts[1].len() < 3
        && parts[2].len() > 7
}

/// `version: '8.4'`, `grafanaMajorVersion: '12'`, `slurm_version = 25.11.5`.
fn assigns(line: &str) -> bool {
    let Some((key, value)) = line.split_once([':', '=']) else { return false };
    let key = key.trim_end_matches([' ', '"', '\'', '?']).to_lowercase();
    let named = key.ends_with("version") && !INTERFACES.iter().any(|other| key.ends_with(other));
    let value = value.trim_start();
    let bare = value.trim_start_matches(['"', '\'']);
    let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(bare.len());
    named && bare.starts_with(|c: char| c.is_ascii_digit()) && (bare != value || bare[..end].contains('.'))
}

fn is_comment(line: &str) -> bool {
    ["//", "#"].iter().any(|comment| line.trim_start().starts_with(comment))
}

/// Every text file of the checkout, by its path in it.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_symlink() || ["target", ".git", "Cargo.lock"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn no_version_stands_elsewhere() {
    let text = fs::read_to_string(Path::new(ROOT).join("bicep/versions.json")).expect("versions");
    let pinned = pinned(&serde_json::from_str(&text).expect("JSON"), "");
    assert!(pinned.len() >= 6, "{pinned:?}");
    let mut paths = Vec::new();
    files(Path::new(ROOT), &mut paths);
    let (mut read, mut wrong, mut needed) = (0, Vec::new(), BTreeSet::new());
    for path in &paths {
        let Ok(text) = fs::read_to_string(path) else { continue };
        let name = path.strip_prefix(ROOT).expect("ours").to_string_lossy().into_owned();
        read += 1;
        if name == "tests/versions.rs" {
            continue; // whose examples are below
        }
        for (number, line) in (1..).zip(text.lines()) {
            let found = found(&name, line, &pinned);
            match EXEMPT.iter().find(|(exempt, _)| name.starts_with(exempt)) {
                Some((exempt, _)) if !found.is_empty() => drop(needed.insert(*exempt)),
                Some(_) => {}
                None => wrong.extend(found.iter().map(|found| format!("{name}:{number}: {found}"))),
            }
        }
    }
    println!("{read} files, {} versions", pinned.len());
    assert!(read > 200, "{read}");
    assert_eq!(wrong, [""; 0], "a version outside bicep/versions.json");
    let idle: Vec<_> = EXEMPT.iter().filter(|(exempt, _)| !needed.contains(exempt)).collect();
    assert!(idle.is_empty(), "exempt for nothing: {idle:?}");
}

/// A version in any of the forms it could slip in by is found; a fact, a name or an api-version is not one.
#[test]
fn a_version_that_slips_in_is_found() {
    let pinned = ["2.19.14", "8.9.120260630", "12", "8.4", "25.11.5"].map(str::to_owned);
    let slips = [
        ("bicep/modules/mySql.bicep", "    version: '8.4'"),
        ("bicep/modules/mySql.bicep", "    version: '8.0.21'"),
        ("bicep/modules/grafana.bicep", "    grafanaMajorVersion: '11'"),
        ("bicep/modules/server.bicep", "var image = { version: '8.8.020251103' }"),
        ("bicep/main.bicep", "param release string = '8.4'"),
        ("ansible/playbooks/roles/x/defaults/main.yml", "slurm_version: 23.11.7"),
        ("ansible/playbooks/roles/x/defaults/main.yml", "x_slurm: \"25.11.5\""),
        ("ansible/playbooks/roles/x/templates/p.json.j2", "  \"SlurmVersion\": \"24.05.1\","),
        (
            "ansible/playbooks/roles/x/templates/p.txt.j2",
            "ImageName = microsoft-dsvm:ubuntu-hpc:2204:22.04.2024102301",
        ),
        ("scripts/lib.sh", "pip install ansible-core==2.17.1"),
        ("scripts/lib.sh", "readonly core_version=2.17.1"),
        ("src/ansible/environment.rs", "const VERSION: &str = \"2.19.14\";"),
        ("src/commands/install.rs", "    let grafana = \"12\";"),
        ("README.md", "It installs 25.11.5."),
        ("docs/x.md", "az vm image show --urn a:b:c:24.04.2026072901"),
    ];
    for (name, line) in slips {
        assert!(!found(name, line, &pinned).is_empty(), "not found in {name}: {line}");
    }
    let innocent = [
        ("bicep/modules/mySql.bicep", "    version: loadJsonContent('../versions.json', '$.mySql')"),
        ("bicep/main.bicep", "resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {"),
        ("bicep/main.bicep", "// version: '8.4' is what we want"),
        ("ansible/playbooks/roles/x/vars/main.yml", "    config_version: 1"),
        ("ansible/playbooks/roles/x/tasks/main.yml", "  version: \"{{ versions.slurm }}\""),
        ("src/azure/failed.rs", "/// What az (2.91) says. Source: azure-cli."),
        ("src/config/rules.rs", "    one_of(text, &[\"ubuntu2404\", \"ubuntu2204\"])"),
        ("src/parameters.rs", "        \"contentVersion\": \"1.0.0.0\","),
        ("src/checks/programs.rs", "const AZ: Version = (2, 62);"),
        ("README.md", "CycleCloud 8.8 and later; 10.64.0.0/16; 12 nodes; 8.4 GB."),
        ("Cargo.toml", "serde = { version = \"1.0\", features = [\"derive\"] }"),
    ];
    for (name, line) in innocent {
        assert_eq!(found(name, line, &pinned), [""; 0], "{name}: {line}");
    }
    println!("{} cases", slips.len() + innocent.len());
}
