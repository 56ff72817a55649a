//! Which twins are alive: each holds a lock that the kernel releases when it dies, however it dies. So the next twin
//! finds the hosts of a killed one, wherever its folder was.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

use super::{Place, leftovers};

const REGISTRY: &str = "/run/ccslurm4ai-twin";
const CLAIM_DEADLINE: Duration = Duration::from_secs(5);

/// The claim of a living twin on its place.
pub struct Owner {
    file: PathBuf,
    _lock: File,
}

impl Owner {
    /// Claims a place; it waits a moment for another twin that is just looking for dead ones.
    ///
    /// # Errors
    /// A twin runs there already.
    pub fn claim(place: &Place) -> Result<Owner> {
        fs::create_dir_all(REGISTRY).with_context(|| format!("making {REGISTRY}"))?;
        let file = Path::new(REGISTRY).join(&place.prefix);
        let end = Instant::now() + CLAIM_DEADLINE;
        while Instant::now() < end {
            if let Some(mut lock) = locked(&file, true)? {
                lock.set_len(0)?;
                lock.write_all(place.dir.as_os_str().as_encoded_bytes())?;
                return Ok(Owner { file, _lock: lock });
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("a twin runs in {} already", place.dir.display())
    }

    /// Gives the place back when nothing of the twin is left.
    pub fn release(&self) {
        // Absent if `down` was called before.
        let _ = fs::remove_file(&self.file);
    }
}

/// Removes the hosts of every twin that died without doing so itself.
pub fn sweep() -> Result<()> {
    let Ok(entries) = fs::read_dir(REGISTRY) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let Some(_lock) = locked(&entry.path(), false)? else { continue };
        let dir = PathBuf::from(fs::read_to_string(entry.path())?);
        if !dir.as_os_str().is_empty() {
            let prefix = entry.file_name().to_string_lossy().into_owned();
            leftovers::remove(&Place { dir, prefix }).context("removing what a killed twin left behind")?;
        }
        fs::remove_file(entry.path())?;
    }
    Ok(())
}

/// Opens a claim and takes its lock; `None` when a living twin has it, or when it is being removed.
fn locked(path: &Path, create: bool) -> Result<Option<File>> {
    let opened = OpenOptions::new().read(true).write(true).create(create).truncate(false).open(path);
    let file = match opened {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("opening {}", path.display()))?,
    };
    let taken = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    Ok((taken && file.metadata()?.nlink() > 0).then_some(file))
}
