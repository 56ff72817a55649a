//! Order of a deployment: what waits for what.

use std::collections::{BTreeMap, BTreeSet};

use ccslurm4ai_twin::arm::Plan;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{FakeWorld, request, template};

fn network(name: &str, more: Value) -> Value {
    let mut resource =
        json!({"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2025-05-01", "name": name});
    for (key, value) in more.as_object().expect("members") {
        resource[key] = value.clone();
    }
    resource
}

fn plan(template: Value) -> Result<Plan, String> {
    Plan::build(request(template, json!({})), &FakeWorld::default()).map_err(|error| error.to_string())
}

/// What each resource waits for, by name.
fn waits(template: Value) -> BTreeMap<String, Vec<String>> {
    let plan = plan(template).expect("a plan");
    let names: Vec<String> = plan.steps().iter().map(|step| step.name.clone()).collect();
    let of = |at: &usize| names[*at].clone();
    plan.steps().iter().map(|step| (step.name.clone(), step.depends_on.iter().map(of).collect())).collect()
}

#[test]
fn depends_on_decides_the_order() {
    let order = waits(template(json!({
        "a": network("a", json!({"dependsOn": ["b", "loop", "there", "absent"]})),
        "b": network("b", json!({"dependsOn": ["loop[1]"]})),
        "loop": network("[format('l{0}', copyIndex())]", json!({"copy": {"name": "loop", "count": 2}, "dependsOn": ["none"]})),
        "none": network("[format('n{0}', copyIndex())]", json!({"copy": {"name": "none", "count": 0}})),
        "there": network("there", json!({"existing": true, "dependsOn": ["c"]})),
        "c": network("c", json!({})),
        "absent": network("absent", json!({"condition": false, "dependsOn": ["d"]})),
        "d": network("d", json!({})),
    })));
    let names = |of: &str| order[of].iter().map(String::as_str).collect::<Vec<&str>>();
    assert_eq!(
        names("a"),
        ["b", "l0", "l1", "c"],
        "a false condition is left out, an existing resource stands for c"
    );
    assert_eq!(names("b"), ["l1"]);
    assert_eq!(names("l0"), [""; 0]);
    assert_eq!(order.len(), 6);
}

#[test]
fn references_are_dependencies() {
    let order = waits(template(json!({
        "a": network("a", json!({"properties": {"x": "[reference('b').y]", "z": ["[if(true(), 1, reference('c[1]').y)]"]}})),
        "b": network("b", json!({"properties": {"x": "[map(references('c'), lambda('one', lambdaVariables('one').id))]"}})),
        "c": network("[format('c{0}', copyIndex())]", json!({"copy": {"name": "c", "count": 2}})),
        "d": network("d", json!({"properties": {"x": "[reference(resourceId('Microsoft.Network/virtualNetworks', 'a'), '2025-05-01').y]"}})),
    })));
    assert_eq!(order["a"], ["b", "c1"]);
    assert_eq!(order["b"], ["c0", "c1"]);
    assert_eq!(order["d"], ["a"]);
}

#[test]
fn a_serial_loop_goes_batch_by_batch() {
    let copy = json!({"copy": {"name": "l", "count": 5, "mode": "Serial", "batchSize": 2}});
    let order = waits(template(json!({"l": network("[format('l{0}', copyIndex())]", copy)})));
    assert_eq!(order["l1"], [""; 0]);
    assert_eq!(order["l3"], ["l0", "l1"]);
    assert_eq!(order["l4"], ["l2", "l3"]);
}

#[test]
fn templates_with_a_list_of_resources_have_ids_and_names() {
    let mut list = template(json!([
        network("a", json!({"dependsOn": ["[resourceId('Microsoft.Network/virtualNetworks', 'b')]", "c"]})),
        network("b", json!({"dependsOn": ["Microsoft.Network/virtualNetworks/c"]})),
        network("c", json!({})),
        network("[format('d{0}', copyIndex())]", json!({"copy": {"name": "ds", "count": 2}})),
        network("e", json!({"dependsOn": ["ds"]})),
    ]));
    list.as_object_mut().expect("a template").remove("languageVersion");
    let order = waits(list);
    assert_eq!(order["a"], ["b", "c"]);
    assert_eq!(order["b"], ["c"]);
    assert_eq!(order["e"], ["d0", "d1"]);
}

#[test]
fn circles_and_unknown_names_are_refused() {
    let circle = |a: Value, b: Value| {
        plan(template(json!({"a": network("a", a), "b": network("b", b)}))).err().unwrap_or_default()
    };
    for refusal in [
        circle(json!({"dependsOn": ["b"]}), json!({"dependsOn": ["a"]})),
        circle(json!({"properties": {"x": "[reference('b').x]"}}), json!({"dependsOn": ["a"]})),
        circle(json!({"dependsOn": ["a"]}), json!({})),
    ] {
        assert!(refusal.contains("Circular dependency detected on resource: '/subscriptions/"), "{refusal}");
    }
    let unknown = circle(json!({"dependsOn": ["c"]}), json!({}));
    assert!(unknown.contains("The resource 'c' is not defined in the template."), "{unknown}");
}

proptest! {
    /// Steps become ready only after all they wait for, and each one does, whatever the order in the template.
    #[test]
    fn every_step_of_a_graph_without_circles_runs_once(edges in prop::collection::vec((0usize..12, 0usize..12), 0..40)) {
        let mut resources = serde_json::Map::new();
        for at in 0..12 {
            let names: BTreeSet<String> =
                edges.iter().filter(|(from, to)| *from == at && to < from).map(|(_, to)| format!("r{to}")).collect();
            resources.insert(format!("r{at}"), network(&format!("n{at}"), json!({"dependsOn": names})));
        }
        let plan = plan(template(Value::Object(resources))).expect("a plan");
        let mut done = BTreeSet::new();
        while let Some(step) = plan.ready(&done).last().copied() {
            prop_assert!(plan.steps()[step].depends_on.is_subset(&done));
            prop_assert!(done.insert(step));
        }
        prop_assert_eq!(done.len(), 12);
    }
}
