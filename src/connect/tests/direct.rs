//! The scripts where private addresses are reached from here: a real sshd plays each VM.

use super::*;

/// A workspace whose VMs are all the test's server, without az on PATH.
struct Direct {
    folder: tempfile::TempDir,
    server: TestServer,
}

impl Direct {
    fn new() -> Self {
        let direct = Self { folder: tempfile::tempdir().unwrap(), server: TestServer::start() };
        std::fs::create_dir_all(direct.workspace()).unwrap();
        let identity = direct.server.identity();
        std::fs::create_dir_all(identity.known_hosts.parent().unwrap()).unwrap();
        let plan = targets(&identity.user);
        let ids = [&plan.cycleserver_id, &plan.scheduler_id].into_iter();
        let ids = ids.chain(plan.login_ids.iter().map(|(_, id)| id));
        let addresses = ids.map(|id| (id.clone(), direct.server.address().ip())).collect();
        let plan = Targets {
            reach: Reach::Direct(addresses),
            key_file: identity.key_file,
            known_hosts: identity.known_hosts,
            ..plan
        };
        write(&direct.workspace(), &plan).unwrap();
        // Their sshd listens on 22; ours may not.
        let config = direct.workspace().join("ssh_config");
        let text = std::fs::read_to_string(&config).unwrap();
        let port = format!("HostName 127.0.0.1\nPort {}\n", direct.server.port());
        std::fs::write(config, text.replace("HostName 127.0.0.1\n", &port)).unwrap();
        direct
    }

    fn workspace(&self) -> PathBuf {
        self.folder.path().join("our \"work\" isn't 100% plain")
    }

    fn command(&self, script: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.workspace().join(script));
        command.args(args).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str, args: &[&str]) -> (i32, String, String) {
        let output = self.command(script, args).output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

#[test]
fn the_scripts_sign_in_by_the_same_names() {
    let direct = Direct::new();
    let cases: [(&str, &[&str], i32, &str); 5] = [
        ("bastion_ssh_scheduler.sh", &["echo hello; exit 7"], 7, "hello\n"),
        ("bastion_ssh_cycleserver.sh", &["echo", "'a  b'"], 0, "a  b\n"),
        ("bastion_ssh_login.sh", &["echo one"], 0, "one\n"),
        ("bastion_ssh_login.sh", &["10", "echo ten"], 0, "ten\n"),
        ("bastion_ssh_login.sh", &["3", "true"], 2, ""),
    ];
    for (script, args, status, expected) in cases {
        let (code, out, said) = direct.run(script, args);
        assert_eq!((code, out.as_str()), (status, expected), "{script} {args:?}: {said}");
    }
    // Each VM is remembered by its id, as through a Bastion.
    let known = std::fs::read_to_string(direct.server.identity().known_hosts).unwrap();
    assert_eq!(known.lines().filter(|line| line.contains("/virtualmachines/")).count(), 4, "{known}");
    println!("{} cases", cases.len());
}

#[test]
fn a_changed_host_key_is_refused_without_a_bastion_too() {
    let mut direct = Direct::new();
    assert_eq!(direct.run("bastion_ssh_scheduler.sh", &["true"]).0, 0);
    direct.server.replace_host_key();
    let (code, _, said) = direct.run("bastion_ssh_scheduler.sh", &["true"]);
    assert_eq!(code, 255);
    assert!(said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "{said}");
}

#[test]
fn a_tunnel_leads_to_a_port_and_ends_with_its_script() {
    let direct = Direct::new();
    let there = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = there.local_addr().unwrap().port().to_string();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let local = free.port().to_string();
    let mut child = direct.command("bastion_tunnel_login.sh", &[&target, &local, "2"]).spawn().unwrap();
    let mut open = None;
    wait_until("the tunnel opens", || {
        open = std::net::TcpStream::connect(free).ok();
        open.is_some()
    });
    let (mut far, _) = there.accept().unwrap();
    std::io::Write::write_all(&mut far, b"from there").unwrap();
    drop(far);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut open.unwrap(), &mut said).unwrap();
    assert_eq!(said, "from there");
    interrupt(&mut child, Signal::INT, false);
    wait_until("the port is free again", || std::net::TcpListener::bind(free).is_ok());
}

#[test]
fn wrong_arguments_are_said() {
    let direct = Direct::new();
    let usage = "usage: bastion_tunnel_scheduler.sh <target_port> <local_port>";
    let cases: [(&str, &[&str], &str); 7] = [
        ("bastion_tunnel_scheduler.sh", &[], usage),
        ("bastion_tunnel_scheduler.sh", &["22"], usage),
        ("bastion_tunnel_scheduler.sh", &["22", "65536"], usage),
        ("bastion_tunnel_scheduler.sh", &["22", "a[$(touch x)]"], usage),
        ("bastion_tunnel_scheduler.sh", &["22", "1022", "1"], usage),
        ("bastion_tunnel_login.sh", &["22", "1022", "x"], "[N]"),
        ("bastion_tunnel_login.sh", &["22", "1022", "3"], "there is no login node 3; there are: 1 2 10"),
    ];
    for (script, args, expected) in cases {
        let (code, _, said) = direct.run(script, args);
        assert_eq!(code, 2, "{script} {args:?}: {said}");
        assert!(said.contains(expected), "{script} {args:?}: {said}");
    }
    println!("{} cases", cases.len());
}

#[test]
fn the_scripts_are_clean_bash_without_a_bastion_too() {
    let direct = Direct::new();
    let scripts = std::fs::read_dir(direct.workspace()).unwrap().map(|entry| entry.unwrap().path());
    let scripts: Vec<_> = scripts.filter(|path| path.extension().is_some_and(|end| end == "sh")).collect();
    assert_eq!(scripts.len(), 6);
    for script in &scripts {
        let rendered = std::fs::read_to_string(script).unwrap();
        assert!(
            !rendered.contains("az ") && !rendered.contains("@W") && !rendered.contains("@MAX"),
            "{rendered}"
        );
    }
    pass_shellcheck(&scripts);
}
