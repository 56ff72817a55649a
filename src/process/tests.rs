use std::time::{Duration, Instant};

use super::*;
use crate::ui::Format;

fn with_runner<T>(dry_run: bool, test: impl FnOnce(&Runner<'_>) -> T) -> T {
    let ui = Ui::new(Format::Text, false, false);
    test(&Runner::new(&ui, dry_run))
}

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

#[test]
fn any_exit_status_is_the_callers_to_judge() {
    let cases = [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)];
    for (script, status) in cases {
        let output = with_runner(false, |runner| runner.run(&sh(script))).unwrap();
        assert_eq!(output.status, status, "{script}");
    }
}

#[test]
fn a_missing_program_is_named() {
    let error = with_runner(false, |runner| runner.run(&Command::new("no-such-program"))).unwrap_err();
    assert!(matches!(error, ProcessError::NotFound { program } if program == "no-such-program"));
}

#[test]
fn a_program_that_hangs_is_ended_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("grandchild");
    let script = format!("trap '' INT TERM; (sleep 60) & echo $! > {}; wait; sleep 60", note.display());
    let limit = Duration::from_millis(300);
    let started = Instant::now();
    let error = with_runner(false, |runner| runner.run(&sh(&script).timeout(limit))).unwrap_err();
    assert!(matches!(error, ProcessError::TimedOut { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
    let grandchild = std::fs::read_to_string(note).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", grandchild.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "still there: {stat}");
}

#[test]
fn lines_are_streamed_and_a_hanging_stream_ends() {
    let mut lines = Vec::new();
    let script = "printf 'one\\r\\ntwo'; exec sleep 60";
    let command = sh(script).timeout(Duration::from_millis(300));
    let error = with_runner(false, |runner| runner.stream(&command, |line| lines.push(line.to_owned())));
    assert!(matches!(error, Err(ProcessError::TimedOut { .. })));
    assert_eq!(lines, ["one", "two"]);
}

#[test]
fn a_dry_run_reads_but_does_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made");
    let touch = Command::new("touch").arg(file.to_str().unwrap());
    with_runner(true, |runner| runner.run(&touch.clone().changes())).unwrap();
    assert!(!file.exists());
    with_runner(true, |runner| runner.run(&touch)).unwrap();
    assert!(file.exists());
}

#[test]
fn the_log_hides_secrets_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    with_runner(false, |runner| {
        runner.attach(Log::open(&path).unwrap(), folder.path().to_owned());
        runner.hide("s3cret-word");
        runner.run(&sh("echo s3cret-word; echo s3cret-word >&2")).unwrap();
        runner.run(&sh("cat").stdin_bytes("piped-secret").secret_output()).unwrap();
    });
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(log.contains("[hidden]") && !log.contains("s3cret") && !log.contains("piped"), "{log}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_dropped_background_program_is_gone_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let id = with_runner(false, |runner| {
        let child = runner.spawn(&sh("echo $$; sleep 60 & wait"), &out).unwrap();
        assert!(child.ended().is_none());
        while !std::fs::read_to_string(&out).unwrap().ends_with('\n') {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::fs::read_to_string(&out).unwrap().trim().to_owned()
    });
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
}

#[test]
fn a_background_programs_two_outputs_share_a_file_and_its_held_input_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    with_runner(false, |runner| {
        let child = runner.spawn(&sh("echo one; echo two >&2; read -r line").stdin_held(), &out).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::fs::read_to_string(&out).unwrap_or_default() != "one\ntwo\n" {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(child.ended().is_none());
        let at_once = runner.spawn(&sh("read -r line"), &out).unwrap();
        while at_once.ended().is_none() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
fn orphans_are_ended_but_not_those_of_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    let state = |name: &str| folder.path().join(name);
    let children = ["ours", "another", "ours"].map(|name| {
        let child = group::mark(Command::new("sleep").arg("60").expression().unwrap(), &state(name));
        child.unchecked().start().unwrap()
    });
    std::thread::scope(|scope| {
        // As init does with real orphans.
        children.iter().for_each(|child| drop(scope.spawn(|| child.wait().map(drop))));
        assert_eq!(group::end_orphans(&state("ours")), 2);
        assert_eq!(group::end_orphans(&state("ours")), 0);
        let ended: Vec<bool> = children.iter().map(|child| child.try_wait().unwrap().is_some()).collect();
        assert_eq!(ended, [true, false, true]);
        assert_eq!(group::end_orphans(&state("another")), 1);
    });
}

#[test]
fn command_lines_can_be_pasted() {
    let command = Command::new("az").args(["rest", "--url", "https://x/?a=1&b='2'", ""]);
    assert_eq!(command.to_string(), r"az rest --url 'https://x/?a=1&b='\''2'\''' ''");
}
