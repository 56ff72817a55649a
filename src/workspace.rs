//! The state folder of one resource group: `.ccslurm4ai/<resource group>/`. It only caches; deleting it
//! loses nothing, for the state is in Azure.

use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::failure::{Exit, Failure};
use crate::process::{Log, Runner, end_orphans};

/// The state folder, locked by this run while it is open.
pub struct Workspace {
    root: PathBuf,
    state: PathBuf,
    _lock: Option<File>,
}

impl Workspace {
    /// Opens the state folder below `root`, ends what a killed run left behind and starts the log.
    /// A dry run only names the paths.
    ///
    /// # Errors
    /// [`Exit::Busy`] when another run has it open; [`Exit::Usage`] when the folder can't be made or written.
    pub fn open(root: &Path, resource_group: &str, runner: &Runner<'_>) -> anyhow::Result<Self> {
        let root = std::path::absolute(root).map_err(|error| unusable(root, &error))?;
        let state = state_folder(&root, resource_group);
        if runner.is_dry_run() {
            return Ok(Self { root, state, _lock: None });
        }
        for folder in ["", "logs", "ssh", "ansible"] {
            let folder = state.join(folder);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| unusable(&folder, &error))?;
        }
        let lock = lock(&state, resource_group)?;
        let workspace = Self { root, state, _lock: Some(lock) };
        let state = workspace.state.canonicalize().map_err(|error| unusable(&workspace.state, &error))?;
        end_orphans(&state);
        let log = workspace.state.join("run.jsonl");
        runner.attach(Log::open(&log).map_err(|error| unusable(&log, &error))?, state);
        Ok(workspace)
    }

    /// Where the connection scripts go.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder of the state folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// Removes the state folder and, when no other cluster has one beside it, the folder around it.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn remove(&self) -> anyhow::Result<()> {
        std::fs::remove_dir_all(&self.state).with_context(|| format!("removing {}", self.state.display()))?;
        let _ = self.state.parent().map(std::fs::remove_dir);
        Ok(())
    }

    /// Writes a file only its owner can read, whole or not at all.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, name: &str, content: &[u8]) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        replace(&path, content, 0o600)?;
        Ok(path)
    }
}

/// The state folder of a resource group below `root`.
pub fn state_folder(root: &Path, resource_group: &str) -> PathBuf {
    root.join(".ccslurm4ai").join(resource_group)
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("the state folder cannot be used: {error}");
    Failure::new(Exit::Usage, "WorkspaceUnusable", message)
        .resource(path.display().to_string())
        .remedy("name a folder that you can write to with --workspace")
}

/// Writes a file, whole or not at all; `mode` as in `chmod`.
///
/// # Errors
/// When it can't be written.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", path.display()))
}

fn lock(state: &Path, resource_group: &str) -> anyhow::Result<File> {
    let path = state.join("lock");
    let file = File::create(&path).map_err(|error| unusable(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            Exit::Busy,
            "Busy",
            format!("another run works on the resource group `{resource_group}` from this workspace"),
        )
        .resource(path.display().to_string())
        .remedy("wait until it ends, or end it, and run this again")
        .into()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Format, Ui};

    #[test]
    fn a_second_run_is_turned_away_and_nothing_is_readable_by_others() {
        let root = tempfile::tempdir().unwrap();
        let ui = Ui::new(Format::Text, false, false);
        let open = || Workspace::open(root.path(), "rg.1", &Runner::new(&ui, false));
        let first = open().unwrap();
        let file = first.write("deployment.json", b"{}").unwrap();
        let busy = open().err().unwrap();
        assert_eq!(busy.downcast_ref::<Failure>().unwrap().exit, Exit::Busy);
        for path in [first.path(""), first.path("ssh"), file] {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", path.display());
        }
        drop(first);
        open().unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let ui = Ui::new(Format::Text, false, false);
        for workspace in [file.as_path(), Path::new("")] {
            let error = Workspace::open(workspace, "rg", &Runner::new(&ui, false)).err().unwrap();
            let failure = error.downcast_ref::<Failure>().unwrap();
            assert_eq!((failure.exit, failure.problems[0].code.as_str()), (Exit::Usage, "WorkspaceUnusable"));
        }
    }

    #[test]
    fn a_dry_run_makes_nothing() {
        let root = tempfile::tempdir().unwrap();
        let ui = Ui::new(Format::Text, false, false);
        Workspace::open(root.path(), "rg", &Runner::new(&ui, true)).unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
