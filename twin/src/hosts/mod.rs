//! Real hosts on this machine for the simulated virtual machines: each VM is a Debian 13 system booted by
//! `systemd-nspawn` in a network namespace of its own, wired to one bridge that leads nowhere else.
//!
//! Everything made here carries a prefix computed from the twin's folder, so that the leftovers of a killed twin
//! are found again and nothing foreign is ever touched.

pub mod claims;
mod commands;
mod fit_out;
mod leftovers;
mod machine;
mod names;
mod network;
mod overlay;
mod owner;
pub mod requirements;
pub mod rootfs;
pub mod shares;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use machine::Machine;
use network::Network;
use owner::Owner;
use shares::Export;

/// The twin's own address on the bridge. It is from a documentation range (RFC 5737), so that no virtual network's
/// address space collides with it and nothing needs to know that space before the first VM exists.
pub const TWIN_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Port of [`TWIN_ADDRESS`] on which hosts expect the HTTPS proxy of the simulated Azure.
pub const PROXY_PORT: u16 = 3128;
/// Port of [`TWIN_ADDRESS`] on which hosts expect the metadata service.
pub const METADATA_PORT: u16 = 8169;

/// What a host is for; it decides which stand-ins are put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// The CycleCloud server.
    Server,
    /// A node that CycleCloud started.
    Node,
    /// A MySQL flexible server: MariaDB, which reads [`HostSpec::files`] below `/etc/mysql/twin`.
    Database,
}

impl HostKind {
    /// Its folder in `hosts/`.
    fn name(self) -> &'static str {
        match self {
            HostKind::Server => "server",
            HostKind::Node => "node",
            HostKind::Database => "database",
        }
    }

    /// The port that answers once the host is up.
    fn port(self) -> u16 {
        if self == HostKind::Database { 3306 } else { 22 }
    }
}

/// A file that a host has from its first boot on. Not printable: its content may be secret.
#[derive(Clone)]
pub struct HostFile {
    /// Path without the leading `/`.
    pub path: String,
    /// Permissions.
    pub mode: u32,
    /// Content.
    pub text: String,
}

/// One host, taken from the ARM bodies of the machine or server that it plays. Not printable, as its files are not.
#[derive(Clone)]
pub struct HostSpec {
    /// Computer name: letters, digits and `-`, at most 63.
    pub name: String,
    /// Which stand-ins it gets.
    pub kind: HostKind,
    /// Address of its primary network interface.
    pub private_ip: Ipv4Addr,
    /// `osProfile.adminUsername`; no user is made without it.
    pub admin_user: Option<String>,
    /// `osProfile.linuxConfiguration.ssh.publicKeys[].keyData`.
    pub ssh_public_keys: Vec<String>,
    /// `osProfile.customData` as ARM has it, in base64.
    pub custom_data: Option<String>,
    /// How many NVIDIA GPUs it shows: device files with nothing behind them.
    pub gpus: u32,
    /// Folder of `hosts/` with the programs of its hardware, which play recorded outputs.
    pub players: Option<String>,
    /// What else it has.
    pub files: Vec<HostFile>,
    /// ARM resource id of what it is behind.
    pub id: String,
    /// `properties.vmId`.
    pub uuid: String,
}

/// What ties hosts to the simulated Azure.
#[derive(Clone, Debug)]
pub struct Link {
    /// Certificate of the twin's authority, PEM; hosts trust it.
    pub ca_pem: String,
}

/// All hosts of one twin. Its methods may be called from several threads; dropping it takes everything down.
pub struct Hosts {
    place: Place,
    owner: Owner,
    rootfs: PathBuf,
    link: Link,
    network: Network,
    /// A host that still boots has its name, but no machine yet.
    running: Mutex<HashMap<String, Option<Machine>>>,
    /// Address of each host that boots or runs.
    addresses: Arc<Mutex<HashMap<String, Ipv4Addr>>>,
    /// Held shared by whoever boots a host, so that going down waits for the half-made ones.
    booting: RwLock<()>,
    going_down: Arc<AtomicBool>,
}

impl Hosts {
    /// Removes what killed twins left behind, prepares the root file system in `cache` if it is not there (about a
    /// minute, once) and makes the network.
    ///
    /// # Errors
    /// [`requirements::Unfit`] when root or a program is missing; a twin that runs in `dir` already; otherwise what
    /// could not be made.
    pub fn new(dir: &Path, cache: &Path, link: Link) -> Result<Hosts> {
        let rootfs = rootfs::prepare(cache)?;
        let place = Place::of(dir)?;
        owner::sweep()?;
        let owner = Owner::claim(&place)?;
        let network = Network::create(&place)?;
        shares::prepare(&place.shares())?;
        let (running, booting, going_down) = (Mutex::default(), RwLock::default(), Arc::default());
        let addresses = Arc::default();
        Ok(Hosts { place, owner, rootfs, link, network, running, addresses, booting, going_down })
    }

    /// Boots a host and returns when its sshd answers (a second or two; at most a minute).
    ///
    /// # Errors
    /// A name that is no host name or already runs, or a step that failed, with the end of the host's console.
    pub fn boot(&self, spec: &HostSpec) -> Result<()> {
        check_name(&spec.name)?;
        let _booting = self.booting.read().unwrap_or_else(PoisonError::into_inner);
        self.reserve(spec)?;
        let booted = Machine::start(&self.place, &self.rootfs, &self.link, &self.network, spec)
            .and_then(|mut machine| machine.await_up(&self.network, &self.going_down).map(|()| machine))
            .with_context(|| format!("booting host {}", spec.name));
        match booted {
            Ok(machine) => {
                self.running().insert(spec.name.clone(), Some(machine));
                Ok(())
            }
            Err(error) => {
                leftovers::remove_host(&self.place, &spec.name)?;
                self.forget(&spec.name);
                Err(error)
            }
        }
    }

    fn reserve(&self, spec: &HostSpec) -> Result<()> {
        let name = &spec.name;
        if self.going_down.load(Ordering::Relaxed) {
            bail!("host {name} is not booted: the twin is going down");
        }
        match self.running().entry(name.clone()) {
            Entry::Occupied(_) => bail!("host {name} runs already"),
            Entry::Vacant(place) => place.insert(None),
        };
        self.addresses().insert(name.clone(), spec.private_ip);
        Ok(())
    }

    fn forget(&self, name: &str) -> Option<Machine> {
        self.addresses().remove(name);
        self.running().remove(name).flatten()
    }

    /// Shuts a host down and removes its disk, its mount and its namespace. A host that does not run is no error.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn stop(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let machine = self.forget(name);
        leftovers::remove_host(&self.place, name).with_context(|| format!("stopping host {name}"))?;
        drop(machine);
        Ok(())
    }

    /// Connects to a host from inside the twin's network.
    ///
    /// # Errors
    /// Refused, unreachable, or no answer within `timeout`.
    pub fn connect(&self, ip: Ipv4Addr, port: u16, timeout: Duration) -> Result<TcpStream> {
        self.network.connect(SocketAddr::V4(SocketAddrV4::new(ip, port)), timeout)
    }

    /// Answers the hosts' questions for names until the twin ends: with the addresses of hosts by the names that
    /// they have at the moment, as Azure's name service does, and for other names with what `elsewhere` knows.
    ///
    /// # Errors
    /// The port is taken.
    pub fn serve_names(&self, elsewhere: impl Fn(&str) -> Option<Ipv4Addr> + Send + 'static) -> Result<()> {
        let socket = self.network.bind_udp(SocketAddr::V4(SocketAddrV4::new(TWIN_ADDRESS, names::PORT)))?;
        let (place, addresses) = (self.place.clone(), Arc::clone(&self.addresses));
        names::serve(socket, Arc::clone(&self.going_down), names::Network { place, addresses, elsewhere })
    }

    /// Lets hosts mount a folder as if `server` exported it by NFS.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn export(&self, server: Ipv4Addr, export: &Export) -> Result<()> {
        shares::export(&self.place.shares(), server, export)
    }

    /// Takes an export away with its content; hosts that have it mounted see nothing more in it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn withdraw(&self, server: Ipv4Addr, path: &str) -> Result<()> {
        shares::withdraw(&self.place.shares(), server, path)
    }

    /// A listener on [`TWIN_ADDRESS`] that hosts can reach.
    ///
    /// # Errors
    /// The port is taken.
    pub fn listen(&self, port: u16) -> Result<TcpListener> {
        self.network.listen(SocketAddr::V4(SocketAddrV4::new(TWIN_ADDRESS, port)))
    }

    /// Ends every host, also those that still boot, and removes the network; no host can be booted afterwards. Also
    /// done on drop.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn down(&self) -> Result<()> {
        self.going_down.store(true, Ordering::Relaxed);
        let _nobody_boots = self.booting.write().unwrap_or_else(PoisonError::into_inner);
        let machines = std::mem::take(&mut *self.running());
        leftovers::remove(&self.place)?;
        self.owner.release();
        drop(machines);
        Ok(())
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<String, Ipv4Addr>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Option<Machine>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        if let Err(error) = self.down() {
            eprintln!("warning: hosts were not fully removed: {error:#}");
        }
    }
}

/// A command that runs `argv` as root inside host `name` of the twin in `dir`, with the host's `/etc/environment`;
/// `name` is the host's computer name, or the name it has given itself. The twin itself may be another process. The
/// caller decides about standard input and output.
///
/// # Errors
/// There is no such host.
pub fn exec(dir: &Path, name: &str, argv: &[String]) -> Result<Command> {
    check_name(name)?;
    machine::command_inside(&Place::of(dir)?, name, argv)
}

/// Removes the hosts of twins that were killed; those of living twins stay.
///
/// # Errors
/// What could not be removed.
pub fn remove_leftovers() -> Result<()> {
    owner::sweep()
}

/// Names of the network namespaces and cgroups that the twin in `dir` has on this machine; none when it is down.
///
/// # Errors
/// The machine's lists cannot be read.
pub fn kernel_objects(dir: &Path) -> Result<Vec<String>> {
    leftovers::kernel_objects(&Place::of(dir)?)
}

/// Where one twin's hosts live, and how the kernel objects made for them are called.
#[derive(Clone, Debug)]
struct Place {
    dir: PathBuf,
    prefix: String,
}

impl Place {
    fn of(dir: &Path) -> Result<Place> {
        let hosts = dir.join("hosts");
        std::fs::create_dir_all(&hosts).with_context(|| format!("making {}", hosts.display()))?;
        let dir = hosts.canonicalize().with_context(|| format!("resolving {}", hosts.display()))?;
        let digest = Sha256::digest(dir.as_os_str().as_encoded_bytes());
        let prefix =
            digest.iter().take(4).fold("ccs4ai-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
        Ok(Place { dir, prefix })
    }

    fn host_dir(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Folder of what hosts share; no host can be called so.
    fn shares(&self) -> PathBuf {
        self.dir.join(".shares")
    }

    /// Name of a host's network namespace and cgroup.
    fn object(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

fn check_name(name: &str) -> Result<()> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if name.is_empty() || name.len() > 63 || !plain || name.starts_with('-') {
        bail!("\"{name}\" is no host name: use letters, digits and \"-\", at most 63");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_that_could_leave_the_folder_are_refused() {
        let bad = ["", "..", "a/b", "-x", "a b", "a.b", &"x".repeat(64)];
        for name in bad {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("slurmcluster-login1").is_ok());
    }

    #[test]
    fn two_folders_have_two_prefixes() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_ne!(Place::of(a.path()).unwrap().prefix, Place::of(b.path()).unwrap().prefix);
        assert_eq!(Place::of(a.path()).unwrap().prefix, Place::of(a.path()).unwrap().prefix);
    }
}
