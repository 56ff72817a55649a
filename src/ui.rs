//! What a person sees while we work: one line a phase with its time, on a terminal with a spinner,
//! elsewhere plain. Everything here goes to standard error; the answer alone goes to standard output.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::failure::{Exit, Problem, paragraphs};
use crate::process::{ProcessError, interrupt};

/// Name of the JSON document's form; changes when a field changes its meaning.
const SCHEMA: &str = "ccslurm4ai/1";

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document, also on failure.
    Json,
}

/// Something worth telling while a command runs.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A phase begins.
    PhaseStarted {
        /// Its name, as in the README's list of phases.
        name: &'a str,
    },
    /// The running phase got somewhere.
    Progress {
        /// What is being done now.
        text: &'a str,
    },
    /// The running phase ended well.
    PhaseDone {
        /// What came of it; may be empty.
        note: &'a str,
    },
    /// The running phase could not find out what it was for.
    PhaseOpen,
    /// A phase is not needed.
    Skipped {
        /// Its name.
        name: &'a str,
        /// Why not.
        why: &'a str,
    },
    /// Something the user should look at.
    Warning {
        /// One sentence.
        text: &'a str,
    },
    /// Something the user may want to know.
    Note {
        /// One sentence.
        text: &'a str,
    },
}

/// What a command answers on standard output.
#[derive(Debug, Clone)]
pub struct Answer {
    /// For people; printed as it is.
    pub text: String,
    /// The `result` of the JSON document.
    pub result: Value,
}

struct Phase {
    name: String,
    started: Instant,
    spinner: Option<ProgressBar>,
}

/// Prints events and the answer.
pub struct Ui {
    format: Format,
    terminal: bool,
    color: bool,
    verbose: bool,
    phase: Mutex<Option<Phase>>,
    last_phase: Mutex<String>,
}

impl Ui {
    /// `color` is honoured on a terminal only; `verbose` shows progress lines where there is no spinner.
    pub fn new(format: Format, color: bool, verbose: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = color && terminal && std::env::var_os("NO_COLOR").is_none();
        Self { format, terminal, color, verbose, phase: Mutex::default(), last_phase: Mutex::default() }
    }

    /// Shows one event.
    pub fn event(&self, event: Event<'_>) {
        match event {
            Event::PhaseStarted { name } => self.start_phase(name),
            Event::Progress { text } => self.progress(text),
            Event::PhaseDone { note } => self.end_phase("ok", "32", note),
            Event::PhaseOpen => self.end_phase("unknown", "33", ""),
            Event::Skipped { name, why } => self.line(&self.phase_line("skip", "36", name, None, why)),
            Event::Warning { text } => self.line(&format!("{} {text}", self.paint("33", "warning:"))),
            Event::Note { text } => self.line(text),
        }
    }

    /// Runs `work` as the phase `name`; the text it returns beside its result is shown at the end.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn phase<T>(
        &self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<(T, String)>,
    ) -> anyhow::Result<T> {
        self.event(Event::PhaseStarted { name });
        let (result, note) = work()?;
        self.event(Event::PhaseDone { note: &note });
        Ok(result)
    }

    /// Whether a person can be asked: the question is seen, and the answer typed, on a terminal.
    pub fn can_ask(&self) -> bool {
        self.terminal && std::io::stdin().is_terminal()
    }

    /// Asks `question` and returns the line that is typed; empty at the end of input.
    ///
    /// # Errors
    /// [`ProcessError::Interrupted`]; when the terminal can't be read.
    pub fn ask(&self, question: &str) -> anyhow::Result<String> {
        let mut error = std::io::stderr().lock();
        error.write_all(question.as_bytes()).and_then(|()| error.flush())?;
        drop(error);
        // A read goes on after a signal, so that it must not be this thread that reads.
        let (sender, answer) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = sender.send(std::io::stdin().read_line(&mut line).map(|_| line));
        });
        loop {
            match answer.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => return Ok(line?),
                Err(RecvTimeoutError::Timeout) if !interrupt::requested() => {}
                Err(_) => return Err(ProcessError::Interrupted.into()),
            }
        }
    }

    /// The running or last phase, for the JSON document.
    pub fn phase_name(&self) -> Option<String> {
        let name = self.last_phase.lock().map(|name| name.clone()).unwrap_or_default();
        (!name.is_empty()).then_some(name)
    }

    /// Writes the answer of a command that ended well, with `exit`.
    pub fn answer(&self, command: &str, exit: Exit, answer: &Answer) {
        match self.format {
            Format::Text => print(&answer.text),
            Format::Json => self.document(command, exit, &answer.result, &[]),
        }
    }

    /// Writes what went wrong; `partial` is what is known all the same.
    pub fn failure(&self, command: &str, exit: Exit, problems: &[Problem], partial: Option<&Answer>) {
        self.end_phase("failed", "31", "");
        if let (Format::Text, Some(answer)) = (self.format, partial) {
            print(&answer.text);
        }
        for problem in paragraphs(problems) {
            self.line(&format!("{} {problem}", self.paint("31", "error:")));
        }
        if self.format == Format::Json {
            self.document(command, exit, partial.map_or(&Value::Null, |answer| &answer.result), problems);
        }
    }

    /// Writes the one JSON document.
    pub fn document(&self, command: &str, exit: Exit, result: &Value, problems: &[Problem]) {
        let document = json!({
            "schema": SCHEMA,
            "ok": exit.is_success(),
            "command": command,
            "phase": self.phase_name(),
            "exit_code": exit as u8,
            "result": result,
            "errors": problems,
        });
        print(&format!("{document}\n"));
    }

    fn start_phase(&self, name: &str) {
        let spinner = self.terminal.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed:>4} {wide_msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(format!("{name:<28}"));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if spinner.is_none() && self.verbose {
            self.line(&format!("…      {name}"));
        }
        if let Ok(mut last) = self.last_phase.lock() {
            name.clone_into(&mut last);
        }
        if let Ok(mut phase) = self.phase.lock() {
            *phase = Some(Phase { name: name.to_owned(), started: Instant::now(), spinner });
        }
    }

    fn progress(&self, text: &str) {
        let Ok(phase) = self.phase.lock() else { return };
        match phase.as_ref().and_then(|phase| phase.spinner.as_ref()) {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None if self.verbose => print_error(&format!("         {text}")),
            None => {}
        }
    }

    fn end_phase(&self, word: &str, color: &str, note: &str) {
        let Some(phase) = self.phase.lock().ok().and_then(|mut phase| phase.take()) else { return };
        if let Some(spinner) = &phase.spinner {
            spinner.finish_and_clear();
        }
        print_error(&self.phase_line(word, color, &phase.name, Some(phase.started.elapsed()), note));
    }

    fn phase_line(
        &self,
        word: &str,
        color: &str,
        name: &str,
        elapsed: Option<Duration>,
        note: &str,
    ) -> String {
        let elapsed = elapsed.map(|time| format!("{:.1} s", time.as_secs_f32())).unwrap_or_default();
        let line = format!("{} {name:<28} {elapsed:>8}  {note}", self.paint(color, &format!("{word:<6}")));
        line.trim_end().to_owned()
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn line(&self, text: &str) {
        let phase = self.phase.lock().ok();
        let spinner = phase.as_ref().and_then(|phase| phase.as_ref()?.spinner.as_ref());
        match spinner {
            Some(spinner) => spinner.suspend(|| print_error(text)),
            None => print_error(text),
        }
    }
}

/// A reader that went away (`| head`) is no reason to fail.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn print_error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
