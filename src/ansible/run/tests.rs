use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::ui::Format;

/// Runs a stand-in for `ansible-playbook` that is the shell script `script`; returns the log, too.
fn play(script: &str) -> (anyhow::Result<Recap>, String) {
    play_within(script, TIMEOUT)
}

fn play_within(script: &str, limit: Duration) -> (anyhow::Result<Recap>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let environment = Environment { folder: path("venv"), version: "0".into(), made: false };
    std::fs::create_dir_all(path("venv/bin")).unwrap();
    std::fs::write(environment.playbook(), format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(environment.playbook(), PermissionsExt::from_mode(0o755)).unwrap();
    let files = Files { inventory: path("in ventory.json"), vars: path("vars.json") };
    let playbook =
        Playbook { environment: &environment, folder: folder.path(), files: &files, log: &path("log") };
    let ui = Ui::new(Format::Text, false, false);
    let runner = Runner::new(&ui, false);
    runner.hide("s3cret-word");
    let result = run_within(&runner, &ui, &playbook, limit);
    let mode = std::fs::metadata(path("log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    (result, std::fs::read_to_string(path("log")).unwrap())
}

fn result(status: &str, more: &str) -> String {
    format!(
        r#"echo '{{"event":"result","play":"p","task":"role : Server is ready","host":"cycleserver","status":"{status}","seconds":1{more}}}'"#
    )
}

#[test]
fn a_run_that_ends_well_counts_its_changes() {
    let script = format!(
        "echo '{{\"event\":\"play\",\"play\":\"p\"}}'; echo plain text; {}; {}\n\
         echo '{{\"event\":\"stats\",\"hosts\":{{\"a\":{{\"ok\":5,\"changed\":2}},\"b\":{{\"ok\":1,\"changed\":1}}}}}}'",
        result("failed", r#","ignored":true"#),
        result("retry", ""),
    );
    let (recap, log) = play(&script);
    let recap = recap.unwrap();
    assert_eq!(recap.changed(), 3);
    assert_eq!(recap.hosts["a"].ok, 5);
    assert!(log.contains("plain text"), "{log}");
}

#[test]
fn the_program_gets_what_the_contract_says() {
    let (result, log) = play(
        "echo \"$*\"; pwd; env | grep -E '^(ANSIBLE_|LC_ALL)' | sort; cat; echo s3cret-word >&2; exit 0",
    );
    result.unwrap();
    let mut lines = log.lines();
    let args = lines.next().unwrap();
    assert!(args.starts_with("-i /") && args.ends_with("/vars.json playbooks/site.yml"), "{args}");
    let folder = lines.next().unwrap();
    for variable in [
        format!("ANSIBLE_CONFIG={folder}/ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK=ccslurm4ai_events".to_owned(),
        "LC_ALL=C.UTF-8".to_owned(),
    ] {
        assert!(log.lines().any(|line| line == variable), "{variable}: {log}");
    }
    assert!(log.contains("[hidden]") && !log.contains("s3cret"), "{log}");
}

#[test]
fn failures_name_task_host_and_message() {
    let many = (1..=30).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\\n\\n");
    let cases = [
        (
            result("failed", r#","message":"no password in the vault""#) + "; exit 2",
            Exit::Ansible,
            vec!["no password in the vault", "task \"role : Server is ready\" on cycleserver", "install -a"],
        ),
        (
            format!(
                "{}; exit 2",
                result("failed", &format!(r#","message":"{many}""#)).replace("echo", "printf '%s\\n'")
            ),
            Exit::Ansible,
            vec!["line 1\n  line 2\n", "line 12\n  …"],
        ),
        (result("failed", "") + "; exit 2", Exit::Ansible, vec!["its output is hidden"]),
        (
            result("unreachable", r#","message":"Connection closed""#) + "; exit 4",
            Exit::Unreachable,
            vec!["cycleserver did not answer: Connection closed"],
        ),
        (
            format!(
                "{}; {}; exit 2",
                result("failed", r#","message":"first""#),
                result("failed", r#","message":"second""#)
            ),
            Exit::Ansible,
            vec!["first"],
        ),
        (
            "echo '[ERROR]: couldn'\\''t resolve module' >&2; exit 4".to_owned(),
            Exit::Ansible,
            vec!["ended with status 4: [ERROR]: couldn't resolve module"],
        ),
        ("exit 1".to_owned(), Exit::Ansible, vec!["ended with status 1"]),
    ];
    for (script, exit, texts) in &cases {
        let (result, _) = play(script);
        let error = result.unwrap_err();
        let failure = error.downcast_ref::<Failure>().unwrap_or_else(|| panic!("{script}: {error:#}"));
        let said = failure.to_string();
        assert_eq!(failure.exit, *exit, "{script}: {said}");
        for text in texts {
            assert!(said.contains(text), "{script}: {said}");
        }
    }
    println!("{} cases", cases.len());
}

#[test]
fn a_playbook_that_takes_too_long_says_where_it_was() {
    let script = "echo '{\"event\":\"task\",\"play\":\"p\",\"task\":\"Locker is ready\"}'; exec sleep 60";
    let (result, log) = play_within(script, Duration::from_millis(500));
    let error = result.unwrap_err();
    let failure = error.downcast_ref::<Failure>().unwrap();
    let said = failure.to_string();
    assert_eq!((failure.exit, failure.problems[0].code.as_str()), (Exit::Ansible, "AnsibleTimedOut"));
    assert!(said.contains("task \"Locker is ready\"") && said.contains("/log; "), "{said}");
    assert!(log.contains("Locker is ready"), "{log}");
}

#[test]
fn a_missing_ansible_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment { folder: folder.path().join("gone"), version: "0".into(), made: false };
    let files = Files { inventory: "i".into(), vars: "v".into() };
    let log = folder.path().join("log");
    let playbook = Playbook { environment: &environment, folder: folder.path(), files: &files, log: &log };
    let ui = Ui::new(Format::Text, false, false);
    let error = run(&Runner::new(&ui, false), &ui, &playbook).unwrap_err();
    assert!(matches!(error.downcast_ref::<ProcessError>(), Some(ProcessError::NotFound { .. })), "{error:#}");
}
