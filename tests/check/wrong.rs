//! Twelve wrong configurations: what is wrong, where, and what to do, in the words that a user reads.

use std::fmt::Write;
use std::fs;

use super::scene::Scene;

/// A configuration that is wrong in one way.
struct Wrong {
    name: &'static str,
    /// A line of the right configuration and what stands in its place; added when there is no such line.
    change: (&'static str, &'static str),
    /// Line of the message.
    line: usize,
    /// The value, or what is there in its place.
    value: &'static str,
    /// What to do.
    remedy: &'static str,
}

const GOOD: &str = "\
region: eastus
resource_group_name: cluster-rg
subscription_name: research
hpc_sku: Standard_ND96isr_H100_v5
hpc_max_core_count: 192
";

fn cases() -> [Wrong; 13] {
    let case = |name, change, line, value, remedy| Wrong { name, change, line, value, remedy };
    [
        case("missing key", ("region: eastus\n", ""), 1, "region", "such as `region: eastus`"),
        case("unknown key", ("", "login_node: 2\n"), 6, "login_node", "did you mean login_nodes"),
        case("wrong type", ("", "cluster_name: [a, b]\n"), 6, "a list", "must be a single value"),
        case("out of range", ("", "login_nodes: 11\n"), 6, "`11`", "allowed: 0 to 10"),
        case(
            "unknown size",
            ("H100_v5", "H100_v6"),
            4,
            "`Standard_ND96isr_H100_v6`",
            "nearest: Standard_ND96isr_H100_v5",
        ),
        case(
            "retired size",
            ("Standard_ND96isr_H100_v5", "Standard_NC24rs_v3"),
            4,
            "`Standard_NC24rs_v3`",
            "take Standard_NC24ads_A100_v4",
        ),
        case("cores no multiple", ("192", "191"), 5, "191", "none with 96 or 192"),
        case(
            "both subscription keys",
            ("", "subscription_id: 11111111-2222-3333-4444-555555555555\n"),
            6,
            "subscription_id",
            "keep one of them",
        ),
        case(
            "no subscription key",
            ("subscription_name: research\n", ""),
            1,
            "subscription_name",
            "such as `subscription_name: My Subscription`",
        ),
        case(
            "overlapping network",
            ("", "storage: {type: existing, address: 10.64.1.4, export_path: /data}\n"),
            6,
            "`10.64.1.4`",
            "give network.address_space others",
        ),
        case("zone without the size", ("", "zone: 2\n"), 6, "zone 2", "zones that have it: 1, 3"),
        case(
            "option of another storage",
            ("", "storage: {type: anf, size_gib: 100}\n"),
            6,
            "storage.size_gib",
            "leave it out, or set type: nfs",
        ),
        case(
            "forbidden characters",
            ("cluster-rg", "cluster/rg"),
            2,
            "`cluster/rg`",
            "allowed: 1 to 90 letters, digits",
        ),
    ]
}

/// What is said of a case beyond the lines of the table that are fine.
fn said(case: &Wrong) -> String {
    let scene = Scene::new();
    let (old, new) = case.change;
    let text = if old.is_empty() { format!("{GOOD}{new}") } else { GOOD.replacen(old, new, 1) };
    fs::write(scene.path("config.yaml"), text).expect("written");
    scene.size("Standard_ND96isr_H100_v5", |size| {
        size["locationInfo"][0]["zones"] = serde_json::json!(["1", "3"]);
    });
    let (exit, seen) = scene.check();
    // One vCPU more or less is a warning, and only Azure knows which zone has a size.
    let expected = match case.name {
        "cores no multiple" => 0,
        "zone without the size" => 4,
        _ => 3,
    };
    assert_eq!(exit, expected, "{}: {seen}", case.name);
    let (_, errors) = seen.split_once("--\n").expect("two parts");
    errors.to_owned()
}

#[test]
fn each_message_names_line_value_and_remedy() {
    let mut text = String::new();
    for case in cases() {
        let said = said(&case);
        let place = format!("config.yaml:{}:", case.line);
        for part in [place.as_str(), case.value, case.remedy] {
            assert!(said.contains(part), "{}: no `{part}` in: {said}", case.name);
        }
        let problems =
            said.lines().filter(|line| line.starts_with("error: ") || line.starts_with("warning: "));
        assert_eq!(problems.count(), 1, "{}: {said}", case.name);
        writeln!(text, "## {}\n{said}", case.name).expect("a text");
    }
    insta::assert_snapshot!("wrong_configurations", text);
}
