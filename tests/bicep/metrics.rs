//! Recording rules ask only for metrics that nodes export.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

use crate::sets::{of_type, text};

/// Azure takes at most this many rules in a group.
/// Source: <https://learn.microsoft.com/azure/azure-monitor/fundamentals/service-limits#prometheus-rule-groups>
const MOST_RULES: usize = 20;

/// The metrics that reach the workspace.
fn exported() -> BTreeSet<String> {
    let folder = Path::new(crate::ROOT).join("tests/data/bicep/exporters");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a list of metrics");
    let (gpus, nodes) = (read("custom_dcgm_counters.csv"), read("node_exporter.yml"));
    let gpus = gpus.lines().filter(|line| line.starts_with("DCGM_"));
    let gpus = gpus.filter_map(|line| line.split(',').next());
    let kept =
        nodes.lines().find_map(|line| line.trim().strip_prefix("regex: 'node_")).expect("the list of kept");
    let kept = format!("node_{}", kept.trim_end_matches('\''));
    gpus.chain(kept.split('|')).map(|name| name.trim().to_owned()).collect()
}

#[test]
fn recording_rules_use_metrics_that_nodes_export() {
    let exported = exported();
    assert!(exported.len() > 60, "{exported:?}");
    let metric = Regex::new("DCGM_[A-Z0-9_]+|node_[A-Za-z0-9_]+").expect("a regular expression");
    // https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels
    let record = Regex::new("^(cluster|instance):[a-z0-9_]+:[a-z0-9]+$").expect("a regular expression");
    let mut records = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for group in of_type("first", "Microsoft.AlertsManagement/prometheusRuleGroups") {
        let workspace = of_type("first", "Microsoft.Monitor/accounts")[0];
        assert_eq!(group["properties"]["scopes"][0], workspace["id"]);
        let rules = group["properties"]["rules"].as_array().expect("rules");
        assert!((1..=MOST_RULES).contains(&rules.len()), "{}", group["name"]);
        for rule in rules {
            assert!(record.is_match(text(rule, "record")), "{rule}");
            assert!(records.insert(text(rule, "record")), "{} is recorded twice", rule["record"]);
            let expression = text(rule, "expression");
            let metrics: Vec<_> =
                metric.find_iter(expression).map(|found| found.as_str().to_owned()).collect();
            assert!(!metrics.is_empty(), "{rule}");
            assert!(
                expression.contains("by (subscription, cluster"),
                "{rule}: clusters share a workspace's labels"
            );
            let ports = metrics.iter().filter(|metric| metric.starts_with("node_infiniband")).count();
            assert_eq!(expression.matches("device!=\"mlx5_an0\"").count(), ports, "{rule}");
            asked.extend(metrics);
        }
    }
    assert!(asked.is_subset(&exported), "nobody exports {:?}", asked.difference(&exported));
    assert!(records.len() > 40, "{}", records.len());
}
