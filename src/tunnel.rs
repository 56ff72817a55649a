//! The way to one VM's sshd: a tunnel through Azure Bastion, by `az network bastion tunnel`, or none where the VM's
//! private address is reached from here.

use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::azure::login_command;
use crate::failure::{Exit, Failure, Problem};
use crate::known_errors::{self, By, Means};
use crate::process::{Background, Command, ProcessError, Runner, interrupt};
use crate::resource_id::BastionId;
use crate::ui::{Event, Ui};

/// Where sshd listens.
const SSH_PORT: u16 = 22;
/// How long it may take until sshd's greeting comes.
const DEADLINE: Duration = Duration::from_secs(90);
/// How long a way in use may take for the same.
const STILL_ALIVE: Duration = Duration::from_secs(15);
/// How long a connection may take: the network may be far.
const CONNECT: Duration = Duration::from_secs(3);
/// Between two attempts to connect, and two looks for an interrupt.
const STEP: Duration = Duration::from_millis(200);
/// Between two attempts while nobody listens yet, which cost nothing.
const SHORT_STEP: Duration = Duration::from_millis(20);
/// Before az is started again.
const PAUSE: Duration = Duration::from_secs(1);
/// What az says when it may work the next time: another program took the port, or az had listened already
/// and then the Bastion did not take the first connection, as with a VM that is still starting.
const TRANSIENT: [&str; 3] = ["port is currently unavailable", "Address already in use", "Tunnel is ready"];

/// The way to a VM's sshd.
#[derive(Debug, Clone)]
pub struct Route {
    /// Resource id of the VM.
    pub vm: String,
    /// How it is reached.
    pub way: Way,
}

/// How a VM is reached.
#[derive(Debug, Clone)]
pub enum Way {
    /// Through a tunnel of this Bastion.
    Bastion(BastionId),
    /// At its private address, for this machine is in the network or in one that reaches it.
    Direct(IpAddr),
}

/// The command that opens a tunnel through `bastion` to sshd of `vm`.
fn tunnel_command(az: &Command, bastion: &BastionId, vm: &str, port: u16) -> Command {
    az.clone()
        .args(["network", "bastion", "tunnel", "--subscription", &bastion.subscription])
        .args(["--name", &bastion.name, "--resource-group", &bastion.group])
        .args(["--target-resource-id", vm, "--resource-port", "22"])
        .args(["--port".to_owned(), port.to_string()])
}

/// An open way to sshd; a tunnel is closed when dropped.
pub struct Tunnel {
    /// None where no tunnel is needed.
    az: Option<Background>,
    address: SocketAddr,
}

impl Tunnel {
    /// Where the VM's sshd answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether sshd still greets there.
    pub fn is_alive(&self) -> bool {
        self.ended().is_none() && matches!(greeting(self.address, STILL_ALIVE, || false), Greeting::Ssh)
    }

    /// The status that the tunnel's process ended with.
    fn ended(&self) -> Option<i32> {
        self.az.as_ref().and_then(Background::ended)
    }
}

/// Opens the way to one VM.
pub struct Opener<'a> {
    runner: &'a Runner<'a>,
    ui: &'a Ui,
    route: &'a Route,
    log: PathBuf,
    az: Command,
    limit: Duration,
}

impl<'a> Opener<'a> {
    /// Opens `route`; what az says goes to a file in `logs`.
    pub fn new(runner: &'a Runner<'a>, ui: &'a Ui, route: &'a Route, logs: &Path) -> Self {
        let log = logs.join("tunnel.log");
        Self { runner, ui, route, log, az: Command::new("az"), limit: DEADLINE }
    }

    /// Runs `work` with a tunnel. When the tunnel dies in the middle, it is opened again and `work` runs
    /// once more; other failures of `work` are its own.
    ///
    /// # Errors
    /// Those of [`Opener::open`] and of `work`.
    pub fn with_tunnel<T>(&self, mut work: impl FnMut(&Tunnel) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let tunnel = self.open()?;
        let result = work(&tunnel);
        if result.is_ok() || interrupt::requested() || tunnel.is_alive() {
            return result;
        }
        drop(tunnel);
        self.ui.event(Event::Warning {
            text: "the connection to the server broke; opening it again and going on",
        });
        work(&self.open()?)
    }

    /// Opens the way and waits until sshd greets at its end.
    ///
    /// # Errors
    /// Exit code 11, with az's own words, when that takes longer than 90 s, 10 when az asks to sign in or is
    /// forbidden, 9 when az or its extension is missing.
    pub fn open(&self) -> anyhow::Result<Tunnel> {
        match &self.route.way {
            Way::Bastion(bastion) => self.open_tunnel(bastion),
            Way::Direct(address) => self.open_direct(SocketAddr::new(*address, SSH_PORT)),
        }
    }

    fn open_direct(&self, address: SocketAddr) -> anyhow::Result<Tunnel> {
        let tunnel = Tunnel { az: None, address };
        if wait_for_greeting(&tunnel, Instant::now() + self.limit)? == Wait::Ready {
            return Ok(tunnel);
        }
        let text = format!("no SSH server answered at {address} within {} s", self.limit.as_secs());
        let remedy = "with `bastion: none` this machine must be in the network, or in one that reaches it, and port \
                      22 open between them; else name a Bastion";
        Err(Failure::new(Exit::Unreachable, "HostUnreachable", text)
            .resource(&self.route.vm)
            .remedy(remedy)
            .into())
    }

    fn open_tunnel(&self, bastion: &BastionId) -> anyhow::Result<Tunnel> {
        let deadline = Instant::now() + self.limit;
        loop {
            let port = free_port()?;
            let command = tunnel_command(&self.az, bastion, &self.route.vm, port);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let tunnel = Tunnel { az: Some(self.runner.spawn(&command, &self.log)?), address };
            let outcome = wait_for_greeting(&tunnel, deadline)?;
            if outcome == Wait::Ready {
                return Ok(tunnel);
            }
            // Before it is ended: what it says about that is no reason.
            let said = std::fs::read(&self.log).unwrap_or_default();
            drop(tunnel);
            let said = self.runner.redact(&String::from_utf8_lossy(&said));
            let worth_another = TRANSIENT.iter().any(|sign| said.contains(sign));
            if outcome == Wait::Late || !worth_another || Instant::now() >= deadline {
                return Err(self.failure(&command, outcome, &said).into());
            }
            interrupt::sleep(PAUSE)?;
        }
    }

    /// Why there is no tunnel, in az's words.
    fn failure(&self, command: &Command, outcome: Wait, said: &str) -> Failure {
        // A traceback is no broken az here: the extension's threads end with one when a connection breaks.
        let by_az =
            || known_errors::find(By::Az, "", said).filter(|known| known.means != Some(Means::Broken));
        let known = known_errors::find(By::Bastion, "", said).or_else(by_az);
        let (exit, code) = match known.and_then(|known| known.means) {
            Some(Means::SignIn) => (Exit::Access, "NotSignedIn"),
            Some(Means::Forbidden) => (Exit::Access, "BastionForbidden"),
            Some(Means::NoExtension) => (Exit::ProgramMissing, "ProgramMissing"),
            _ => (Exit::Unreachable, "NoTunnel"),
        };
        let reason = useful(said);
        let text = match outcome {
            Wait::Ended(status) => format!("the tunnel ended with status {status}: {reason}"),
            _ => {
                let limit = self.limit.as_secs();
                format!("no SSH server answered through the tunnel within {limit} s: {reason}")
            }
        };
        let problem = Problem::new(code, text).resource(&self.route.vm);
        let problem = match known {
            Some(known) => problem.known(known, &[("login", &login_command(said))]),
            None => problem.remedy(format!("run the same command again; to see it by hand: {command}")),
        };
        Failure::many(exit, vec![problem])
    }
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("asking for a free local port")?;
    Ok(listener.local_addr()?.port())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Ready,
    Ended(i32),
    Late,
}

fn wait_for_greeting(tunnel: &Tunnel, deadline: Instant) -> Result<Wait, ProcessError> {
    loop {
        if let Some(status) = tunnel.ended() {
            return Ok(Wait::Ended(status));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Wait::Late);
        }
        let stop = || interrupt::requested() || tunnel.ended().is_some();
        match greeting(tunnel.address, left, stop) {
            Greeting::Ssh => return Ok(Wait::Ready),
            Greeting::Nobody => interrupt::sleep(SHORT_STEP)?,
            Greeting::Nothing => interrupt::sleep(STEP)?,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Greeting {
    Ssh,
    Nothing,
    Nobody,
}

/// Connects, and reads what an SSH server says first: `SSH-` and its version (RFC 4253, section 4.2).
/// Leaves at once then, so that a tunnel serving one connection at a time is free for the next.
fn greeting(address: SocketAddr, limit: Duration, stop: impl Fn() -> bool) -> Greeting {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, CONNECT) else { return Greeting::Nobody };
    if stream.set_read_timeout(Some(STEP)).is_err() {
        return Greeting::Nothing;
    }
    let deadline = Instant::now() + limit;
    let mut said = Vec::new();
    let mut buffer = [0; 256];
    while Instant::now() < deadline && !stop() {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        if said.starts_with(b"SSH-") {
            return Greeting::Ssh;
        }
    }
    Greeting::Nothing
}

/// az's errors without its notices, or else all it said.
fn useful(said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let errors: Vec<_> = lines().filter(|line| line.contains("ERROR") || line.contains("Error")).collect();
    let chosen = if errors.is_empty() { lines().collect() } else { errors };
    if chosen.is_empty() {
        "az said nothing".to_owned()
    } else {
        chosen[chosen.len().saturating_sub(3)..].join("; ")
    }
}

#[cfg(test)]
mod tests;
