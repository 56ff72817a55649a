//! The log of a run: one JSON object a line, in a file only its owner can read.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

const LONGEST: usize = 20_000;

/// An open log file.
pub struct Log {
    file: Mutex<File>,
}

impl Log {
    /// Opens `path` for appending, with mode 0600.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Appends `entry` with the time (UTC). A full disk must not stop an installation: errors are dropped.
    pub fn write(&self, entry: &Value) {
        let mut line = serde_json::json!({ "time": jiff::Timestamp::now().to_string() });
        if let (Some(line), Some(entry)) = (line.as_object_mut(), entry.as_object()) {
            line.extend(entry.clone());
        }
        if let Ok(mut file) = self.file.lock() {
            let _ = writeln!(file, "{line}");
        }
    }
}

/// The first part of a long text.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
