//! The verbs of the command line.

use std::fs::File;
use std::io::IsTerminal;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ccslurm4ai_twin::azure::log;
use ccslurm4ai_twin::azure::scenario::Scenario;
use ccslurm4ai_twin::hosts::rootfs;
use ccslurm4ai_twin::session::{self, DIR, LOG, Session, environment_file};
use ccslurm4ai_twin::{control, hosts, page};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Place, Start};

const STARTED: Duration = Duration::from_secs(600); // the hosts' root file system may have to be made first
const STOPPED: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_millis(50);

fn scenario(start: &Start) -> Result<Scenario> {
    start.scenario.as_deref().map_or_else(|| Ok(Scenario::default()), Scenario::load)
}

/// Runs a command in a twin of its own.
pub fn run(start: &Start, argv: &[String]) -> Result<ExitCode> {
    let dir =
        tempfile::Builder::new().prefix("ccslurm4ai-twin-").tempdir().context("making the twin's folder")?;
    let runtime = Runtime::new().context("starting the twin's runtime")?;
    let mut signals = Signals::listen(&runtime)?;
    let session = Session::start(runtime, dir.path(), scenario(start)?, !start.no_hosts)?;
    let status = session.runtime().block_on(command(&session, argv, &mut signals));
    session.end();
    Ok(exit_code(status?))
}

/// Signals that end a twin; heard from before it starts, so that one that comes early is not lost.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen(runtime: &Runtime) -> Result<Signals> {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).context("listening to signals");
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hangup.recv() => Signal::SIGHUP,
        }
    }
}

/// Runs the command and hands signals on to it. On a terminal it shares our process group, so that the keyboard
/// reaches it; elsewhere it has one of its own and gets what we get.
async fn command(session: &Session, argv: &[String], signals: &mut Signals) -> Result<ExitStatus> {
    let (program, arguments) = argv.split_first().context("no command was given")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(&session.environment);
    let own_group = !std::io::stdin().is_terminal();
    if own_group {
        command.process_group(0);
    }
    let mut child = tokio::process::Command::from(command)
        .spawn()
        .with_context(|| format!("cannot run {program}: is it installed and on PATH?"))?;
    loop {
        let caught = tokio::select! {
            status = child.wait() => return status.context("waiting for the command"),
            caught = signals.next() => caught,
        };
        if own_group || caught == Signal::SIGTERM {
            pass_on(child.id(), own_group, caught);
        }
    }
}

fn pass_on(child: Option<u32>, whole_group: bool, caught: Signal) {
    let Some(id) = child.and_then(|id| i32::try_from(id).ok()) else { return };
    let target = Pid::from_raw(if whole_group { -id } else { id });
    if let Err(error) = kill(target, caught) {
        eprintln!("twin: cannot pass {caught} on: {error}");
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn folder(place: &Place) -> Result<PathBuf> {
    if let Some(dir) = &place.dir {
        return Ok(dir.clone());
    }
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let base =
        state.or_else(home).with_context(|| format!("neither {DIR}, XDG_STATE_HOME nor HOME is set"))?;
    Ok(base.join("ccslurm4ai-twin"))
}

/// Starts a twin in the background.
pub fn up(start: &Start, place: &Place) -> Result<ExitCode> {
    let dir = folder(place)?;
    if control::ask(&dir, "status").is_ok() {
        bail!("a twin runs in {} already: end it with `ccslurm4ai-twin down`", dir.display());
    }
    scenario(start)?; // a mistake in it is told here, not in a log
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let _ = std::fs::remove_file(dir.join("ready")); // of a twin that was killed
    let log = dir.join(LOG);
    let output = File::options().create(true).write(true).truncate(true).mode(0o600).open(&log);
    let output = output.with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    command.arg("serve").arg("--dir").arg(&dir).args(start.no_hosts.then_some("--no-hosts"));
    if let Some(scenario) = &start.scenario {
        command.arg("--scenario").arg(scenario);
    }
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut child = command.spawn().context("starting the twin")?;
    let end = Instant::now() + STARTED;
    while !dir.join("ready").exists() || control::ask(&dir, "status").is_err() {
        if let Some(status) = child.try_wait().context("looking after the twin")? {
            eprint!("{}", std::fs::read_to_string(&log).unwrap_or_default());
            return Ok(exit_code(status));
        }
        if Instant::now() > end {
            child.kill().context("ending a twin that does not come up")?;
            bail!("the twin did not come up within {} s: see {}", STARTED.as_secs(), log.display());
        }
        std::thread::sleep(STEP);
    }
    eprintln!("the twin runs in {}; enter it with: eval \"$(ccslurm4ai-twin env)\"", dir.display());
    Ok(ExitCode::SUCCESS)
}

/// Is the twin that `up` starts.
pub fn serve(start: &Start, dir: &Path) -> Result<ExitCode> {
    rustix::process::setsid().context("leaving the terminal's session")?;
    let ready = dir.join("ready");
    let runtime = Runtime::new().context("starting the twin's runtime")?;
    let mut signals = Signals::listen(&runtime)?;
    let session = Session::start(runtime, dir, scenario(start)?, !start.no_hosts)?;
    std::fs::write(&ready, std::process::id().to_string()).context("telling that the twin is ready")?;
    session.runtime().block_on(async {
        tokio::select! {
            () = session.azure.stop.notified() => {}
            _ = signals.next() => {}
        }
    });
    session.end();
    let cleared = session::clear(dir);
    std::fs::remove_file(&ready).context("telling that the twin is gone")?;
    cleared?;
    Ok(ExitCode::SUCCESS)
}

/// Ends the twin that `up` started, and clears away what a killed one left.
pub fn down(place: &Place) -> Result<ExitCode> {
    let dir = folder(place)?;
    if control::ask(&dir, "down").is_err() {
        hosts::remove_leftovers()?;
        session::clear(&dir)?;
        eprintln!("no twin runs in {}", dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    let end = Instant::now() + STOPPED;
    while dir.join("ready").exists() {
        if Instant::now() > end {
            bail!("the twin in {} did not end within {} s", dir.display(), STOPPED.as_secs());
        }
        std::thread::sleep(STEP);
    }
    if dir.join(control::SOCKET).exists() {
        bail!("the twin in {} ended and could not remove all it made: see {LOG} there", dir.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the environment of a running twin.
pub fn env(place: &Place) -> Result<ExitCode> {
    let dir = folder(place)?;
    control::ask(&dir, "status")?;
    let path = environment_file(&dir);
    print!("{}", std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?);
    Ok(ExitCode::SUCCESS)
}

/// Prints how a running twin is doing.
pub fn status(place: &Place) -> Result<ExitCode> {
    println!("{:#}", control::ask(&folder(place)?, "status")?);
    Ok(ExitCode::SUCCESS)
}

/// Prints the state of a running twin.
pub fn state(place: &Place) -> Result<ExitCode> {
    println!("{:#}", control::ask(&folder(place)?, "state")?);
    Ok(ExitCode::SUCCESS)
}

/// Prints the requests so far.
pub fn requests(place: &Place) -> Result<ExitCode> {
    let path = folder(place)?.join(log::FILE);
    print!("{}", std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?);
    Ok(ExitCode::SUCCESS)
}

/// Runs a command inside a host.
pub fn exec(place: &Place, host: &str, argv: &[String]) -> Result<ExitCode> {
    let mut command = hosts::exec(&folder(place)?, host, argv)?;
    Ok(exit_code(command.status().with_context(|| format!("running a command in host {host}"))?))
}

/// Makes what is made once: the hosts' root file system. Prints its folder.
pub fn prepare() -> Result<ExitCode> {
    println!("{}", rootfs::prepare(&rootfs::cache_dir()?)?.display());
    Ok(ExitCode::SUCCESS)
}

/// Prints `CLAIMS.md`.
pub fn claims() -> Result<ExitCode> {
    print!("{}", page::render());
    Ok(ExitCode::SUCCESS)
}
