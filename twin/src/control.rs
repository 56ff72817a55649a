//! How another process talks to a running twin: one word on a socket of its folder, one JSON document back.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

use crate::azure::Azure;

const ANSWER: Duration = Duration::from_secs(10);

/// Name of the socket in the twin's folder.
pub const SOCKET: &str = "control";

fn path(dir: &Path) -> PathBuf {
    dir.join(SOCKET)
}

/// Opens the socket; the folder keeps others out.
///
/// # Errors
/// It cannot be made.
pub fn bind(dir: &Path) -> Result<UnixListener> {
    let path = path(dir);
    let _ = std::fs::remove_file(&path); // of a twin that was killed
    UnixListener::bind(&path).with_context(|| format!("cannot open {}", path.display()))
}

/// Answers until the runtime ends; `down` makes the twin end itself.
pub async fn serve(listener: UnixListener, azure: Arc<Azure>, port: u16) {
    let opened = listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(listener));
    let listener = match opened {
        Ok(listener) => listener,
        Err(error) => return eprintln!("twin: cannot serve its control socket: {error}"),
    };
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut word = String::new();
        let mut reader = tokio::io::BufReader::new(&mut stream);
        let read = reader.read_line(&mut word);
        if tokio::time::timeout(ANSWER, read).await.is_err() {
            continue;
        }
        let reply = answer(&azure, word.trim(), port);
        // who asked and left needs no answer
        let _ = stream.write_all(format!("{reply}\n").as_bytes()).await;
    }
}

fn answer(azure: &Azure, word: &str, port: u16) -> Value {
    match word {
        "state" => azure.dump().unwrap_or_else(|error| json!({"error": format!("{error:#}")})),
        "status" => json!({
            "pid": std::process::id(), "proxy": format!("http://127.0.0.1:{port}"),
            "hosts": azure.hosts.is_some(), "sign_in": azure.scenario.sign_in, "machines": azure.machine_names(),
        }),
        "down" => {
            azure.stop.notify_one();
            json!({"pid": std::process::id()})
        }
        other => json!({"error": format!("unknown request '{other}'")}),
    }
}

/// Asks the twin in `dir`.
///
/// # Errors
/// No twin runs there, or it does not answer in time.
pub fn ask(dir: &Path, word: &str) -> Result<Value> {
    let mut stream = UnixStream::connect(path(dir))
        .with_context(|| format!("no twin runs in {}: start one with `ccslurm4ai-twin up`", dir.display()))?;
    stream.set_read_timeout(Some(ANSWER)).context("setting the deadline of an answer")?;
    writeln!(stream, "{word}").context("asking the twin")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).context("the twin does not answer")?;
    serde_json::from_str(&line).context("the twin's answer is no JSON")
}
