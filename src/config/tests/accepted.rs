//! What YAML allows.

use super::*;

/// Files in all the ways in which YAML may be written.
pub fn accepted() -> Vec<String> {
    vec![
        format!("---\n{GOOD}"),
        format!("%YAML 1.2\n---\n{GOOD}...\n"),
        format!("\u{feff}{GOOD}"),
        GOOD.replace('\n', "\r\n"),
        GOOD.replace("192", "\"192\""),
        GOOD.replace("192", "'192'"),
        GOOD.replace("192", "!!int 192"),
        GOOD.replace("192", "192   # two nodes"),
        GOOD.replace("ai-cluster", "\"ai-cluster\""),
        GOOD.replace("region: eastus", "\"region\": eastus"),
        format!("{{{}}}", GOOD.trim_end().replace('\n', ", ")),
        with("resource_group_tags:\nmonitor_tags: ~\ntags: null\nstorage: Null\nnetwork: NULL"),
        with("hpc_max_num_vms:\nzone:\nautoscale:\nadmin_user:\nssh_public_key_file:"),
        with(
            "tags:\n  a: 1\n  b: 1.0\n  c: true\n  d: 2024-12-02\n  e:\nmonitor_tags:\nresource_group_tags:\n  7: seven",
        ),
        with("tags: &common\n  a: b\nresource_group_tags: *common"),
        with("network: {}"),
        with("network: {type: new}"),
        with("storage: {}"),
        with("storage: {type: anf, service_level: , size_tib: '100'}"),
        with("storage: {type: nfs, size_gib: \"10\"}"),
        with("accounting: False\nmonitoring: TRUE\nmonitor_tags: {a: b}"),
        with("subscription_name: >-\n  My\n  Subscription"),
    ]
}

#[test]
fn what_yaml_accepted_stays_accepted() {
    let cases = accepted();
    for case in &cases {
        assert!(matches!(load(case), Ok((_, warnings)) if warnings.is_empty()), "{case}\n{:?}", load(case));
    }
    println!("{} cases", cases.len());
}
