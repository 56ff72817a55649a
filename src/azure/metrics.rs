//! Metrics in an Azure Monitor workspace, asked for as Prometheus is
//! (learn.microsoft.com/azure/azure-monitor/essentials/prometheus-api-promql: endpoint, audience, paths, the role
//! Monitoring Data Reader; a query must name one metric).

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;

const API: &str = "api-version=2023-04-03";
/// Whom a token for queries is made out to.
const AUDIENCE: &str = "https://prometheus.monitor.azure.com";

/// What was scraped on one host in the last five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scraped {
    /// Resource group and cluster, as in `rg/cluster`.
    pub cluster: String,
    /// The host's name.
    pub instance: String,
}

/// The hosts whose exporters the workspace `id` has heard of in the last five minutes.
///
/// # Errors
/// As [`Az::json`]; forbidden without the role Monitoring Data Reader on the workspace.
pub fn scraped(az: &Az<'_>, id: &str) -> Result<Vec<Scraped>, AzError> {
    let workspace = az.rest_get(&format!("{id}?{API}"), "reading the Azure Monitor workspace")?;
    let endpoint = workspace.pointer("/properties/metrics/prometheusQueryEndpoint").and_then(Value::as_str);
    let url = format!("{}/api/v1/query?query=up", endpoint.unwrap_or_default());
    let args = ["rest", "--method", "get", "--url", &url, "--resource", AUDIENCE];
    let why = "asking the Azure Monitor workspace for metrics";
    let answer = az.json(&args, why)?;
    series(&answer).ok_or_else(|| az.unusable(&args, why))
}

/// The series of an instant query (prometheus.io/docs/prometheus/latest/querying/api, instant queries).
fn series(answer: &Value) -> Option<Vec<Scraped>> {
    if answer["status"] != "success" {
        return None;
    }
    let text = |label: &Value| label.as_str().unwrap_or_default().to_owned();
    let scraped = |series: &Value| Scraped {
        cluster: text(&series["metric"]["cluster"]),
        instance: text(&series["metric"]["instance"]),
    };
    Some(answer.pointer("/data/result")?.as_array()?.iter().map(scraped).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_answer_has_a_series_for_each_gpu_of_two_nodes() {
        let recorded =
            include_str!("../../tests/data/verify/prometheus-query-dcgm_fi_dev_gpu_temp-h100-8gpu.json");
        let found = series(&serde_json::from_str(recorded).unwrap()).unwrap();
        let instances: std::collections::BTreeSet<_> =
            found.iter().map(|one| one.instance.as_str()).collect();
        assert_eq!((found.len(), instances.len()), (16, 2), "{found:?}");
        assert_eq!(series(&serde_json::json!({ "status": "error", "errorType": "bad_data" })), None);
    }
}
