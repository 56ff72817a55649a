//! The infrastructure template and the playbooks: those inside this binary, or those of a folder the
//! user names.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use anyhow::Context;
use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use crate::failure::{Exit, Failure};
use crate::process::{Command, Runner};

static BICEP: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/bicep");
static ANSIBLE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/ansible");

/// A folder with `bicep/` and `ansible/`; the bundled ones are unpacked for this run and then removed.
pub struct Templates {
    folder: PathBuf,
    temporary: TempDir,
    compiled: OnceLock<PathBuf>,
}

impl Templates {
    /// The bundled templates, or those of `folder`; an empty path, as of an empty variable, is none.
    ///
    /// # Errors
    /// [`Exit::Refused`] when `folder` is of another version.
    pub fn open(folder: Option<&Path>) -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("ccslurm4ai-templates-")
            .tempdir()
            .context("making a folder for the templates")?;
        let folder = match folder.filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => {
                let folder = std::path::absolute(folder)?;
                check_version(&folder)?;
                folder
            }
            None => {
                unpack(temporary.path())?;
                temporary.path().to_owned()
            }
        };
        Ok(Self { folder, temporary, compiled: OnceLock::new() })
    }

    /// The compiled template; compiled now when a `.bicep` of the user's folder is newer than its `main.json`.
    ///
    /// # Errors
    /// [`Exit::ProgramMissing`] when it has to be compiled and there is no compiler; [`Exit::Deployment`]
    /// when it does not compile.
    pub fn main_json(&self, runner: &Runner<'_>) -> anyhow::Result<&Path> {
        if let Some(path) = self.compiled.get() {
            return Ok(path);
        }
        let bicep = self.folder.join("bicep");
        let mut path = bicep.join("main.json");
        if self.foreign().is_some() && is_outdated(&bicep)? {
            path = self.temporary.path().join("main.json");
            compile(&bicep.join("main.bicep"), &path, runner)?;
        }
        Ok(self.compiled.get_or_init(|| path))
    }

    /// The user's own folder, if these are not the bundled templates.
    pub fn foreign(&self) -> Option<&Path> {
        Some(self.folder.as_path()).filter(|folder| *folder != self.temporary.path())
    }

    /// The folder with `ansible.cfg` and the playbooks.
    pub fn ansible(&self) -> PathBuf {
        self.folder.join("ansible")
    }

    /// The file of images and versions.
    ///
    /// # Errors
    /// When it is missing or no JSON.
    pub fn versions(&self) -> anyhow::Result<Value> {
        self.json("bicep/versions.json")
    }

    /// The role assignments that the infrastructure template makes.
    ///
    /// # Errors
    /// As [`Templates::versions`].
    pub fn roles<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        self.json("bicep/roles.json")
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<T> {
        let path = self.folder.join(name);
        let text = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
    }
}

fn unpack(target: &Path) -> anyhow::Result<()> {
    for (name, content) in [("bicep", &BICEP), ("ansible", &ANSIBLE)] {
        let folder = target.join(name);
        std::fs::create_dir(&folder)
            .and_then(|()| content.extract(&folder))
            .with_context(|| format!("unpacking the templates into {}", folder.display()))?;
    }
    Ok(())
}

/// Writes the bundled templates into `folder`, to be changed there and used as a folder of the user's.
///
/// # Errors
/// [`Exit::Refused`] when one of them is there already; when they cannot be written.
pub fn eject(folder: &Path) -> anyhow::Result<()> {
    const PARTS: [&str; 3] = ["bicep", "ansible", "VERSION"];
    if let Some(there) =
        PARTS.iter().map(|part| folder.join(part)).find(|path| path.symlink_metadata().is_ok())
    {
        return Err(Failure::new(
            Exit::Refused,
            "FileExists",
            "it is there already, and nothing is overwritten",
        )
        .resource(there.display().to_string())
        .remedy("name another folder")
        .into());
    }
    let written = || -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let unfinished = tempfile::Builder::new().prefix(".ccslurm4ai-").tempdir_in(folder)?;
        unpack(unfinished.path())?;
        std::fs::write(unfinished.path().join("VERSION"), concat!(env!("CARGO_PKG_VERSION"), "\n"))?;
        for part in PARTS {
            std::fs::rename(unfinished.path().join(part), folder.join(part))?;
        }
        Ok(())
    };
    written().with_context(|| format!("writing the templates into {}", folder.display()))
}

fn check_version(folder: &Path) -> anyhow::Result<()> {
    let ours = env!("CARGO_PKG_VERSION");
    let file = folder.join("VERSION");
    let refuse = |message: String| {
        Failure::new(Exit::Refused, "TemplatesVersion", message)
            .resource(file.display().to_string())
            .remedy(format!("use the templates of ccslurm4ai {ours}, or the program they belong to"))
    };
    let theirs = std::fs::read_to_string(&file)
        .map_err(|error| refuse(format!("the templates folder has no readable VERSION file: {error}")))?;
    if theirs.trim() == ours {
        return Ok(());
    }
    Err(refuse(format!("the templates are of version {}, this program is {ours}", theirs.trim())).into())
}

/// Whether a source is newer than the compiled template, or there is none. An unchanged copy of the bundled
/// templates never is: copying and cloning give files the time of the moment, in any order.
fn is_outdated(bicep: &Path) -> anyhow::Result<bool> {
    if is_bundled(bicep, &BICEP) {
        return Ok(false);
    }
    let Ok(compiled) = std::fs::metadata(bicep.join("main.json")).and_then(|meta| meta.modified()) else {
        return Ok(true);
    };
    Ok(newest_source(bicep).with_context(|| format!("reading {}", bicep.display()))? > compiled)
}

fn is_bundled(bicep: &Path, part: &Dir<'_>) -> bool {
    let mut files = part.files().filter(|file| is_source(file.path()) || file.path().ends_with("main.json"));
    files.all(|file| std::fs::read(bicep.join(file.path())).is_ok_and(|found| found == file.contents()))
        && part.dirs().all(|dir| is_bundled(bicep, dir))
}

/// What the compiler reads: Bicep, and the JSON files that Bicep loads.
fn is_source(path: &Path) -> bool {
    let is = |extension: &str| path.extension().is_some_and(|found| found == extension);
    is("bicep") || is("json") && !path.ends_with("main.json") && !path.ends_with("bicepconfig.json")
}

fn newest_source(folder: &Path) -> std::io::Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            newest = newest.max(newest_source(&path)?);
        } else if is_source(&path) {
            newest = newest.max(entry.metadata()?.modified()?);
        }
    }
    Ok(newest)
}

fn compile(source: &Path, target: &Path, runner: &Runner<'_>) -> anyhow::Result<()> {
    let command = Command::new(compiler()?).arg("build").arg(source.display().to_string());
    let output = runner
        .run(&command.arg("--outfile").arg(target.display().to_string()))
        .context("compiling the Bicep template")?;
    if output.status == 0 {
        return Ok(());
    }
    Err(Failure::new(Exit::Deployment, "BicepInvalid", "the Bicep template does not compile")
        .resource(source.display().to_string())
        .remedy(output.stderr.trim().to_owned())
        .into())
}

/// `$BICEP`, `bicep` on `PATH`, or the place where `az bicep install` puts it.
fn compiler() -> Result<String, Failure> {
    let named = std::env::var("BICEP").ok().filter(|path| !path.is_empty());
    let installed = std::env::var("HOME").ok().map(|home| format!("{home}/.azure/bin/bicep"));
    named
        .or_else(|| which::which("bicep").ok().map(|path| path.display().to_string()))
        .or_else(|| installed.filter(|path| Path::new(path).exists()))
        .ok_or_else(|| {
            let message = "a .bicep file is newer than main.json and there is no Bicep compiler";
            Failure::new(Exit::ProgramMissing, "BicepMissing", message)
                .remedy("run `az bicep install`, or set BICEP to the compiler")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_outdated_once_a_source_is_edited_and_newer() {
        let copy = tempfile::tempdir().unwrap();
        unpack(copy.path()).unwrap();
        let bicep = copy.path().join("bicep");
        let source = bicep.join("modules/network.bicep");
        let set_time = |path: &Path, seconds| {
            let time = SystemTime::now() + std::time::Duration::from_secs(seconds);
            std::fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        };
        set_time(&source, 60);
        assert!(!is_outdated(&bicep).unwrap(), "newer, but unchanged");
        let text = std::fs::read_to_string(&source).unwrap();
        std::fs::write(&source, text + "// edited\n").unwrap();
        set_time(&source, 60);
        assert!(is_outdated(&bicep).unwrap());
        set_time(&bicep.join("main.json"), 120);
        assert!(!is_outdated(&bicep).unwrap(), "compiled since");
        let roles = bicep.join("roles.json");
        std::fs::write(&roles, "[]").unwrap();
        set_time(&roles, 180);
        assert!(is_outdated(&bicep).unwrap(), "Bicep loads this file");
        set_time(&bicep.join("main.json"), 240);
        std::fs::remove_file(bicep.join("main.json")).unwrap();
        assert!(is_outdated(&bicep).unwrap());
    }

    #[test]
    fn an_empty_name_is_no_folder() {
        assert!(Templates::open(Some(Path::new(""))).unwrap().foreign().is_none());
    }

    #[test]
    fn the_version_file_is_this_programs() {
        let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/VERSION")).unwrap();
        assert_eq!(file.trim(), env!("CARGO_PKG_VERSION"));
    }
}
