//! The hosts' common root file system: Debian 13, built once with `debootstrap` and kept in the cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::{commands, overlay, requirements};

const SUITE: &str = "trixie";
/// The server packages of MariaDB and Slurm alone, without what Debian's maintainer scripts need: a third of the size.
const PACKAGES: [&str; 21] = [
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "jq",
    "mariadb-client-core",
    "mariadb-server-core",
    "munge",
    "openssh-client",
    "openssh-server",
    "openssl",
    "procps",
    "python3",
    "slurm-client",
    "slurmctld",
    "slurmd",
    "slurmdbd",
    "sudo",
    "systemd",
    "systemd-sysv",
    "util-linux",
];
/// Raised when [`strip`] changes, so that a cache made by an older twin is not used.
const RECIPE: u8 = 2;
const STRIP_DEADLINE: Duration = Duration::from_secs(30);
const BUILD_DEADLINE: Duration = Duration::from_secs(20 * 60);

/// The cache folder: `$CCSLURM4AI_CACHE`, else `ccslurm4ai` in `$XDG_CACHE_HOME` or `~/.cache`.
///
/// # Errors
/// None of the three variables is set.
pub fn cache_dir() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("CCSLURM4AI_CACHE") {
        return Ok(dir.into());
    }
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    Ok(base.context("no cache folder: set HOME or CCSLURM4AI_CACHE")?.join("ccslurm4ai"))
}

/// Builds the root file system in `cache` unless it is there, and returns its folder. Two twins may call it at once.
///
/// # Errors
/// [`requirements::Unfit`]; `debootstrap` failed (mirror unreachable: `CCSLURM4AI_DEBIAN_MIRROR` names another);
/// another process has been building for more than 20 minutes.
pub fn prepare(cache: &Path) -> Result<PathBuf> {
    requirements::check()?;
    let digest = Sha256::digest(format!("{SUITE} {RECIPE} {}", PACKAGES.join(" ")));
    let hash = digest.iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let done = cache.join(format!("rootfs-{hash}"));
    if done.exists() {
        return Ok(done);
    }
    fs::create_dir_all(cache).with_context(|| format!("making {}", cache.display()))?;
    let lock = File::create(cache.join("rootfs.lock")).context("opening rootfs.lock in the cache")?;
    wait_for_lock(&lock)?;
    if !done.exists() {
        build(cache, &done)?;
    }
    Ok(done)
}

fn wait_for_lock(lock: &File) -> Result<()> {
    let end = Instant::now() + BUILD_DEADLINE;
    loop {
        match flock(lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if Instant::now() < end => thread::sleep(Duration::from_millis(500)),
            Err(Errno::WOULDBLOCK) => {
                bail!("another process has been building the root file system for too long")
            }
            Err(error) => return Err(error).context("locking the cache"),
        }
    }
}

fn build(cache: &Path, done: &Path) -> Result<()> {
    let part = cache.join("rootfs.part");
    overlay::unmount_below(&part)?; // a killed debootstrap leaves proc mounted in there
    remove_tree(&part)?;
    eprintln!("building the hosts' root file system once, about a minute: {}", done.display());
    let packages = format!("--include={}", PACKAGES.join(","));
    let target = part.to_string_lossy();
    let mirror = mirror();
    let mut args = vec!["--variant=minbase", &packages, SUITE, &target];
    args.extend(mirror.as_deref());
    commands::run("debootstrap", &args, "", BUILD_DEADLINE).context(
        "building the hosts' root file system (CCSLURM4AI_DEBIAN_MIRROR names another Debian mirror)",
    )?;
    strip(&part)?;
    fs::rename(&part, done).with_context(|| format!("moving the root file system to {}", done.display()))
}

/// Users of Debian's packages that a node makes itself, with other ids.
const FOREIGN_USERS: [&str; 2] = ["munge", "slurm"];
/// Services that run on some nodes only, and are started there.
const SERVICES: [&str; 4] = ["munge", "slurmctld", "slurmd", "slurmdbd"];
/// What a node makes itself, and what nobody reads on a host.
const UNWANTED: [&str; 10] = [
    "etc/munge",
    "etc/slurm",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt/archives",
    "var/lib/munge",
    "var/lib/slurm",
    "var/log/munge",
    "var/log/slurm",
];

/// Removes what must differ from host to host, what a node sets up itself, and timers that would look for packages
/// without a network.
fn strip(root: &Path) -> Result<()> {
    for entry in fs::read_dir(root.join("etc/ssh"))? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ssh_host_")) {
            fs::remove_file(path)?;
        }
    }
    fs::write(root.join("etc/machine-id"), "")?;
    for timer in ["apt-daily.timer", "apt-daily-upgrade.timer"] {
        std::os::unix::fs::symlink("/dev/null", root.join("etc/systemd/system").join(timer))?;
    }
    let target = root.to_string_lossy();
    for user in FOREIGN_USERS {
        commands::run("userdel", &["--root", &target, user], "", STRIP_DEADLINE)?;
    }
    for service in SERVICES {
        fs::remove_file(root.join(format!("etc/systemd/system/multi-user.target.wants/{service}.service")))?;
    }
    fs::remove_file(root.join("usr/lib/sysusers.d/slurm-wlm-basic-plugins.conf"))?; // would make its user again
    UNWANTED.iter().try_for_each(|folder| remove_tree(&root.join(folder)))
}

/// Where packages come from: `CCSLURM4AI_DEBIAN_MIRROR`, else the Debian mirror that this machine's apt uses, else
/// debootstrap's own choice.
fn mirror() -> Option<String> {
    if let Ok(mirror) = env::var("CCSLURM4AI_DEBIAN_MIRROR") {
        return Some(mirror);
    }
    let listed =
        commands::run("apt-get", &["indextargets", "--format", "$(REPO_URI)"], "", Duration::from_secs(30))
            .ok()?;
    listed
        .lines()
        .map(|line| line.trim_end_matches('/'))
        .find(|uri| uri.ends_with("/debian"))
        .map(str::to_owned)
}

fn remove_tree(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(())
}
