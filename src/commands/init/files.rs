//! The files that `init` writes: the configuration, and beside it the schema that its first line names.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use crate::config::{self, Answers};
use crate::failure::{Exit, Failure};
use crate::ui::Answer;
use crate::workspace::replace;

/// Name of the schema's file, as `config.example.yaml` has it in its first line.
const SCHEMA: &str = "config.schema.json";

/// Where they go.
pub struct Files {
    config: PathBuf,
    schema: PathBuf,
}

impl Files {
    /// The configuration `config`, and the schema in the same folder.
    pub fn beside(config: &Path) -> Self {
        Self { config: config.to_owned(), schema: config.with_file_name(SCHEMA) }
    }

    /// Whether they can be written without losing anything: a schema of ours is only brought up to date.
    ///
    /// # Errors
    /// [`Exit::Refused`] when a file of the user's is in the way; [`Exit::Usage`] when there is no such folder.
    pub fn check(&self) -> Result<(), Failure> {
        if !self.folder().is_dir() {
            let text = format!("there is no folder {}", self.folder().display());
            return Err(Failure::new(Exit::Usage, "FileNotWritten", text).remedy("make it first"));
        }
        if self.config.symlink_metadata().is_ok() {
            let remedy = "edit it, or name another file with --config";
            return Err(in_the_way(&self.config, remedy));
        }
        let is_ours = |bytes: Vec<u8>| {
            serde_json::from_slice::<Value>(&bytes).is_ok_and(|schema| schema["$id"] == config::SCHEMA_ID)
        };
        if self.schema.symlink_metadata().is_ok() && !std::fs::read(&self.schema).is_ok_and(is_ours) {
            return Err(in_the_way(
                &self.schema,
                "move it away, or name a file in another folder with --config",
            ));
        }
        Ok(())
    }

    /// Writes both, whole or not at all, and the configuration only where there is none.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, answers: &Answers) -> anyhow::Result<()> {
        let new = || -> std::io::Result<tempfile::NamedTempFile> {
            // As any new file: the umask takes away from it.
            let mode = Permissions::from_mode(0o666);
            let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(self.folder())?;
            file.write_all(config::example(answers).as_bytes())?;
            Ok(file)
        };
        let file = new().with_context(|| format!("writing {}", self.config.display())).map_err(unusable)?;
        replace(&self.schema, config::schema_text().as_bytes(), 0o644).map_err(unusable)?;
        match file.persist_noclobber(&self.config) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(in_the_way(&self.config, "it was made just now; look at it").into())
            }
            Err(error) => Err(error.error).with_context(|| format!("writing {}", self.config.display())),
        }
    }

    fn folder(&self) -> &Path {
        self.config.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// What was done and what comes next.
    pub fn answer(&self) -> Answer {
        let (config, schema) = (self.config.display(), self.schema.display());
        let option =
            if config.to_string() == "config.yaml" { String::new() } else { format!(" --config {config}") };
        Answer {
            text: format!(
                "{config} is written; look through it. {schema} lets editors complete and check it.\n\
                 next: ccslurm4ai check{option}, then ccslurm4ai install{option}\n"
            ),
            result: json!({ "config": self.config, "schema": self.schema }),
        }
    }
}

fn in_the_way(path: &Path, remedy: &str) -> Failure {
    Failure::new(Exit::Refused, "FileExists", "it is there already, and nothing is overwritten")
        .resource(path.display().to_string())
        .remedy(remedy)
}

fn unusable(error: anyhow::Error) -> Failure {
    Failure::new(Exit::Usage, "FileNotWritten", format!("{error:#}"))
        .remedy("name a file in a folder that you can write to with --config")
}
