//! One running host: its `systemd-nspawn`, in a cgroup of its own so that all its processes are known by that name.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::network::{Network, namespace_path};
use super::{HostKind, HostSpec, Link, Place, commands, fit_out, names, overlay, shares};

const BOOT_DEADLINE: Duration = Duration::from_secs(60);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Joins the cgroups named in `$CGROUPS`, then becomes the program: nspawn puts its host below the cgroup it was
/// started in, and two hosts in one cgroup would see each other's units.
const JOIN_CGROUPS: &str =
    r#"for c in $CGROUPS; do echo $$ > "$c/cgroup.procs"; done; unset CGROUPS; exec "$@""#;

/// A started host.
pub struct Machine {
    nspawn: Child,
    console: PathBuf,
    kind: HostKind,
    address: Ipv4Addr,
}

impl Machine {
    /// Lays out the host's disk and network and starts it.
    pub fn start(
        place: &Place,
        rootfs: &Path,
        link: &Link,
        network: &Network,
        spec: &HostSpec,
    ) -> Result<Machine> {
        let host_dir = place.host_dir(&spec.name);
        let root = overlay::mount_root(rootfs, &host_dir)?;
        fit_out::fit_out(&root, link, spec)?;
        let object = place.object(&spec.name);
        network.add_host(&object, spec.private_ip)?;
        let console = host_dir.join("console.log");
        let nspawn = spawn(&object, &root, &place.shares(), &console)?;
        Ok(Machine { nspawn, console, kind: spec.kind, address: spec.private_ip })
    }

    /// Waits until the host's own service greets; gives up when the twin goes down.
    pub fn await_up(&mut self, network: &Network, going_down: &AtomicBool) -> Result<()> {
        let end = Instant::now() + BOOT_DEADLINE;
        loop {
            if let Some(status) = self.nspawn.try_wait()? {
                bail!("it ended with {status}: {}", self.console_end());
            }
            if greets(network, self.address, self.kind.port()) {
                return Ok(());
            }
            if going_down.load(Ordering::Relaxed) {
                bail!("the twin is going down");
            }
            if Instant::now() > end {
                let (port, waited) = (self.kind.port(), BOOT_DEADLINE.as_secs());
                bail!("port {port} does not answer after {waited} s: {}", self.console_end());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn console_end(&self) -> String {
        commands::last_lines(&fs::read_to_string(&self.console).unwrap_or_default(), 5)
    }
}

impl Drop for Machine {
    /// Its processes were ended through their cgroup; this takes the exit status, so that no zombie stays.
    fn drop(&mut self) {
        let _ = self.nspawn.kill();
        let _ = self.nspawn.wait();
    }
}

fn spawn(object: &str, root: &Path, shares: &Path, console: &Path) -> Result<Child> {
    let cgroups = cgroup_folders(object)?;
    for folder in &cgroups {
        fs::create_dir_all(folder).with_context(|| format!("making the cgroup {}", folder.display()))?;
    }
    let log = File::create(console).with_context(|| format!("making {}", console.display()))?;
    Command::new("sh")
        .args([
            "-ec",
            JOIN_CGROUPS,
            "sh",
            "systemd-nspawn",
            "--quiet",
            "--boot",
            "--register=no",
            "--keep-unit",
            "--resolv-conf=off",
        ])
        .arg("--console=pipe")
        .arg(format!("--bind={}:{}", shares.display(), shares::INSIDE))
        .arg(format!("--network-namespace-path={}", namespace_path(object).display()))
        .args([OsStr::new("--directory"), root.as_os_str()])
        .env_clear()
        .env("PATH", PATH)
        .env("CGROUPS", cgroups.iter().map(|c| c.to_string_lossy()).collect::<Vec<_>>().join(" "))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .context("starting systemd-nspawn")
}

/// Whether the service at a port speaks first, as sshd and MySQL do.
fn greets(network: &Network, address: Ipv4Addr, port: u16) -> bool {
    let to = SocketAddr::V4(SocketAddrV4::new(address, port));
    let Ok(mut stream) = network.connect(to, Duration::from_secs(1)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok()
        && std::io::Read::read_exact(&mut stream, &mut [0; 4]).is_ok()
}

/// Folders of a cgroup name in the hierarchies that systemd uses: version 2, and version 1's `name=systemd`.
pub fn cgroup_folders(object: &str) -> Result<Vec<PathBuf>> {
    Ok(cgroup_roots()?.into_iter().map(|root| root.join(object)).collect())
}

/// Mount points of those hierarchies.
pub fn cgroup_roots() -> Result<Vec<PathBuf>> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("reading the list of mounts")?;
    let roots: Vec<PathBuf> = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|fields| fields.len() > 3)
        .filter(|f| f[2] == "cgroup2" || (f[2] == "cgroup" && f[3].split(',').any(|o| o == "name=systemd")))
        .map(|fields| PathBuf::from(fields[1]))
        .collect();
    if roots.is_empty() {
        bail!("no cgroup hierarchy is mounted: mount one on /sys/fs/cgroup");
    }
    Ok(roots)
}

/// The command that runs `argv` as root inside a running host, with the environment a session there has.
pub fn command_inside(place: &Place, name: &str, argv: &[String]) -> Result<Command> {
    let name = names::computer(place, name)?;
    let init = init_process(place, &name)?;
    let environment = place.host_dir(&name).join(overlay::ROOT).join("etc/environment");
    let environment = fs::read_to_string(&environment).unwrap_or_default();
    let mut command = Command::new("nsenter");
    command.args(["--target", &init, "--all", "--wdns=/root", "--"]).args(argv);
    command.env_clear().env("PATH", PATH).env("HOME", "/root").env("LANG", "C.UTF-8");
    command.envs(environment.lines().filter_map(|line| line.split_once('=')));
    Ok(command)
}

/// Process id of a host's init as this machine sees it.
fn init_process(place: &Place, name: &str) -> Result<String> {
    for folder in cgroup_folders(&place.object(name))? {
        let procs = folder.join("payload/init.scope/cgroup.procs");
        if let Some(first) =
            fs::read_to_string(procs).ok().and_then(|text| text.lines().next().map(str::to_owned))
        {
            return Ok(first);
        }
    }
    bail!("no host {name} runs; `ccslurm4ai-twin status` lists the hosts")
}
