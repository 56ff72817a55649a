//! Runs that find something: an earlier deployment, a running one, foreign tags, a deleted vault, another run.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::site::Site;
use super::table::shown;

/// Keeps what a user sees of the runs of one story.
pub fn snapshot(name: &str, runs: &[String]) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(format!("install__{name}"), runs.concat());
    });
}

/// A site with the infrastructure, and nothing noted of how it came to be.
fn deployed() -> Site {
    let site = Site::new();
    assert_eq!(site.install(&["-b"]).exit, 0);
    site.forget_calls();
    site
}

/// Whether a deployment has been looked at.
fn following(calls: &[String]) -> bool {
    calls.iter().any(|call| call.contains("deployments/ccslurm4ai-"))
}

/// A site in which a deployment runs, its run having been interrupted.
fn deploying() -> Site {
    let site = Site::new();
    site.plan(&json!({"seconds": 600}));
    let mut run = site.start(&["-b"]);
    run.wait_for("following", following);
    run.signal(Signal::INT);
    assert_eq!(run.finish().exit, 7);
    site.forget_calls();
    site
}

#[test]
fn unchanged_infrastructure_is_skipped_and_ansible_runs() {
    let site = Site::new();
    let first = site.install(&[]);
    site.forget_calls();
    let second = site.install(&[]);
    assert_eq!((first.exit, second.exit), (0, 0), "{}", second.said);
    assert_eq!(site.changes(), [""; 0]);
    assert_eq!(
        (&first.document["result"]["ansible"], &second.document["result"]["ansible"]),
        (&json!({"changed": 12}), &json!({"changed": 0}))
    );
    assert_eq!(second.document["result"]["deployment"]["changed"], false);
    assert!(second.document["result"]["vms"]["login"].as_array().is_some_and(|logins| logins.len() == 3));
    snapshot("unchanged", &[shown("second run", &second)]);
}

#[test]
fn a_forced_deployment_makes_no_secret_twice() {
    let site = deployed();
    let again = site.install(&["-b", "--force"]);
    assert_eq!(again.exit, 0, "{}", again.said);
    let [first, second] = [1, 2].map(|number| site.parameters(number)["parameters"].clone());
    assert_eq!(
        first["createSecrets"]["value"],
        json!(["SshPrivateKey", "SshPublicKey", "CycleCloudPwd", "MySqlPwd"])
    );
    assert_eq!(second["createSecrets"]["value"], json!([]));
    for secret in ["sshPrivateKey", "cycleCloudPassword"] {
        assert!(first.get(secret).is_some() && second.get(secret).is_none(), "{secret}");
    }
    let reference = &second["sshPublicKey"]["reference"];
    assert_eq!(reference["secretName"], "cycleadmin-SshPublicKey");
    let vault = second["keyVaultName"]["value"].as_str().expect("a vault");
    assert!(reference["keyVault"]["id"].as_str().is_some_and(|id| id.ends_with(&format!("/vaults/{vault}"))));
    assert_eq!(first["inputHash"], second["inputHash"]);
    assert!(site.calls_of("group create").is_empty() && site.calls_of("vm image terms accept").is_empty());
}

#[test]
fn what_another_machine_made_meanwhile_is_not_made_again() {
    let site = Site::new();
    let names = ["SshPrivateKey", "SshPublicKey", "CycleCloudPwd", "MySqlPwd"]
        .map(|name| json!({"name": format!("cycleadmin-{name}")}));
    site.file("meanwhile", &json!({"value": names}).to_string());
    site.script(
        "vm image terms accept",
        "cd \"$STAND_IN_DIR\" && /bin/rm -f secrets.err secrets.status && /bin/cp meanwhile secrets.json",
    );
    let run = site.install(&["-b"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    let parameters = &site.parameters(1)["parameters"];
    assert_eq!(parameters["createSecrets"]["value"], json!([]));
    assert!(
        parameters["sshPublicKey"].get("reference").is_some()
            && parameters.get("cycleCloudPassword").is_none()
    );
}

#[test]
fn a_changed_configuration_or_a_failed_deployment_is_deployed_again() {
    let site = deployed();
    site.scene.config("login_nodes: 1\n");
    site.plan(&json!({"state": "Failed"}));
    assert_eq!(site.install(&["-b"]).exit, 5);
    site.plan(&json!({}));
    assert_eq!(site.install(&["-b"]).exit, 0);
    let hashes = [1, 2, 3].map(|number| site.parameters(number)["parameters"]["inputHash"]["value"].clone());
    assert!(hashes[0] != hashes[1] && hashes[1] == hashes[2], "{hashes:?}");
    assert_eq!(site.parameters(3)["parameters"]["createSecrets"]["value"], json!([]));
}

#[test]
fn a_running_deployment_is_followed_if_equal_and_respected_if_not() {
    let equal = deploying();
    let mut run = equal.start(&["-b"]);
    run.wait_for("following", following);
    equal.plan(&json!({}));
    let followed = run.finish();
    assert_eq!((followed.exit, equal.changes()), (0, vec![]), "{}", followed.said);

    let different = deploying();
    different.scene.config("login_nodes: 1\n");
    let busy = different.install(&["-b"]);
    let ansible = different.install(&["-a"]);
    let forced = different.install(&["-b", "--force"]);
    assert_eq!([busy.exit, ansible.exit, forced.exit], [8; 3], "{}", ansible.said);
    assert_eq!(different.changes(), [""; 0]);
    snapshot("running", &[shown("equal", &followed), shown("different", &busy), shown("-a", &ansible)]);
}

#[test]
fn an_existing_group_keeps_its_tags() {
    let tags = || {
        let site = Site::new();
        site.scene.answer_json(
            "cluster-rg",
            &json!({"name": "cluster-rg", "tags": {"owner": "others", "cost": "old"}}),
        );
        site
    };
    let group = |site: &Site| -> Value {
        serde_json::from_slice(&fs::read(site.path("answers/cluster-rg.json")).expect("a group"))
            .expect("JSON")
    };
    let site = tags();
    site.scene.config("resource_group_tags: {cost: new, team: ai}\n");
    let run = site.install(&["-b"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    assert!(site.calls_of("group create").is_empty());
    assert_eq!(group(&site)["tags"], json!({"owner": "others", "cost": "new", "team": "ai"}));

    let site = tags();
    assert_eq!(site.install(&["-b"]).exit, 0);
    assert!(site.calls_of("group create").is_empty() && site.calls_of("tag update").is_empty());

    let site = Site::new();
    site.scene.config("tags: {cost: new}\nresource_group_tags: {team: 'a i'}\n");
    assert_eq!(site.install(&["-b"]).exit, 0);
    assert_eq!(group(&site)["tags"], json!({"created-by": "ccslurm4ai", "cost": "new", "team": "a i"}));
}

#[test]
fn a_deleted_vault_is_recovered_with_its_secrets() {
    let site = Site::new();
    site.install(&["-b", "--dry-run"]);
    let names = ["SshPrivateKey", "SshPublicKey", "CycleCloudPwd", "MySqlPwd"]
        .map(|name| json!({"name": format!("cycleadmin-{name}")}));
    site.file("secrets of the deleted vault", &json!({"value": names}).to_string());
    let vault = site.vault();
    site.scene.answer_json("deletedVaults", &json!({"value": [{"name": "kv-other"}, {"name": vault}]}));
    let run = site.install(&["-b"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    assert_eq!(site.parameters(1)["parameters"]["createSecrets"]["value"], json!([]));
    assert!(site.calls_of("ssh-keygen").is_empty());
    snapshot("deleted_vault", &[shown("recovered", &run)]);
}

#[test]
fn without_its_state_folder_ansible_gets_the_key_from_the_vault() {
    let site = deployed();
    fs::remove_dir_all(site.path("ws")).expect("removed");
    site.scene.fails(
        "keyvault secret show",
        1,
        r#"ERROR: (Forbidden) Caller is not authorized to perform action on resource.
Code: Forbidden"#,
    );
    site.scene.how("keyvault secret show", "once");
    let run = site.install(&["-a"]);
    assert_eq!(run.exit, 0, "{}", run.said);
    assert_eq!(site.calls_of("keyvault secret show").len(), 2, "forbidden at first, for roles come late");
    assert_eq!(site.deployments(), 1);
    snapshot("without_state", &[shown("-a", &run)]);
}

#[test]
fn a_second_run_in_the_same_workspace_is_turned_away() {
    let site = deployed();
    site.file("ansible-playbook.how", "hang");
    let mut first = site.start(&["-a"]);
    first.wait_for("playbook", |calls| calls.iter().any(|call| call.starts_with("ansible-playbook")));
    let second = site.start(&["-b"]).finish();
    assert_eq!(second.exit, 8, "{}", second.said);
    first.signal(Signal::TERM);
    assert_eq!(first.finish().exit, 7);
    site.audit_leftovers();
    snapshot("two_at_once", &[shown("second", &second)]);
}

#[test]
fn what_a_killed_run_left_is_ended_by_the_next() {
    let site = deployed();
    site.file("ansible-playbook.how", "hang");
    let mut first = site.start(&["-a"]);
    first.wait_for("playbook", |calls| calls.iter().any(|call| call.starts_with("ansible-playbook")));
    first.killed();
    assert!(!site.scene.children_left().is_empty());
    site.audit_secrets();
    // Nobody could have removed it.
    site.ssh_folders().iter().for_each(|folder| fs::remove_dir_all(folder).expect("removed"));
    fs::remove_file(site.path("answers/ansible-playbook.how")).expect("removed");
    let next = site.start(&["-a"]).finish();
    assert_eq!(next.exit, 0, "{}", next.said);
    assert_eq!(site.scene.children_left(), [""; 0]);
}

#[test]
fn a_dry_run_shows_what_it_would_change_and_changes_nothing() {
    let mut shown_runs = Vec::new();
    let empty = Site::new();
    for args in [&["--dry-run"][..], &["--dry-run", "-b"]] {
        let run = empty.install(args);
        assert_eq!((run.exit, empty.changes()), (0, vec![]), "{}", run.said);
        assert!(!empty.path("ws").exists());
        let would_run = run.document["result"]["would_run"].as_array().expect("a list");
        assert!(
            would_run.iter().any(|line| line.as_str().is_some_and(|line| line.starts_with("az deployment")))
        );
        shown_runs.push(shown(&args.join(" "), &run));
    }
    let site = deployed();
    fs::remove_dir_all(site.path("ws")).expect("removed");
    for args in [&["--dry-run"][..], &["--dry-run", "-a"], &["--dry-run", "--force"]] {
        let run = site.install(args);
        assert_eq!((run.exit, site.changes()), (0, vec![]), "{}", run.said);
        assert!(!site.path("ws").exists());
        shown_runs.push(shown(&format!("deployed: {}", args.join(" ")), &run));
    }
    println!("{} cases", shown_runs.len());
    snapshot("dry_run", &shown_runs);
}
