//! The only place that spawns programs: timeout, interrupt, process group, redaction, log and dry run
//! come with every call.

mod background;
mod command;
mod group;

pub mod interrupt;
mod log;
pub mod redact;

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use background::Background;
pub use command::{Command, quote};
use group::Group;
pub use group::end_orphans;
pub use log::Log;
use redact::Redactor;

use crate::ui::{Event, Ui};

/// How often a waiting call looks for an interrupt.
const POLL: Duration = Duration::from_millis(50);

/// What a finished program left behind. Any exit status is here; the caller judges it.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Exit status; 128 + n when signal n ended it.
    pub status: i32,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error; likewise.
    pub stderr: String,
}

/// Why a program did not run to its end.
#[derive(Debug, Clone)]
pub enum ProcessError {
    /// There is no such program on `PATH`.
    NotFound {
        /// The program's name.
        program: String,
    },
    /// It was ended because it took too long.
    TimedOut {
        /// The command line, redacted.
        command: String,
        /// The time it was given.
        after: Duration,
    },
    /// SIGINT or SIGTERM reached us while it ran; it has been ended.
    Interrupted,
    /// It could not be started or followed.
    Io {
        /// The command line, redacted.
        command: String,
        /// The operating system's reason.
        reason: String,
    },
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { program } => write!(f, "the program `{program}` is not on PATH"),
            Self::TimedOut { command, after } => {
                write!(f, "`{command}` did not end within {} s and was stopped", after.as_secs_f32())
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::Io { command, reason } => write!(f, "`{command}` could not run: {reason}"),
        }
    }
}

impl std::error::Error for ProcessError {}

/// Runs programs. Shared by threads that work side by side.
pub struct Runner<'a> {
    ui: &'a Ui,
    redactor: Redactor,
    log: std::sync::OnceLock<Log>,
    state: std::sync::OnceLock<PathBuf>,
    changes: Changes,
    shown: std::sync::Mutex<Vec<String>>,
}

/// What becomes of commands that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changes {
    Made,
    Shown,
    LeftOut,
}

impl<'a> Runner<'a> {
    /// A runner that shows what it would do (`dry_run`) or does it.
    pub fn new(ui: &'a Ui, dry_run: bool) -> Self {
        Self::with(ui, if dry_run { Changes::Shown } else { Changes::Made })
    }

    /// A runner that only reads: what would change something is neither done nor shown.
    pub fn reading(ui: &'a Ui) -> Self {
        Self::with(ui, Changes::LeftOut)
    }

    fn with(ui: &'a Ui, changes: Changes) -> Self {
        Self {
            ui,
            redactor: Redactor::default(),
            log: std::sync::OnceLock::new(),
            state: std::sync::OnceLock::new(),
            changes,
            shown: std::sync::Mutex::default(),
        }
    }

    /// From now on each call is logged to `log`, and each child marked as one of the run with the state folder
    /// `state`, so that a next start can end what a SIGKILL orphaned.
    pub fn attach(&self, log: Log, state: PathBuf) {
        let _ = self.log.set(log);
        let _ = self.state.set(state);
    }

    /// Whether nothing is changed.
    pub fn is_dry_run(&self) -> bool {
        self.changes != Changes::Made
    }

    /// The command lines that a dry run has shown instead of running them.
    pub fn shown(&self) -> Vec<String> {
        self.shown.lock().map(|shown| shown.clone()).unwrap_or_default()
    }

    /// Hides `secret` in every log line and error from now on.
    pub fn hide(&self, secret: &str) {
        self.redactor.add(secret);
    }

    /// Removes what must not be seen from a text.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.apply(text)
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it is missing, cannot run, takes longer than its timeout, or we are interrupted; an exit
    /// status other than 0 is no error here.
    pub fn run(&self, command: &Command) -> Result<Output, ProcessError> {
        if let Some(output) = self.pretend(command) {
            return Ok(output);
        }
        let started = Instant::now();
        let result = self.run_to_end(command);
        self.record(command, started, &result);
        result
    }

    /// Runs a program and hands over each line of its standard output as it comes; `stdout` of the
    /// result stays empty.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn stream(&self, command: &Command, on_line: impl FnMut(&str)) -> Result<Output, ProcessError> {
        if let Some(output) = self.pretend(command) {
            return Ok(output);
        }
        let started = Instant::now();
        let result = self.stream_to_end(command, on_line);
        self.record(command, started, &result);
        result
    }

    /// Starts a program that goes on beside us, its output in `output_file`. It ends when the handle is
    /// dropped.
    ///
    /// # Errors
    /// When it is missing or cannot run.
    pub fn spawn(&self, command: &Command, output_file: &Path) -> Result<Background, ProcessError> {
        let mut expression = self.expression(command)?.stderr_to_stdout().stdout_path(output_file);
        let mut stdin = None;
        if command.holds_stdin() {
            let (reader, writer) = std::io::pipe().map_err(|error| self.io(command, &error))?;
            expression = expression.stdin_file(reader);
            stdin = Some(writer);
        }
        let handle = expression.unchecked().start().map_err(|error| self.io(command, &error))?;
        let group = Group::new(handle.pids().first().copied());
        if let Some(log) = self.log.get() {
            log.write(&serde_json::json!({ "started": self.line(command) }));
        }
        Ok(Background::new(handle, group, stdin))
    }

    fn pretend(&self, command: &Command) -> Option<Output> {
        let skip = self.is_dry_run() && command.changes_something();
        if skip && self.changes == Changes::Shown {
            let line = self.line(command);
            self.ui.event(Event::Note { text: &format!("would run: {line}") });
            if let Ok(mut shown) = self.shown.lock() {
                shown.push(line);
            }
        }
        skip.then(Output::default)
    }

    fn run_to_end(&self, command: &Command) -> Result<Output, ProcessError> {
        let expression = self.expression(command)?.stdout_capture().stderr_capture().unchecked();
        let handle = expression.start().map_err(|error| self.io(command, &error))?;
        let group = Group::new(handle.pids().first().copied());
        let deadline = Instant::now() + command.time_limit();
        loop {
            match handle.wait_timeout(POLL) {
                Ok(Some(output)) => return Ok(Output::from(output)),
                Ok(None) => {}
                Err(error) => return Err(self.io(command, &error)),
            }
            if let Some(error) = self.reason_to_stop(command, deadline) {
                group.end(|| matches!(handle.try_wait(), Ok(Some(_))));
                return Err(error);
            }
        }
    }

    fn stream_to_end(
        &self,
        command: &Command,
        mut on_line: impl FnMut(&str),
    ) -> Result<Output, ProcessError> {
        let expression = self.expression(command)?.stderr_capture().unchecked();
        let handle = expression.reader().map_err(|error| self.io(command, &error))?;
        let group = Group::new(handle.pids().first().copied());
        let deadline = Instant::now() + command.time_limit();
        let ended = AtomicBool::new(false);
        let (stopped, read) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    if let Some(error) = self.reason_to_stop(command, deadline) {
                        group.end(|| ended.load(Ordering::Relaxed));
                        return Some(error);
                    }
                    std::thread::park_timeout(POLL);
                }
                None
            });
            let read = read_lines(&handle, &mut on_line);
            ended.store(true, Ordering::Relaxed);
            watch.thread().unpark();
            (watch.join().unwrap_or(None), read)
        });
        if let Some(error) = stopped {
            return Err(error);
        }
        read.map_err(|error| self.io(command, &error))?;
        match handle.try_wait() {
            Ok(Some(output)) => Ok(Output::from(output)),
            Ok(None) => Err(self.io(command, &std::io::Error::other("its end could not be told"))),
            Err(error) => Err(self.io(command, &error)),
        }
    }

    fn reason_to_stop(&self, command: &Command, deadline: Instant) -> Option<ProcessError> {
        if command.heeds_interrupts() && interrupt::requested() {
            return Some(ProcessError::Interrupted);
        }
        (Instant::now() >= deadline)
            .then(|| ProcessError::TimedOut { command: self.line(command), after: command.time_limit() })
    }

    fn expression(&self, command: &Command) -> Result<duct::Expression, ProcessError> {
        if command.heeds_interrupts() && interrupt::requested() {
            return Err(ProcessError::Interrupted);
        }
        let expression = command.expression()?;
        Ok(match self.state.get() {
            Some(state) => group::mark(expression, state),
            None => expression,
        })
    }

    fn line(&self, command: &Command) -> String {
        self.redact(&command.to_string())
    }

    fn io(&self, command: &Command, error: &std::io::Error) -> ProcessError {
        ProcessError::Io { command: self.line(command), reason: error.to_string() }
    }

    fn record(&self, command: &Command, started: Instant, result: &Result<Output, ProcessError>) {
        let Some(log) = self.log.get() else { return };
        let mut entry = serde_json::json!({
            "command": self.line(command),
            "seconds": (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        });
        match result {
            Ok(output) => {
                entry["status"] = output.status.into();
                if !command.has_secret_output() {
                    entry["stdout"] = log::shorten(&self.redact(&output.stdout)).into();
                }
                entry["stderr"] = log::shorten(&self.redact(&output.stderr)).into();
            }
            Err(error) => entry["error"] = self.redact(&error.to_string()).into(),
        }
        log.write(&entry);
    }
}

fn read_lines(handle: &duct::ReaderHandle, on_line: &mut impl FnMut(&str)) -> std::io::Result<()> {
    let mut reader = BufReader::new(handle);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        on_line(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
        line.clear();
    }
    Ok(())
}

impl From<&std::process::Output> for Output {
    fn from(output: &std::process::Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let signal = output.status.signal().unwrap_or_default();
        Self {
            status: output.status.code().unwrap_or(128 + signal),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
