//! The connection scripts and the `ssh_config` in the workspace folder. They need az, ssh and bash, not us.
//!
//! With a Bastion `bastion_tunnel_*.sh` holds all that leads to a VM. For ssh it plays the ProxyCommand (`--stdio`),
//! so a tunnel lives exactly as long as its ssh, however that ends. Without one, ssh goes to the private address and
//! the scripts, which keep their names and their use, need no az. `az` itself picks the local port: 0 is handed
//! to the kernel, and its notice names what came of it (`tunnel.py` and `custom.py` of the `bastion`
//! extension in github.com/Azure/azure-cli-extensions).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::process::quote;
use crate::resource_id::{BastionId, is_within};
use crate::ssh::{Identity, settings};
use crate::workspace::replace;

const TUNNEL: &str = include_str!("../scripts/templates/bastion_tunnel.sh.in");
const DIRECT_TUNNEL: &str = include_str!("../scripts/templates/direct_tunnel.sh.in");
const SSH: &str = include_str!("../scripts/templates/bastion_ssh.sh.in");
/// Stands in the head of every file that is written here.
const MARK: &str = "Written by ccslurm4ai";
/// The file with the hosts' names.
const CONFIG: &str = "ssh_config";

/// How the scripts reach VMs.
#[derive(Debug, Clone)]
pub enum Reach {
    /// Through this Bastion.
    Bastion(BastionId),
    /// At their private addresses, by VM resource id.
    Direct(HashMap<String, IpAddr>),
}

/// What the scripts lead to.
#[derive(Debug, Clone)]
pub struct Targets {
    /// How.
    pub reach: Reach,
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

    fn tunnel(&self, reach: &Reach) -> String {
        let number = if self.numbered { " [N]" } else { "" };
        let arguments = quote(&format!("<target_port> <local_port>{number}"));
        let most = |fixed: u8| (fixed + u8::from(self.numbered)).to_string();
        let pairs = |value: &dyn Fn(u32, &str) -> String| {
            let pairs =
                self.vms.iter().map(|(number, id)| format!("[{number}]={}", quote(&value(*number, id))));
            pairs.collect::<Vec<_>>().join(" ")
        };
        match reach {
            Reach::Bastion(bastion) => fill(TUNNEL, |name| {
                Some(match name {
                    "WHAT" => self.what.to_owned(),
                    "SUBSCRIPTION" => quote(&bastion.subscription),
                    "RESOURCE_GROUP" => quote(&bastion.group),
                    "BASTION" => quote(&bastion.name),
                    "VMS" => pairs(&|_, id| id.to_owned()),
                    "ARGUMENTS" => arguments.clone(),
                    "STDIO_ARGUMENTS" => quote(number),
                    "MAX_ARGUMENTS" => most(2),
                    "MAX_STDIO" => most(1),
                    _ => return None,
                })
            }),
            Reach::Direct(addresses) => fill(DIRECT_TUNNEL, |name| {
                Some(match name {
                    "WHAT" => self.what.to_owned(),
                    "HOSTS" => pairs(&|number, _| self.host(number)),
                    "ADDRESSES" => pairs(&|_, id| address(addresses, id)),
                    "ARGUMENTS" => arguments.clone(),
                    "MAX_ARGUMENTS" => most(2),
                    _ => return None,
                })
            }),
        }
    }

    fn ssh(&self, reach: &Reach) -> String {
        let (way, needs) = match reach {
            Reach::Bastion(_) => ("through Azure Bastion", "az (signed in), ssh and bash"),
            Reach::Direct(_) => ("at its private address", "ssh and bash, on a machine that reaches that"),
        };
        let numbers: Vec<_> = self.vms.iter().map(|(number, _)| number.to_string()).collect();
        let choose =
            if self.numbered { choose_login(&numbers.join(" ")) } else { format!("host={}", self.name) };
        fill(SSH, |name| match name {
            "WHAT" => Some(self.what.to_owned()),
            "WAY" => Some(way.to_owned()),
            "NEEDS" => Some(needs.to_owned()),
            "CHOOSE" => Some(choose.clone()),
            _ => None,
        })
    }

    /// Its hosts in ssh_config(5).
    fn config(&self, workspace: &Path, identity: &Identity, reach: &Reach) -> String {
        let mut text = String::new();
        let script = quote(&workspace.join(tunnel_script(self.name)).to_string_lossy()).replace('%', "%%");
        for (number, vm) in &self.vms {
            let _ = writeln!(text, "\nHost {}", self.host(*number));
            let number = if self.numbered { format!(" {number}") } else { String::new() };
            let _ = match reach {
                Reach::Bastion(_) => writeln!(text, "ProxyCommand {script} --stdio{number}"),
                Reach::Direct(addresses) => writeln!(text, "HostName {}", address(addresses, vm)),
            };
            text.push_str(&settings(identity, vm));
        }
        text
    }
}

fn tunnel_script(target: &str) -> String {
    format!("bastion_tunnel_{target}.sh")
}

fn ssh_script(target: &str) -> String {
    format!("bastion_ssh_{target}.sh")
}

fn address(addresses: &HashMap<String, IpAddr>, vm: &str) -> String {
    addresses.get(vm).map(ToString::to_string).unwrap_or_default()
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
        let (tunnel, ssh) =
            (workspace.join(tunnel_script(target.name)), workspace.join(ssh_script(target.name)));
        if target.vms.is_empty() {
            remove_file(&tunnel)?;
            remove_file(&ssh)?;
            continue;
        }
        replace(&tunnel, target.tunnel(&targets.reach).as_bytes(), 0o755)?;
        replace(&ssh, target.ssh(&targets.reach).as_bytes(), 0o755)?;
        config.push_str(&target.config(workspace, &identity, &targets.reach));
        written.extend([tunnel, ssh]);
    }
    let path = workspace.join(CONFIG);
    replace(&path, config.as_bytes(), 0o644)?;
    written.push(path);
    Ok(written)
}

/// Those files in the folder `workspace` that [`write`] wrote for the cluster in the resource group `group` (ARM id),
/// `ssh_config` last: by the VMs it names it tells whose they all are.
pub fn written(workspace: &Path, group: &str) -> Vec<PathBuf> {
    let text = |name: &str| std::fs::read_to_string(workspace.join(name)).unwrap_or_default();
    let config = text(CONFIG);
    let mut vms = config.lines().filter_map(|line| line.strip_prefix("HostKeyAlias "));
    if !vms.any(|vm| is_within(vm.trim_matches('"'), group)) {
        return Vec::new();
    }
    let targets = ["cycleserver", "scheduler", "login"];
    let scripts = targets.iter().flat_map(|target| [tunnel_script(target), ssh_script(target)]);
    let names = scripts.chain([CONFIG.to_owned()]).filter(|name| text(name).contains(MARK));
    names.map(|name| workspace.join(name)).collect()
}

/// Removes the files that [`written`] found.
///
/// # Errors
/// When one can't be removed.
pub fn remove(written: &[PathBuf]) -> anyhow::Result<()> {
    written.iter().try_for_each(|path| remove_file(path))
}

fn remove_file(path: &Path) -> anyhow::Result<()> {
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
