//! A wrong `config.yaml` ends every command with exit code 3 before any program runs and any file is written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

const COMMANDS: [&[&str]; 5] =
    [&["check"], &["install"], &["install", "-a"], &["install", "-b"], &["install", "--dry-run"]];

/// What `config.yaml` holds, `None` for no such file, and how the first message begins.
fn cases() -> [(&'static str, Option<Vec<u8>>, &'static str); 9] {
    let some = |text: &str| Some(text.as_bytes().to_vec());
    [
        ("missing", None, "config.yaml there is no such file"),
        ("empty", some(""), "config.yaml:1:1 the file is empty"),
        ("binary", Some(vec![0, 159, 146, 150]), "config.yaml:1:2 this is not UTF-8 text"),
        ("10 MB", some(&"a: b\n".repeat(2_000_000)), "config.yaml the file has 10000000 bytes"),
        ("tab", some("tags:\n\ta: b\n"), "config.yaml:2:2 this is not valid YAML: tabs"),
        ("duplicate key", some("region: a\nregion: b\n"), "config.yaml:1:1 resource_group_name: is required"),
        ("wrong type", some("region: [a]\n"), "config.yaml:1:1 resource_group_name: is required"),
        (
            "unknown key",
            some("regoin: a\n"),
            "config.yaml:1:1 regoin: is not a key of this file (did you mean region)",
        ),
        ("shell", some("region: '$(touch x)'\n"), "config.yaml:1:1 resource_group_name: is required"),
    ]
}

/// Programs that leave a mark when they run.
fn stand_ins(folder: &Path) {
    for name in ["az", "ssh", "ssh-keygen", "python3", "ansible-playbook"] {
        let path = folder.join(name);
        let ran = folder.join("ran");
        fs::write(&path, format!("#!/bin/sh\necho \"$0 $*\" >>'{}'\n", ran.display())).expect("a stand-in");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }
}

#[test]
fn nothing_runs_and_nothing_is_written() {
    let mut count = 0;
    for (name, content, message) in cases() {
        for command in COMMANDS {
            for format in ["text", "json"] {
                let programs = tempfile::tempdir().expect("a folder");
                stand_ins(programs.path());
                let folder = tempfile::tempdir().expect("a folder");
                if let Some(content) = &content {
                    fs::write(folder.path().join("config.yaml"), content).expect("config.yaml");
                }
                let output = Command::cargo_bin("ccslurm4ai")
                    .expect("the program")
                    .args(command)
                    .args(["--output", format])
                    .current_dir(folder.path())
                    .env("PATH", programs.path())
                    .output()
                    .expect("a run");
                let what = format!("{name}: {command:?} as {format}");
                assert_eq!(output.status.code(), Some(3), "{what}");
                let said = String::from_utf8(output.stderr).expect("text");
                assert!(said.starts_with(&format!("error: {message}")), "{what}: {said}");
                assert_answer(format, &output.stdout, &what);
                assert!(!programs.path().join("ran").exists(), "{what} ran a program");
                let left = fs::read_dir(folder.path()).expect("the folder").count();
                assert_eq!(left, usize::from(content.is_some()), "{what} wrote files");
                count += 1;
            }
        }
    }
    println!("{count} cases");
}

fn assert_answer(format: &str, stdout: &[u8], what: &str) {
    if format == "text" {
        assert!(stdout.is_empty(), "{what}");
        return;
    }
    let answer: Value = serde_json::from_slice(stdout).expect("one JSON document");
    assert_eq!((&answer["ok"], &answer["exit_code"]), (&Value::Bool(false), &Value::from(3)), "{what}");
    let errors = answer["errors"].as_array().expect("a list");
    assert!(!errors.is_empty() && errors.iter().all(|error| error["file"] == "config.yaml"), "{what}");
}

#[test]
fn words_that_are_no_text_are_a_usage_error() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    let output =
        Command::cargo_bin("ccslurm4ai").expect("built").args(["--output", "json"]).arg(odd).output();
    let output = output.expect("it ran");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!((output.status.code(), document["exit_code"].as_i64()), (Some(2), Some(2)));
}
