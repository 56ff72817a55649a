//! What the caller may do, and what the subscription is registered for.

use serde_json::json;

use super::scene::{Case, Scene, case};

pub fn rights() -> Vec<Case> {
    vec![
        case("all is well", 0, |_| {}),
        case("a provider is not registered", 0, |scene| {
            scene.change("providers", |page| page["value"][3]["registrationState"] = "NotRegistered".into());
        }),
        case("a provider is not listed", 0, |scene| {
            scene.change("providers", |page| page["value"] = json!([page["value"][0]]));
        }),
        case("providers forbidden", 0, |scene| scene.forbids("providers")),
        case("Contributor only", 10, |scene| {
            scene.permission(&json!({"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]}));
        }),
        case("Reader only", 10, |scene| scene.permission(&json!({"actions": ["*/read"], "notActions": []}))),
        case("missing rights block more than quota", 10, |scene| {
            scene.permission(&json!({"actions": ["*/read"], "notActions": []}));
            scene.usage("cores", 0, 1);
        }),
        case("roles under a condition", 0, |scene| {
            scene.answer_json("permissions", &json!({"value": [
                {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]},
                {"actions": ["Microsoft.Authorization/roleAssignments/*"], "notActions": [], "condition": "(…)", "conditionVersion": "2.0"},
            ]}));
        }),
        case("permissions forbidden", 0, |scene| scene.forbids("permissions")),
        case("an existing reader: rights on the group count", 10, |scene| {
            scene.config("subscription_reader: existing\nmonitoring: false\n");
            scene.permission(&json!({"actions": ["*/read"], "notActions": []}));
        }),
        case("all rights on the group alone, which is enough without monitoring", 0, |scene| {
            group_alone(scene, "monitoring: false\n");
        }),
        case("all rights on the group alone, and monitoring", 10, |scene| group_alone(scene, "")),
        case("the group that Azure Monitor made is not ours", 10, |scene| {
            group_alone(scene, "");
            workspace(scene);
        }),
        case("all rights on the group that Azure Monitor made, too", 0, |scene| {
            group_alone(scene, "");
            workspace(scene);
            scene.answer_json(
                "MA_w_eastus_managed permissions",
                &json!({"value": [{"actions": ["*"], "notActions": []}]}),
            );
        }),
        case("a subscription with few providers", 0, |scene| {
            scene.config("storage: {type: nfs, size_gib: 100}\naccounting: false\nmonitoring: false\n");
            scene.change("providers", |page| page["value"].as_array_mut().expect("a list").truncate(5));
        }),
    ]
}

/// All rights on the cluster's group, and none elsewhere.
fn group_alone(scene: &Scene, more: &str) {
    scene.config(&format!("subscription_reader: existing\n{more}"));
    scene.permission(&json!({"actions": ["*/read"], "notActions": []}));
    scene.answer_json("cluster-rg permissions", &json!({"value": [{"actions": ["*"], "notActions": []}]}));
    scene.answer_json("accounts", &json!({"value": []}));
}

/// The group has a workspace of ours and one of somebody else.
fn workspace(scene: &Scene) {
    let workspace = |name: &str, cluster: &str| {
        let rule = format!(
            "/subscriptions/s/resourceGroups/MA_{name}_eastus_managed/providers/Microsoft.Insights/dataCollectionRules/{name}"
        );
        json!({"name": name, "tags": {"ccslurm4ai-cluster": cluster},
            "properties": {"defaultIngestionSettings": {"dataCollectionRuleResourceId": rule}}})
    };
    scene.answer_json(
        "accounts",
        &json!({"value": [workspace("x", "another"), workspace("w", "slurmcluster")]}),
    );
}
