use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::ssh::test_server::TestServer;

mod direct;

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand-ins/bastion-tunnel.py");

/// A workspace with written scripts, a server behind them and the stand-in as `az`.
struct Stage {
    folder: tempfile::TempDir,
    server: TestServer,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap(), server: TestServer::start() };
        for name in ["bin", "notes", "tmp", "our \"work\" isn't 100% plain"] {
            std::fs::create_dir(stage.folder.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink(STAND_IN, stage.folder.path().join("bin/az")).unwrap();
        let known_hosts = stage.targets().known_hosts;
        std::fs::create_dir_all(known_hosts.parent().unwrap()).unwrap();
        write(&stage.workspace(), &stage.targets()).unwrap();
        stage
    }

    fn workspace(&self) -> PathBuf {
        self.folder.path().join("our \"work\" isn't 100% plain")
    }

    fn targets(&self) -> Targets {
        let identity = self.server.identity();
        Targets { key_file: identity.key_file, known_hosts: identity.known_hosts, ..targets(&identity.user) }
    }

    fn command(&self, script: &str, mode: &str) -> Command {
        let path = format!("{}/bin:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(self.workspace().join(script));
        command
            .env("PATH", path)
            .env("TMPDIR", self.folder.path().join("tmp"))
            .env("TUNNEL_MODE", mode)
            .env("TUNNEL_TO", self.server.port().to_string())
            .env("TUNNEL_NOTES", self.folder.path().join("notes"));
        command
    }

    fn run(&self, script: &str, mode: &str, args: &[&str]) -> Output {
        let output = self.command(script, mode).args(args).stdin(Stdio::null()).output().unwrap();
        self.nothing_is_left();
        output
    }

    fn note(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("notes").join(name)).unwrap_or_default()
    }

    /// The tunnel ends just after ssh, not before it.
    fn nothing_is_left(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        for pid in self.note("pids").split_whitespace() {
            while is_running(pid) {
                assert!(Instant::now() < deadline, "{pid} is still there");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let temporary = self.folder.path().join("tmp");
        wait_until("temporary files go", || std::fs::read_dir(&temporary).unwrap().next().is_none());
    }
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn targets(user: &str) -> Targets {
    let vm = |name| {
        format!("/subscriptions/s/resourceGroups/g(1)/providers/Microsoft.Compute/virtualMachines/{name}")
    };
    let bastion =
        BastionId { subscription: "s".into(), group: "g(1)".into(), name: "it's `$(a)` bastion".into() };
    Targets {
        reach: Reach::Bastion(bastion),
        admin_user: user.into(),
        key_file: "/key".into(),
        known_hosts: "/known".into(),
        cycleserver_id: vm("server"),
        scheduler_id: vm("scheduler"),
        login_ids: vec![(1, vm("login1")), (2, vm("login2")), (10, vm("login10"))],
    }
}

fn pass_shellcheck(scripts: &[impl AsRef<std::ffi::OsStr>]) {
    let output = Command::new("shellcheck")
        .args(["--enable=all", "--exclude=SC2016,SC2250,SC2310,SC2312"])
        .args(scripts)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stdout));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_scripts_sign_in_and_return_what_the_command_returns() {
    let stage = Stage::new();
    let cases: [(&str, &[&str], i32, &str, &str); 6] = [
        ("bastion_ssh_scheduler.sh", &["echo hello; exit 7"], 7, "hello\n", "scheduler"),
        ("bastion_ssh_cycleserver.sh", &["echo", "'a  b'"], 0, "a  b\n", "server"),
        ("bastion_ssh_login.sh", &["echo one"], 0, "one\n", "login1"),
        ("bastion_ssh_login.sh", &["10", "cat"], 0, "", "login10"),
        ("bastion_ssh_login.sh", &["2", "-T", "head -c 3000000 /dev/zero | wc -c"], 0, "3000000\n", "login2"),
        ("bastion_ssh_scheduler.sh", &["false"], 1, "", "scheduler"),
    ];
    for (script, args, status, expected, vm) in cases {
        let output = stage.run(script, "relay", args);
        assert_eq!(output.status.code(), Some(status), "{script} {args:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), expected, "{script} {args:?}");
        let az = stage.note("args").lines().last().unwrap().to_owned();
        let id = format!(
            "--target-resource-id /subscriptions/s/resourceGroups/g(1)/providers/Microsoft.Compute/virtualMachines/{vm} "
        );
        assert!(az.contains(&id), "{az}");
        assert!(az.contains("--subscription s --name it's `$(a)` bastion --resource-group g(1) "), "{az}");
        assert!(az.ends_with("--resource-port 22 --port 0"), "{az}");
    }
    // Each VM is remembered by its own name, though all have the same address.
    let known = std::fs::read_to_string(stage.targets().known_hosts).unwrap();
    assert_eq!(known.lines().filter(|line| line.contains("/virtualmachines/")).count(), 5, "{known}");
    println!("{} cases", cases.len());
}

#[test]
fn a_connection_that_the_bastion_resets_is_tried_again() {
    let stage = Stage::new();
    let output = stage.run("bastion_ssh_scheduler.sh", "reset-once", &["echo hello"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "hello\n"));
    assert!(!text(&output.stderr).contains("unbound"), "{}", text(&output.stderr));
}

#[test]
fn a_file_goes_through_ssh_config_unharmed() {
    let stage = Stage::new();
    let data: Vec<u8> = (0..2_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (here, there) = (stage.folder.path().join("here"), stage.folder.path().join("there"));
    std::fs::write(&here, &data).unwrap();
    let environment: Vec<_> =
        stage.command("x", "relay").get_envs().map(|(k, v)| (k.to_owned(), v.unwrap().to_owned())).collect();
    let output = Command::new("scp")
        .args(["-q", "-F"])
        .arg(stage.workspace().join("ssh_config"))
        .arg(&here)
        .arg(format!("login2:{}", there.display()))
        .envs(environment)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(std::fs::read(there).unwrap(), data);
    stage.nothing_is_left();
}

#[test]
fn what_goes_wrong_is_said() {
    let stage = Stage::new();
    let usage = "usage: bastion_tunnel_scheduler.sh <target_port> <local_port>";
    let numbers = "there is no login node 3; there are: 1 2 10";
    let cases: [(&str, &str, &[&str], i32, &str); 14] = [
        ("bastion_ssh_scheduler.sh", "error", &["true"], 255, "ERROR: Bastion Host SKU must be"),
        ("bastion_ssh_scheduler.sh", "login", &["true"], 255, "Please run 'az login'"),
        ("bastion_ssh_login.sh", "relay", &["3", "true"], 2, numbers),
        ("bastion_tunnel_login.sh", "relay", &["22", "1022", "3"], 2, numbers),
        ("bastion_tunnel_login.sh", "relay", &["22", "1022", "x"], 2, "[N]"),
        ("bastion_tunnel_scheduler.sh", "relay", &[], 2, usage),
        ("bastion_tunnel_scheduler.sh", "relay", &["22"], 2, usage),
        ("bastion_tunnel_scheduler.sh", "relay", &["22", "65536"], 2, usage),
        ("bastion_tunnel_scheduler.sh", "relay", &["0", "1022"], 2, usage),
        ("bastion_tunnel_scheduler.sh", "relay", &["22", "a[$(touch x)]"], 2, usage),
        ("bastion_tunnel_scheduler.sh", "relay", &["22", "1022", "1"], 2, usage),
        ("bastion_tunnel_scheduler.sh", "relay", &["--stdio", "1"], 2, usage),
        ("bastion_tunnel_login.sh", "relay", &["--stdio", "3"], 2, numbers),
        ("bastion_tunnel_scheduler.sh", "error", &["22", "1022"], 1, "ERROR: Bastion Host SKU must be"),
    ];
    for (script, mode, args, status, expected) in cases {
        let output = stage.run(script, mode, args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{script} {args:?}: {said}");
        assert!(said.contains(expected), "{script} {args:?}: {said}");
    }
    println!("{} cases", cases.len());
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let stage = Stage::new();
    let script = stage.workspace().join("bastion_tunnel_scheduler.sh");
    let text_before = std::fs::read_to_string(&script).unwrap();
    let shortened = text_before.replace("deadline=90", "deadline=3");
    assert_ne!(shortened, text_before);
    std::fs::write(&script, shortened).unwrap();
    let output = stage.run("bastion_ssh_scheduler.sh", "silent", &["true"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(255));
    assert!(said.contains("Tunnel is ready, connect on port"), "{said}");
    assert!(said.contains("no SSH server answered through the tunnel"), "{said}");
}

#[test]
fn a_changed_host_key_is_refused() {
    let mut stage = Stage::new();
    assert!(stage.run("bastion_ssh_scheduler.sh", "relay", &["true"]).status.success());
    stage.server.replace_host_key();
    let output = stage.run("bastion_ssh_scheduler.sh", "relay", &["true"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("REMOTE HOST IDENTIFICATION HAS CHANGED"));
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// As a terminal does it, when `group`: the whole foreground process group is told.
fn interrupt(child: &mut Child, signal: Signal, group: bool) {
    let id = Pid::from_child(child);
    if group {
        rustix::process::kill_process_group(id, signal).unwrap();
    } else {
        kill_process(id, signal).unwrap();
    }
    child.wait().unwrap();
}

#[test]
fn whatever_ends_a_script_ends_its_tunnel() {
    let cases = [
        ("bastion_ssh_scheduler.sh", "relay", &["touch ~/there; sleep 60"][..], Signal::INT, true),
        ("bastion_ssh_scheduler.sh", "relay", &["touch ~/there; sleep 60"], Signal::TERM, false),
        ("bastion_ssh_scheduler.sh", "relay", &["touch ~/there; sleep 60"], Signal::KILL, false),
        ("bastion_ssh_scheduler.sh", "silent", &["true"], Signal::INT, true),
        ("bastion_ssh_scheduler.sh", "silent", &["true"], Signal::TERM, false),
        ("bastion_tunnel_scheduler.sh", "relay", &["22", "0"], Signal::INT, true),
    ];
    for (script, mode, args, signal, group) in cases {
        let stage = Stage::new();
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let args: Vec<_> = args.iter().map(|arg| if *arg == "0" { port.as_str() } else { arg }).collect();
        let mut child =
            stage.command(script, mode).args(args).stdin(Stdio::null()).process_group(0).spawn().unwrap();
        if mode == "relay" && script.contains("ssh") {
            wait_until("the command runs", || stage.server.home().join("there").exists());
        } else {
            wait_until("az runs", || stage.note("pids").lines().count() == 2);
        }
        interrupt(&mut child, signal, group);
        stage.nothing_is_left();
    }
    println!("{} cases", cases.len());
}

#[test]
fn the_scripts_are_clean_bash() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), &targets("me")).unwrap();
    let scripts: Vec<_> =
        written.iter().filter(|path| path.extension().is_some_and(|end| end == "sh")).collect();
    assert_eq!(scripts.len(), 6);
    for script in &scripts {
        assert_eq!(std::fs::metadata(script).unwrap().permissions().mode() & 0o777, 0o755);
        let rendered = std::fs::read_to_string(script).unwrap();
        assert!(!rendered.lines().any(|line| line.contains("@MAX_") || line.contains("@WHAT")), "{rendered}");
    }
    pass_shellcheck(&scripts);
}

#[test]
fn without_login_nodes_their_scripts_go() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &targets("me")).unwrap();
    let written = write(folder.path(), &Targets { login_ids: Vec::new(), ..targets("me") }).unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut expected = written.clone();
    expected.sort();
    assert_eq!(names, expected);
    assert!(!std::fs::read_to_string(folder.path().join("ssh_config")).unwrap().contains("login"));
}

#[test]
fn only_files_of_the_cluster_are_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let plan = targets("me");
    let group = plan.cycleserver_id.split("/providers/").next().unwrap();
    assert!(super::written(folder.path(), group).is_empty());
    let mut expected = write(folder.path(), &plan).unwrap();
    let own = folder.path().join("bastion_ssh_login.sh");
    std::fs::write(&own, "#!/bin/sh\n").unwrap();
    expected.retain(|path| *path != own);
    for other in [format!("{group}2"), "/subscriptions/other".to_owned()] {
        assert!(super::written(folder.path(), &other).is_empty());
    }
    let found = super::written(folder.path(), &group.to_uppercase());
    assert_eq!(found, expected);
    assert_eq!(found.last(), Some(&folder.path().join("ssh_config")));
    remove(&found).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn values_are_filled_in_once() {
    let value = |name: &str| (name == "A").then(|| "@B@$1".to_owned());
    let cases =
        [("x@A@y", "x@B@$1y"), ("\"$@\" @A@", "\"$@\" @B@$1"), ("@B@A@", "@B@B@$1"), ("@", "@"), ("", "")];
    for (template, expected) in cases {
        assert_eq!(fill(template, value), expected, "{template}");
    }
}
