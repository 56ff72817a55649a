//! Where the shared files of the cluster lie. What is written here reaches a template and a mount command, so
//! every value keeps to characters that mean nothing to a shell.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::report::shown;
use super::rules::{self, Rule};

/// The shared file system of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Storage {
    /// An Azure NetApp Files volume, made for the cluster.
    #[serde(rename = "anf")]
    NetApp {
        /// What a TiB gives in throughput: `Standard`, `Premium` or `Ultra`.
        service_level: String,
        /// Size of the pool and of its one volume.
        size_tib: u32,
    },
    /// A disk of the scheduler, shared by it.
    Nfs {
        /// Size of the disk.
        size_gib: u32,
    },
    /// An NFS server that is there already.
    Existing {
        /// Its IPv4 address or host name.
        address: String,
        /// The path it exports.
        export_path: String,
        /// Options of mount(8); may be empty.
        mount_options: String,
    },
}

/// Service levels of a pool (bicep-types-az, Microsoft.NetApp 2025-12-01, `serviceLevel`, those that scale with
/// the size).
pub const SERVICE_LEVELS: [&str; 3] = ["Standard", "Premium", "Ultra"];

/// Longest mount options and export path: far more than anybody needs.
const LONGEST: usize = 255;

/// TiB, from the smallest pool to the largest regular volume
/// (learn.microsoft.com/azure/azure-netapp-files/azure-netapp-files-resource-limits).
pub const SIZES_TIB: (u32, u32) = (1, 100);

/// GiB, as CycleCloud's Slurm template takes them for the scheduler's disk (Azure/cyclecloud-slurm
/// `templates/slurm.txt`, `FilesystemSize`).
pub const SIZES_GIB: (u32, u32) = (10, 10_240);

/// Of [`address`]: an IPv4 address, or a name whose last part is no number.
pub const ADDRESS: Rule = Rule::new(
    address,
    r"^((?!0\.0\.0\.0$|127\.|169\.254\.|2(2[4-9]|3[0-9])\.|255\.255\.255\.255$)(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}|([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*(?![0-9]+$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)$",
);
/// Of [`export_path`].
pub const EXPORT_PATH: Rule =
    Rule::new(export_path, r"^/((?!\.{1,2}(/|$))[A-Za-z0-9._-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)*)?$");
/// Of [`mount_options`].
pub const MOUNT_OPTIONS: Rule = Rule::new(
    mount_options,
    r"^([A-Za-z0-9_][A-Za-z0-9_.-]*(=[A-Za-z0-9_][A-Za-z0-9_.:/+-]*)?(,[A-Za-z0-9_][A-Za-z0-9_.-]*(=[A-Za-z0-9_][A-Za-z0-9_.:/+-]*)?)*)?$",
);

/// The size of the volume.
pub fn size_tib(text: &str) -> Result<u32, String> {
    rules::number(text, SIZES_TIB.0, SIZES_TIB.1)
}

/// The size of the scheduler's disk.
pub fn size_gib(text: &str) -> Result<u32, String> {
    rules::number(text, SIZES_GIB.0, SIZES_GIB.1)
}

/// An IPv4 address of one machine, or a host name (RFC 1123, 2.1).
pub fn address(text: &str) -> Result<(), String> {
    let good = match text.parse::<Ipv4Addr>() {
        Ok(address) => is_machine(address),
        Err(_) => is_host_name(text),
    };
    if good {
        Ok(())
    } else {
        Err(format!("{} is neither an IPv4 address of a server nor a host name", shown(text)))
    }
}

fn is_machine(address: Ipv4Addr) -> bool {
    let special = address.is_unspecified()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast();
    !special
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_a_number =
        text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    text.len() <= 253 && text.split('.').all(label) && !last_is_a_number
}

/// An absolute path without detours.
pub fn export_path(text: &str) -> Result<(), String> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
    let detour = |part: &str| matches!(part, "" | "." | "..");
    let parts = text.strip_prefix('/').map(|rest| rest.split('/'));
    let straight = text == "/" || parts.is_some_and(|mut parts| !parts.any(detour));
    if straight && text.len() <= LONGEST && text.bytes().all(good) {
        return Ok(());
    }
    Err(format!(
        "{} is not a path that an NFS server exports (allowed: absolute, of letters, digits, `.`, `_`, `-`, `/`, \
         without `//` and `..`)",
        shown(text)
    ))
}

/// Options of mount(8), separated by commas.
pub fn mount_options(text: &str) -> Result<(), String> {
    let word = |text: &str, more: &[u8]| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b) || more.contains(&b))
    };
    let option = |option: &str| match option.split_once('=') {
        Some((name, value)) => word(name, b"") && word(value, b":/+"),
        None => word(option, b""),
    };
    if text.len() <= LONGEST && (text.is_empty() || text.split(',').all(option)) {
        return Ok(());
    }
    Err(format!(
        "{} are not mount options (allowed: such as vers=4.1,hard,nconnect=8, of letters, digits, `_`, `-`, `.`, \
         and in values `:`, `/`, `+`)",
        shown(text)
    ))
}
