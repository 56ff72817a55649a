//! The connection scripts and the `ssh_config` in the workspace folder. They need az, ssh and bash, not us.
//!
//! `bastion_tunnel_*.sh` holds all that leads to a VM. For ssh it plays the ProxyCommand (`--stdio`), so a
//! tunnel lives exactly as long as its ssh, however that ends. `az` itself picks the local port: 0 is handed
//! to the kernel, and its notice names what came of it (`tunnel.py` and `custom.py` of the `bastion`
//! extension in github.com/Azure/azure-cli-extensions).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::process::quote;
use crate::ssh::{Identity, settings};
use crate::workspace::replace;

const TUNNEL: &str = include_str!("../scripts/templates/bastion_tunnel.sh.in");
const SSH: &str = include_str!("../scripts/templates/bastion_ssh.sh.in");

/// What the scripts lead to.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Subscription of everything.
    pub subscription_id: String,
    /// Resource group of the Bastion.
    pub resource_group: String,
    /// Name of the Bastion.
    pub bastion_name: String,
    /// User to sign in as.
    pub admin_user: String,
    /// Its private key; or the public one, when the agent has the private half.
    pub key_file: PathBuf,
    /// Where host keys are remembered.
    pub known_hosts: PathBuf,
    /// Resource id of the CycleCloud server's VM.
    pub cycleserver_id: String,
    /// Resource id of the scheduler's VM.
    pub scheduler_id: String,
    /// Number and VM resource id of each login node.
    pub login_ids: Vec<(u32, String)>,
}

/// One pair of scripts.
struct Target<'a> {
    name: &'a str,
    what: &'a str,
    vms: Vec<(u32, &'a str)>,
    numbered: bool,
}

impl Targets {
    fn all(&self) -> Vec<Target<'_>> {
        let one = |name, what, id| Target { name, what, vms: vec![(1, id)], numbered: false };
        let login = self.login_ids.iter().map(|(number, id)| (*number, id.as_str())).collect();
        vec![
            one("cycleserver", "the CycleCloud server", self.cycleserver_id.as_str()),
            one("scheduler", "the scheduler", self.scheduler_id.as_str()),
            Target { name: "login", what: "a login node", vms: login, numbered: true },
        ]
    }
}

impl Target<'_> {
    fn host(&self, number: u32) -> String {
        if self.numbered { format!("{}{number}", self.name) } else { self.name.to_owned() }
    }

    fn tunnel_script(&self) -> String {
        format!("bastion_tunnel_{}.sh", self.name)
    }

    fn ssh_script(&self) -> String {
        format!("bastion_ssh_{}.sh", self.name)
    }

    fn tunnel(&self, targets: &Targets) -> String {
        let vms: Vec<_> = self.vms.iter().map(|(number, id)| format!("[{number}]={}", quote(id))).collect();
        let number = if self.numbered { " [N]" } else { "" };
        fill(TUNNEL, |name| {
            Some(match name {
                "WHAT" => self.what.to_owned(),
                "SUBSCRIPTION" => quote(&targets.subscription_id),
                "RESOURCE_GROUP" => quote(&targets.resource_group),
                "BASTION" => quote(&targets.bastion_name),
                "VMS" => vms.join(" "),
                "ARGUMENTS" => quote(&format!("<target_port> <local_port>{number}")),
                "STDIO_ARGUMENTS" => quote(number),
                "MAX_ARGUMENTS" => (2 + u8::from(self.numbered)).to_string(),
                "MAX_STDIO" => (1 + u8::from(self.numbered)).to_string(),
                _ => return None,
            })
        })
    }

    fn ssh(&self) -> String {
        let numbers: Vec<_> = self.vms.iter().map(|(number, _)| number.to_string()).collect();
        let choose =
            if self.numbered { choose_login(&numbers.join(" ")) } else { format!("host={}", self.name) };
        fill(SSH, |name| match name {
            "WHAT" => Some(self.what.to_owned()),
            "CHOOSE" => Some(choose.clone()),
            _ => None,
        })
    }

    /// Its hosts in ssh_config(5).
    fn config(&self, workspace: &Path, identity: &Identity) -> String {
        let mut text = String::new();
        let script = quote(&workspace.join(self.tunnel_script()).to_string_lossy()).replace('%', "%%");
        for (number, vm) in &self.vms {
            let _ = writeln!(text, "\nHost {}", self.host(*number));
            let number = if self.numbered { format!(" {number}") } else { String::new() };
            let _ = writeln!(text, "ProxyCommand {script} --stdio{number}");
            text.push_str(&settings(identity, vm));
        }
        text
    }
}

fn choose_login(numbers: &str) -> String {
    format!(
        "# The number of the login node may come first; the default is the first of them.
readonly numbers='{numbers}'
number=${{numbers%% *}}
if [[ ${{1:-}} =~ ^[0-9]+$ ]]; then
  number=$1
  shift
fi
if [[ \" $numbers \" != *\" $number \"* ]]; then
  printf '%s: there is no login node %s; there are: %s\\n' \"${{0##*/}}\" \"$number\" \"$numbers\" >&2
  exit 2
fi
host=login$number"
    )
}

/// Writes all scripts and `ssh_config` into `workspace`, each at once or not at all, and removes the scripts
/// of login nodes when there are none. Returns the files written.
///
/// # Errors
/// When a file can't be written.
pub fn write(workspace: &Path, targets: &Targets) -> anyhow::Result<Vec<PathBuf>> {
    let workspace = &std::path::absolute(workspace)?;
    let identity = Identity {
        user: targets.admin_user.clone(),
        key_file: std::path::absolute(&targets.key_file)?,
        known_hosts: std::path::absolute(&targets.known_hosts)?,
    };
    let mut written = Vec::new();
    let mut config =
        "# For `ssh -F ssh_config HOST`, also with scp, rsync and editors. Written by ccslurm4ai.\n"
            .to_owned();
    for target in targets.all() {
        let (tunnel, ssh) = (workspace.join(target.tunnel_script()), workspace.join(target.ssh_script()));
        if target.vms.is_empty() {
            remove(&tunnel)?;
            remove(&ssh)?;
            continue;
        }
        replace(&tunnel, target.tunnel(targets).as_bytes(), 0o755)?;
        replace(&ssh, target.ssh().as_bytes(), 0o755)?;
        config.push_str(&target.config(workspace, &identity));
        written.extend([tunnel, ssh]);
    }
    let path = workspace.join("ssh_config");
    replace(&path, config.as_bytes(), 0o644)?;
    written.push(path);
    Ok(written)
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// `template` with each `@NAME@` that `value` knows replaced, in one pass: what a value holds is not looked
/// at again.
fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        text.push_str(before);
        match after.split_once('@').and_then(|(name, tail)| Some((value(name)?, tail))) {
            Some((filled, tail)) => {
                text.push_str(&filled);
                rest = tail;
            }
            None => {
                text.push('@');
                rest = after;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests;
