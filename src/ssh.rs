//! Our own `ssh`: its settings, what its errors mean, and the lock held on the server.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use tempfile::TempDir;

use crate::failure::{Exit, Failure, Problem};
use crate::known_errors::{self, By, Means};
use crate::process::{Background, Command, Runner, interrupt};

/// A silent connection is probed this often: Bastion drops idle ones within minutes
/// (github.com/Azure/azure-cli/issues/28367).
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long signing in may take, tunnel included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(100);
/// Between two looks at what the server said, which is in a local file.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Lies in the admin user's home: nobody else's files can be in its way.
const LOCK_FILE: &str = ".ccslurm4ai.lock";
/// What the server says once the lock is ours.
const LOCKED: &str = "ccslurm4ai-locked";
/// What the VM says once we are signed in.
const CONNECTED: &str = "ccslurm4ai-connected";
/// The name that VMs have in our `config`; its settings hold for any.
const HOST: &str = "server";
/// Exit status of `flock` when somebody else has the lock; ssh itself ends with 255.
const LOCK_TAKEN: i32 = 75;

/// Who signs in, and by which keys hosts are recognised.
#[derive(Debug, Clone)]
pub struct Identity {
    /// User name on the VM.
    pub user: String,
    /// The private key; or a public one, whose private half is with the agent.
    pub key_file: PathBuf,
    /// Host keys seen so far; ours alone.
    pub known_hosts: PathBuf,
}

/// Settings for one VM, one a line, in the form of ssh_config(5). `host_key_alias` (the VM's resource id)
/// is the name its host key is remembered by: through a tunnel every VM has the same address.
pub fn settings(identity: &Identity, host_key_alias: &str) -> String {
    let mut text = String::new();
    for (name, value) in [
        ("User", identity.user.clone()),
        ("IdentityFile", word(&path_text(&identity.key_file))),
        ("IdentitiesOnly", "yes".to_owned()),
        ("PasswordAuthentication", "no".to_owned()),
        ("KbdInteractiveAuthentication", "no".to_owned()),
        ("UserKnownHostsFile", word(&path_text(&identity.known_hosts))),
        ("GlobalKnownHostsFile", "/dev/null".to_owned()),
        ("HostKeyAlias", word(host_key_alias)),
        ("StrictHostKeyChecking", "accept-new".to_owned()),
        ("ConnectTimeout", CONNECT_TIMEOUT.as_secs().to_string()),
        ("ServerAliveInterval", KEEP_ALIVE.as_secs().to_string()),
    ] {
        let _ = writeln!(text, "{name} {value}");
    }
    text
}

/// `text` as one quoted argument of ssh_config(5), which also expands `%`.
fn word(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%"))
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Makes `folder` for its owner alone.
fn make_private_folder(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making the folder {}", folder.display()))
}

/// What ssh's error output means for the user; `None` when it is no error of signing in.
pub fn explain(stderr: &str, vm: &str, known_hosts: &Path) -> Option<Failure> {
    let known = known_errors::find(By::Ssh, "", stderr)?;
    let says_it = |line: &&str| known_errors::find(By::Ssh, "", line) == Some(known);
    let said = stderr.lines().map(str::trim).find(says_it).unwrap_or_default();
    let (exit, code, text) = match known.means? {
        Means::HostKeyChanged => {
            (Exit::Refused, "HostKeyChanged", "the VM shows another host key than before".to_owned())
        }
        Means::KeyRejected => {
            (Exit::Access, "SshKeyRejected", format!("the VM does not take our SSH key: {said}"))
        }
        _ => (Exit::Unreachable, "HostUnreachable", format!("the VM cannot be reached: {said}")),
    };
    let [vm_word, hosts_word] = [vm, &path_text(known_hosts)].map(crate::process::quote);
    let values = [("vm", &*vm_word), ("known_hosts", &*hosts_word)];
    Some(Failure::many(exit, vec![Problem::new(code, text).resource(vm).known(known, &values)]))
}

/// One signed-in connection to a VM, shared by all that use its `config`.
///
/// Sharing keeps Bastion sessions few: `az network bastion tunnel` ends only the last of several
/// (github.com/Azure/azure-cli-extensions/issues/10137), and versions before 1.0.1 take one at a time.
pub struct Session {
    folder: TempDir,
    vm: String,
    known_hosts: PathBuf,
}

impl Session {
    /// Writes the settings for the VM whose sshd answers at `address`; signs in on the first use.
    ///
    /// # Errors
    /// When the folder of `known_hosts` or the temporary one can't be written.
    pub fn new(identity: &Identity, vm: &str, address: SocketAddr) -> anyhow::Result<Self> {
        if let Some(folder) = identity.known_hosts.parent() {
            make_private_folder(folder)?;
        }
        // Not in the state folder: a control socket's path must be shorter than 108 bytes.
        let folder = tempfile::Builder::new().prefix("ccslurm4ai-").tempdir_in("/tmp")?;
        let session = Self { folder, vm: vm.to_owned(), known_hosts: identity.known_hosts.clone() };
        let socket = session.folder.path().join("socket");
        let text = format!(
            "Hostname {}\nPort {}\nBatchMode yes\nControlPath {}\n{}",
            address.ip(),
            address.port(),
            path_text(&socket),
            settings(identity, vm)
        );
        std::fs::write(session.config(), text)?;
        Ok(session)
    }

    /// The ssh_config file to name with `ssh -F`.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Signs in; all that uses the `config` shares the connection until the result is dropped.
    ///
    /// # Errors
    /// Exit code 10, 11 or 12 when we can't sign in.
    pub fn connect(&self, runner: &Runner<'_>) -> anyhow::Result<Connection> {
        self.hold(runner, &format!("echo {CONNECTED}; exec cat"), CONNECTED, Duration::ZERO)
    }

    /// Takes the lock that keeps two runners of one server apart; it is free again when the result is
    /// dropped or the connection breaks. Waits up to `patience` for another holder.
    ///
    /// # Errors
    /// Exit code 8 when somebody else keeps it, 10, 11 or 12 when we can't sign in.
    pub fn lock(&self, runner: &Runner<'_>, patience: Duration) -> anyhow::Result<Connection> {
        let remote = format!(
            "exec flock -w {} -E {LOCK_TAKEN} ~/{LOCK_FILE} sh -c 'echo {LOCKED}; exec cat'",
            patience.as_secs()
        );
        self.hold(runner, &remote, LOCKED, patience)
    }

    /// Holds a connection on which `remote` runs, once that has said `ready`.
    fn hold(
        &self,
        runner: &Runner<'_>,
        remote: &str,
        ready: &str,
        patience: Duration,
    ) -> anyhow::Result<Connection> {
        let command = Command::new("ssh")
            .args(["-M", "-T", "-F"])
            .args([path_text(&self.config()).as_str(), HOST, remote])
            .stdin_held();
        let said = self.folder.path().join("said");
        let connection = runner.spawn(&command, &said)?;
        let deadline = Instant::now() + CONNECT_TIMEOUT + patience;
        loop {
            let ended = connection.ended();
            let text = std::fs::read_to_string(&said).unwrap_or_default();
            match ended {
                None if text.lines().any(|line| line.trim() == ready) => {
                    return Ok(Connection { _process: connection });
                }
                Some(LOCK_TAKEN) => return Err(self.busy().into()),
                Some(status) => {
                    return Err(self.no_connection(&text, &format!("ssh ended with status {status}")).into());
                }
                None if Instant::now() >= deadline => {
                    return Err(self.no_connection(&text, "ssh timed out").into());
                }
                None => interrupt::sleep(LOOK_AGAIN)?,
            }
        }
    }

    /// `ssh` that runs `remote`, a line for the VM's shell, over the shared connection.
    pub fn command(&self, remote: &str) -> Command {
        Command::new("ssh").args(["-T", "-F", &path_text(&self.config()), HOST, remote])
    }

    fn busy(&self) -> Failure {
        Failure::new(Exit::Busy, "ServerBusy", "another run is configuring this CycleCloud server")
            .resource(&self.vm)
            .remedy("wait until it has ended, then run the same command again")
    }

    fn no_connection(&self, said: &str, ending: &str) -> Failure {
        explain(&format!("{said}\n{ending}"), &self.vm, &self.known_hosts).unwrap_or_else(|| {
            let text = format!("signing in failed: {}", said.trim());
            Failure::new(Exit::Unreachable, "SignInFailed", text)
                .resource(&self.vm)
                .remedy("run the same command again")
        })
    }

    /// The VM this session leads to.
    pub fn vm(&self) -> &str {
        &self.vm
    }

    /// Where its host key is remembered.
    pub fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }
}

/// A signed-in connection, and the lock taken with it; ended when dropped.
pub struct Connection {
    _process: Background,
}

#[cfg(test)]
pub mod test_server;

#[cfg(test)]
mod tests;
