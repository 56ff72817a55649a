//! `Config::load` on files: every kind of right and wrong, through the one public door.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::keys::Holds;
use super::*;

mod accepted;
mod combinations;
mod example;
mod schema;

const GOOD: &str = "\
region: eastus
subscription_name: My Subscription
resource_group_name: ai-cluster
hpc_sku: Standard_ND96isr_H100_v5
hpc_max_core_count: 192
";

const EVERY_KEY: &str = "\
region: westeurope
subscription_id: 0F1E2D3C-0000-4000-8000-AABBCCDDEEFF
resource_group_name: (ai)_cluster.1
hpc_sku: standard_nd96AMSR_a100_v4
hpc_max_core_count: 960
hpc_max_num_vms: 10
resource_group_tags: {owner: ml team}
monitor_tags: {}
tags: {Environment: Test, cost_center: 4711, ratio: 1.10, urgent: true, empty: }
cluster_name: vision
admin_user: hpc-admin
ssh_public_key_file: keys/id.pub
os: ubuntu2204
scheduler_sku: standard_d4ads_v5
login_sku: Standard_D16ads_v5
htc_sku: Standard_F72s_v2
server_sku: Standard_E8s_v6
login_nodes: 0
htc_max_core_count: 144
autoscale: true
accounting: false
monitoring: false
storage: {type: existing, address: files.example.org, export_path: /export/home, mount_options: 'vers=4.1,hard,x-systemd.automount'}
network:
  type: existing
  subnets:
    cyclecloud: /subscriptions/0f1e2d3c-0000-4000-8000-aabbccddeeff/resourcegroups/Hub/providers/Microsoft.Network/virtualNetworks/spoke/subnets/server
    compute: /subscriptions/0F1E2D3C-0000-4000-8000-AABBCCDDEEFF/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/Spoke/subnets/nodes
    endpoints: /subscriptions/0f1e2d3c-0000-4000-8000-aabbccddeeff/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/spoke/subnets/nodes
  bastion: /subscriptions/99999999-0000-4000-8000-aabbccddeeff/resourceGroups/hub/providers/Microsoft.Network/bastionHosts/hub
  private_dns: existing
subscription_reader: existing
zone: 2
";

// Made with ssh-keygen for this test; nobody holds the private halves.
const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG01bMXtxnwtvrWNbQEKtBte20kLKEmnKYb9HrZcd3Cl user@host";
const RSA_2048: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDMYYaONKsQzOvygRFchs2y+Jj4CEUAWTHTJbR+gj6Mc6PQ1MJXYSCGqpiuoq9anz4LeuJWlIdYHEsIGPRH1UkXUdhTclnnfd3PtjE4x1g9a5jU5sm6fGiinfCPZLgg3Hi1IhDo1HTY6N9ufVC+4z5rYzwe565Z54XUDuEJnBgeHrXt0NG7ekqHQiADPHYnJwR4G1cR4lKKTK9Mi1G4mENW5Vq5cAUsmpyNB74LxU9WhI7qdL9/hhpADZd1E5ZELtmp1gybSTIoSVeKWaZkAy4hb6zMrx3xgq/FwJ5TGODL2O4UFpZpw+1rbgJbNhvlpOpSER8h7uw/bfZ1z+h/wdP5 user@host";
const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCq5ANJs3CJ6Rz4kRMX7CtV9K1w3JG/uzSn6a0AHTqPAR2i6lIe0I86zvx6efITDVRiUZRtFBgagdg8rldsSqPTiUdQfTOBP+Mu3Xb4JbOA+41VQGntS9X2cuDo/f9kINSs0gwwOElF/K4nqkoqJHT5LmVcruts5Efi9NJJAswnsw== user@host";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHocX38WOxbKU9QCN+UFmyYg2/RFMr6+3uZL6pWPQ39ZkOOkVPn/Jup16kfjH/VuntXr2KzjnnRcgoLytbyNhlY= user@host";

/// A folder with `config.yaml` of that content.
fn folder(content: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), content).unwrap();
    folder
}

/// The configuration with its warnings, or all problems as the user reads them.
type Loaded = Result<(Config, Vec<String>), String>;

fn load_in(folder: &Path) -> Loaded {
    let here = format!("{}/", folder.display());
    let loaded = Config::load(&folder.join("config.yaml"), None);
    let loaded = loaded.map(|(config, warnings)| {
        (config, warnings.iter().map(|warning| warning.to_string().replace(&here, "")).collect())
    });
    loaded.map_err(|error| {
        let failure = error.downcast_ref::<Failure>().expect("a Failure");
        assert_eq!(failure.exit, Exit::Config);
        assert!(failure.problems.iter().all(|problem| problem.file.is_some()), "{failure}");
        failure.to_string().replace(&here, "")
    })
}

fn load(content: impl AsRef<[u8]>) -> Loaded {
    load_in(folder(content.as_ref()).path())
}

/// The keys that hold one value.
pub fn single_values() -> impl Iterator<Item = &'static str> {
    let single = |field: &&keys::Field| !matches!(field.holds, Holds::Tags(_) | Holds::OneOf(_));
    keys::KEYS.iter().filter(single).map(|field| field.name)
}

/// The good file with `lines` added, their keys taken out of it first.
fn with(lines: &str) -> String {
    let keys: Vec<_> = lines.lines().filter_map(|line| line.split(':').next()).collect();
    let kept = GOOD.lines().filter(|line| !keys.contains(&line.split(':').next().unwrap()));
    kept.chain(lines.lines()).collect::<Vec<_>>().join("\n")
}

/// What the user reads for each case, and how many cases there were.
fn answers<'a>(cases: impl IntoIterator<Item = (&'a str, Loaded)>) -> String {
    let mut text = String::new();
    let mut count = 0;
    for (case, answer) in cases {
        let answer = match answer {
            Ok((_, warnings)) if warnings.is_empty() => panic!("accepted without a word: {case}"),
            Ok((_, warnings)) => warnings.iter().map(|warning| format!("warning: {warning}\n")).collect(),
            Err(message) => format!("{message}\n"),
        };
        writeln!(text, "## {}\n{answer}", case.escape_debug().to_string().replace("\\'", "'")).unwrap();
        count += 1;
    }
    println!("{count} cases");
    text
}

#[test]
fn the_smallest_file_gets_the_defaults() {
    let (mut config, warnings) = load(GOOD).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    config.places = Places::default();
    insta::assert_debug_snapshot!(config);
}

#[test]
fn every_key_arrives() {
    let folder = folder(EVERY_KEY.as_bytes());
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(folder.path().join("keys/id.pub"), format!("{ED25519}\n")).unwrap();
    let (mut config, warnings) = load_in(folder.path()).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(config.hpc_node_count(), 10);
    let key = config.ssh_public_key_file.take().unwrap();
    assert_eq!(key, folder.path().join("keys/id.pub"));
    let places = std::mem::take(&mut config.places);
    let zone = places.of("zone").unwrap();
    assert_eq!((zone.0.ends_with("config.yaml"), zone.1, zone.2, places.of("nodes")), (true, 33, 7, None));
    insta::assert_debug_snapshot!(config);
}

#[test]
fn scalars_are_kept_as_written() {
    let (config, _) =
        load(with("tags: {a: 007, b: 1.10, c: 0x1F, d: 'null', e: yes, f: ~, g: \"$(id)\"}")).unwrap();
    let tags: Vec<_> = config.tags.values().map(String::as_str).collect();
    assert_eq!(tags, ["007", "1.10", "0x1F", "null", "yes", "", "$(id)"]);
    assert_eq!(
        load(with("subscription_name: 0123")).unwrap().0.subscription,
        Subscription::Name("0123".into())
    );
}

/// `line` of a table, `\\n` being a line break and `$NAME/` the subnets of a network.
fn written(line: &str) -> String {
    let networks = [
        ("$spoke/", "11111111-2222-3333-4444-555555555555", "spoke"),
        ("$other/", "11111111-2222-3333-4444-555555555555", "other"),
        ("$foreign/", "99999999-2222-3333-4444-555555555555", "spoke"),
    ];
    let line = line.replace("\\n", "\n");
    networks.iter().fold(line, |line, (short, subscription, network)| {
        let provider = "providers/Microsoft.Network/virtualNetworks";
        line.replace(
            short,
            &format!("/subscriptions/{subscription}/resourceGroups/hub/{provider}/{network}/subnets/"),
        )
    })
}

fn wrong_lines() -> impl Iterator<Item = &'static str> {
    include_str!("wrong-values.txt").lines().filter(|line| !line.is_empty())
}

#[test]
fn wrong_values() {
    let lines = wrong_lines();
    insta::assert_snapshot!(answers(lines.map(|line| (line, load(with(&written(line)))))));
}

#[test]
fn wrong_files() {
    let deep = "[".repeat(100_000);
    let twice = format!("{GOOD}---\n{GOOD}");
    let lost = GOOD.replace("region: eastus\n", "");
    let bomb = with("tags: &a {x: &b [*b]}");
    let cases: [(&str, &[u8]); 22] = [
        ("empty", b""),
        ("blank", b"  \n\n"),
        ("only a comment", b"# nothing\n"),
        ("only a document start", b"---\n"),
        ("binary", b"\x7fELF\x02\x01\x01\0\0\0"),
        ("latin 1", b"region: \xe9astus\n"),
        ("utf-16", b"\xff\xfer\0e\0g\0"),
        ("terminal escape", b"region: \x1b[31mred\n"),
        ("unicode line break", "region: a\u{2028}b\n".as_bytes()),
        ("a list", b"- region: eastus\n"),
        ("a sentence", b"hello world\n"),
        ("tab as indentation", b"tags:\n\ta: b\n"),
        ("tab before a key", b"region: eastus\n\thpc_sku: x\n"),
        ("open quote", b"region: \"eastus\n"),
        ("open brace", b"tags: {a: b\n"),
        ("no blank after the colon", b"region:eastus\nhpc_sku: x\n"),
        ("nested deep", b"tags: [[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]\n"),
        ("nested very deep", deep.as_bytes()),
        ("two documents", twice.as_bytes()),
        ("a required key missing", lost.as_bytes()),
        ("alias in its own anchor", bomb.as_bytes()),
        ("unknown alias", b"tags: *nowhere\n"),
    ];
    insta::assert_snapshot!(answers(cases.map(|(name, content)| (name, load(content)))));
}

#[test]
fn all_problems_at_once_in_the_order_of_the_file() {
    let content = "\
regoin: eastus
subscription_name: a
hpc_sku: Standard_ND96isr_H100
hpc_max_core_count: many
subscription_id: b
tags:
  a: [1]
  a: x
login_nodes: 11
region: 'East US'
network:
  adress_space: 10.0.0.0/8
";
    insta::assert_snapshot!(load(content).unwrap_err());
}

#[test]
fn what_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let mut cases = vec![("missing", load_in(folder.path()))];
    fs::create_dir(&path).unwrap();
    cases.push(("a folder", load_in(folder.path())));
    fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    cases.push(("a device", load_in(folder.path())));
    fs::remove_file(&path).unwrap();

    fs::write(&path, "a: b\n".repeat(2_000_000)).unwrap();
    let start = Instant::now();
    cases.push(("10 MB", load_in(folder.path())));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    insta::assert_snapshot!(answers(cases));
}

#[test]
fn hostile_files_end_quickly() {
    let cases = [
        ("unknown keys", (0..60_000).map(|n| format!("key{n}: {n}\n")).collect::<String>()),
        ("one long key", format!("{}: x\n", "k".repeat(500_000))),
        ("one long value", format!("region: {}\n", "v".repeat(500_000))),
        ("braces", "{".repeat(1_000_000)),
        ("questions", "? ".repeat(400_000)),
        ("dashes", "- ".repeat(400_000)),
        ("quotes", "'".repeat(1_000_001)),
        ("billion laughs", laughs()),
        ("tags", format!("tags:\n{}", (0..60_000).map(|n| format!("  t{n}: {n}\n")).collect::<String>())),
    ];
    for (name, content) in &cases {
        let start = Instant::now();
        let message = load(content).unwrap_err();
        let time = start.elapsed();
        println!("{name}: {time:?}, {} bytes of message", message.len());
        assert!(time < Duration::from_secs(5), "{name}: {time:?}");
        assert!(message.len() < 100_000, "{name}");
    }
}

/// Each level holds the one before it ten times.
fn laughs() -> String {
    let levels = (1..12).map(|n| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 10].join(", ")));
    std::iter::once("l0: &l0 lol\n".to_owned()).chain(levels).collect()
}

#[test]
fn shell_metacharacters_are_refused_or_kept_as_data() {
    const HOSTILE: [&str; 14] = [
        "$(touch x)",
        "`id`",
        "a; id",
        "a && id",
        "a | id",
        "a > x",
        "it's",
        "say \"x\"",
        "a\\b",
        "${HOME}",
        "*",
        "-rf",
        "!x",
        "../../etc/passwd",
    ];
    let mut kept = Vec::new();
    for key in single_values() {
        for text in HOSTILE {
            let line = format!("{key}: '{}'", text.replace('\'', "''"));
            let content = if key == "subscription_id" {
                with(&line).replace("subscription_name: My Subscription\n", "")
            } else {
                with(&line)
            };
            if let Ok((config, _)) = load(content) {
                assert!(format!("{config:?}").contains(&format!("{text:?}")), "{line} became {config:?}");
                kept.push(key);
            }
        }
    }
    kept.dedup();
    assert_eq!(kept, ["subscription_name"]);
    for text in HOSTILE {
        let (config, _) = load(with(&format!("tags: {{a: '{}'}}", text.replace('\'', "''")))).unwrap();
        assert_eq!(config.tags["a"], text);
    }
    println!("{} cases", (single_values().count() + 1) * HOSTILE.len());
}

#[test]
fn public_keys() {
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    let other_type = ED25519.replace("ssh-ed25519", "ssh-rsa");
    let cut = &RSA_2048[..200];
    let two = format!("{ED25519}\n{RSA_2048}\n");
    let options = format!("command=\"id\" {ED25519}");
    let cases: [(&str, &str); 10] = [
        ("empty", ""),
        ("private", private),
        ("putty", "PuTTY-User-Key-File-3: ssh-ed25519\n"),
        ("two keys", &two),
        ("another type", ECDSA),
        ("short", RSA_1024),
        ("types differ", &other_type),
        ("cut", cut),
        ("options", &options),
        ("no key", "hello"),
    ];
    let loaded = |content: &str| {
        let folder = folder(with("ssh_public_key_file: id.pub").as_bytes());
        fs::write(folder.path().join("id.pub"), content).unwrap();
        load_in(folder.path())
    };
    for good in [ED25519, RSA_2048, &format!("# mine\n\n{RSA_2048}\r\n")] {
        assert!(loaded(good).is_ok(), "{good}: {:?}", loaded(good));
    }
    let missing = load(with("ssh_public_key_file: id.pub"));
    let a_folder = load(with("ssh_public_key_file: ."));
    let messages = answers(cases.map(|(name, content)| (name, loaded(content))));
    insta::assert_snapshot!(messages + &answers([("missing", missing), ("a folder", a_folder)]));
}

#[test]
fn the_example_is_valid() {
    let example = include_str!("../../config.example.yaml");
    assert!(load(example).unwrap().1.is_empty());
    for key in keys::KEYS.iter().map(|field| field.name) {
        assert!(example.contains(&format!("{key}:")), "config.example.yaml does not show {key}");
    }
    let readme = include_str!("../../README.md");
    for Size { name, .. } in sizes::gpu_sizes() {
        assert!(
            example.contains(name) && readme.contains(name),
            "config.example.yaml or README.md lacks {name}"
        );
    }
}
