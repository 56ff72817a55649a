//! What az and Azure say no to, before and during the deployment.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::site::{Run, Site};
use super::table::{case, run};

const TOKEN: &str = "account get-access-token";

fn nothing_changed(site: &Site, _: &Run) {
    assert_eq!(site.changes(), [""; 0]);
}

#[test]
fn checks() {
    let first = case("all is well, from nothing", &[], 0, |_| {}).verify(|site, _| {
        assert_eq!(site.deployments(), 1);
        let scripts = ["bastion_ssh_scheduler.sh", "bastion_tunnel_cycleserver.sh", "ssh_config"];
        assert!(scripts.iter().all(|name| site.path("ws").join(name).exists()));
        // The audit of each run looks for what is in here.
        let key = fs::read_to_string(site.path("ws/.ccslurm4ai/cluster-rg/ssh/id_rsa")).expect("a key");
        let made = &site.parameters(1)["parameters"];
        assert!(key.contains("canary-") && made["sshPrivateKey"]["value"] == key.as_str());
        assert!(made["cycleCloudPassword"]["value"].as_str().is_some_and(|password| password.len() == 32));
    });
    let failed = [
        case("-a and -b", &["-a", "-b"], 2, |_| {}),
        case("az absent", &[], 9, |site| site.scene.without("az")),
        case("az too old", &[], 9, |site| site.scene.version("2.61.0", Some("1.4.3"))),
        case("not signed in", &[], 10, |site| {
            site.scene.fails(TOKEN, 1, "ERROR: Please run 'az login' to setup account.");
        }),
        case("expired", &[], 10, |site| {
            site.scene.fails(TOKEN, 1, "ERROR: AADSTS700082: The refresh token has expired.");
        }),
        case("hanging", &[], 4, |site| site.scene.how(TOKEN, "hang")),
        case("printing no JSON", &[], 4, |site| site.scene.answer(TOKEN, "Welcome!")),
        case("killed", &[], 4, |site| site.scene.how(TOKEN, "kill")),
        case("quota one vCPU short", &[], 4, |site| site.scene.usage("standardNDSH100v5Family", 0, 191)),
    ];
    let mut cases = vec![first];
    cases.extend(failed.map(|case| case.verify(nothing_changed)));
    run("checks", &cases);
}

#[test]
fn what_is_read_before_anything_changes() {
    let cases = [
        case("the vault answers 403", &["-b"], 10, |site| site.scene.forbids("secrets")),
        case("the vault hangs", &["-b"], 5, |site| site.scene.how("secrets", "hang")),
        case("the vault itself answers 403", &["-b"], 10, |site| site.scene.forbids("vault")),
        case("the vault itself hangs", &["-b"], 5, |site| site.scene.how("vault", "hang")),
        case("az killed at the vault", &["-b"], 5, |site| site.scene.how("secrets", "kill")),
        case("the vault answers no JSON", &["-b"], 5, |site| site.scene.answer("secrets", "<html>")),
        case("the vault answers no list", &["-b"], 5, |site| site.scene.answer("secrets", "{}")),
        case("the vault is broken", &["-b"], 5, |site| {
            site.scene.fails("secrets", 1, r#"ERROR: Internal Server Error({"error":{"code":"InternalServerError","message":"Try later."}})"#);
        }),
        case("deployments forbidden", &["-b"], 10, |site| site.scene.forbids("deployments")),
        case("the group forbidden", &["-b"], 10, |site| site.scene.forbids("cluster-rg")),
        case("the terms unreadable", &["-b"], 5, |site| site.scene.answer("vm image terms show", "")),
        case("expired between two calls", &["-b"], 10, |site| {
            site.scene.fails("deletedVaults", 1, "ERROR: AADSTS50173: The provided grant has expired.");
        }),
        case("-a, and nothing was deployed", &["-a"], 5, |_| {}),
    ];
    run("reads", &cases.map(|case| case.verify(nothing_changed)));
}

#[test]
fn what_changes_something() {
    let policy = r#"ERROR: (RequestDisallowedByPolicy) Resource 'cluster-rg' was disallowed by policy. Policy identifiers: 'tags'.
Code: RequestDisallowedByPolicy
Message: Resource 'cluster-rg' was disallowed by policy. Policy identifiers: 'tags'.
Target: cluster-rg"#;
    run(
        "changes",
        &[
            case("rights on the group alone", &["-b"], 0, |site| site.scene.forbids("deletedVaults")),
            case("a subscription that never used vaults", &["-b"], 0, |site| {
                let code =
                    r#"{"error":{"code":"MissingSubscriptionRegistration","message":"Not registered."}}"#;
                for call in ["deletedVaults", "secrets"] {
                    site.scene.fails(call, 1, &format!("ERROR: Conflict({code})"));
                }
            }),
            case("terms refused", &["-b"], 5, |site| {
                site.scene.fails(
                    "vm image terms accept",
                    1,
                    "ERROR: (BadRequest) Marketplace purchase eligibilty check returned errors.",
                );
            }),
            case("group refused", &["-b"], 5, move |site| site.scene.fails("group create", 1, policy)),
            case("az killed at the group", &["-b"], 5, |site| site.scene.how("group create", "kill")),
            case("deployment refused by validation", &["-b"], 5, |site| {
                let text =
                    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(
                        "tests/data/errors/06-InvalidTemplateDeployment-QuotaExceeded-old-wording.json",
                    ))
                    .expect("recorded");
                let recorded: Value = serde_json::from_slice(&text).expect("JSON");
                let text = recorded["raw"].as_str().unwrap_or_default();
                site.scene.fails("deployment group create", 1, &format!("ERROR: {text}"));
            }),
            case("az killed at the start of the deployment", &["-b"], 5, |site| {
                site.scene.how("deployment group create", "kill");
            }),
            case("expired at the start of the deployment", &["-b"], 10, |site| {
                site.scene.fails(
                    "deployment group create",
                    1,
                    "ERROR: AADSTS50173: The provided grant has expired.",
                );
            }),
            case("a deployment that takes a while", &["-b"], 0, |site| {
                site.plan(
                    &json!({"seconds": 1, "operations": {"": [{"properties": {"provisioningState": "Running",
                "targetResource": {"resourceName": "bastion"}}}]}}),
                );
            }),
            case("expired while it is followed, then signed in again", &["-b"], 0, |site| {
                site.plan(&json!({"stumbles": "ERROR: AADSTS700082: The refresh token has expired."}));
            }),
            case("failing two levels deep", &["-b"], 5, fails_two_levels_deep),
            case("failed, its operations forbidden", &["-b"], 5, |site| {
                fails_two_levels_deep(site);
                site.scene.forbids("admin-plane operations");
            }),
            case("canceled", &["-b"], 5, |site| site.plan(&json!({"state": "Canceled"}))),
            case("outputs of another template", &["-b"], 5, |site| {
                site.plan(
                    &json!({"outputs": {"globalVars": {"type": "Object", "value": {"bastionName": "b"}}}}),
                );
            }),
        ],
    );
}

/// As recorded, under one more level: the subscription's deployment fails by a nested one, and that by two.
fn fails_two_levels_deep(site: &Site) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/azure/failed-operations.json");
    let recorded: Value = serde_json::from_slice(&fs::read(path).expect("recorded")).expect("JSON");
    let nested = |name: &str| {
        let mut operation = recorded["top"][0].clone();
        let target = &mut operation["properties"]["targetResource"];
        let id = target["id"].as_str().expect("an id").replace("admin-plane", name);
        target["id"] = id.into();
        target["resourceName"] = name.into();
        operation
    };
    site.plan(&json!({"state": "Failed", "operations": {
        "": recorded["top"],
        "admin-plane": [nested("swa-publish-rbac"), nested("network")],
        "swa-publish-rbac": recorded["swa-publish-rbac"],
        "network": recorded["network"],
    }}));
}
