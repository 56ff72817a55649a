use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::azure::deployment::refused;
use crate::failure::paragraphs;

/// Status, standard error, and the error a user sees.
const CASES: [(i32, &str); 25] = [
    (1, "ERROR: Please run 'az login' to setup account.\n"),
    (1, "WARNING: Subscription 'x' not recognized.\nERROR: Please run 'az login' to setup account.\n"),
    (
        1,
        "ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1 Correlation ID: 2\nRun the command below to authenticate interactively; additional arguments may be added as needed:\naz logout\naz login --tenant \"t\" --scope \"https://management.core.windows.net//.default\"\n",
    ),
    (1, "ERROR: User 'u' does not exist in MSAL token cache. Run `az login`.\n"),
    (
        1,
        "ERROR: Could not retrieve credential from local cache for service principal a. Run `az login` for this service principal.\n",
    ),
    (
        1,
        "ERROR: Unauthorized({\"error\":{\"code\":\"ExpiredAuthenticationToken\",\"message\":\"The access token expiry UTC time is earlier than current UTC time.\"}})\nInteractive authentication is needed. Please run:\naz logout\naz login\n",
    ),
    (
        1,
        "WARNING: Run the command below to authenticate interactively; additional arguments may be added as needed:\nWARNING: az login --claims-challenge \"e30=\"\nERROR: (RequestDisallowedByPolicy) Resource was disallowed by policy. Reasons: MFA is required.\n",
    ),
    (
        1,
        "WARNING: Authentication failed against tenant t: AADSTS50076: you must use multi-factor authentication\nERROR: (ResourceGroupNotFound) Resource group 'g' could not be found.\n",
    ),
    (1, "ERROR: [Errno 13] Permission denied: '/home/u/.azure/msal_token_cache.json.lockfile'\n"),
    (
        1,
        "ERROR: The command failed with an unexpected error. Here is the traceback:\nERROR: [Errno 11] Resource temporarily unavailable\nTraceback (most recent call last):\n  File \"x.py\", line 1\nportalocker.exceptions.LockException: [Errno 11] Resource temporarily unavailable\nTo check existing issues, please visit: https://github.com/Azure/azure-cli/issues\n",
    ),
    (
        1,
        "ERROR: HTTPSConnectionPool(host='management.azure.com', port=443): Max retries exceeded with url: /x (Caused by NameResolutionError)\n",
    ),
    (
        1,
        "ERROR: SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))\n",
    ),
    (
        1,
        "Traceback (most recent call last):\n  File \"az\", line 1, in <module>\nModuleNotFoundError: No module named 'azure'\n",
    ),
    (
        1,
        "ERROR: Forbidden({\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"The client 'c' does not have authorization to perform action 'a'.\"}})\n",
    ),
    (
        1,
        "ERROR: (AuthorizationFailed) The client 'c' does not have authorization.\nCode: AuthorizationFailed\nMessage: The client 'c' does not have authorization.\n",
    ),
    (
        1,
        "ERROR: (Forbidden) Client address is not authorized and caller is not a trusted service.\nClient address: 127.0.0.1\nCaller: appid=a;oid=o;iss=https://sts.windows.net/t/\nVault: kv;location=eastus\n\nCode: Forbidden\nMessage: Client address is not authorized and caller is not a trusted service.\nClient address: 127.0.0.1\n\nInner error: {\n    \"code\": \"ForbiddenByFirewall\"\n}\n",
    ),
    (
        1,
        "ERROR: Not Found({\"error\":{\"code\":\"ResourceGroupNotFound\",\"message\":\"Resource group 'g' could not be found.\"}})\n",
    ),
    (
        3,
        "ERROR: (ResourceGroupNotFound) Resource group 'g' could not be found.\nCode: ResourceGroupNotFound\nMessage: Resource group 'g' could not be found.\n",
    ),
    (1, "ERROR: Conflict({\"error\":{\"code\":\"SubscriptionHasNoUsages\",\"message\":\"No usages.\"}})\n"),
    (1, "ERROR: Subscription 'x' not found. Check the spelling and casing and try again.\n"),
    (1, "ERROR: Multiple subscriptions with the name 'x' found. Specify the subscription ID.\n"),
    (2, "ERROR: unrecognized arguments: --frobnicate\n"),
    (1, ""),
    (137, ""),
    (139, "whatever"),
];

#[test]
fn az_in_its_own_words() {
    println!("{} cases", CASES.len());
    let report = CASES.map(|(status, stderr)| {
        let error = AzError {
            kind: Kind::of(status, stderr),
            why: "reading the regions".into(),
            command: "az rest --url /x".into(),
        };
        let failure = error.failure(Exit::Check);
        let problem = &failure.problems[0];
        format!("{} {:?}\n{problem}", problem.code, failure.exit)
    });
    insta::assert_snapshot!(report.join("\n\n"));
}

/// The recorded errors: their names and texts.
fn recorded() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/errors");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("test data")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let document: Value = serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
        let name = Path::new(path).file_stem().expect("named").to_string_lossy().into_owned();
        (name, document["raw"].as_str().expect("has a text").to_owned())
    };
    files.iter().map(read).collect()
}

const DEPLOYMENT: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/ccslurm4ai-20261125T120000Z";

/// Each as if az had said it at the start of a deployment.
#[test]
fn recorded_errors_as_a_user_sees_them() {
    let cases = recorded();
    println!("{} recorded errors", cases.len());
    assert_eq!(cases.len(), 32);
    for (name, raw) in cases {
        let error = AzError {
            kind: Kind::of(1, &format!("ERROR: {raw}")),
            why: "starting the deployment".into(),
            command: "az deployment group create".into(),
        };
        let failure = match error.kind {
            Kind::Refused(_) => refused(&error, DEPLOYMENT),
            _ => error.failure(Exit::Deployment),
        };
        insta::assert_snapshot!(
            name,
            format!("exit {}\n{}", failure.exit as u8, paragraphs(&failure.problems).join("\n"))
        );
    }
}
