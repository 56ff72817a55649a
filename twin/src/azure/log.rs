//! What was asked for, in order, without anything secret.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// File in the twin's folder that holds the log, a JSON object a line.
pub const FILE: &str = "requests.jsonl";

/// The log of requests.
#[derive(Debug)]
pub struct RequestLog(Mutex<File>);

impl RequestLog {
    /// Starts an empty log in `dir`.
    pub fn create(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        let mut options = File::options();
        let file = options.create(true).write(true).truncate(true).mode(0o600).open(&path);
        Ok(Self(Mutex::new(file.with_context(|| format!("cannot write {}", path.display()))?)))
    }

    /// Adds an entry; a full disk must not stop the rehearsal.
    pub fn add(&self, entry: &Value) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{entry}") {
            eprintln!("twin: cannot write the log of requests: {error}");
        }
    }

    /// Notes a host that the proxy refused to reach.
    pub fn refused(&self, authority: &str) {
        self.add(&json!({"time": super::now(), "method": "CONNECT", "host": authority, "status": 403}));
    }
}
