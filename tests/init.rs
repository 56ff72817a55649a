//! `init` and `completions` on the command line, with a stand-in az.

#[path = "check/scene.rs"]
#[expect(dead_code, reason = "made for the checks")]
mod scene;
mod terminal;

use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use scene::{SUBSCRIPTION, SUBSCRIPTION_NAME, Scene};
use terminal::Terminal;

const ALL: [&str; 10] = [
    "--subscription",
    "research",
    "--region",
    "eastus",
    "--resource-group",
    "ai",
    "--size",
    "Standard_ND96asr_v4",
    "--nodes",
    "3",
];

/// A scene without a configuration.
fn scene() -> Scene {
    let scene = Scene::new();
    fs::remove_file(scene.path("config.yaml")).expect("removed");
    scene
}

fn init(scene: &Scene, args: &[&str]) -> (i32, String) {
    scene.run(&[&["init"], args].concat())
}

/// `init` on a terminal.
fn on_terminal(scene: &Scene, args: &[&str]) -> Terminal {
    Terminal::start(scene.command(&[&["init"], args].concat()).env("NO_COLOR", "1"))
}

fn config(scene: &Scene) -> String {
    fs::read_to_string(scene.path("config.yaml")).expect("written")
}

/// The lines that are no comments.
fn values(scene: &Scene) -> Vec<String> {
    config(scene)
        .lines()
        .filter(|line| line.contains(':') && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// What was to be seen, without the time a phase took.
fn without_times(seen: &str) -> String {
    Regex::new(r" +[0-9.]+ s\b").expect("a pattern").replace_all(seen, "").into_owned()
}

#[test]
fn options_are_enough_without_a_terminal_and_az_is_not_asked() {
    let scene = scene();
    let (exit, seen) = init(&scene, &ALL);
    assert_eq!((exit, scene.calls().len()), (0, 0), "{seen}");
    insta::assert_snapshot!("options", seen);
    assert_eq!(
        values(&scene),
        [
            "region: eastus",
            "subscription_name: research",
            "resource_group_name: ai",
            "hpc_sku: Standard_ND96asr_v4",
            "hpc_max_core_count: 288",
        ]
    );
    let first = config(&scene).lines().next().expect("a line").to_owned();
    assert_eq!(first, "# yaml-language-server: $schema=config.schema.json");
    let schema = fs::read(scene.path("config.schema.json")).expect("the schema");
    let shipped = include_bytes!("../config.schema.json");
    assert!(schema == shipped);
}

#[test]
fn nothing_is_overwritten() {
    let scene = scene();
    fs::write(scene.path("config.schema.json"), r#"{"$id": "urn:ccslurm4ai:config", "old": true}"#)
        .expect("written");
    assert_eq!(init(&scene, &ALL).0, 0, "a schema of ours is brought up to date");
    assert!(!fs::read_to_string(scene.path("config.schema.json")).expect("read").contains("\"old\""));
    let before = config(&scene);
    let mut text = String::new();
    for (name, args) in [("again", ALL.as_slice()), ("no options", &[])] {
        let (exit, seen) = init(&scene, args);
        assert_eq!(exit, 12, "{seen}");
        text += &format!("## {name}\n{seen}\n");
    }
    assert_eq!(config(&scene), before);
    fs::remove_file(scene.path("config.yaml")).expect("removed");
    fs::write(scene.path("config.schema.json"), "mine").expect("written");
    let (exit, seen) = init(&scene, &ALL);
    assert_eq!(
        (exit, fs::read_to_string(scene.path("config.schema.json")).expect("read").as_str()),
        (12, "mine")
    );
    insta::assert_snapshot!("in_the_way", text + "## another schema\n" + &seen);
    assert!(!scene.path("config.yaml").exists());
}

/// All options, with these in the place of their own.
fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    let pairs = ALL.chunks(2).map(|pair| {
        let change = changes.iter().find(|(option, _)| *option == pair[0]);
        [pair[0], change.map_or(pair[1], |(_, value)| value)]
    });
    pairs.flatten().collect()
}

#[test]
fn wrong_and_missing_options_are_named() {
    let cases = [
        ("none", vec![]),
        ("some", vec!["--region", "eastus", "--nodes", "2"]),
        ("wrong", with(&[("--region", "East US"), ("--subscription", "@file"), ("--resource-group", "a/b")])),
        ("no node", with(&[("--nodes", "0")])),
        ("too many nodes", with(&[("--nodes", "4000000000")])),
        ("retired", with(&[("--size", "Standard_NC24rs_v3")])),
        ("unlisted", with(&[("--size", "Standard_ND40rs_v2")])),
        ("eject and more", vec!["--eject", "x", "--region", "eastus"]),
    ];
    let mut text = String::new();
    for (name, args) in cases {
        let scene = scene();
        let (exit, seen) = init(&scene, &args);
        assert_eq!(exit, 2, "{name}: {seen}");
        assert!(!scene.path("config.yaml").exists() && !scene.path("config.schema.json").exists(), "{name}");
        text += &format!("## {name}\n{seen}\n");
    }
    insta::assert_snapshot!("usage", text);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let scene = scene();
    let (exit, seen) = init(&scene, &[ALL.as_slice(), &["--config", "nowhere/config.yaml"]].concat());
    assert_eq!(exit, 2, "{seen}");
    insta::assert_snapshot!("no_folder", seen);
}

#[test]
fn the_json_document_names_the_files() {
    let scene = scene();
    fs::create_dir(scene.path("a b")).expect("made");
    let output = scene
        .command(&[&["init", "--output", "json", "--config", "a b/my.yaml"], ALL.as_slice()].concat())
        .output()
        .expect("it runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(document["result"], json!({"config": "a b/my.yaml", "schema": "a b/config.schema.json"}));
}

/// Quota for sizes of several kinds.
fn sizes(scene: &Scene) {
    scene.change("skus", |page| {
        let list = page["value"].as_array_mut().expect("a list");
        let mut more = list[0].clone();
        for (name, family) in [
            ("Standard_ND96asr_v4", "StandardNDASv4_A100Family"),
            ("Standard_NC24ads_A100_v4", "StandardNCADSA100v4Family"),
            ("Standard_ND40rs_v2", "standardNDSv2Family"),
        ] {
            more["name"] = name.into();
            more["family"] = family.into();
            more["restrictions"] = json!([]);
            list.push(more.clone());
        }
        more["name"] = "Standard_ND96isr_H200_v5".into();
        more["restrictions"] = json!([scene::restriction("Location", &[])]);
        list.push(more);
    });
    scene.usage("Standard NDASv4_A100 Family", 0, 0);
    scene.usage("cores", 8, 200);
}

#[test]
fn questions_with_what_azure_offers() {
    let scene = scene();
    sizes(&scene);
    let mut terminal = on_terminal(&scene, &[]);
    terminal.answer("Subscription, number, name or id [1]: ", "nope");
    terminal.answer("Subscription, number, name or id [1]: ", "");
    terminal.answer("Region, such as eastus (? lists them): ", "?");
    terminal.answer("Region, such as eastus (? lists them): ", "eastsu");
    terminal.answer("Region, such as eastus (? lists them): ", "eastus");
    terminal.answer("Size of the GPU nodes, number or name [1]: ", "Standard_NC24rs_v3");
    terminal.answer("Size of the GPU nodes, number or name [1]: ", "");
    terminal.answer("GPU nodes at most [2]: ", "0");
    terminal.answer("GPU nodes at most [2]: ", "3");
    terminal.answer("Resource group, made when absent [ai-cluster]: ", "");
    let (exit, seen) = terminal.finish();
    assert_eq!(exit, 0, "{seen}");
    insta::assert_snapshot!("questions", without_times(&seen));
    assert_eq!(
        values(&scene),
        [
            "region: eastus",
            &format!("subscription_name: {SUBSCRIPTION_NAME}"),
            "resource_group_name: ai-cluster",
            "hpc_sku: Standard_ND96isr_H100_v5",
            "hpc_max_core_count: 288",
        ]
    );
}

#[test]
fn only_what_no_option_says_is_asked() {
    let scene = scene();
    let mut terminal = on_terminal(&scene, &ALL[..8]);
    terminal.answer("GPU nodes at most [1]: ", "");
    assert_eq!(terminal.finish().0, 0);
    assert_eq!(scene.calls().len(), 0, "nothing of it is Azure's");
}

#[test]
fn without_azure_the_values_are_typed() {
    let mut text = String::new();
    for (name, break_it) in [
        ("not signed in", (|scene| scene.answer("account list", "[]")) as fn(&Scene)),
        ("no az", |scene| scene.without("az")),
        ("expired", |scene| scene.fails("account get-access-token", 1, "ERROR: AADSTS700082: expired")),
    ] {
        let scene = scene();
        break_it(&scene);
        let mut terminal = on_terminal(&scene, &[]);
        terminal.wait_for("Subscription, n");
        terminal.answer(": ", if name == "expired" { "1" } else { SUBSCRIPTION });
        terminal.answer("Region, such as eastus: ", "eastus");
        terminal.answer("Size of the GPU nodes: ", "standard_nd96isr_h200_v5");
        terminal.answer("GPU nodes at most [1]: ", "");
        terminal.answer("[ai-cluster]: ", "");
        let (exit, seen) = terminal.finish();
        assert_eq!(exit, 0, "{name}: {seen}");
        let kept = if name == "expired" {
            "subscription_name: research"
        } else {
            &format!("subscription_id: {SUBSCRIPTION}")
        };
        assert!(values(&scene).contains(&kept.to_owned()), "{seen}");
        text += &format!("## {name}\n{}\n", without_times(&seen));
    }
    insta::assert_snapshot!("without_azure", text);
}

#[test]
fn an_interrupt_and_the_end_of_input_write_nothing() {
    for (what, exit) in [("interrupt", 7), ("end", 2)] {
        let scene = scene();
        let mut terminal = on_terminal(&scene, &[]);
        terminal.wait_for("Subscription, number, name or id [1]: ");
        match what {
            "interrupt" => {
                kill_process(Pid::from_child(&terminal.child), Signal::INT).expect("it runs still");
            }
            _ => terminal.press("\u{4}"),
        }
        let (code, seen) = terminal.finish();
        assert_eq!(code, exit, "{what}: {seen}");
        assert!(!scene.path("config.yaml").exists() && !scene.path("config.schema.json").exists());
    }
}

#[test]
fn a_size_of_no_table_comes_from_azure_when_allowed() {
    let scene = scene();
    sizes(&scene);
    let mut text = String::new();
    let unlisted = with(&[("--size", "Standard_ND40rs_v2"), ("--nodes", "1")]);
    let (exit, seen) = init(&scene, &[unlisted.as_slice(), &["--allow-unlisted-size"]].concat());
    assert_eq!(exit, 0, "{seen}");
    text += &format!("## init\n{seen}\n");
    assert!(config(&scene).contains("\nhpc_sku: Standard_ND40rs_v2\n"));
    for (name, args, expected) in
        [("check", vec!["check"], 3), ("check that allows it", vec!["check", "--allow-unlisted-size"], 0)]
    {
        let (exit, seen) = scene.run(&args);
        assert_eq!(exit, expected, "{seen}");
        let kept: Vec<_> = seen.lines().filter(|line| !line.starts_with("ok ")).collect();
        text += &format!("## {name}\n{}\n", kept.join("\n"));
    }
    let (exit, seen) = {
        let text = config(&scene).replace("ND40rs_v2", "ND40rs_v3");
        fs::write(scene.path("config.yaml"), text).expect("written");
        scene.run(&["install", "--allow-unlisted-size"])
    };
    assert_eq!(exit, 4, "{seen}");
    insta::assert_snapshot!("unlisted", text + "## of no list\n" + &seen);
}

#[test]
fn ejected_templates_are_used_and_not_ejected_again() {
    let scene = scene();
    let (exit, first) = init(&scene, &["--eject", "mine"]);
    assert_eq!(exit, 0, "{first}");
    let file = |name: &str| fs::read(scene.path("mine").join(name)).expect(name);
    assert_eq!(file("VERSION"), include_bytes!("../VERSION"));
    assert_eq!(file("bicep/main.json"), include_bytes!("../bicep/main.json"));
    assert_eq!(file("ansible/ansible.cfg"), include_bytes!("../ansible/ansible.cfg"));
    let left = fs::read_dir(scene.path("mine")).expect("listed").count();
    assert_eq!(left, 3);
    let (exit, again) = init(&scene, &["--eject", "mine"]);
    assert_eq!(exit, 12, "{again}");
    insta::assert_snapshot!("eject", format!("{first}\n{again}"));
    scene.config("");
    assert_eq!(scene.run(&["check", "--templates", "mine"]).0, 0);
    fs::write(scene.path("mine/VERSION"), "0.0.1\n").expect("written");
    assert_eq!(scene.run(&["check", "--templates", "mine"]).0, 12);
}

#[test]
fn bash_completes_commands_options_and_values() {
    let script = Command::new(env!("CARGO_BIN_EXE_ccslurm4ai"))
        .args(["completions", "bash"])
        .output()
        .expect("it runs");
    assert!(script.status.success() && script.stderr.is_empty());
    let complete = |words: &str| {
        let asked = format!(
            "{}\nCOMP_WORDS=({words} '') COMP_CWORD={}\n_ccslurm4ai ccslurm4ai '' {}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            String::from_utf8_lossy(&script.stdout),
            words.split(' ').count(),
            words.rsplit(' ').next().unwrap_or_default(),
        );
        let output = Command::new("bash").args(["-c", &asked]).output().expect("bash");
        String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect::<Vec<_>>()
    };
    for command in ["init", "check", "install", "completions"] {
        assert!(complete("ccslurm4ai").contains(&command.to_owned()), "{command}");
    }
    assert!(complete("ccslurm4ai init").contains(&"--eject".to_owned()));
    assert_eq!(complete("ccslurm4ai check --output"), ["text", "json"]);
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = Command::new(env!("CARGO_BIN_EXE_ccslurm4ai"))
            .args(["completions", shell, "--output", "json"])
            .current_dir(Path::new("/"))
            .output()
            .expect("it runs");
        let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!(document["result"]["shell"], shell);
        assert!(
            document["result"]["script"].as_str().expect("text").contains("allow-unlisted-size"),
            "{shell}"
        );
    }
}
