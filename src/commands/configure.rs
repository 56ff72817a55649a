//! The server is configured: the way to it, lock, inventory, playbook.

use std::path::Path;
use std::time::Duration;

use crate::ansible::environment::Environment;
use crate::ansible::inventory::{self, Server, Variables};
use crate::ansible::run::{self, Playbook, Recap};
use crate::failure::{Exit, Failure};
use crate::process::Runner;
use crate::ssh::{Identity, Session, explain};
use crate::tunnel::{Opener, Route};
use crate::ui::Ui;

/// How long to wait for the server's lock. A run of ours whose connection just broke may still hold it.
const LOCK_PATIENCE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(120)];

/// All that configuring needs.
pub struct Configuration<'a> {
    /// The way to the CycleCloud server.
    pub route: &'a Route,
    /// Who signs in there.
    pub identity: &'a Identity,
    /// The ansible-core to use.
    pub environment: &'a Environment,
    /// The folder with `ansible.cfg` and `playbooks/`.
    pub templates: &'a Path,
    /// The folder of this cluster's state; `ansible/` and `logs/` in it are written.
    pub state: &'a Path,
    /// What Ansible is told.
    pub variables: &'a Variables,
}

/// Runs the playbook on the server; once more if the way to it breaks.
///
/// # Errors
/// Those of the way (9, 10, 11), the lock (8, 12) and the playbook (6, 7, 11).
pub fn run(runner: &Runner<'_>, ui: &Ui, plan: &Configuration<'_>) -> anyhow::Result<Recap> {
    let logs = plan.state.join("logs");
    std::fs::create_dir_all(&logs)?;
    let mut patience = LOCK_PATIENCE.into_iter();
    Opener::new(runner, ui, plan.route, &logs).with_tunnel(|tunnel| {
        let session = Session::new(plan.identity, &plan.route.vm, tunnel.address())?;
        let _lock = session.lock(runner, patience.next().unwrap_or_default())?;
        let server = Server {
            address: tunnel.address(),
            user: plan.identity.user.clone(),
            ssh_config: session.config(),
        };
        let files = inventory::write(&plan.state.join("ansible"), &server, plan.variables)?;
        let playbook = Playbook {
            environment: plan.environment,
            folder: plan.templates,
            files: &files,
            log: &logs.join("ansible.jsonl"),
        };
        run::run(runner, ui, &playbook).map_err(|error| in_our_words(error, &session))
    })
}

/// A host that Ansible could not reach may be one that we can explain better.
fn in_our_words(error: anyhow::Error, session: &Session) -> anyhow::Error {
    let explained = error
        .downcast_ref::<Failure>()
        .filter(|failure| failure.exit == Exit::Unreachable)
        .and_then(|failure| {
            let messages: Vec<_> = failure.problems.iter().map(|problem| problem.message.as_str()).collect();
            explain(&messages.join("\n"), session.vm(), session.known_hosts())
        });
    explained.map_or(error, Into::into)
}
