//! Folders that hosts share. This kernel has no NFS, so all hosts see one folder of this machine, and the stand-in
//! `mount.nfs` in them checks what the real one would check before it binds a part of it.
//!
//! `<server's address>/exports.json` lists what a server exports; an export's content is in the folder that the entry
//! names, beside it.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Where hosts see the shared folder.
pub const INSIDE: &str = "/var/lib/ccslurm4ai-twin/shares";
const LIST: &str = "exports.json";

/// One exported folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Export {
    /// Path by which it is mounted, `/vol1`.
    pub path: String,
    /// Addresses or networks that may mount it.
    pub clients: Vec<String>,
    /// Versions of NFS that the server speaks: `3`, `4.1`.
    pub versions: Vec<String>,
}

/// An export in a server's list.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    export: Export,
    folder: String,
}

/// Makes the shared folder.
pub fn prepare(shares: &Path) -> Result<()> {
    fs::create_dir_all(shares).with_context(|| format!("making {}", shares.display()))
}

/// Adds an export of a server, or replaces the one of the same path; its content stays.
pub fn export(shares: &Path, server: Ipv4Addr, export: &Export) -> Result<()> {
    let folder = export.path.trim_matches('/').replace('/', "_");
    let own = shares.join(server.to_string());
    let content = own.join(&folder);
    fs::create_dir_all(&content).with_context(|| format!("making {}", content.display()))?;
    fs::set_permissions(&content, fs::Permissions::from_mode(0o755))?;
    let mut entries = entries(&own)?;
    entries.retain(|entry| entry.export.path != export.path);
    entries.push(Entry { export: export.clone(), folder });
    write(&own, &entries)
}

/// Takes an export of a server away with its content.
pub fn withdraw(shares: &Path, server: Ipv4Addr, path: &str) -> Result<()> {
    let own = shares.join(server.to_string());
    let (gone, kept): (Vec<Entry>, Vec<Entry>) =
        entries(&own)?.into_iter().partition(|entry| entry.export.path == path);
    if !gone.is_empty() {
        write(&own, &kept)?;
    }
    gone.iter().try_for_each(|entry| remove(&own.join(&entry.folder)))
}

fn entries(own: &Path) -> Result<Vec<Entry>> {
    let list = own.join(LIST);
    let known = fs::read(&list).map_or(Ok(Vec::new()), |text| serde_json::from_slice(&text));
    known.with_context(|| format!("reading {}", list.display()))
}

fn write(own: &Path, entries: &[Entry]) -> Result<()> {
    let text = serde_json::to_vec_pretty(entries).context("writing down exports")?;
    let list = own.join(LIST);
    fs::write(&list, text).with_context(|| format!("writing {}", list.display()))
}

/// Removes a folder; an absent one is no error.
pub fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_listed_once_and_keeps_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let server = Ipv4Addr::new(10, 64, 2, 4);
        let made = |clients: &str| Export {
            path: "/vol/1".to_owned(),
            clients: vec![clients.to_owned()],
            versions: vec!["3".to_owned()],
        };
        export(dir.path(), server, &made("10.64.0.0/16")).unwrap();
        fs::write(dir.path().join("10.64.2.4/vol_1/kept"), "x").unwrap();
        export(dir.path(), server, &made("10.64.1.0/24")).unwrap();
        let own = dir.path().join("10.64.2.4");
        let list = entries(&own).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].export.clients, ["10.64.1.0/24"]);
        assert!(own.join(&list[0].folder).join("kept").exists());
        withdraw(dir.path(), server, "/vol/1").unwrap();
        assert!(entries(&own).unwrap().is_empty());
        assert!(!own.join("vol_1").exists());
    }
}
