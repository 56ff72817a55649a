//! The CycleCloud stand-ins on a real server host, as far as they go without a simulated Azure. Needs root.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::Ipv4Addr;
use std::path::Path;

use ccslurm4ai_twin::hosts::{self, HostKind, HostSpec, Hosts, Link, rootfs};

const RECORDS: &str = r#"[
 {"AdType": "Application.Setting", "Name": "cycleserver.installation.complete", "Value": true},
 {"AdType": "AuthenticatedUser", "Name": "cycleadmin", "RawPassword": "right Horse", "Superuser": true,
  "Roles": ["Administrator", "Global Node Admin"], "UID": 20001}]"#;

/// Runs a shell script as root on the server: its exit status and everything it printed.
fn sh(dir: &Path, script: &str) -> (i32, String) {
    let argv = ["sh", "-c", &format!("{{ {script}\n}} 2>&1")].map(str::to_owned);
    let output = hosts::exec(dir, "server", &argv).unwrap().output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn ok(dir: &Path, script: &str) -> String {
    let (status, output) = sh(dir, script);
    assert_eq!(status, 0, "{script}: {output}");
    output
}

fn refused(dir: &Path, script: &str, why: &str) {
    let (status, output) = sh(dir, script);
    assert!(status != 0 && output.contains(why), "{script}: status {status}: {output}");
}

fn hosts(dir: &Path) -> Hosts {
    Hosts::new(dir, &rootfs::cache_dir().unwrap(), Link { ca_pem: String::new() }).unwrap()
}

fn spec(name: &str, kind: HostKind, last: u8) -> HostSpec {
    HostSpec {
        name: name.to_owned(),
        kind,
        private_ip: Ipv4Addr::new(10, 64, 0, last),
        admin_user: Some("cycleadmin".to_owned()),
        ssh_public_keys: vec![],
        custom_data: None,
        gpus: 0,
        players: None,
        files: vec![],
        id: "id".to_owned(),
        uuid: format!("00000000-0000-4000-8000-0000000000{last:02}"),
    }
}

#[test]
fn the_server_takes_its_administrator_and_refuses_everyone_else() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let hosts = hosts(dir);
    hosts.boot(&spec("server", HostKind::Server, 4)).unwrap();

    ok(dir, "/opt/cycle_server/cycle_server await_startup && /opt/cycle_server/cycle_server status");
    refused(dir, "cyclecloud account list", "not initialized");
    refused(dir, "su cycleadmin -c '/opt/cycle_server/cycle_server status'", "must be run as root");

    let data = "/opt/cycle_server/config/data";
    ok(
        dir,
        &format!("umask 077; cat > {data}/.a <<'EOF'\n{RECORDS}\nEOF\nmv {data}/.a {data}/a.json; sleep 3"),
    );
    assert!(
        ok(dir, &format!("ls {data}")).starts_with("a.json\n"),
        "a file that cycle_server cannot read stays"
    );
    ok(
        dir,
        &format!(
            "chown cycle_server {data}/a.json; for i in $(seq 50); do test -e {data}/a.json || exit 0; sleep 0.2; done; exit 1"
        ),
    );
    assert!(ok(dir, &format!("ls {data}")).contains("a.json.imported"));
    let user = "/opt/cycle_server/cycle_server execute 'select * from AuthenticatedUser where Name == \"cycleadmin\"'";
    let shown = ok(dir, user);
    assert!(shown.contains("UID = 20001") && !shown.contains("Password"), "{shown}");
    refused(dir, "grep -r 'right Horse' /opt/cycle_server/work", "");

    let initialize = "cyclecloud initialize --batch --url=https://localhost --username=cycleadmin";
    refused(
        dir,
        &format!("{initialize} --verify-ssl=false --password=wrong"),
        "Invalid username or password",
    );
    refused(dir, &format!("{initialize} --password='right Horse'"), "CERTIFICATE_VERIFY_FAILED");
    ok(dir, &format!("{initialize} --verify-ssl=false --password='right Horse'"));
    assert_eq!(ok(dir, "stat -c %a /root/.cycle/config.ini"), "600\n");
    assert_eq!(ok(dir, "cyclecloud account show azure"), "Account not found\n");
    refused(
        dir,
        "echo '{\"Name\": \"azure\", \"Colour\": 1}' > /tmp/a; cyclecloud account create -f /tmp/a",
        "Colour",
    );
    refused(dir, "cyclecloud locker show azure-storage", "not found");
    refused(dir, "cyclecloud start_cluster slurm", "not found");
    refused(dir, "/opt/cycle_server/cycle_server run_action Purge:Cloud.Node -f true", "not known");
    refused(dir, "/opt/cycle_server/cycle_server execute 'drop table x'", "cannot parse");
    ok(
        dir,
        "systemctl restart cycle_server && /opt/cycle_server/cycle_server await_startup && cyclecloud account list",
    );

    let record = ok(dir, "cat /var/log/ccslurm4ai-twin/commands.jsonl");
    assert!(record.contains("--password=right Horse"), "the record shows a secret on a command line");
    refused(dir, "su cycleadmin -c 'cat /var/log/ccslurm4ai-twin/commands.jsonl'", "Permission denied");
    ok(dir, "su cycleadmin -c 'cyclecloud --help'");
}
