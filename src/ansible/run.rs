//! Runs the playbook, follows its events, and says which task failed on which host.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::environment::Environment;
use super::events::{Counts, Event, Status, TaskResult, parse};
use super::inventory::Files;
use crate::failure::{Exit, Failure, Problem};
use crate::known_errors::{self, By};
use crate::process::{Command, ProcessError, Runner};
use crate::ui::{self, Ui};

/// The whole playbook. More than the waits of its tasks together (8500 s: start-up, vault, locker, machine
/// types, upload, import, start), so that the one that runs out says what it waited for.
const TIMEOUT: Duration = Duration::from_secs(3 * 3600);
/// How much of a task's message a person is shown; all of it is in the log.
const LINES: usize = 12;
const LINE_LENGTH: usize = 300;
/// Exit status of `ansible-playbook` when a host did not answer.
const STATUS_UNREACHABLE: i32 = 4;

/// What to run.
#[derive(Debug)]
pub struct Playbook<'a> {
    /// The ansible-core to run it with.
    pub environment: &'a Environment,
    /// The folder with `ansible.cfg` and `playbooks/site.yml`.
    pub folder: &'a Path,
    /// Inventory and variables.
    pub files: &'a Files,
    /// Where all that Ansible says is kept (0600).
    pub log: &'a Path,
}

/// What a finished playbook did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recap {
    /// Counts by host.
    pub hosts: BTreeMap<String, Counts>,
}

impl Recap {
    /// Tasks that changed something, on all hosts.
    pub fn changed(&self) -> u64 {
        self.hosts.values().map(|counts| counts.changed).sum()
    }
}

/// Runs the playbook to its end.
///
/// # Errors
/// Exit code 6 with task, host and message when a task fails or the playbook takes too long, 11 when a host
/// does not answer, 7 when interrupted.
pub fn run(runner: &Runner<'_>, ui: &Ui, playbook: &Playbook<'_>) -> anyhow::Result<Recap> {
    run_within(runner, ui, playbook, TIMEOUT)
}

fn run_within(
    runner: &Runner<'_>,
    ui: &Ui,
    playbook: &Playbook<'_>,
    limit: Duration,
) -> anyhow::Result<Recap> {
    let mut log = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(playbook.log)
        .with_context(|| format!("writing {}", playbook.log.display()))?;
    let mut follower = Follower::default();
    let result = runner.stream(&command(playbook).timeout(limit), |line| {
        let _ = writeln!(log, "{}", runner.redact(line));
        follower.take(line, ui);
    });
    let mut failure = match result {
        Ok(output) => {
            let stderr = runner.redact(&output.stderr);
            let _ = write!(log, "{stderr}");
            if output.status == 0 {
                return Ok(follower.recap);
            }
            follower.failure(output.status, &stderr)
        }
        Err(ProcessError::TimedOut { after, .. }) => follower.too_long(after),
        Err(error) => return Err(anyhow::Error::new(error).context("running Ansible")),
    };
    let log = format!("the whole output is in {}", playbook.log.display());
    for problem in &mut failure.problems {
        problem.remedy = Some(match &problem.remedy {
            Some(remedy) => format!("{remedy}; {log}"),
            None => format!("{log}; `ccslurm4ai install -a` goes on from here"),
        });
    }
    Err(failure.into())
}

fn command(playbook: &Playbook<'_>) -> Command {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let ours = [
        ("ANSIBLE_CONFIG", playbook.folder.join("ansible.cfg").into_os_string()),
        ("ANSIBLE_STDOUT_CALLBACK", "ccslurm4ai_events".into()),
        ("ANSIBLE_NOCOLOR", "1".into()),
        ("ANSIBLE_HOME", home(playbook).into_os_string()),
    ];
    // Other variables of the user would win over our ansible.cfg.
    let theirs = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("ANSIBLE_") && !ours.iter().any(|(own, _)| own == name));
    let command = Command::new(text(&playbook.environment.playbook()))
        .args(["-i".to_owned(), text(&playbook.files.inventory)])
        .args(["-e".to_owned(), format!("@{}", text(&playbook.files.vars))])
        .arg("playbooks/site.yml")
        .dir(playbook.folder);
    let command = theirs.fold(command, Command::env_remove);
    let command = ours.into_iter().fold(command, |command, (name, value)| command.env(name, value));
    command
        // Ansible refuses a locale that is not UTF-8.
        .env("LC_ALL", "C.UTF-8")
        // Templates may be somebody's checkout: no byte code in there.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("PYTHONPATH")
        .changes()
}

/// Ansible's temporary files lie beside the inventory, not in the user's home.
fn home(playbook: &Playbook<'_>) -> PathBuf {
    playbook.files.inventory.with_file_name("home")
}

/// Remembers what matters of the events.
#[derive(Default)]
struct Follower {
    recap: Recap,
    task: Option<String>,
    failed: Option<TaskResult>,
}

impl Follower {
    fn take(&mut self, line: &str, ui: &Ui) {
        match parse(line) {
            Some(Event::Task { task, .. }) => {
                ui.event(ui::Event::Progress { text: &task });
                self.task = Some(task);
            }
            Some(Event::Result(result)) => self.take_result(result, ui),
            Some(Event::Stats { hosts }) => self.recap = Recap { hosts },
            Some(Event::Play { .. }) | None => {}
        }
    }

    fn take_result(&mut self, result: TaskResult, ui: &Ui) {
        match result.status {
            Status::Retry => {
                ui.event(ui::Event::Progress { text: &format!("{} (trying again)", result.task) })
            }
            Status::Failed | Status::Unreachable if !result.ignored => {
                self.failed.get_or_insert(result);
            }
            Status::Ok => {
                if let Some(text) = &result.message {
                    ui.event(ui::Event::Warning { text });
                }
            }
            _ => {}
        }
    }

    fn too_long(self, after: Duration) -> Failure {
        let text = format!("Ansible did not end within {} s and was stopped", after.as_secs());
        let failure = Failure::new(Exit::Ansible, "AnsibleTimedOut", text);
        match self.task {
            Some(task) => failure.resource(format!("task \"{task}\"")),
            None => failure,
        }
    }

    fn failure(&self, status: i32, stderr: &str) -> Failure {
        let Some(failed) = &self.failed else {
            let exit = if status == STATUS_UNREACHABLE && !self.recap.hosts.is_empty() {
                Exit::Unreachable
            } else {
                Exit::Ansible
            };
            let text = format!("Ansible ended with status {status}: {}", trim(stderr));
            return Failure::new(exit, "AnsibleFailed", text);
        };
        let message = failed.message.as_deref().map_or_else(|| "its output is hidden".to_owned(), trim);
        let resource = format!("task \"{}\" on {}", failed.task, failed.host);
        let (exit, code, text) = if failed.status == Status::Unreachable {
            (Exit::Unreachable, "HostUnreachable", format!("{} did not answer: {message}", failed.host))
        } else {
            (Exit::Ansible, "TaskFailed", format!("Ansible failed: {message}"))
        };
        let problem = Problem::new(code, text).resource(resource);
        let known = known_errors::find(By::CycleCloud, "", &message)
            .or_else(|| known_errors::find(By::Ansible, "", &message));
        Failure::many(exit, vec![known.map_or(problem.clone(), |known| problem.known(known, &[]))])
    }
}

/// The useful part of a message: no empty lines, and neither too many nor too long ones.
fn trim(message: &str) -> String {
    let lines: Vec<_> = message.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let mut text = String::new();
    for line in lines.iter().take(LINES) {
        if !text.is_empty() {
            text.push_str("\n  ");
        }
        text.extend(line.chars().take(LINE_LENGTH));
    }
    if lines.len() > LINES {
        text.push_str("\n  …");
    }
    text
}

#[cfg(test)]
mod tests;
