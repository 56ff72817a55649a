//! What goes wrong, before and while Azure is asked: the exit codes of `install`, and nothing is changed.

use rustix::process::Signal;
use serde_json::json;

use super::site::{Run, Site};
use super::table::{Case, case, run};

const TOKEN: &str = "account get-access-token";
const WHAT_IF: &str = "deployment group what-if";

fn plan(name: &'static str, exit: i32, arrange: impl Fn(&Site) + Sync + 'static) -> Case {
    let in_group = move |site: &Site| {
        site.has_group(&json!({}));
        arrange(site);
    };
    Case { verb: "plan", ..case(name, &["--detailed-exitcode"], exit, in_group).verify(nothing_changed) }
}

fn nothing_changed(site: &Site, _: &Run) {
    assert_eq!(site.changes(), [""; 0]);
    assert!(!site.path("ws").exists(), "a plan has no state");
}

#[test]
fn before_azure_is_asked() {
    run(
        "checks",
        &[
            plan("an invalid configuration", 3, |site| site.scene.config("hpc_max_num_vms: none\n")),
            plan("az absent", 9, |site| site.scene.without("az")),
            plan("not signed in", 10, |site| {
                site.scene.fails(TOKEN, 1, "ERROR: Please run 'az login' to setup account.");
            }),
            plan("quota one vCPU short", 4, |site| site.scene.usage("standardNDSH100v5Family", 0, 191)),
            plan("the vault answers 403", 10, |site| site.scene.forbids("secrets")),
            plan("the group forbidden", 10, |site| site.scene.forbids("cluster-rg")),
            plan("deployments broken", 5, |site| site.scene.answer("deployments", "<html>")),
        ],
    );
}

#[test]
fn while_azure_is_asked() {
    let refused = r#"ERROR: (InvalidTemplateDeployment) The template deployment 'x' is not valid according to the validation procedure. The tracking id is '1'. See inner errors for details.
Code: InvalidTemplateDeployment
Message: The template deployment 'x' is not valid according to the validation procedure. The tracking id is '1'. See inner errors for details.
Exception Details:	(RequestDisallowedByPolicy) Resource 'cycleserver' was disallowed by policy.
	Code: RequestDisallowedByPolicy
	Message: Resource 'cycleserver' was disallowed by policy.
	Target: cycleserver"#;
    run(
        "asking",
        &[
            plan("refused by validation", 5, move |site| site.scene.fails(WHAT_IF, 1, refused)),
            plan("forbidden", 10, |site| site.scene.forbids(WHAT_IF)),
            plan("the sign-in runs out", 10, |site| {
                site.scene.fails(WHAT_IF, 1, "ERROR: AADSTS50173: The provided grant has expired.");
            }),
            plan("az hangs", 5, |site| site.scene.how(WHAT_IF, "hang")),
            plan("az is killed", 5, |site| site.scene.how(WHAT_IF, "kill")),
            plan("no JSON", 5, |site| site.script(WHAT_IF, "echo Welcome!")),
            plan("JSON without changes", 5, |site| site.foresees(&json!({"status": "Succeeded"}))),
            plan("the group is missing, the subscription forbidden", 10, |site| {
                site.scene.fails("cluster-rg", 1, r#"ERROR: Not Found({"error":{"code":"ResourceGroupNotFound","message":"It is not there."}})"#);
                site.scene.forbids("deployment sub what-if");
            }),
        ],
    );
}

#[test]
fn an_interrupt_ends_it() {
    let site = Site::new();
    site.has_group(&json!({}));
    site.scene.how(WHAT_IF, "hang");
    let mut started = site.start_patiently(&["plan"]);
    started.wait_for("asking", |calls| calls.iter().any(|call| call.starts_with(WHAT_IF)));
    started.signal(Signal::INT);
    let run = started.finish();
    assert_eq!(run.exit, 7, "{}", run.said);
    site.audit_leftovers();
    nothing_changed(&site, &run);
}
