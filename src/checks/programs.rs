//! The programs that an installation runs are there and new enough.
//!
//! - Inputs: `PATH`; `az version`, `ssh -V`, the version of `python3` and of those beside it.
//! - Pass: az 2.62 or newer (the oldest that extension `bastion` works with), its extension `bastion` 1.3 or
//!   newer (1.2 could not open tunnels), OpenSSH 7.6 or newer (`StrictHostKeyChecking=accept-new`),
//!   ssh-keygen, a Python that the pinned ansible-core runs on and that can make virtual environments.
//! - Fail: one is missing or older; exit code 9.
//! - Unknown: one does not say its version.
//! - By hand: `az version; ssh -V; command -v ssh-keygen; python3 --version`

use serde_json::Value;

use super::Item;
use crate::ansible::environment;
use crate::azure::{Az, AzError, INSTALL_AZ, Kind};
use crate::failure::{Exit, Failure};
use crate::process::{Command, ProcessError, Runner};

pub(super) const ID: &str = "programs";

/// Major and minor version.
type Version = (u32, u32);

/// Sources: azure-cli-extensions `src/bastion` (`azext.minCliCoreVersion` and `HISTORY.rst`, 1.3.0).
const AZ: Version = (2, 62);
const BASTION: Version = (1, 3);
/// OpenSSH 7.6 release notes: `accept-new`.
const SSH: Version = (7, 6);

const INSTALL_SSH: &str = "sudo apt-get install openssh-client";
const INSTALL_BASTION: &str = "az extension add --name bastion";

pub(super) fn check(runner: &Runner<'_>, az: &Az<'_>) -> Vec<Item> {
    std::thread::scope(|scope| {
        let python = scope.spawn(|| python(runner));
        let ssh = scope.spawn(|| ssh(runner));
        let mut items = azure(&az.json(&["version"], "asking az for its version"));
        items.extend([super::joined(ssh), keygen(), super::joined(python)]);
        items
    })
}

fn azure(answer: &Result<Value, AzError>) -> Vec<Item> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let item = Item::undecided(ID, "az", error);
            let unusable = matches!(error.kind, Kind::Missing | Kind::Broken { .. });
            return vec![if unusable { missing("az", &error.to_string(), INSTALL_AZ) } else { item }];
        }
    };
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let az = judge("az", text("/azure-cli"), AZ, "az upgrade");
    let bastion = match text("/extensions/bastion") {
        None if answer.get("extensions").is_some() => {
            missing("extension bastion", "az has no extension `bastion`", INSTALL_BASTION)
        }
        version => judge("extension bastion", version, BASTION, "az extension update --name bastion"),
    };
    vec![az, bastion]
}

fn ssh(runner: &Runner<'_>) -> Item {
    match runner.run(&Command::new("ssh").arg("-V")) {
        Ok(output) => {
            let said = output.stdout + &output.stderr;
            judge("ssh", said.split_once("OpenSSH_").map(|(_, version)| version), SSH, INSTALL_SSH)
        }
        Err(ProcessError::NotFound { .. }) => missing("ssh", "not on PATH", INSTALL_SSH),
        Err(error) => Item::unknown(ID, "ssh", error.to_string()),
    }
}

/// The environment for Ansible chooses it, so it judges it too.
fn python(runner: &Runner<'_>) -> Item {
    let error = match environment::python(runner) {
        Ok(version) => return Item::ok(ID, "python3", version),
        Err(error) => error,
    };
    match error.downcast_ref::<Failure>().and_then(|failure| failure.problems.first()) {
        Some(problem) => missing("python3", &problem.message, problem.remedy.as_deref().unwrap_or_default())
            .code(&problem.code),
        None => Item::unknown(ID, "python3", format!("{error:#}")),
    }
}

/// ssh-keygen has no way to say its version; it comes with ssh.
fn keygen() -> Item {
    match which::which("ssh-keygen") {
        Ok(_) => Item::ok(ID, "ssh-keygen", "there"),
        Err(_) => missing("ssh-keygen", "not on PATH", INSTALL_SSH),
    }
}

fn missing(program: &str, message: &str, install: &str) -> Item {
    Item::failed(ID, program, message).code("ProgramMissing").remedy(install).exit(Exit::ProgramMissing)
}

fn judge(program: &str, said: Option<&str>, least: Version, newer: &str) -> Item {
    let shown = said.and_then(|text| text.split([' ', ',', '\n']).next()).unwrap_or_default();
    match said.and_then(version) {
        None => Item::unknown(ID, program, "does not say its version"),
        Some(version) if version >= least => Item::ok(ID, program, shown),
        Some(_) => {
            Item::failed(ID, program, format!("{shown} is too old: {}.{} is needed", least.0, least.1))
                .code("ProgramTooOld")
                .remedy(newer)
                .exit(Exit::ProgramMissing)
        }
    }
}

fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Status;

    #[test]
    fn versions_are_compared_as_numbers() {
        let cases = [
            (Some("2.62.0"), Status::Ok),
            (Some("2.100.1"), Status::Ok),
            (Some("3.0"), Status::Ok),
            (Some("2.61.9"), Status::Failed),
            (Some("2.9"), Status::Failed),
            (Some("2.62b1 (x)\n"), Status::Ok),
            (Some("two"), Status::Unknown),
            (Some("2"), Status::Unknown),
            (Some(""), Status::Unknown),
            (None, Status::Unknown),
        ];
        for (said, expected) in cases {
            assert_eq!(judge("az", said, AZ, "").status, expected, "{said:?}");
        }
    }
}
