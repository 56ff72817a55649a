//! The pinned ansible-core, in a virtual environment of its own in the user's cache folder.
//!
//! The version is `ansibleCore` of `bicep/versions.json`. 2.19 is the newest line that Debian 12's Python
//! runs (controller 3.11 to 3.13, target 3.8 to 3.13; support until May 2027:
//! docs.ansible.com, "ansible-core support matrix"). No document names the Python of CycleCloud's
//! marketplace image. If its `python3` were AlmaLinux 8's 3.6, only the unsupported 2.16 could use that one;
//! 2.19's interpreter discovery takes the newer Python beside it, which the image's `az` brings along
//! (upstream's `install.sh` in Azure/cyclecloud-slurm-workspace calls `az` there before it installs
//! anything).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use serde::Deserialize;

use crate::failure::{Exit, Failure};
use crate::process::{Command, Output, ProcessError, Runner, interrupt};
use crate::ui::{Event, Ui};

const VERSIONS: &str = include_str!("../../bicep/versions.json");
/// Tried in this order: the distribution's own, then those that may lie beside an older one.
const PYTHONS: [&str; 4] = ["python3", "python3.13", "python3.12", "python3.11"];
const OLDEST_PYTHON: [u32; 2] = [3, 11];
/// Prints what we need to know of a Python: version, tag of its byte code, whether it can make environments.
const PROBE: &str = "import importlib.util as u, json, sys; print(json.dumps({'version': \
    sys.version_info[:2], 'tag': sys.implementation.cache_tag, 'venv': all(u.find_spec(m) for m in \
    ('venv', 'ensurepip'))}))";
const INSTALL_PYTHON: &str = "on Debian or Ubuntu: sudo apt-get install python3 python3-venv";
/// A download over a slow line must fit; `python -m venv` takes seconds.
const PIP_TIMEOUT: Duration = Duration::from_secs(900);
/// Longer than one making takes: another run may be at it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1200);
/// The last file written: without it the folder is half made.
const COMPLETE: &str = "complete";

#[derive(Deserialize)]
struct Versions {
    #[serde(rename = "ansibleCore")]
    ansible_core: String,
}

#[derive(Debug, Deserialize)]
struct Python {
    #[serde(skip)]
    program: String,
    version: [u32; 2],
    tag: String,
    venv: bool,
}

/// A ready environment.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its folder.
    pub folder: PathBuf,
    /// The version of ansible-core in it.
    pub version: String,
    /// Whether this run made it.
    pub made: bool,
}

impl Environment {
    /// The `ansible-playbook` program.
    pub fn playbook(&self) -> PathBuf {
        self.folder.join("bin/ansible-playbook")
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin/python3")
    }

    /// Virtual environments can't be moved, so readiness is a file written last, not a rename.
    fn is_complete(&self) -> bool {
        self.folder.join(COMPLETE).is_file() && self.python().exists() && self.playbook().is_file()
    }
}

/// Finds the environment, or makes it; without network when it is there. Two runs at once don't clash.
///
/// # Errors
/// Exit code 9 when no Python is new enough or can make environments, 6 when the installation fails.
pub fn ensure(runner: &Runner<'_>, ui: &Ui) -> anyhow::Result<Environment> {
    let (python, mut environment) = choose(runner)?;
    if !environment.is_complete() && !runner.is_dry_run() {
        let lock = lock(&environment.folder, ui)?;
        if !environment.is_complete() {
            make(runner, ui, &environment, &python.program)?;
            environment.made = true;
        }
        drop(lock);
    }
    Ok(environment)
}

/// The Python the environment is made with, as in `3.11 (python3)`.
///
/// # Errors
/// Exit code 9 when no Python is new enough or can make environments.
pub fn python(runner: &Runner<'_>) -> anyhow::Result<String> {
    let (Python { program, version: [major, minor], .. }, _) = choose(runner)?;
    Ok(format!("{major}.{minor} ({program})"))
}

fn choose(runner: &Runner<'_>) -> anyhow::Result<(Python, Environment)> {
    let version = serde_json::from_str::<Versions>(VERSIONS).context("bicep/versions.json")?.ansible_core;
    let python = find_python(runner)?;
    let folder = cache_folder()?.join(format!("ansible-core-{version}-{}", python.tag));
    let environment = Environment { folder, version, made: false };
    if python.venv || environment.is_complete() {
        return Ok((python, environment));
    }
    let text = format!("{} cannot make virtual environments", python.program);
    Err(Failure::new(Exit::ProgramMissing, "PythonVenvMissing", text).remedy(INSTALL_PYTHON).into())
}

fn find_python(runner: &Runner<'_>) -> anyhow::Result<Python> {
    let mut too_old = Vec::new();
    for program in PYTHONS {
        let output = match runner.run(&Command::new(program).args(["-c", PROBE])) {
            Ok(output) => output,
            Err(ProcessError::NotFound { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let Ok(mut python) = serde_json::from_str::<Python>(&output.stdout) else { continue };
        if python.version >= OLDEST_PYTHON {
            program.clone_into(&mut python.program);
            return Ok(python);
        }
        too_old.push(format!("{program} is {}.{}", python.version[0], python.version[1]));
    }
    let found = if too_old.is_empty() { "none found".to_owned() } else { too_old.join(", ") };
    let text = format!("Python {}.{} or newer is needed: {found}", OLDEST_PYTHON[0], OLDEST_PYTHON[1]);
    Err(Failure::new(Exit::ProgramMissing, "PythonMissing", text).remedy(INSTALL_PYTHON).into())
}

/// `$CCSLURM4AI_CACHE`, else the user's cache folder as of the XDG base directory specification.
fn cache_folder() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("CCSLURM4AI_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("ccslurm4ai")))
        .or_else(|| Some(variable("HOME")?.join(".cache/ccslurm4ai")))
        .map(std::path::absolute)
        .transpose()?
        .ok_or_else(|| {
            Failure::new(Exit::Usage, "NoCacheFolder", "there is no folder for Ansible: HOME is not set")
                .remedy("set CCSLURM4AI_CACHE to a folder that stays")
                .into()
        })
}

/// Keeps other runs away from `folder` until the result is dropped.
fn lock(folder: &Path, ui: &Ui) -> anyhow::Result<File> {
    let path = PathBuf::from(format!("{}.lock", folder.display()));
    if let Some(cache) = path.parent() {
        std::fs::create_dir_all(cache).with_context(|| format!("making the folder {}", cache.display()))?;
    }
    let file = File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= deadline {
            return Err(Failure::new(
                Exit::Busy,
                "AnsibleSetupBusy",
                "another run is still installing ansible-core",
            )
            .resource(path.display().to_string())
            .remedy("wait until it has ended, then run the same command again")
            .into());
        }
        ui.event(Event::Progress { text: "waiting for another run that installs ansible-core" });
        interrupt::sleep(Duration::from_millis(500))?;
    }
    Ok(file)
}

fn make(runner: &Runner<'_>, ui: &Ui, environment: &Environment, python: &str) -> anyhow::Result<()> {
    let folder = &environment.folder;
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("removing the half-made {}", folder.display()))?;
    }
    ui.event(Event::Progress { text: "making a virtual environment" });
    let venv = Command::new(python).args(["-m", "venv"]).arg(folder.to_string_lossy()).timeout(PIP_TIMEOUT);
    check(environment, runner.run(&venv), "making a virtual environment")?;
    let pip = Command::new(environment.python().to_string_lossy())
        .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"])
        .arg(format!("ansible-core=={}", environment.version))
        .env_remove("PYTHONPATH")
        .timeout(PIP_TIMEOUT);
    let installed = runner.stream(&pip, |line| ui.event(Event::Progress { text: line.trim() }));
    check(environment, installed, "installing ansible-core")?;
    std::fs::write(folder.join(COMPLETE), &environment.version)
        .with_context(|| format!("writing into {}", folder.display()))
}

fn check(
    environment: &Environment,
    result: Result<Output, ProcessError>,
    what: &'static str,
) -> anyhow::Result<()> {
    let (code, why) = match result {
        Ok(output) if output.status == 0 => return Ok(()),
        Ok(output) => ("AnsibleSetupFailed", last_lines(&output)),
        Err(error @ ProcessError::TimedOut { .. }) => ("AnsibleSetupTimedOut", error.to_string()),
        Err(error) => return Err(anyhow::Error::new(error).context(what)),
    };
    let text = format!("installing ansible-core {} failed:\n  {why}", environment.version);
    Err(Failure::new(Exit::Ansible, code, text)
        .resource(environment.folder.display().to_string())
        .remedy(
            "check the network, then run `ccslurm4ai setup`. pip takes a proxy from HTTPS_PROXY, another package \
             index from PIP_INDEX_URL, its CA from PIP_CERT, and a folder of packages from PIP_FIND_LINKS",
        )
        .into())
}

fn last_lines(output: &Output) -> String {
    let all = format!("{}\n{}", output.stdout, output.stderr);
    let lines: Vec<_> = all.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_that_takes_too_long_says_what_to_check() {
        let environment = Environment { folder: "/cache/a".into(), version: "2.0".into(), made: false };
        let late = ProcessError::TimedOut { command: "pip install x".into(), after: PIP_TIMEOUT };
        let error = check(&environment, Err(late), "installing").unwrap_err();
        let failure = error.downcast_ref::<Failure>().unwrap();
        assert_eq!(
            (failure.exit, failure.problems[0].code.as_str()),
            (Exit::Ansible, "AnsibleSetupTimedOut")
        );
        let said = failure.to_string();
        assert!(said.contains("within 900 s") && said.contains("HTTPS_PROXY"), "{said}");
    }
}
