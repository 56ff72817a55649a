//! The known errors of Azure and of signing in, each as a fault of the twin, told by the unmodified az: a person and a
//! program read why, what to do and where to read on.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::rehearsal::{GROUP, Run, Started, Twin, VAULT, Workspace, side_by_side, wait_until};
use super::rows::{Failed, Play, Row, Token, entry, rows};

/// Rows that one run plays together, what differs from a friendly Azure for it, and how it is run.
struct Case {
    rows: Vec<Row>,
    scenario: Value,
    run: fn(&Twin, &Workspace) -> Run,
}

#[test]
fn known_errors_of_azure() {
    let cases = cases();
    let number: usize = cases.iter().map(|case| case.rows.len()).sum();
    println!("{number} errors in {} runs", cases.len());
    assert!(number > 45);
    let untold = Mutex::new(Vec::new());
    side_by_side(cases, |case| {
        let twin = Twin::up(&["--no-hosts"], &case.scenario.to_string());
        let run = (case.run)(&twin, &Workspace::new(""));
        let missing = case.rows.iter().filter(|row| !is_told(row, &run));
        let missing: Vec<String> =
            missing.map(|row| format!("{}: {}\n{}", row.entry, run.document["errors"], run.stderr)).collect();
        untold.lock().unwrap().extend(missing);
    });
    let untold = untold.into_inner().unwrap();
    assert!(untold.is_empty(), "{} are not told:\n{}", untold.len(), untold.join("\n\n"));
}

/// On standard error and in the JSON document; what a check leaves open is no error there.
fn is_told(row: &Row, run: &Run) -> bool {
    let entry = entry(&row.entry);
    let errors = run.document["errors"].as_array().unwrap();
    let in_document = || errors.iter().any(|error| entry.is_told_by(error));
    entry.is_told_in(&run.stderr) && (matches!(row.play, Play::Vault { body: Some(_) }) || in_document())
}

fn cases() -> Vec<Case> {
    let (mut refused, mut failed, mut cases) = (Vec::new(), BTreeMap::<u32, Vec<Row>>::new(), Vec::new());
    for row in rows() {
        match &row.play {
            Play::Refused(_) => refused.push(row),
            Play::Failed(Failed { run, .. }) => failed.entry(*run).or_default().push(row),
            _ => cases.extend(alone(row)),
        }
    }
    let refusal = |row: &Row| if let Play::Refused(error) = &row.play { error.clone() } else { Value::Null };
    let details: Vec<Value> = refused.iter().map(refusal).collect();
    let body = json!({"error": {"code": "InvalidTemplateDeployment", "details": details,
        "message": "The template deployment failed with multiple errors. Please see details for more information."}});
    let path = r"/deployments/ccslurm4ai-[^/]+/validate";
    cases.push(Case {
        rows: refused,
        scenario: fault(json!({"method": "POST", "path": path, "status": 400, "body": body})),
        run: infrastructure,
    });
    cases.extend(failed.into_values().map(|rows| {
        let write =
            |row: &Row| if let Play::Failed(failed) = &row.play { json!(failed.write) } else { Value::Null };
        let writes: Vec<Value> = rows.iter().map(write).collect();
        Case { rows, scenario: json!({"failing_writes": writes}), run: infrastructure }
    }));
    cases
}

/// The case of a row that has a run to itself; none for one that stand-ins play.
fn alone(row: Row) -> Option<Case> {
    let (scenario, run): (Value, fn(&Twin, &Workspace) -> Run) = match &row.play {
        Play::Answered(answer) => {
            let body = json!({"error": {"code": answer.code, "message": answer.message}});
            let answer =
                json!({"method": answer.method, "path": answer.path, "status": answer.status, "body": body});
            (fault(answer), infrastructure)
        }
        Play::Token(token) => (no_token(token), infrastructure),
        Play::Vault { body: Some(body) } => (
            fault(json!({"path": r"\.vault\.azure\.net/secrets/", "status": 403, "body": body})),
            closed_vault,
        ),
        Play::Vault { body: None } => (json!({}), closed_vault),
        Play::SignedOut {} => (json!({"sign_in": "none"}), infrastructure),
        Play::UnknownSubscription {} => (json!({"subscription_name": "Other"}), infrastructure),
        Play::NoConnection {} => (
            fault(json!({"method": "GET", "path": r"/resourcegroups/rehearsal\?", "close": true})),
            infrastructure,
        ),
        Play::NoCertificate {} => (json!({}), without_certificate),
        _ => return None,
    };
    Some(Case { rows: vec![row], scenario, run })
}

fn fault(fault: Value) -> Value {
    json!({"faults": [fault]})
}

/// The sign-in has run out, and Microsoft Entra does not renew it.
fn no_token(token: &Token) -> Value {
    let Token { error, code, sentence } = token;
    let trace = "00000000-0000-0000-0000-000000000000";
    let description = format!(
        "AADSTS{code}: {sentence} Trace ID: {trace} Correlation ID: {trace} Timestamp: 2026-01-01 00:00:00Z"
    );
    let body = json!({"error": error, "error_description": description, "error_codes": [code],
        "trace_id": trace, "correlation_id": trace, "timestamp": "2026-01-01 00:00:00Z"});
    // The first two calls are the sign-in itself.
    let fault =
        json!({"method": "POST", "path": "/oauth2/v2.0/token", "from": 3, "status": 401, "body": body});
    json!({"sign_in": "expired", "faults": [fault]})
}

fn infrastructure(twin: &Twin, workspace: &Workspace) -> Run {
    workspace.install(twin, &["-b"])
}

/// A proxy's own certificate, which az does not know.
fn without_certificate(twin: &Twin, workspace: &Workspace) -> Run {
    let mut command = workspace.command(twin, &["-b"]);
    command.env("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt");
    Run::of(&Started::new(&mut command).finish())
}

/// The vault is closed and the state folder lost. A missing role is waited for: the run is ended when it has said why.
fn closed_vault(twin: &Twin, workspace: &Workspace) -> Run {
    workspace.install(twin, &["-b"]).expect(0);
    let to_nobody = ["--default-action", "Deny", "--bypass", "AzureServices", "--resource-group", GROUP];
    twin.az(&[&["keyvault", "update", "--name", VAULT][..], &to_nobody].concat());
    fs::remove_dir_all(workspace.path().join(".ccslurm4ai")).unwrap();
    let mut started = workspace.start(twin, &["-a"]);
    wait_until("it says why", || {
        started.said().contains("why:") || started.child.try_wait().unwrap().is_some()
    });
    if started.child.try_wait().unwrap().is_none() {
        kill_process(Pid::from_child(&started.child), Signal::INT).unwrap();
    }
    Run::of(&started.finish())
}
