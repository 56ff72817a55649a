//! A host's disk: its own layer over the common root file system.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// Folder of the host that holds all it changed against the common root file system.
pub const UPPER: &str = "upper";
/// Folder of the host where its whole file system is seen while it runs.
pub const ROOT: &str = "root";

/// Mounts a host's file system below `host_dir` and returns its root.
pub fn mount_root(rootfs: &Path, host_dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(host_dir)?;
    // The layer holds private keys and user data: nobody else on this machine may look.
    fs::set_permissions(host_dir, fs::Permissions::from_mode(0o700))?;
    let (upper, work, root) = (host_dir.join(UPPER), host_dir.join("work"), host_dir.join(ROOT));
    for dir in [&upper, &work, &root] {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    }
    let options =
        format!("lowerdir={},upperdir={},workdir={}", rootfs.display(), upper.display(), work.display());
    let options = std::ffi::CString::new(options)?;
    mount("overlay", &root, "overlay", MountFlags::empty(), options.as_c_str())
        .with_context(|| format!("mounting the overlay on {}", root.display()))?;
    Ok(root)
}

/// Unmounts everything that is mounted at or below `dir`, innermost first. An absent folder is no error.
pub fn unmount_below(dir: &Path) -> Result<()> {
    let Ok(dir) = dir.canonicalize() else { return Ok(()) };
    let mounts = fs::read_to_string("/proc/self/mounts").context("reading the list of mounts")?;
    let mut points: Vec<PathBuf> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(|point| PathBuf::from(unescape(point)))
        .filter(|point| point.starts_with(&dir))
        .collect();
    points.sort();
    for point in points.iter().rev() {
        unmount(point, UnmountFlags::DETACH).with_context(|| format!("unmounting {}", point.display()))?;
    }
    Ok(())
}

/// The kernel writes a blank in a mount point as `\040`.
fn unescape(point: &str) -> String {
    point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}
