//! Rights: known built-in roles, given exactly as `roles.json` lists them, under names that never change.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::compiler::SUBSCRIPTION;
use crate::sets::{all, of_type, text};

/// Azure's built-in roles that may be given, by id.
/// Source: <https://learn.microsoft.com/azure/role-based-access-control/built-in-roles> and the page of each category.
const BUILT_IN: [(&str, &str); 9] = [
    ("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor"),
    ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader"),
    ("ba92f5b4-2d11-453d-a403-e96b0029c9fe", "Storage Blob Data Contributor"),
    ("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "Storage Blob Data Reader"),
    ("4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User"),
    ("4d97b98b-1d4f-4787-a291-c67834d212e7", "Network Contributor"),
    ("3913510d-42f4-4e42-8a64-420c390055eb", "Monitoring Metrics Publisher"),
    ("b0d8363b-8ddd-447d-831f-62ca05bff136", "Monitoring Data Reader"),
    ("22926164-76b3-42b3-bc55-97df8dab3e41", "Grafana Admin"),
];

/// `roles.json`.
pub fn listed() -> Vec<Value> {
    crate::json("roles.json").as_array().expect("a list of assignments").clone()
}

/// Whether an entry of `roles.json` is wanted with a set's parameters.
pub fn wanted(role: &Value, set: &str) -> bool {
    let parameters = &all()[set].parameters;
    match text(role, "scope") {
        "subscription" => parameters["subscriptionReader"] == "assign",
        "computeSubnet" => parameters["network"]["type"] == "existing",
        "dataCollectionRule" | "monitorWorkspace" | "grafana" => parameters["monitoring"] == true,
        _ => true,
    }
}

/// The object ids of the identities are known only after their resources are made: the evaluator leaves a reference.
pub fn principal(id: &str, caller: &Value) -> &'static str {
    match () {
        () if caller == id => "caller",
        () if id.contains("/virtualMachines/cycleserver'") => "server",
        () if id.contains("/userAssignedIdentities/ccslurm4ai-locker'") => "locker",
        () if id.contains("/Microsoft.Dashboard/grafana/") => "grafana",
        () => panic!("unknown principal {id}"),
    }
}

/// The scope, which the id of an assignment tells.
pub fn scope(id: &str) -> &'static str {
    match () {
        () if id.contains("'Microsoft.Insights/dataCollectionRules'") => "dataCollectionRule",
        () if id.contains("/Microsoft.Monitor/accounts/") => "monitorWorkspace",
        () if id.contains("/Microsoft.Dashboard/grafana/") => "grafana",
        () if id.contains("/Microsoft.Network/virtualNetworks/hub/subnets/nodes") => "computeSubnet",
        () if id.contains("Microsoft.Storage/storageAccounts/") => "locker",
        () if id.contains("Microsoft.KeyVault/vaults/") => "keyVault",
        () if id.starts_with("[resourceId(") => "resourceGroup",
        () if id.starts_with(&format!("[subscriptionResourceId('{SUBSCRIPTION}'")) => "subscription",
        () => panic!("unknown scope {id}"),
    }
}

/// The id at the end of a role definition's, which may be left as an expression.
fn role_id(definition: &str) -> &str {
    let end = definition.trim_end_matches("')]");
    &end[end.len() - 36..]
}

#[test]
fn exactly_the_listed_roles_are_given() {
    for (name, set) in all() {
        let entry = |role: &Value| ["scope", "principal", "roleId"].map(|key| text(role, key).to_owned());
        let expected: BTreeSet<_> = listed().iter().filter(|role| wanted(role, name)).map(entry).collect();
        let given = of_type(name, "Microsoft.Authorization/roleAssignments");
        assert_eq!(given.len(), expected.len(), "{name}");
        let given: BTreeSet<_> = given
            .iter()
            .map(|assignment| {
                let properties = &assignment["properties"];
                let role = role_id(text(properties, "roleDefinitionId"));
                let to = principal(text(properties, "principalId"), &set.parameters["callerObjectId"]);
                [scope(text(assignment, "id")), to, role].map(str::to_owned)
            })
            .collect();
        assert_eq!(given, expected, "{name}");
    }
}

#[test]
fn every_assignment_says_what_kind_of_principal_it_is_for() {
    for (name, set) in all() {
        for assignment in of_type(name, "Microsoft.Authorization/roleAssignments") {
            let properties = &assignment["properties"];
            let caller =
                principal(text(properties, "principalId"), &set.parameters["callerObjectId"]) == "caller";
            let kind =
                if caller { text_of(&set.parameters["callerPrincipalType"]) } else { "ServicePrincipal" };
            assert_eq!(properties["principalType"], kind, "{name}");
            assert!(!text(properties, "description").is_empty());
        }
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn names_of_assignments_are_made_of_scope_principal_and_role() {
    for (name, set) in all() {
        for assignment in of_type(name, "Microsoft.Authorization/roleAssignments") {
            let properties = &assignment["properties"];
            let id = text(properties, "principalId");
            if set.parameters["callerObjectId"] == id {
                continue; // All is known, so that the name is a guid already.
            }
            let made = text(assignment, "name");
            let end =
                format!(", {}, '{}')]", &id[1..id.len() - 1], role_id(text(properties, "roleDefinitionId")));
            assert!(made.starts_with("[guid(") && made.ends_with(&end), "{name}: {made}");
        }
    }
}

#[test]
fn every_role_is_a_known_built_in_one_with_its_name() {
    let mut given = BTreeSet::new();
    for role in listed() {
        let pair = (text(&role, "roleId"), text(&role, "name"));
        assert!(BUILT_IN.contains(&pair), "{pair:?}");
        given.insert(pair.0.to_owned());
        for key in ["why", "source"] {
            assert!(!text(&role, key).is_empty(), "{role} has no {key}");
        }
    }
    assert_eq!(given.len(), BUILT_IN.len(), "the table has a role that nobody gets");
}

#[test]
fn role_ids_stand_in_one_file() {
    for (path, source) in crate::product() {
        if path.ends_with("bicep/roles.json") || path.ends_with("bicep/main.json") {
            continue;
        }
        for (id, _) in BUILT_IN {
            assert!(!source.contains(id), "{} repeats the role id {id}", path.display());
        }
    }
}
