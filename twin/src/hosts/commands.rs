//! Running the machine's programs, each with a deadline.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// It cannot be started, exits with another status than 0 (the message has the end of its standard error), or is
/// not done within `deadline` (its process group is killed).
pub fn run(program: &str, args: &[&str], stdin: &str, deadline: Duration) -> Result<String> {
    let what = || format!("{program} {}", args.join(" ").lines().next().unwrap_or_default());
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {program}"))?;
    let (mut input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(move || input.take().map(|mut pipe| pipe.write_all(stdin.as_bytes())));
        let output = scope.spawn(|| read_all(output));
        let errors = scope.spawn(|| read_all(errors));
        let end = Instant::now() + deadline;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() > end {
                kill_group(child.id());
                child.wait()?;
                bail!("{}: not done within {} s", what(), deadline.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        };
        let (output, errors) = (output.join().unwrap_or_default(), errors.join().unwrap_or_default());
        if !status.success() {
            bail!("{}: {status}: {}", what(), last_lines(&errors, 5));
        }
        Ok(output)
    })
}

/// The last `count` lines that say something, joined by `; `.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("; ")
}

fn read_all(pipe: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What was read before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn kill_group(id: u32) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may have ended on its own meanwhile.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_failure_come_back() {
        let second = Duration::from_secs(5);
        assert_eq!(run("cat", &[], "in", second).unwrap(), "in");
        let error = run("sh", &["-c", "echo why >&2; exit 3"], "", second).unwrap_err();
        assert!(format!("{error:#}").contains("why"), "{error:#}");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let start = Instant::now();
        let error = run("sh", &["-c", "sleep 60 & wait"], "", Duration::from_millis(200)).unwrap_err();
        assert!(format!("{error:#}").contains("not done within"), "{error:#}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
