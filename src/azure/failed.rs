//! Why an az call failed, told from its exit status and its words.

use std::fmt;
use std::time::Duration;

use super::error::{self, ArmError};
use crate::failure::{Exit, Failure, GO_ON};
use crate::process::ProcessError;

/// What az (2.91), MSAL and Microsoft Entra say when a person has to sign in. Sources: azure-cli
/// `core/_profile.py`, `core/auth/{util,msal_credentials,identity}.py`, `core/util.py`; the documentation's
/// pages on troubleshooting and multi-factor authentication; Resource Manager's codes of a 401.
const SIGN_IN: [&str; 14] = [
    "Please run 'az login'",
    "Please run \"az login\"",
    "Run `az login`",
    "authenticate interactively",
    "Interactive authentication is needed",
    "Can't find token from MSAL cache",
    "Could not retrieve credential from local cache",
    "AADSTS",
    "ExpiredAuthenticationToken",
    "InvalidAuthenticationToken",
    "AuthenticationFailed",
    "multi-factor authentication",
    "MFA is required",
    "must use MFA",
];

/// Two az processes meet at the token cache near a token's expiry. Sources: azure-cli issues 20273 and
/// 21744 (`Permission denied: '…msal_token_cache….lockfile'`), 25485 (`[Errno 11]`), 20749 and 21848 (JSON
/// cut short), 20707 (`msal_http_cache`); msal-extensions `cache_lock.py` (`portalocker`).
const TOKEN_CACHE_RACE: [&str; 5] = [
    "msal_token_cache",
    "msal_http_cache",
    "portalocker",
    "LockException",
    "[Errno 11] Resource temporarily unavailable",
];

/// The line to Azure is down, or something on it changes TLS. Texts of requests and urllib3, which az uses.
const NO_CONNECTION: [&str; 8] = [
    "certificate verify failed",
    "SSLError",
    "Max retries exceeded",
    "Failed to establish a new connection",
    "NameResolutionError",
    "Connection aborted",
    "Connection refused",
    "Cannot connect to proxy",
];

/// An az call that failed. Has no `From` into [`anyhow::Error`]: the caller says with
/// [`AzError::failure`] which phase it was in.
#[derive(Debug, Clone)]
pub struct AzError {
    /// What is wrong.
    pub kind: Kind,
    /// What the call was for, as in "reading the quota of eastus".
    pub why: String,
    /// The command line, redacted, as one could paste it.
    pub command: String,
}

/// What is wrong with an az call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// There is no `az`.
    Missing,
    /// Nobody is signed in, or must sign in again; az's own words and the command it proposes.
    SignIn {
        /// What az said.
        text: String,
        /// `az login …`
        command: String,
    },
    /// az knows no such subscription, or several of that name.
    NoSubscription {
        /// What az said.
        text: String,
    },
    /// Two az processes met at the token cache, twice.
    TokenCacheRace {
        /// What az said last.
        text: String,
    },
    /// Signed in, but not allowed.
    Forbidden(Vec<ArmError>),
    /// What was asked for does not exist.
    NotFound(Vec<ArmError>),
    /// Azure cannot be reached.
    NoConnection {
        /// What az said last.
        text: String,
    },
    /// It took too long and was ended.
    TimedOut {
        /// The time it was given.
        after: Duration,
    },
    /// A signal ended it.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// It said that all is well, but what it printed is not what was asked for.
    NoJson,
    /// az itself is broken: it ended with a traceback.
    Broken {
        /// The last line of the traceback.
        text: String,
    },
    /// SIGINT or SIGTERM reached us.
    Interrupted,
    /// The operating system did not let it run.
    Io {
        /// Its reason.
        reason: String,
    },
    /// Azure said no for another reason.
    Refused(Vec<ArmError>),
}

impl Kind {
    /// The kind of failure behind exit status `status` and the words `stderr`.
    pub(super) fn of(status: i32, stderr: &str) -> Self {
        let text = errors_only(stderr);
        // A warning may be about another tenant; it counts only where nothing else is said.
        let said = if text.is_empty() { stderr } else { &text };
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if status > 128 {
            return Self::Killed { signal: status - 128 };
        }
        if has(&TOKEN_CACHE_RACE) {
            return Self::TokenCacheRace { text: gist(&text) };
        }
        if has(&SIGN_IN) {
            return Self::SignIn { text: gist(&text), command: login_command(stderr) };
        }
        let about = ["Subscription '", "Multiple subscriptions with the name '"];
        if about.iter().any(|start| text.starts_with(start)) && text.contains("found.") {
            return Self::NoSubscription { text: gist(&text) };
        }
        if has(&NO_CONNECTION) {
            return Self::NoConnection { text: gist(&text) };
        }
        if stderr.contains("Traceback (most recent call last)") {
            let cause = text.lines().rfind(|line| {
                let word = line.split(':').next().unwrap_or_default();
                word.ends_with("Error") || word.ends_with("Exception")
            });
            return Self::Broken { text: cause.map_or_else(|| gist(&text), str::to_owned) };
        }
        let leaves = error::leaves(&text);
        // Key Vault's codes begin so, those of Resource Manager end so.
        let forbids = |leaf: &ArmError| {
            leaf.code.starts_with("Forbidden") || leaf.code.ends_with("AuthorizationFailed")
        };
        if text.starts_with("Forbidden(") || leaves.iter().any(forbids) {
            return Self::Forbidden(leaves);
        }
        let missing = |leaf: &ArmError| leaf.code.ends_with("NotFound");
        if status == 3 || text.starts_with("Not Found(") || (!leaves.is_empty() && leaves.iter().all(missing))
        {
            return Self::NotFound(leaves);
        }
        Self::Refused(leaves)
    }
}

impl From<ProcessError> for Kind {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::NotFound { .. } => Self::Missing,
            ProcessError::TimedOut { after, .. } => Self::TimedOut { after },
            ProcessError::Interrupted => Self::Interrupted,
            ProcessError::Io { reason, .. } => Self::Io { reason },
        }
    }
}

impl AzError {
    /// The stable code for the JSON document.
    pub fn code(&self) -> String {
        let code = match &self.kind {
            Kind::Missing => "ProgramMissing",
            Kind::SignIn { .. } => "NotSignedIn",
            Kind::NoSubscription { .. } => "SubscriptionNotFound",
            Kind::TokenCacheRace { .. } => "TokenCacheBusy",
            Kind::NoConnection { .. } => "AzureUnreachable",
            Kind::TimedOut { .. } => "AzTimedOut",
            Kind::Killed { .. } => "AzKilled",
            Kind::NoJson => "AzUnusableAnswer",
            Kind::Broken { .. } => "AzBroken",
            Kind::Interrupted => "Interrupted",
            Kind::Io { .. } => "AzNotRunnable",
            Kind::Forbidden(leaves) | Kind::NotFound(leaves) | Kind::Refused(leaves) => {
                return leaves
                    .first()
                    .map(|leaf| leaf.code.clone())
                    .filter(|code| !code.is_empty())
                    .unwrap_or_else(|| "AzFailed".into());
            }
        };
        code.to_owned()
    }

    /// What to do next, when that is known.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match &self.kind {
            Kind::Missing => super::INSTALL_AZ,
            Kind::SignIn { command, .. } => return Some(command.clone()),
            Kind::NoSubscription { .. } => "az account list --all --output table",
            Kind::TokenCacheRace { .. } => "run it again; if it stays so: az account clear, then az login",
            Kind::NoConnection { text } if text.contains("ertificate") || text.contains("SSL") => {
                "set REQUESTS_CA_BUNDLE to the CA file of your proxy"
            }
            Kind::NoConnection { .. } => "check the network and HTTPS_PROXY, then run it again",
            Kind::TimedOut { .. } => {
                "check the network, or give az longer with CCSLURM4AI_AZ_TIMEOUT (seconds)"
            }
            Kind::Killed { .. } => "see the kernel's log whether memory ran out, then run it again",
            Kind::NoJson => "run that command by hand and see what it prints",
            Kind::Broken { .. } => "`az version` must work first; install az again",
            Kind::Forbidden(_) => "ask an owner of the subscription for the right named here",
            Kind::Interrupted => GO_ON,
            Kind::NotFound(_) | Kind::Io { .. } | Kind::Refused(_) => return None,
        };
        Some(remedy.to_owned())
    }

    /// As a failure: the exit code of the cause where that says more, else that of the phase, `otherwise`.
    pub fn failure(&self, otherwise: Exit) -> Failure {
        let exit = match self.kind {
            Kind::Missing => Exit::ProgramMissing,
            Kind::SignIn { .. } | Kind::Forbidden(_) => Exit::Access,
            Kind::Interrupted => Exit::Interrupted,
            _ => otherwise,
        };
        let failure = Failure::new(exit, self.code(), self.to_string());
        match self.remedy() {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        }
    }
}

impl fmt::Display for AzError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, why, command } = self;
        match kind {
            Kind::Missing => return write!(f, "{why}: the program `az` is not on PATH"),
            Kind::Interrupted => return write!(f, "{why}: interrupted"),
            Kind::SignIn { text, .. } => return write!(f, "{why}: not signed in to Azure: {text}"),
            Kind::NoSubscription { text } => return write!(f, "{why}: {text}"),
            Kind::TokenCacheRace { text } => write!(f, "{why}: az's token cache is busy: {text}")?,
            Kind::NoConnection { text } => write!(f, "{why}: Azure cannot be reached: {text}")?,
            Kind::TimedOut { after } => write!(f, "{why}: az did not answer within {} s", after.as_secs())?,
            Kind::Killed { signal } => write!(f, "{why}: az was ended by signal {signal}")?,
            Kind::NoJson => write!(f, "{why}: az printed something else than the JSON asked for")?,
            Kind::Broken { text } => write!(f, "{why}: az itself is broken: {text}")?,
            Kind::Io { reason } => write!(f, "{why}: az could not run: {reason}")?,
            Kind::Forbidden(leaves) => write!(f, "{why}: forbidden: {}", joined(leaves))?,
            Kind::NotFound(leaves) => write!(f, "{why}: not found: {}", joined(leaves))?,
            Kind::Refused(leaves) => write!(f, "{why}: {}", joined(leaves))?,
        }
        write!(f, " (the command was: {command})")
    }
}

fn joined(leaves: &[ArmError]) -> String {
    match leaves {
        [] => "az said nothing".to_owned(),
        leaves => leaves.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

/// What az said without its warnings and its `ERROR:` marks. A warning may name another tenant's trouble.
fn errors_only(stderr: &str) -> String {
    let lines = stderr.lines().filter(|line| !line.starts_with("WARNING:"));
    lines
        .map(|line| line.strip_prefix("ERROR: ").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

/// The one line of az's words that says why.
fn gist(text: &str) -> String {
    if text.contains("{\"") {
        return joined(&error::leaves(text));
    }
    let says_why = |line: &&str| !line.trim().is_empty() && !line.ends_with("Here is the traceback:");
    let line = text.lines().find(|line| line.contains("AADSTS")).or_else(|| text.lines().find(says_why));
    let line = line.and_then(|line| line.split(" Trace ID").next()).unwrap_or_default().trim();
    if line.is_empty() { "az said nothing".to_owned() } else { line.to_owned() }
}

/// The sign-in command az proposes; it knows tenant, scope and claims.
fn login_command(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| line.trim().trim_start_matches("WARNING: "));
    lines.rev().find(|line| line.starts_with("az login")).unwrap_or("az login").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        (
            1,
            "ERROR: Conflict({\"error\":{\"code\":\"SubscriptionHasNoUsages\",\"message\":\"No usages.\"}})\n",
        ),
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
}
