//! What goes wrong in Azure, one twin each, without hosts: the exit code, the words, and what is there afterwards.

use std::net::TcpListener;
use std::process::Command;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::compare::differences;
use super::leftovers;
use super::rehearsal::{DRIVER, GROUP, Run, Twin, VAULT, Workspace, ok, side_by_side, wait_until};

/// A row: its name, what differs from a friendly Azure, and what must happen.
struct Case {
    name: &'static str,
    scenario: String,
    check: fn(&Twin, &Workspace),
}

fn case(name: &'static str, scenario: impl Into<String>, check: fn(&Twin, &Workspace)) -> Case {
    Case { name, scenario: scenario.into(), check }
}

fn cases(silence: u16) -> Vec<Case> {
    vec![
        // first, for it waits longest
        case("the tunnel never answers", format!("tunnel_to: 127.0.0.1:{silence}"), tunnel_never_answers),
        case("SIGINT while deploying", "deployment_seconds: 60", interrupted),
        case("SIGTERM while deploying", "deployment_seconds: 8", terminated),
        case("a resource of a nested deployment fails", BASTION_FAILS, nested_failure),
        case("the vault's secrets are forbidden", SECRETS_FORBIDDEN, secrets_forbidden),
        case("quota is one vCPU short", "quota: {eastus: {standardNDSH100v5Family: 191}}", quota_short),
        case(
            "the size is restricted",
            "restrictions: [{size: Standard_ND96isr_H100_v5, region: eastus}]",
            restricted,
        ),
        case("the vault is deleted but recoverable", deleted_vault(), recovered),
        case("the sign-in has run out", "sign_in: expired", signed_out),
    ]
}

#[test]
fn faults_of_azure() {
    ok(Command::new(DRIVER).arg("setup"));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // takes connections and never says a word
    let cases = cases(silent.local_addr().unwrap().port());
    let number = cases.len();
    side_by_side(cases, |case| {
        let begin = Instant::now();
        let twin = Twin::up(&["--no-hosts"], &case.scenario);
        (case.check)(&twin, &Workspace::new(""));
        assert_eq!(leftovers::processes(&twin), Vec::<String>::new(), "{}", case.name);
        println!("{:6.1} s  {}", begin.elapsed().as_secs_f32(), case.name);
    });
    println!("{number} faults");
}

const BASTION_FAILS: &str =
    "failing_writes: [{id: /bastionHosts/, code: ServiceUnavailable, message: no hosts left}]";

fn nested_failure(twin: &Twin, workspace: &Workspace) {
    let run = workspace.install(twin, &["-b"]).expect(5);
    let errors = run.document["errors"].as_array().unwrap();
    assert_eq!(run.codes(), ["ServiceUnavailable"], "the innermost error alone: {errors:?}");
    assert_eq!(errors[0]["message"], "ServiceUnavailable: no hosts left");
    assert!(errors[0]["resource"].as_str().unwrap().contains("/bastionHosts/"), "{errors:?}");
    assert!(
        errors[0]["remedy"].as_str().unwrap().contains("az deployment operation group list"),
        "{errors:?}"
    );
    assert_eq!(run.document["phase"], "deployment");
}

const SECRETS_FORBIDDEN: &str = "faults: [{method: GET, path: '/vaults/[^/]+/secrets\\?', status: 403, \
     body: {error: {code: AuthorizationFailed, message: The client has no right to list secrets}}}]";

fn secrets_forbidden(twin: &Twin, workspace: &Workspace) {
    let before = twin.state();
    let run = workspace.install(twin, &["-b"]).expect(10);
    assert_eq!(run.codes(), ["AuthorizationFailed"], "{}", run.document);
    nothing_changed(&before, twin, workspace);
}

fn quota_short(twin: &Twin, workspace: &Workspace) {
    check_fails(twin, workspace, &["standardNDSH100v5Family", "192", "191"]);
}

fn restricted(twin: &Twin, workspace: &Workspace) {
    check_fails(twin, workspace, &["Standard_ND96isr_H100_v5", "eastus"]);
}

fn check_fails(twin: &Twin, workspace: &Workspace, words: &[&str]) {
    let before = twin.state();
    let run = workspace.install(twin, &["-b"]).expect(4);
    let errors = run.document["errors"].to_string();
    assert!(words.iter().all(|word| errors.contains(word)), "{errors}");
    assert_eq!(run.document["phase"], "checks");
    nothing_changed(&before, twin, workspace);
}

fn nothing_changed(before: &Value, twin: &Twin, workspace: &Workspace) {
    let parts: Vec<&str> = before.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(differences(before, &twin.state(), &parts), Vec::<String>::new());
    assert!(!workspace.state("ssh/id_rsa").exists(), "a key pair was made");
}

/// The vault as an earlier cluster left it. Nobody signs in with its key here.
fn deleted_vault() -> String {
    let public = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 old";
    format!(
        "deleted_vaults: [{{name: {VAULT}, group: {GROUP}, location: eastus, secrets: {{cycleadmin-SshPrivateKey: \
         old-private, cycleadmin-SshPublicKey: {public}, cycleadmin-CycleCloudPwd: old-password, cycleadmin-MySqlPwd: Old-passw0rd}}}}]"
    )
}

fn recovered(twin: &Twin, workspace: &Workspace) {
    let secrets = |state: &Value, part: &str| state.pointer(&format!("/{part}/{VAULT}")).cloned().unwrap();
    let before = secrets(&twin.state(), "deleted_vaults")["secrets"].clone();
    let run = workspace.install(twin, &["-b"]).expect(0);
    let phase = run.stderr.lines().find(|line| line.contains("key vault recovery"));
    assert!(phase.is_some_and(|line| line.starts_with("ok")), "{}", run.stderr);
    assert_eq!(secrets(&twin.state(), "secrets"), before, "the old secrets, and no new version");
    assert!(!workspace.state("ssh/id_rsa").exists(), "a key pair was made");
}

fn signed_out(twin: &Twin, workspace: &Workspace) {
    let run = workspace.install(twin, &["-b"]).expect(10);
    assert_eq!(run.codes(), ["NotSignedIn"], "{}", run.document);
    assert!(run.document["errors"][0]["remedy"].as_str().unwrap().contains("az login"), "{}", run.document);
}

fn tunnel_never_answers(twin: &Twin, workspace: &Workspace) {
    let run = workspace.install(twin, &[]).expect(11);
    assert_eq!(run.codes(), ["NoTunnel"], "{}", run.document);
    assert!(
        run.document["errors"][0]["message"].as_str().unwrap().contains("within 90 s"),
        "{}",
        run.document
    );
    assert_eq!(run.document["phase"], "configuration");
}

/// Interrupted, the deployment goes on; other inputs and `-a` have to wait for it, the same run follows it.
fn interrupted(twin: &Twin, workspace: &Workspace) {
    stop_while_deploying(twin, workspace, Signal::INT);
    let other = Workspace::new("login_nodes: 2\n");
    assert_eq!(other.install(twin, &["-b"]).expect(8).codes(), ["DeploymentActive"]);
    assert_eq!(workspace.install(twin, &["-a"]).expect(8).codes(), ["DeploymentActive"]);
    let run = workspace.install(twin, &["-b"]).expect(0);
    assert!(run.stderr.contains("is running with the same inputs: following it"), "{}", run.stderr);
    assert_eq!(
        deployments(twin),
        [("Succeeded".to_owned(), run.document["result"]["deployment"]["name"].clone())]
    );
}

/// Nobody follows, and the deployment comes to its end all the same; the next run finds it done.
fn terminated(twin: &Twin, workspace: &Workspace) {
    stop_while_deploying(twin, workspace, Signal::TERM);
    wait_until("the deployment ends", || deployments(twin)[0].0 != "Running");
    let run = workspace.install(twin, &["-b"]).expect(0);
    assert!(run.stderr.contains("the infrastructure is unchanged since"), "{}", run.stderr);
    assert_eq!(deployments(twin).len(), 1);
}

fn stop_while_deploying(twin: &Twin, workspace: &Workspace, signal: Signal) {
    let started = workspace.start(twin, &["-b"]);
    // An az that asks for this one deployment: it has been started and is followed.
    wait_until("the deployment is followed", || {
        leftovers::processes(twin).iter().any(|words| words.contains("/deployments/ccslurm4ai-"))
    });
    kill_process(Pid::from_child(&started.child), signal).unwrap();
    let run = Run::of(&started.finish()).expect(7);
    let error = &run.document["errors"][0];
    let name = deployments(twin)[0].1.as_str().unwrap().to_owned();
    for (field, word) in
        [("message", "goes on in Azure"), ("message", &name), ("remedy", "az deployment group cancel")]
    {
        assert!(error[field].as_str().unwrap().contains(word), "{error}");
    }
    assert_eq!(leftovers::processes(twin), Vec::<String>::new());
    assert_eq!(deployments(twin)[0].0, "Running");
}

/// State and name of our deployments.
fn deployments(twin: &Twin) -> Vec<(String, Value)> {
    let state = twin.state();
    let all = state["deployments"].as_object().unwrap().values();
    all.filter(|one| {
        let scope = format!("/resourceGroups/{GROUP}/");
        let name = one["name"].as_str().unwrap();
        one["id"].as_str().unwrap().contains(&scope) && name.starts_with("ccslurm4ai-2")
    })
    .map(|one| {
        let state = one["body"]["properties"]["provisioningState"].as_str().unwrap().to_owned();
        (state, one["name"].clone())
    })
    .collect()
}
