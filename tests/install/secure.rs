//! `install -s`: what it finds, what it changes, what happens when Azure refuses half of it.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::again::snapshot;
use super::site::{Run, Site};
use super::table::{case, run, shown};

const NODES: [&str; 4] = ["scheduler", "login1", "login2", "login3"];
const MACHINES: [&str; 5] = ["cycleserver", "scheduler", "login1", "login2", "login3"];
const LOCKER: &str = "/subscriptions/s/i/locker";
const AZURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand-ins/azure");
/// The server has an identity; five VMs lack two extensions; two security groups have three rules.
const ALL: usize = 4 + 5 * 2 + 3 + 1;

/// The infrastructure is there, a cluster runs, a policy has put its rules; nothing noted of how it came to be.
fn runs(site: &Site) {
    assert_eq!(site.install(&["-b"]).exit, 0);
    let server = json!({"type": "SystemAssigned", "principalId": "p"});
    site.scene.change("cycleserver", |vm| fill(vm, &server));
    for node in NODES {
        let identity = json!({"type": "UserAssigned", "userAssignedIdentities": {LOCKER: {"clientId": "c"}}});
        let mut vm = json!({"properties": {"osProfile": {"linuxConfiguration": {}}}});
        fill(&mut vm, &identity);
        site.scene.answer_json(node, &vm);
    }
    let listed = |name: &str| {
        json!({"name": name, "id": format!("/subscriptions/s/{name}"), "location": "eastus",
            "tags": {"ClusterName": "slurmcluster", "Name": name}, "properties": {"provisioningState": "Succeeded"}})
    };
    let all = json!({"value": MACHINES.map(listed)});
    site.file("vms", &all.to_string());
    site.scene.answer_json("virtualMachines", &all);
    let group = |name: &str, rules: &[&str]| {
        let rules: Vec<Value> = rules.iter().map(|rule| json!({"name": rule})).collect();
        json!({"name": name, "properties": {"securityRules": rules}})
    };
    let groups = [
        group("compute-nsg", &["DenyRest", "NRMS-Rule-104", "NRMS-Rule-103", "NRMS-Rule-105"]),
        group("bastion-nsg", &["NRMS-Rule-103"]),
        group("endpoints-nsg", &["DenyRest"]),
    ];
    site.scene.answer_json("networkSecurityGroups", &json!({"value": groups}));
    site.forget_calls();
}

/// A VM as Azure tells it with its instance view.
fn fill(vm: &mut Value, identity: &Value) {
    vm["identity"] = identity.clone();
    let settings = json!({"patchMode": "ImageDefault", "assessmentMode": "ImageDefault"});
    vm["properties"]["osProfile"]["linuxConfiguration"]["patchSettings"] = settings;
    let running = json!([{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/running"}]);
    vm["properties"]["instanceView"] = json!({"statuses": running});
}

fn answer(site: &Site, name: &str) -> Value {
    serde_json::from_slice(&fs::read(site.path(&format!("answers/{name}.json"))).expect("an answer"))
        .expect("JSON")
}

fn changed(document: &Value) -> usize {
    document["result"]["secure"]["changed"].as_array().map_or(0, Vec::len)
}

/// What secure mode leaves, whatever went before.
fn is_secured(site: &Site) {
    for vm in MACHINES {
        let vm = answer(site, vm);
        assert!(vm["identity"]["type"].as_str().is_some_and(|kind| kind.contains("SystemAssigned")), "{vm}");
        let types: Vec<_> = vm["resources"].as_array().expect("extensions").iter().collect();
        assert_eq!(types.len(), 2, "{vm}");
    }
    for node in NODES {
        assert_eq!(answer(site, node)["identity"]["userAssignedIdentities"], json!({LOCKER: {}}), "{node}");
    }
    let groups = answer(site, "networkSecurityGroups").to_string();
    assert!(!groups.contains("NRMS-Rule-103") && !groups.contains("NRMS-Rule-104"), "{groups}");
    assert!(groups.contains("NRMS-Rule-105") && groups.contains("DenyRest"), "{groups}");
    let acls = &answer(site, "vault")["properties"]["networkAcls"];
    assert_eq!(*acls, json!({"bypass": "AzureServices", "defaultAction": "Deny"}));
}

#[test]
fn a_second_run_changes_nothing() {
    let site = Site::new();
    runs(&site);
    let dry = site.install(&["-s", "--dry-run"]);
    assert_eq!((dry.exit, site.changes()), (0, vec![]), "{}", dry.said);
    let first = site.install(&["-s"]);
    assert_eq!((first.exit, changed(&first.document)), (0, ALL), "{}", first.said);
    assert_eq!(site.changes().len(), ALL, "each step is one call");
    assert_eq!(dry.document["result"]["would_run"].as_array().map(Vec::len), Some(ALL));
    is_secured(&site);
    site.forget_calls();
    let again = site.install(&["-a", "-s"]);
    assert_eq!((again.exit, changed(&again.document), site.changes()), (0, 0, vec![]), "{}", again.said);
    snapshot("secure", &[shown("-s --dry-run", &dry), shown("-s", &first), shown("again: -a -s", &again)]);
}

#[test]
fn before_anything_is_there_a_dry_run_says_what_comes() {
    let site = Site::new();
    let run = site.install(&["-s", "--dry-run"]);
    assert_eq!((run.exit, site.changes()), (0, vec![]), "{}", run.said);
    assert!(run.said.contains("then: secure the VMs"), "{}", run.said);
}

fn login2_refuses(site: &Site) {
    runs(site);
    let refuse = "printf 'ERROR: (VMExtensionProvisioningError) VM has reported a failure.\\n' >&2; exit 1";
    site.script(
        "vm extension set",
        &format!("case \"$*\" in *login2*) {refuse} ;; esac\nexec {AZURE} \"$@\""),
    );
}

fn login1_has(site: &Site, kind: &str, publisher: &str, state: &str) {
    runs(site);
    let properties = json!({"publisher": publisher, "type": kind, "provisioningState": state});
    site.scene.change("login1", |vm| vm["resources"] = json!([{"name": "theirs", "properties": properties}]));
}

fn extensions_set_on(site: &Site, vm: &str) -> usize {
    let calls = site.calls_of("vm extension set");
    calls.iter().filter(|call| call.contains(&format!("--vm-name {vm} "))).count()
}

/// The next run does what this one left.
fn rest_is_done(site: &Site, _: &Run) {
    for name in ["vm extension set", "resource patch", "keyvault update", "network nsg rule delete"] {
        for kind in ["err", "status"] {
            let _ = fs::remove_file(site.path(&format!("answers/{name}.{kind}")));
        }
    }
    site.script("vm extension set", &format!("exec {AZURE} \"$@\""));
    let again = site.install(&["-b", "-s"]);
    assert_eq!(again.exit, 0, "{}", again.said);
    is_secured(site);
    site.forget_calls();
    let third = site.install(&["-b", "-s"]);
    assert_eq!((third.exit, site.changes()), (0, vec![]), "{}", third.said);
}

#[test]
fn what_azure_refuses_is_done_by_the_next_run() {
    run(
        "secure_refused",
        &[
            case("an extension fails on one VM", &["-b", "-s"], 5, login2_refuses).verify(rest_is_done),
            case("VMs may not be changed", &["-b", "-s"], 10, |site| {
                runs(site);
                site.scene.forbids("resource patch");
            })
            .verify(rest_is_done),
            case("the vault may not be changed", &["-b", "-s"], 10, |site| {
                runs(site);
                site.scene.forbids("keyvault update");
            })
            .verify(rest_is_done),
            case("az killed at a rule", &["-b", "-s"], 5, |site| {
                runs(site);
                site.scene.fails("network nsg rule delete", 137, "");
            })
            .verify(rest_is_done),
        ],
    );
}

#[test]
fn what_is_read_first() {
    let nothing_changed = |site: &Site, _: &Run| assert_eq!(site.changes(), [""; 0]);
    run(
        "secure_reads",
        &[
            case("the security groups are forbidden", &["-b", "-s"], 10, |site| {
                runs(site);
                site.scene.forbids("networkSecurityGroups");
            })
            .verify(nothing_changed),
            case("the security groups hang", &["-b", "-s"], 5, |site| {
                runs(site);
                site.scene.how("networkSecurityGroups", "hang");
            })
            .verify(nothing_changed),
            case("a VM is forbidden", &["-b", "-s"], 10, |site| {
                runs(site);
                site.scene.forbids("login3");
            })
            .verify(nothing_changed),
            case("a VM is gone by now", &["-b", "-s"], 0, |site| {
                runs(site);
                let gone =
                    r#"ERROR: Not Found({"error":{"code":"ResourceNotFound","message":"Not there."}})"#;
                site.scene.fails("login3", 1, gone);
            }),
            case("a VM is deallocated", &["-b", "-s"], 0, |site| {
                runs(site);
                let power = json!({"statuses": [{"code": "PowerState/deallocated"}]});
                site.scene.change("login1", |vm| vm["properties"]["instanceView"] = power);
            })
            .verify(|site, _| assert_eq!(extensions_set_on(site, "login1"), 0)),
            case("a policy set an extension under its own name", &["-b", "-s"], 0, |site| {
                login1_has(site, "configurationforlinux", "Microsoft.GuestConfiguration", "Succeeded");
            })
            .verify(|site, _| assert_eq!(extensions_set_on(site, "login1"), 1)),
            case("an extension failed before", &["-b", "-s"], 0, |site| {
                login1_has(site, "AADSSHLoginForLinux", "Microsoft.Azure.ActiveDirectory", "Failed");
            })
            .verify(|site, _| assert_eq!(extensions_set_on(site, "login1"), 2)),
            case("another patch mode", &["-b", "-s"], 0, |site| {
                runs(site);
                let mode = json!({"patchMode": "AutomaticByPlatform"});
                site.scene.change("login1", |vm| {
                    vm["properties"]["osProfile"]["linuxConfiguration"]["patchSettings"] = mode;
                });
            })
            .verify(|site, _| {
                let linux = &answer(site, "login1")["properties"]["osProfile"]["linuxConfiguration"];
                assert_eq!(linux["patchSettings"]["patchMode"], "ImageDefault");
            }),
            case("the vault is closed, but to Azure too", &["-b", "-s"], 0, |site| {
                runs(site);
                let acls = json!({"bypass": "None", "defaultAction": "Deny"});
                site.scene.change("vault", |vault| vault["properties"]["networkAcls"] = acls);
            })
            .verify(|site, _| is_secured(site)),
        ],
    );
}

#[test]
fn an_interrupt_ends_all_that_runs() {
    let site = Site::new();
    runs(&site);
    site.scene.how("vm extension set", "hang");
    let mut run = site.start(&["-b", "-s"]);
    let both =
        |calls: &[String]| calls.iter().filter(|call| call.starts_with("vm extension set")).count() > 1;
    run.wait_for("extensions", both);
    run.signal(Signal::INT);
    let run = run.finish();
    assert_eq!((run.exit, &run.document["phase"]), (7, &json!("secure mode")), "{}", run.said);
    assert_eq!(run.document["errors"].as_array().map(Vec::len), Some(1), "{}", run.document);
    site.audit_leftovers();
}

/// The vault is closed as `-s` leaves it, and the state folder is lost.
fn closed(site: &Site) {
    runs(site);
    assert_eq!(site.install(&["-b", "-s"]).exit, 0);
    fs::copy(site.path("ws/.ccslurm4ai/cluster-rg/ssh/id_rsa"), site.path("answers/kept")).expect("a key");
    fs::remove_dir_all(site.path("ws")).expect("removed");
    site.forget_calls();
}

#[test]
fn a_closed_vault_wants_the_key_brought() {
    let nothing_changed = |site: &Site, _: &Run| assert_eq!(site.changes(), [""; 0]);
    run(
        "secure_key",
        &[
            case("all, without a key", &[], 4, closed).verify(nothing_changed),
            case("-a without a key", &["-a"], 4, closed).verify(nothing_changed),
            case("-b needs none", &["-b"], 0, closed).verify(nothing_changed),
            case("-a with the key", &["-a", "--ssh-key", "answers/kept"], 0, closed),
            case("-a from inside the network", &["-a"], 0, |site| {
                closed(site);
                for kind in ["err", "status"] {
                    fs::remove_file(site.path(&format!("answers/keyvault secret show.{kind}")))
                        .expect("removed");
                }
            }),
            case("-a, the firewall unreadable", &["-a"], 10, |site| {
                closed(site);
                site.scene.forbids("vault");
            })
            .verify(nothing_changed),
        ],
    );
}
