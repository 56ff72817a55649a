//! `setup` on the command line, with a stand-in for Python.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand-ins/python");

/// A user whose only program is a Python.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir(scene.path("bin")).expect("made");
        symlink(STAND_IN, scene.path("bin/python3")).expect("linked");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, mode: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccslurm4ai"));
        command.args(["--output", "json", "--verbose", "setup"]).env_clear();
        command
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .env("PYTHON_MODE", mode)
            .env("PYTHON_NOTES", self.path("notes"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn notes(&self) -> Vec<String> {
        let notes = std::fs::read_to_string(self.path("notes")).unwrap_or_default();
        notes.lines().map(str::to_owned).collect()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

fn made(output: &Output) -> bool {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    document(output)["result"]["made"].as_bool().expect("a flag")
}

/// The version in the one file that holds versions.
fn version() -> String {
    let text = include_str!("../bicep/versions.json");
    let versions: Value = serde_json::from_str(text).expect("JSON");
    versions["ansibleCore"].as_str().expect("a version").to_owned()
}

#[test]
fn the_pinned_version_is_installed_once() {
    let scene = Scene::new();
    let first = scene.command("good").output().unwrap();
    assert!(made(&first));
    assert_eq!(document(&first)["result"]["ansible_core"], version());
    assert!(said(&first).contains("Collecting ansible-core=="), "{}", said(&first));
    let folder =
        scene.path("home/.cache/ccslurm4ai").join(format!("ansible-core-{}-cpython-test", version()));
    assert_eq!(document(&first)["result"]["folder"], folder.to_str().unwrap());
    // Neither network nor the means to make one are needed again.
    assert!(!made(&scene.command("no-venv").output().unwrap()));
    assert_eq!(scene.notes(), ["venv".to_owned(), format!("pip ansible-core=={}", version())]);
}

#[test]
fn what_is_missing_or_fails_is_said() {
    type Arrange = fn(&Scene, &mut Command);
    let nothing: Arrange = |_, _| {};
    let cases: [(&str, Arrange, i32, &[&str]); 6] = [
        ("old", nothing, 9, &["Python 3.11 or newer is needed: python3 is 3.9", "apt-get install"]),
        ("no-venv", nothing, 9, &["cannot make virtual environments", "python3-venv"]),
        ("good", |scene, _| std::fs::remove_file(scene.path("bin/python3")).unwrap(), 9, &["none found"]),
        ("venv-fails", nothing, 6, &["No space left on device"]),
        (
            "pip-fails",
            nothing,
            6,
            &["No matching distribution found", "HTTPS_PROXY", "PIP_INDEX_URL", "setup"],
        ),
        (
            "good",
            |_, command| {
                command.env_remove("HOME");
            },
            2,
            &["CCSLURM4AI_CACHE"],
        ),
    ];
    for (mode, arrange, exit, texts) in &cases {
        let scene = Scene::new();
        let mut command = scene.command(mode);
        arrange(&scene, &mut command);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(*exit), "{mode}: {}", said(&output));
        assert_eq!(document(&output)["exit_code"], *exit);
        for text in *texts {
            assert!(said(&output).contains(text), "{mode}: {}", said(&output));
        }
    }
    println!("{} cases", cases.len());
}

#[test]
fn a_half_made_environment_is_made_anew() {
    let scene = Scene::new();
    assert_eq!(scene.command("pip-fails").output().unwrap().status.code(), Some(6));
    let folder =
        scene.path("home/.cache/ccslurm4ai").join(format!("ansible-core-{}-cpython-test", version()));
    std::fs::write(folder.join("rest"), "of the failed one").unwrap();
    assert!(made(&scene.command("good").output().unwrap()));
    assert!(!folder.join("rest").exists());
    // One whose Python went with an upgrade of the system is no environment either.
    std::fs::remove_file(folder.join("bin/python3")).unwrap();
    assert!(made(&scene.command("good").output().unwrap()));
}

#[test]
fn the_cache_folder_can_be_chosen() {
    let scene = Scene::new();
    let cases: [(&str, &[(&str, &str)]); 3] = [
        ("one", &[("CCSLURM4AI_CACHE", "one"), ("XDG_CACHE_HOME", "two")]),
        ("two/ccslurm4ai", &[("XDG_CACHE_HOME", "two")]),
        ("home/.cache/ccslurm4ai", &[("XDG_CACHE_HOME", "")]),
    ];
    for (expected, variables) in cases {
        let mut command = scene.command("good");
        for (name, value) in variables {
            let value = if value.is_empty() { PathBuf::new() } else { scene.path(value) };
            command.env(name, value);
        }
        let output = command.output().unwrap();
        assert!(made(&output));
        let folder = document(&output)["result"]["folder"].as_str().unwrap().to_owned();
        assert_eq!(Path::new(&folder).parent().unwrap(), scene.path(expected));
    }
    println!("{} cases", cases.len());
}

#[test]
fn of_two_runs_at_once_one_makes_it() {
    let scene = Scene::new();
    let runs: Vec<_> = (0..3).map(|_| scene.command("good").spawn().unwrap()).collect();
    let outputs: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    assert_eq!(outputs.iter().filter(|output| made(output)).count(), 1);
    assert_eq!(scene.notes().len(), 2);
}

#[test]
fn an_interrupt_ends_pip() {
    use rustix::process::{Pid, Signal, kill_process};
    for signal in [Signal::INT, Signal::TERM] {
        let scene = Scene::new();
        let run = scene.command("pip-hangs").spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while scene.notes().len() < 2 {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_process(Pid::from_child(&run), signal).unwrap();
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{}", said(&output));
        assert_eq!(children_left(&scene), 0);
    }
}

/// Processes that still have this scene in their environment.
fn children_left(scene: &Scene) -> usize {
    let mark = format!("PYTHON_NOTES={}", scene.path("notes").display());
    let is_ours = |entry: std::io::Result<std::fs::DirEntry>| {
        let environment = std::fs::read(entry.expect("an entry").path().join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&mark)
    };
    std::fs::read_dir("/proc").expect("listed").map(is_ours).filter(|ours| *ours).count()
}
