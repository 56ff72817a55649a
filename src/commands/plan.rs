//! `plan`: what an installation would change, whom it gives rights, and what bills. Changes nothing.

use std::collections::BTreeSet;

use crate::azure::Az;
use crate::azure::vault::Vault;
use crate::cli::{Global, PlanArgs};
use crate::failure::Exit;
use crate::infrastructure::Survey;
use crate::plan::{Incomplete, Plan};
use crate::process::Runner;
use crate::project::Project;
use crate::ui::{Answer, Event, Ui};

/// How many things that Azure did not foresee are told one by one.
const TOLD: usize = 3;

/// Runs the checks of an installation, then asks Azure what its deployment would change.
///
/// # Errors
/// With the exit code of the phase that failed, as `install` has it.
pub fn run(global: &Global, args: &PlanArgs, ui: &Ui) -> anyhow::Result<(Answer, Exit)> {
    let runner = Runner::reading(ui);
    let project = Project::open(global, &runner, ui)?;
    let Project { config, images, .. } = &project;
    let (ready, survey) = project.check(true, |az| Survey::take(az, ui, config, &images.server))?;
    let az = Az::new(&runner, &ready.caller.subscription_id);
    let vault = Vault::new(&az, &config.resource_group_name, &config.region, &config.admin_user);
    let site = project.site(&ready, &az, &vault);
    let plan = Plan::of(site.foresee(&survey)?, &site)?;
    warn(&plan, ui);
    let exit = if args.detailed_exitcode && plan.has_changes { Exit::Changes } else { Exit::Done };
    Ok((Answer { text: plan.to_string(), result: serde_json::to_value(&plan)? }, exit))
}

/// What makes a plan less than the truth.
fn warn(plan: &Plan, ui: &Ui) {
    if let Some(name) = &plan.active_deployment {
        let text = format!("the deployment {name} is going on: what it still writes is shown as a change");
        ui.event(Event::Warning { text: &text });
    }
    if !plan.validated {
        let text = "the marketplace terms are not accepted yet, so Azure looked at the template alone: what policies, \
                    quota and rights say to it, install finds out";
        ui.event(Event::Warning { text });
    }
    let unseen = &plan.changes.incomplete;
    if unseen.is_empty() {
        return;
    }
    let mut text = format!("incomplete: Azure did not foresee {} of the deployment's parts", unseen.len());
    if unseen.iter().all(Incomplete::is_right) {
        text += ", all of them rights, which the plan lists all the same";
    } else {
        let names: Vec<String> = unseen.iter().filter_map(Incomplete::name).collect();
        text +=
            &format!(" ({}), which are missing from what would change and from what bills", names.join(", "));
    }
    let reasons: BTreeSet<String> = unseen.iter().map(Incomplete::kind_of_reason).collect();
    for reason in reasons.iter().take(TOLD) {
        text += &format!("\n  {reason}");
    }
    if reasons.len() > TOLD {
        text += &format!("\n  and {} more reasons, all in --output json", reasons.len() - TOLD);
    }
    ui.event(Event::Warning { text: &text });
}
