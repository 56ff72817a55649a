//! `run`, `up`, `down` and what they leave behind; the proxy's walls; faults.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

fn run(scenario: &str, argv: &[&str]) -> (Command, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), scenario).unwrap();
    let mut command = Command::new(cargo_bin("ccslurm4ai-twin"));
    command.args(["run", "--no-hosts", "--scenario"]).arg(file.path()).arg("--").args(argv);
    (command, file)
}

#[test]
fn run_hands_through_input_output_and_status() {
    let (mut command, _scenario) =
        run("sign_in: none", &["sh", "-c", "cat; echo oops >&2; test -n \"$HTTPS_PROXY\"; exit 7"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"hello").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(output.stdout, b"hello");
    assert_eq!(output.stderr, b"oops\n");
}

#[test]
fn run_leaves_nothing_behind() {
    let (mut command, _scenario) =
        run("sign_in: none", &["sh", "-c", "echo $CCSLURM4AI_TWIN_DIR; ls -ld $CCSLURM4AI_TWIN_DIR"]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let dir = said.lines().next().unwrap();
    assert!(said.contains("drwx------"), "{said}");
    assert!(!std::path::Path::new(dir).exists(), "{dir}");
}

#[test]
fn run_passes_signals_on_and_ends() {
    let script = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let (mut command, _scenario) = run("sign_in: none", &["sh", "-c", script]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut ready = [0; 6];
    output.read_exact(&mut ready).unwrap();
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "caught\n");
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn a_missing_command_and_a_bad_scenario_are_told() {
    let (mut missing, _scenario) = run("sign_in: none", &["no-such-program"]);
    let output = missing.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-program"));
    let (mut bad, _scenario) = run("role_dely: 1", &["true"]);
    let output = bad.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("role_dely"));
}

/// Asks the proxy for a tunnel to `host`.
fn connect(proxy: &str, request: &str) -> String {
    let address = proxy.trim().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "{request}\r\n\r\n").unwrap();
    let mut reply = [0; 12];
    stream.read_exact(&mut reply).unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}

#[test]
fn up_serves_until_down_and_its_proxy_lets_nothing_out() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("s.yaml");
    std::fs::write(&scenario, "sign_in: none\n").unwrap();
    let twin = |arguments: &[&str]| {
        let mut command = Command::new(cargo_bin("ccslurm4ai-twin"));
        command.env("CCSLURM4AI_TWIN_DIR", dir.path().join("twin")).args(arguments).output().unwrap()
    };
    let up = twin(&["up", "--no-hosts", "--scenario", scenario.to_str().unwrap()]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    assert!(!twin(&["up", "--no-hosts"]).status.success(), "a second one in the same folder");
    let status: serde_json::Value = serde_json::from_slice(&twin(&["status"]).stdout).unwrap();
    let proxy = status["proxy"].as_str().unwrap();
    for (request, expected) in [
        ("CONNECT management.azure.com:443 HTTP/1.1", "HTTP/1.1 200"),
        ("CONNECT example.com:443 HTTP/1.1", "HTTP/1.1 403"),
        ("CONNECT management.azure.com:80 HTTP/1.1", "HTTP/1.1 403"),
        ("CONNECT nobody.vault.azure.net:443 HTTP/1.1", "HTTP/1.1 403"),
        ("GET http://management.azure.com/ HTTP/1.1\r\nhost: management.azure.com", "HTTP/1.1 403"),
    ] {
        assert_eq!(connect(proxy, request), expected, "{request}");
    }
    let requests = String::from_utf8(twin(&["requests"]).stdout).unwrap();
    assert!(requests.contains("example.com"), "{requests}");
    let state: serde_json::Value = serde_json::from_slice(&twin(&["state"]).stdout).unwrap();
    assert_eq!(state["groups"], serde_json::json!({}));
    let environment = String::from_utf8(twin(&["env"]).stdout).unwrap();
    assert!(environment.contains(&format!("export HTTPS_PROXY='{proxy}'")), "{environment}");
    assert!(twin(&["down"]).status.success());
    let pid = status["pid"].as_u64().unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < end, "the twin {pid} lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(std::fs::read_dir(dir.path().join("twin")).unwrap().count(), 0, "files are left");
    assert!(!twin(&["status"]).status.success());
    assert!(twin(&["down"]).status.success(), "down again is no mistake");
}
