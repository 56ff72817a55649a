//! Watches an installation for secrets outside of their places: every process of the driver's, every file written,
//! every log, what Azure remembers of the deployment, the hosts' disks and the record of every command there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::canaries::Canaries;
use super::canaries::Canary::{self, ClientSecret, Database, Password, SshKey, Token};
use super::rehearsal::{Run, Started, Twin, VAULT, Workspace, ok};
use super::trace::{Sighting, Trace};

/// A place where a secret may be: which, where, why. Files named here are their owner's alone: one that others may
/// read has another name, with its mode.
type Allowed = (Canary, &'static str, &'static str);

/// What the design allows; a row that nothing needs fails the test too.
const ALLOWED: [Allowed; 13] = [
    (SshKey, "ssh-keygen writes WORKSPACE/.ccslurm4ai/rehearsal/ssh/id_rsa", "makes the pair"),
    (SshKey, "WORKSPACE/.ccslurm4ai/rehearsal/ssh/id_rsa", "ssh signs in with it"),
    (SshKey, "ccslurm4ai writes pipe", "az's standard input: secure parameters of the deployment"),
    (Password, "ccslurm4ai writes pipe", "likewise"),
    (
        Password,
        "TWIN/hosts/cycleserver/upper/root/.cycle/config.ini",
        "settings of CycleCloud's command line, root's",
    ),
    (Database, "ccslurm4ai writes pipe", "az's standard input, likewise"),
    (
        Database,
        "TWIN/hosts/cycleserver/upper/opt/cycle_server/work/store.json",
        "CycleCloud keeps a cluster's parameters",
    ),
    (
        Database,
        "TWIN/hosts/slurmcluster-scheduler/upper/opt/cycle/jetpack/config/node.json (640)",
        "the platform's agent keeps a node's configuration, for root and administrators",
    ),
    (Database, "SHARED/sched/slurmcluster/slurmdbd.conf", "slurmdbd connects with it"),
    (Token, "az account get-access-token writes pipe", "the driver reads who is signed in from it"),
    (Token, "TWIN/azure/msal_token_cache.json", "az's own cache"),
    (Token, "az rest writes TWIN/azure/msal_token_cache.json", "az adds the token for metrics to its cache"),
    (ClientSecret, "TWIN/azure/service_principal_entries.json", "az's own store of its sign-in"),
];

/// What hosts share, each file server's in a folder with its address.
const SHARES: &str = "hosts/.shares";

/// The places of a watched installation, its run, and how much was looked at.
pub struct Watched {
    /// How the installation ended.
    pub run: Run,
    trace: Trace,
}

/// Installs under watch.
pub fn install(workspace: &Workspace, twin: &Twin) -> Watched {
    let (trace, mut command) = Trace::wrap(&workspace.command(twin, &["--verbose"]));
    let run = Run::of(&Started::new(&mut command).finish());
    Watched { run, trace }
}

impl Watched {
    /// Fails on a secret in a wrong place, and on an allowed place without one.
    pub fn judge(&self, workspace: &Workspace, twin: &Twin, hosts: &[&str]) {
        let canaries = canaries(workspace, twin);
        let mut seen = self.trace.sightings(&canaries);
        let written = self.trace.written().into_iter().filter(|file| file.is_file());
        let folders = [workspace.path().to_owned(), twin.path().join("azure"), twin.path().join(SHARES)];
        look_at_files(&canaries.files(written.chain(folders)), &canaries, &mut seen);
        for (name, text) in [
            ("standard output", self.run.stdout.clone()),
            ("standard error", self.run.stderr.clone()),
            ("requests", twin.requests()),
            ("the state of Azure", twin.state().to_string()),
            ("the twin's log", fs::read_to_string(twin.path().join("twin.log")).unwrap()),
        ] {
            look_at(name, &text, &canaries, &mut seen);
        }
        for host in hosts {
            look_at_host(twin, host, &canaries, &mut seen);
        }
        let (processes, calls) = self.trace.size();
        println!("watched {processes} processes, {calls} calls, {} hosts", hosts.len());
        judge(&shown(&seen, workspace, twin));
    }
}

/// The secrets of this installation, read from where they must be.
fn canaries(workspace: &Workspace, twin: &Twin) -> Canaries {
    let key = fs::read_to_string(workspace.state("ssh/id_rsa")).unwrap();
    let show =
        ["keyvault", "secret", "show", "--vault-name", VAULT, "--query", "value", "-o", "tsv", "--name"];
    let secret = |name: &str| twin.az(&[&show[..], &[name]].concat());
    let entries = fs::read_to_string(twin.path().join("azure/service_principal_entries.json")).unwrap();
    let entries: serde_json::Value = serde_json::from_str(&entries).unwrap();
    let token = twin.az(&["account", "get-access-token", "--query", "accessToken", "-o", "tsv"]);
    let client_secret = entries[0]["client_secret"].as_str().unwrap();
    let (password, database) = (secret("cycleadmin-CycleCloudPwd"), secret("cycleadmin-MySqlPwd"));
    Canaries::new(&key, &password, &database, client_secret, &[&token])
}

fn look_at(name: &str, text: &str, canaries: &Canaries, seen: &mut BTreeSet<Sighting>) {
    seen.extend(canaries.find(text).into_iter().map(|secret| (secret, name.to_owned())));
}

/// Files by their names; one that others may read is shown with its mode.
fn look_at_files(files: &[PathBuf], canaries: &Canaries, seen: &mut BTreeSet<Sighting>) {
    for file in files {
        let mode = fs::metadata(file).unwrap().permissions().mode() & 0o777;
        let open = if mode & 0o077 == 0 { String::new() } else { format!(" ({mode:o})") };
        let content = fs::read(file).unwrap();
        look_at(&format!("{}{open}", file.display()), &String::from_utf8_lossy(&content), canaries, seen);
    }
}

/// The layer over the common root file system (the stand-ins' record of all commands is in it), what is in memory
/// only, and the journal, which is compressed on disk.
fn look_at_host(twin: &Twin, host: &str, canaries: &Canaries, seen: &mut BTreeSet<Sighting>) {
    let upper = twin.path().join("hosts").join(host).join("upper");
    look_at_files(&canaries.files([upper]), canaries, seen);
    let found = canaries.grep(&mut twin.on_host(host, "exec grep -rlaF -D skip -f - /run /tmp /dev/shm"));
    for file in found.lines() {
        let text = ok(&mut twin.on_host(host, &format!("cat '{file}'")));
        look_at(&format!("memory of {host}: {file}"), &text, canaries, seen);
    }
    let journal = ok(&mut twin.on_host(host, "journalctl --output=export --no-pager --all"));
    assert!(journal.contains("systemd"), "no journal on {host}");
    look_at(&format!("journal of {host}"), &journal, canaries, seen);
}

/// Places without what differs from run to run.
fn shown(seen: &BTreeSet<Sighting>, workspace: &Workspace, twin: &Twin) -> BTreeSet<Sighting> {
    let shares = twin.path().join(SHARES);
    let shorten = |place: &str| {
        let shared =
            place.strip_prefix(&format!("{}/", shares.display())).and_then(|path| path.split_once('/'));
        shared
            .map_or(place.to_owned(), |(_, path)| format!("SHARED/{path}"))
            .replace(workspace.path().to_str().unwrap(), "WORKSPACE")
            .replace(twin.path().to_str().unwrap(), "TWIN")
    };
    seen.iter().map(|(secret, place)| (*secret, shorten(place))).collect()
}

fn judge(seen: &BTreeSet<Sighting>) {
    let (wrong, idle) = verdict(seen, &ALLOWED);
    assert!(wrong.is_empty(), "secrets in wrong places: {wrong:#?}");
    assert!(idle.is_empty(), "allowed, but nothing needs it: {idle:#?}");
}

/// What was seen and is not allowed, and what is allowed and was not seen.
fn verdict<'a>(
    seen: &'a BTreeSet<Sighting>,
    allowed: &'a [Allowed],
) -> (Vec<&'a Sighting>, Vec<&'a Allowed>) {
    let fits = |(secret, place, _): &Allowed, (other, seen): &Sighting| secret == other && place == seen;
    let wrong = seen.iter().filter(|sighting| !allowed.iter().any(|row| fits(row, sighting)));
    let idle = allowed.iter().filter(|row| !seen.iter().any(|sighting| fits(row, sighting)));
    (wrong.collect(), idle.collect())
}

/// Secrets of nobody.
fn planted() -> (Canaries, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    ok(std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "4096", "-N", "", "-f"])
        .arg(&file));
    let key = fs::read_to_string(file).unwrap();
    (Canaries::new(&key, PASSWORD, DATABASE, CLIENT_SECRET, &[TOKEN]), key)
}

const PASSWORD: &str = "planted-Password_1.~";
const DATABASE: &str = "planted-Database_2.~";
const CLIENT_SECRET: &str = "planted~0123456789abcdef";
const TOKEN: &str = "eyJ0eXAiOiJKV1QifQ.eyJhIjoxfQ.c2ln";

/// Puts a secret on a host's disk, in its memory, in its journal and on a command line there: all four are seen.
pub fn sees_what_is_planted_on(twin: &Twin, host: &str) {
    let script = format!(
        "umask 077; echo {PASSWORD} | tee /opt/planted > /run/planted; \
         cyclecloud show_cluster {CLIENT_SECRET}; echo {TOKEN} | systemd-cat -t planted; journalctl --sync"
    );
    ok(&mut twin.on_host(host, &script));
    let mut seen = BTreeSet::new();
    look_at_host(twin, host, &planted().0, &mut seen);
    let upper = twin.path().join("hosts").join(host).join("upper");
    let record = fs::metadata(upper.join("var/log/ccslurm4ai-twin/commands.jsonl")).unwrap();
    let record = record.permissions().mode() & 0o777;
    for (secret, place) in [
        (Password, format!("{}/opt/planted", upper.display())),
        (Password, format!("memory of {host}: /run/planted")),
        (ClientSecret, format!("{}/var/log/ccslurm4ai-twin/commands.jsonl ({record:o})", upper.display())),
        (Token, format!("journal of {host}")),
    ] {
        assert!(seen.contains(&(secret, place.clone())), "{secret:?} at {place} is not in {seen:#?}");
    }
}

#[test]
fn the_watcher_sees_what_is_planted() {
    let (canaries, key) = planted();
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key");
    fs::write(&key_file, &key).unwrap();
    let script = "printf %s \"$0\" > file; (printf %s \"$PLANTED\") | base64 -w 0 > encoded; cat key | tee copy; \
                  rm copy; mkdir $(tail -c 34 token); printf %s \"$1\" > database";
    fs::write(folder.path().join("token"), TOKEN).unwrap();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, PASSWORD, DATABASE]).env("PLANTED", CLIENT_SECRET).current_dir(folder.path());
    let (trace, mut command) = Trace::wrap(&command);
    ok(&mut command);

    let mut seen = trace.sightings(&canaries);
    let written = trace.written();
    for name in ["file", "encoded", "copy"] {
        assert!(written.iter().any(|file| file.ends_with(name)), "{name} is not in {written:?}");
    }
    look_at_files(&canaries.files([folder.path()]), &canaries, &mut seen);
    let here = |place: &str| place.replace("HERE", folder.path().canonicalize().unwrap().to_str().unwrap());
    let expected = [
        (Password, "arguments of sh"),
        (Password, "sh writes HERE/file"),
        (Password, "HERE/file (644)"),
        (Database, "sh writes HERE/database"),
        (ClientSecret, "environment of sh"),
        (ClientSecret, "environment of base64"),
        (ClientSecret, "sh writes pipe"),
        (ClientSecret, "base64 writes HERE/encoded"),
        (ClientSecret, "HERE/encoded (644)"),
        (SshKey, "cat writes pipe"),
        (SshKey, "tee writes HERE/copy"),
        (SshKey, "HERE/key (644)"),
        (Token, "tail writes pipe"),
        (Token, "arguments of mkdir"),
        (Token, "HERE/token (644)"),
    ];
    for (secret, place) in &expected {
        assert!(seen.contains(&(*secret, here(place))), "{secret:?} at {place} is not in {seen:#?}");
    }
    let (wrong, idle) = verdict(&seen, &ALLOWED);
    assert_eq!((wrong.len(), idle.len()), (seen.len(), ALLOWED.len()), "nothing planted is allowed");
    println!("{} planted secrets seen", expected.len());
}
