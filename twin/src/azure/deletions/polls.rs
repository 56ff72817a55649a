//! How providers answer a DELETE that takes time, and its polls.

use serde_json::{Value, json};

use crate::azure::error::AzureError;
use crate::azure::http::Reply;
use crate::azure::jobs::Job;
use crate::azure::routes::{Answer, Call, Route, Service};
use crate::azure::subscription::SUBSCRIPTION;
use crate::claims::Sure;

/// The addresses that a provider's 202 names.
pub struct Polled {
    namespace: &'static str,
    /// End of the `Azure-AsyncOperation` address, before the operation's id.
    operations: &'static str,
    /// The same of the `Location` address, if there is one.
    results: Option<&'static str>,
    /// The addresses are not below the subscription.
    tenant: bool,
}

/// How Network answers.
pub const NETWORK: Polled = Polled {
    namespace: "Microsoft.Network",
    operations: "operations",
    results: Some("operationResults"),
    tenant: false,
};

const POLLED: [Polled; 6] = [
    NETWORK,
    Polled { namespace: "Microsoft.Compute", ..NETWORK },
    Polled {
        namespace: "Microsoft.Monitor",
        operations: "operationResults",
        results: Some("locationOperationStatuses"),
        tenant: false,
    },
    Polled { namespace: "Microsoft.DBforMySQL", operations: "azureAsyncOperation", ..NETWORK },
    Polled { namespace: "Microsoft.NetApp", operations: "operationResults", ..NETWORK },
    Polled { namespace: "Microsoft.Dashboard", operations: "operationStatuses", results: None, tenant: true },
];

const fn row(path: &'static str, answer: fn(&Call<'_>) -> Answer, source: &'static str, sure: Sure) -> Route {
    Route::of(Service::Arm, "GET", path, answer).known_from(source, sure)
}

const RESULTS: &str =
    "Azure Resource Manager docs, async-operations: 202 while it runs, then 204 of a deletion";

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    row(
        "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{region}/operations/{job}",
        status,
        "recorded: azure-cli and azure-service-operator, Network polls InProgress, then Succeeded",
        Sure::High,
    ),
    row(
        "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{region}/operationResults/{job}",
        result,
        RESULTS,
        Sure::Medium,
    ),
    row(
        "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/operationResults/{job}",
        result,
        RESULTS,
        Sure::Medium,
    ),
    row(
        "/subscriptions/{subscription}/providers/Microsoft.Monitor/locations/{region}/operationResults/{job}",
        status,
        "recorded: azure-service-operator, polls of a workspace's deletion: InProgress",
        Sure::High,
    ),
    row(
        "/subscriptions/{subscription}/providers/Microsoft.Monitor/locations/{region}/locationOperationStatuses/{job}",
        result,
        RESULTS,
        Sure::Medium,
    ),
    row(
        "/subscriptions/{subscription}/providers/Microsoft.DBforMySQL/locations/{region}/azureAsyncOperation/{job}",
        status,
        "recorded: azure-cli, polls of a server's operation (name, status, startTime)",
        Sure::High,
    ),
    row(
        "/subscriptions/{subscription}/providers/Microsoft.DBforMySQL/locations/{region}/operationResults/{job}",
        result,
        RESULTS,
        Sure::Medium,
    ),
    row(
        "/subscriptions/{subscription}/providers/Microsoft.NetApp/locations/{region}/operationResults/{job}",
        status,
        "recorded: azure-cli, polls of a volume's operation",
        Sure::High,
    ),
    row(
        "/providers/Microsoft.Dashboard/locations/{region}/operationStatuses/{job}",
        status,
        "recorded: azure-cli, polls of a Grafana workspace's creation",
        Sure::Medium,
    ),
];

/// How the provider of a type answers; `None` when its deletions are done with the reply (recorded: azure-cli, vaults
/// and identities).
pub fn of(kind: &str) -> Option<&'static Polled> {
    let namespace = kind.split('/').next().unwrap_or_default();
    POLLED.iter().find(|polled| polled.namespace.eq_ignore_ascii_case(namespace))
}

impl Polled {
    /// 202 without a body (recorded: azure-service-operator, deletion of a public IP address).
    pub fn accepted(&self, call: &Call<'_>, location: &str, job: &str) -> Reply {
        let scope = if self.tenant { String::new() } else { format!("/subscriptions/{SUBSCRIPTION}") };
        let base =
            format!("https://management.azure.com{scope}/providers/{}/locations/{location}", self.namespace);
        let version = call.api_version();
        let address = |end: &str| format!("{base}/{end}/{job}?api-version={version}");
        let mut reply = Reply::empty(202)
            .header("azure-asyncoperation", address(self.operations))
            .header("retry-after", "1");
        if let Some(results) = self.results {
            reply = reply.header("location", address(results));
        }
        match self.namespace {
            "Microsoft.Network" | "Microsoft.Compute" => reply.header("azure-asyncnotification", "Enabled"),
            _ => reply,
        }
    }
}

fn job(call: &Call<'_>) -> Result<Job, AzureError> {
    let id = call.capture("job");
    let missing = || AzureError::new(404, "NotFound", format!("Operation '{id}' was not found."));
    call.azure.jobs.look(id).ok_or_else(missing)
}

fn status(call: &Call<'_>) -> Answer {
    let named = |status: &str| -> Value {
        match call.request.path.contains("Microsoft.Network")
            || call.request.path.contains("Microsoft.Monitor")
        {
            true => json!({"status": status}),
            false => json!({"name": call.capture("job"), "status": status, "startTime": crate::azure::now()}),
        }
    };
    Ok(match job(call)? {
        Job::Running => Reply::json(200, &named("InProgress")).header("retry-after", "1"),
        Job::Done(_) => Reply::json(200, &named("Succeeded")),
        Job::Failed(error) => {
            let mut body = named("Failed");
            body["error"] = error.body();
            Reply::json(200, &body)
        }
    })
}

fn result(call: &Call<'_>) -> Answer {
    match job(call)? {
        Job::Running => Ok(Reply::empty(202).header("retry-after", "1")),
        Job::Done(_) => Ok(Reply::empty(204)),
        Job::Failed(error) => Err(error),
    }
}
