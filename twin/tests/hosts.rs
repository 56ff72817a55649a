//! Hosts really boot, are reached as a user reaches them, and leave nothing behind. Needs root.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ccslurm4ai_twin::hosts::{self, HostKind, HostSpec, Hosts, Link, rootfs};

const ADMIN: &str = "cycleadmin";

struct Key {
    private: PathBuf,
    public: String,
}

fn key(dir: &Path) -> Key {
    let private = dir.join("key");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&private).status();
    assert!(made.unwrap().success());
    Key { public: fs::read_to_string(private.with_extension("pub")).unwrap(), private }
}

fn hosts(dir: &Path) -> Hosts {
    let ca_pem = "-----BEGIN CERTIFICATE-----\ntwin\n-----END CERTIFICATE-----\n".to_owned();
    Hosts::new(dir, &rootfs::cache_dir().unwrap(), Link { ca_pem }).unwrap()
}

fn spec(name: &str, kind: HostKind, last: u8, key: &Key) -> HostSpec {
    HostSpec {
        name: name.to_owned(),
        kind,
        private_ip: Ipv4Addr::new(10, 64, 0, last),
        admin_user: Some(ADMIN.to_owned()),
        ssh_public_keys: vec![key.public.clone()],
        custom_data: None,
        gpus: 0,
        players: None,
        files: vec![],
        id: "id".to_owned(),
        uuid: format!("00000000-0000-4000-8000-0000000000{last:02}"),
    }
}

/// Runs a command over ssh; the connection is made in the twin's network and handed to ssh as its standard input
/// and output, as a tunnel would.
fn ssh(hosts: &Hosts, ip: Ipv4Addr, key: &Key, command: &str) -> String {
    let stream = hosts.connect(ip, 22, Duration::from_secs(5)).unwrap();
    let fd = stream.as_fd().try_clone_to_owned().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (local, _) = listener.accept().unwrap();
        relay(local, std::net::TcpStream::from(fd));
    });
    let output = Command::new("ssh")
        .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"])
        .args(["-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=10", "-p", &port.to_string(), "-i"])
        .arg(&key.private)
        .arg(format!("{ADMIN}@127.0.0.1"))
        .arg(command)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn relay(a: std::net::TcpStream, b: std::net::TcpStream) {
    let (mut from_a, mut to_a) = (a.try_clone().unwrap(), a);
    let (mut from_b, mut to_b) = (b.try_clone().unwrap(), b);
    let up = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_a, &mut to_b);
        let _ = to_b.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut from_b, &mut to_a);
    let _ = to_a.shutdown(std::net::Shutdown::Write);
    let _ = up.join();
}

/// Names of everything on this machine that belongs to the twin in `dir`.
fn traces(dir: &Path) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let below = dir.canonicalize().unwrap().display().to_string();
    let mut found: Vec<String> =
        mounts.lines().filter(|line| line.contains(&below)).map(str::to_owned).collect();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let arguments = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        if arguments.starts_with("systemd-nspawn") && arguments.contains(&below) {
            found.push(arguments);
        }
    }
    found.extend(hosts::kernel_objects(dir).unwrap());
    found
}

#[test]
fn a_server_and_four_nodes_boot_side_by_side_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path());
    let hosts = hosts(dir.path());
    let nodes =
        ["n1", "n2", "n3", "n4"].iter().zip(5..).map(|(name, last)| spec(name, HostKind::Node, last, &key));
    let specs: Vec<HostSpec> =
        std::iter::once(spec("server", HostKind::Server, 4, &key)).chain(nodes).collect();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for spec in &specs {
            scope.spawn(|| hosts.boot(spec).unwrap());
        }
    });
    println!("five hosts booted in {:.1} s", start.elapsed().as_secs_f64());

    for spec in &specs {
        let seen = ssh(&hosts, spec.private_ip, &key, "hostname; id -un; sudo -n id -u");
        assert_eq!(seen, format!("{}\n{ADMIN}\n0\n", spec.name));
    }
    let ip = specs[0].private_ip;
    let wanted = "http://192.0.2.1:3128";
    assert_eq!(ssh(&hosts, ip, &key, "echo $HTTPS_PROXY").trim(), wanted);
    assert_eq!(ssh(&hosts, ip, &key, "sudo -n sh -c 'echo $HTTPS_PROXY'").trim(), wanted);
    assert!(ssh(&hosts, ip, &key, "tail -n 2 $SSL_CERT_FILE").contains("twin"));
    let keys: Vec<String> = specs
        .iter()
        .map(|s| ssh(&hosts, s.private_ip, &key, "cat /etc/ssh/ssh_host_ed25519_key.pub"))
        .collect();
    assert_ne!(keys[0], keys[1], "each host has its own host keys");

    // From host to host, to the twin, and nowhere else.
    let listener = hosts.listen(hosts::METADATA_PORT).unwrap();
    let probe =
        "python3 -c 'import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 4)'";
    ssh(&hosts, ip, &key, &format!("{probe} 10.64.0.5 22"));
    ssh(&hosts, ip, &key, &format!("{probe} 192.0.2.1 {}", hosts::METADATA_PORT));
    assert_eq!(listener.accept().unwrap().1.ip(), ip, "the caller is known by its address");
    ssh(&hosts, ip, &key, &format!("! {probe} 1.1.1.1 443 2>/dev/null"));

    hosts.stop("n1").unwrap();
    assert!(!dir.path().join("hosts/n1").exists());
    assert!(hosts.connect(specs[1].private_ip, 22, Duration::from_secs(1)).is_err());
    let inside = hosts::exec(dir.path(), "server", &["hostname".to_owned()]).unwrap().output().unwrap();
    assert_eq!(String::from_utf8_lossy(&inside.stdout), "server\n");
    assert!(!traces(dir.path()).is_empty(), "the search for leftovers finds a running host");
    hosts.down().unwrap();
    assert_eq!(traces(dir.path()), Vec::<String>::new());
}

#[test]
fn going_down_waits_for_a_host_that_boots() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path());
    let hosts = hosts(dir.path());
    std::thread::scope(|scope| {
        let boot = scope.spawn(|| hosts.boot(&spec("n1", HostKind::Node, 4, &key)));
        while hosts::kernel_objects(dir.path()).unwrap().len() < 2 {
            std::thread::sleep(Duration::from_millis(5));
        }
        hosts.down().unwrap();
        assert_eq!(traces(dir.path()), Vec::<String>::new());
        let _ = boot.join(); // it either came up just before or was given up
    });
    let late = format!("{:#}", hosts.boot(&spec("n2", HostKind::Node, 5, &key)).unwrap_err());
    assert_eq!(late, "host n2 is not booted: the twin is going down");
    assert_eq!(traces(dir.path()), Vec::<String>::new());
}

/// Boots a host in a process of its own, which is killed while the host runs.
#[test]
fn the_next_twin_removes_what_a_killed_one_left() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    if let Some(place) = std::env::var_os("CCSLURM4AI_TEST_KILLED") {
        let hosts = hosts(Path::new(&place));
        hosts.boot(&spec("n1", HostKind::Node, 4, &key(dir.path()))).unwrap();
        println!("booted");
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let mut killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_next_twin_removes_what_a_killed_one_left", "--nocapture"])
        .env("CCSLURM4AI_TEST_KILLED", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(killed.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap().contains("booted")));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(traces(dir.path()).len() > 3, "the host outlives its twin");
    drop(hosts(elsewhere.path()));
    assert_eq!(traces(dir.path()), Vec::<String>::new());
}

#[test]
fn two_twins_in_one_folder_are_refused_and_two_folders_are_not() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = hosts(dir.path());
    let link = Link { ca_pem: String::new() };
    let second = Hosts::new(dir.path(), &rootfs::cache_dir().unwrap(), link).err().unwrap();
    assert!(format!("{second:#}").starts_with("a twin runs in "), "{second:#}");
    let _other = hosts(elsewhere.path());
    assert!(!traces(dir.path()).is_empty(), "the living twin keeps its network");
    drop(first);
    assert_eq!(traces(dir.path()), Vec::<String>::new());
}

#[test]
fn a_boot_that_fails_says_so_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path());
    let hosts = hosts(dir.path());
    let mut bad = spec("n1", HostKind::Node, 4, &key);
    bad.admin_user = Some("not a user".to_owned());
    let error = format!("{:#}", hosts.boot(&bad).unwrap_err());
    assert!(error.starts_with("booting host n1: making users"), "{error}");
    assert!(!dir.path().join("hosts/n1").exists());
    bad.admin_user = None;
    hosts.boot(&bad).unwrap();
    let twice = format!("{:#}", hosts.boot(&bad).unwrap_err());
    assert_eq!(twice, "host n1 runs already");
    drop(hosts);
    assert_eq!(traces(dir.path()), Vec::<String>::new());
}
