//! A group that `install` made goes as a whole.

use serde_json::{Value, json};

use super::site::{AT_ONCE, GROUP, Run, SUBSCRIPTION, Site, record, resource, shown, snapshot};
use super::threads::side_by_side;

/// A site, changed by `arrange`, in which `destroy ARGS` ends with `exit`; `verify` looks at the site then.
struct Case {
    name: &'static str,
    args: &'static [&'static str],
    exit: i32,
    arrange: fn(&Site),
    verify: fn(&Site, &Run),
}

fn untouched(site: &Site, _: &Run) {
    assert_eq!(site.deleted(), [""; 0]);
    assert!(site.path("ws/ssh_config").exists());
}

fn gone(site: &Site, _: &Run) {
    site.assert_gone();
}

fn case(name: &'static str, exit: i32, arrange: fn(&Site), verify: fn(&Site, &Run)) -> Case {
    Case { name, args: &["--yes"], exit, arrange, verify }
}

fn usual() -> Vec<Case> {
    vec![
        case(
            "all is well",
            0,
            |_| (),
            |site, run| {
                gone(site, run);
                assert_eq!(site.deleted(), ["reader-role", "reader-role", "group"]);
                let result = &run.document["result"];
                assert_eq!((&result["whole"], &result["changed"]), (&json!(true), &json!(true)));
                assert_eq!(result["stays"]["key_vaults"], json!([{"name": "kv", "days": 7}]));
                assert_eq!(result["resources"].as_array().map(Vec::len), Some(5));
                assert_eq!(
                    result["vms"],
                    json!([{"name": "cycleserver", "size": "Standard_D4s_v5", "state": "running"}])
                );
            },
        ),
        Case {
            args: &["--dry-run"],
            ..case(
                "a dry run",
                0,
                |_| (),
                |site, run| {
                    untouched(site, run);
                    assert_eq!(run.document["result"]["would_run"].as_array().map(Vec::len), Some(3));
                },
            )
        },
        Case { args: &[], ..case("no consent, no terminal", 12, |_| (), untouched) },
        case(
            "others have put something in it",
            0,
            |site| {
                site.change(|azure| {
                    push(&mut azure["resources"], resource("Microsoft.Storage/storageAccounts", "theirs"))
                });
            },
            |site, run| {
                gone(site, run);
                assert_eq!(run.document["result"]["not_deployed_by_us"][0]["name"], "theirs");
            },
        ),
        case("nodes run", 0, nodes, gone),
    ]
}

fn network_of_others() -> Vec<Case> {
    vec![
        case("the network is another subscription's", 0, network_elsewhere, |site, run| {
            gone(site, run);
            assert_eq!(site.deleted()[..2], ["reader-role", "subnet-role"]);
        }),
        case(
            "the network is another subscription's and locked",
            12,
            |site| {
                network_elsewhere(site);
                lock(site, NETWORK_GROUP);
            },
            untouched,
        ),
        case(
            "the network's subscription may not be read",
            0,
            |site| {
                network_elsewhere(site);
                let words = "ERROR: Not Found({\"error\":{\"code\":\"SubscriptionNotFound\",\"message\":\"The \
                     subscription could not be found.\"}})";
                site.scene.fails("cccccccc-2222-3333-4444-555555555555 roleAssignments", 1, words);
            },
            |site, _| assert_eq!(site.state()["group"], Value::Null),
        ),
    ]
}

fn no_way_in() -> Vec<Case> {
    vec![
        case(
            "not signed in",
            10,
            |site| {
                site.scene.fails(
                    "account get-access-token",
                    1,
                    "ERROR: Please run 'az login' to setup account.",
                );
            },
            untouched,
        ),
        case("no az", 9, |site| site.scene.without("az"), untouched),
        case(
            "another subscription",
            4,
            |site| {
                let words =
                    "ERROR: Subscription 'research' not found. Check the spelling and casing and try again.";
                site.scene.fails("account get-access-token", 1, words);
            },
            untouched,
        ),
    ]
}

fn locks() -> Vec<Case> {
    vec![
        case("a lock on the group", 12, |site| lock(site, GROUP), untouched),
        case(
            "a lock on something in it",
            12,
            |site| {
                lock(site, &format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"));
            },
            untouched,
        ),
        case(
            "a lock on another group",
            0,
            |site| lock(site, &format!("{SUBSCRIPTION}/resourceGroups/other")),
            gone,
        ),
        case(
            "locks may not be read, and Azure knows one",
            12,
            |site| {
                site.scene.forbids("locks");
                let words = "ERROR: (ScopeLocked) The scope 'x' cannot perform delete operation because following scope(s) are \
                 locked: 'x'. Please remove the lock and try again.\nCode: ScopeLocked\nMessage: The scope 'x' cannot \
                 perform delete operation because following scope(s) are locked: 'x'. Please remove the lock and try again.";
                site.scene.fails("group delete", 1, words);
            },
            |_, _| (),
        ),
    ]
}

fn refused() -> Vec<Case> {
    vec![
        case(
            "a policy forbids it",
            5,
            |site| {
                let words = "ERROR: (RequestDisallowedByPolicy) Resource 'cluster-rg' was disallowed by policy.\n\
                 Code: RequestDisallowedByPolicy\nMessage: Resource 'cluster-rg' was disallowed by policy.";
                site.scene.fails("group delete", 1, words);
            },
            |_, _| (),
        ),
        case(
            "a deployment of ours runs",
            8,
            |site| {
                let running = record(GROUP, "ccslurm4ai-20261125T110000Z", "Running", "r3", &[]);
                site.change(|azure| push(&mut azure["records"], running));
            },
            untouched,
        ),
    ]
}

fn taken_up() -> Vec<Case> {
    vec![
        case("the group comes back once", 0, |site| site.plan(&json!({"blocked": 1})), gone),
        case(
            "the group comes back for a reason",
            5,
            |site| {
                let vnet = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet");
                site.plan(&json!({"blocked": 9, "stuck": [vnet]}));
            },
            |_, run| {
                assert!(
                    run.document["errors"][0]["resource"].as_str().is_some_and(|id| id.ends_with("/vnet"))
                );
            },
        ),
        case("az is killed while it waits", 0, |site| site.plan(&json!({"seconds": 2, "dies": true})), gone),
        case(
            "Azure is deleting it already",
            0,
            |site| {
                site.change(|azure| {
                    azure["group"]["properties"]["provisioningState"] = "Deleting".into();
                    azure["group"]["gone_at"] = (now() + 4).into();
                })
            },
            |site, _| {
                site.assert_gone();
                assert!(!site.deleted().contains(&"group".to_owned()), "it was only followed");
            },
        ),
    ]
}

fn roles() -> Vec<Case> {
    vec![
        case(
            "the role may not be deleted",
            10,
            |site| site.scene.forbids("reader-role"),
            |site, run| {
                assert_eq!(site.state()["group"], Value::Null, "the costly rest is gone");
                assert_eq!(run.document["result"]["changed"], true);
                site.assert_no_local_files();
            },
        ),
        case(
            "an administrator gave the role",
            0,
            |site| {
                site.change(|azure| {
                    azure["assignments"][0]["description"] = Value::Null;
                    azure["records"].as_array_mut().expect("a list").truncate(1);
                    azure["records"][0]["written"].as_array_mut().expect("a list").truncate(4);
                });
                site.scene.forbids("reader-role");
            },
            |site, _| assert_eq!(site.state()["group"], Value::Null),
        ),
        case(
            "role assignments may not be read",
            0,
            |site| site.scene.forbids("roleAssignments"),
            |site, _| {
                assert_eq!(site.state()["group"], Value::Null);
            },
        ),
    ]
}

#[test]
fn whole_groups() {
    let cases = [usual(), network_of_others(), no_way_in(), locks(), refused(), taken_up(), roles()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    println!("{} cases", cases.len());
    let texts = side_by_side(&cases, AT_ONCE, |case| {
        let site = Site::new();
        (case.arrange)(&site);
        let run = site.destroy(case.args);
        assert_eq!(run.exit, case.exit, "{}:\n{}", case.name, run.said);
        (case.verify)(&site, &run);
        shown(case.name, &run)
    });
    snapshot("whole", &texts);
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    since.as_secs()
}

fn push(list: &mut Value, item: Value) {
    list.as_array_mut().expect("a list").push(item);
}

fn lock(site: &Site, scope: &str) {
    let id = format!("{scope}/providers/Microsoft.Authorization/locks/keep");
    site.change(|azure| {
        push(&mut azure["locks"], json!({"id": id, "name": "keep", "level": "CanNotDelete"}))
    });
}

const NETWORK_GROUP: &str = "/subscriptions/cccccccc-2222-3333-4444-555555555555/resourceGroups/net-rg";

/// The nodes are in a subnet of another subscription, where our deployments made a role and read the subnets.
fn network_elsewhere(site: &Site) {
    let subnet = format!("{NETWORK_GROUP}/providers/Microsoft.Network/virtualNetworks/hub/subnets/nodes");
    site.scene.config(&format!(
        "network:\n  type: existing\n  subnets: {{cyclecloud: {subnet}, compute: {subnet}, endpoints: {subnet}}}\n  bastion: none\n  private_dns: none\n\
         storage: {{type: nfs, size_gib: 512}}\n"
    ));
    let role = format!("{subnet}/providers/Microsoft.Authorization/roleAssignments/subnet-role");
    site.change(|azure| {
        let theirs = json!({"id": role.replace("subnet-role", "of-another"), "scope": subnet, "principal": "p-other",
            "role": "/x/roleDefinitions/4d97b98b-1d4f-4787-a291-c67834d212e7", "description": null});
        let mut ours = theirs.clone();
        (ours["id"], ours["principal"]) = (role.clone().into(), "p-server".into());
        push(&mut azure["assignments"], ours);
        push(&mut azure["records"], record(NETWORK_GROUP, "subnet-role", "Succeeded", "r0", &[role]));
        push(&mut azure["records"], record(NETWORK_GROUP, "subnets", "Succeeded", "r1", &[]));
    });
}

fn nodes(site: &Site) {
    let set = "Microsoft.Compute/virtualMachineScaleSets";
    site.change(|azure| {
        let mut hpc = resource(set, "hpc");
        hpc["started_for"] = "/sites/v-1/clusters/slurmcluster".into();
        push(&mut azure["resources"], hpc);
        push(
            &mut azure["sets"],
            json!({"id": resource(set, "hpc")["id"], "size": "Standard_ND96isr_H100_v5", "count": 16}),
        );
    });
}
