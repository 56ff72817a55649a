//! What every command that looks at the whole infrastructure begins with: the configuration, the state folder, the
//! templates, and the checks.

use anyhow::Context;

use crate::azure::Az;
use crate::azure::vault::Vault;
use crate::checks::{self, Ready, Report, Status};
use crate::cli::Global;
use crate::config::{Config, Unlisted};
use crate::images::Images;
use crate::infrastructure::Site;
use crate::keys::{self, OwnKeys};
use crate::process::Runner;
use crate::templates::Templates;
use crate::ui::{Event, Ui};
use crate::unlisted;
use crate::workspace::Workspace;

/// The configuration; its warnings are shown. With `--allow-unlisted-size`, Azure is asked for a size that the table lacks.
///
/// # Errors
/// [`crate::failure::Exit::Config`] with all that is wrong; when such a size is not to be had of Azure, why not.
pub fn configuration(global: &Global, runner: &Runner<'_>, ui: &Ui) -> anyhow::Result<Config> {
    let wanted = if global.allow_unlisted_size { Unlisted::of(&global.config) } else { None };
    let unlisted = wanted.map(|wanted| unlisted::look_up(&wanted, runner, ui)).transpose()?;
    let (config, warnings) = Config::load(&global.config, unlisted.as_ref())?;
    for warning in warnings {
        ui.event(Event::Warning { text: &warning.to_string() });
    }
    Ok(config)
}

/// What a command works with before it knows who is signed in.
pub struct Project<'a> {
    global: &'a Global,
    runner: &'a Runner<'a>,
    ui: &'a Ui,
    /// The user's configuration.
    pub config: Config,
    /// The state folder.
    pub workspace: Workspace,
    /// The infrastructure template and the playbooks.
    pub templates: Templates,
    /// The images of the cluster.
    pub images: Images,
}

impl<'a> Project<'a> {
    /// Reads the configuration, opens state folder and templates, and looks at the keys that the user brings.
    ///
    /// # Errors
    /// With the exit code of what is wrong with them.
    pub fn open(global: &'a Global, runner: &'a Runner<'a>, ui: &'a Ui) -> anyhow::Result<Self> {
        let config = configuration(global, runner, ui)?;
        let workspace = Workspace::open(&global.workspace, &config.resource_group_name, runner)?;
        let templates = Templates::open(global.templates.as_deref())?;
        if let Some(folder) = templates.foreign() {
            ui.event(Event::Note { text: &format!("using the templates of {}", folder.display()) });
        }
        let images = Images::of(&templates.versions()?, &config)?;
        let project = Self { global, runner, ui, config, workspace, templates, images };
        keys::check(project.own_keys(), runner)?;
        Ok(project)
    }

    fn own_keys(&self) -> OwnKeys<'_> {
        OwnKeys {
            public_file: self.config.ssh_public_key_file.as_deref(),
            private_file: self.global.ssh_key.as_deref(),
        }
    }

    /// Runs all checks, and beside them `look`, whatever else the command wants to know of Azure. `needs_key`: the
    /// private SSH key will be needed.
    ///
    /// # Errors
    /// With the exit code of the most blocking check that failed, or of `look`.
    pub fn check<T: Send>(
        &self,
        needs_key: bool,
        look: impl FnOnce(&Az<'_>) -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<(Ready, T)> {
        self.ui.phase("checks", || {
            let needs_key = needs_key && !keys::at_hand(self.own_keys(), &self.workspace.path(""));
            let (report, found) = checks::run_all(self.runner, &self.config, &self.images, needs_key, look)?;
            self.warn_of(&report);
            let note = report.counts();
            let ready = report.ready()?;
            Ok(((ready, found.context("nothing was read of Azure")??), note))
        })
    }

    /// What the checks leave open does not stop an installation, but is said.
    fn warn_of(&self, report: &Report) {
        for item in report.of(Status::Unknown).chain(report.of(Status::Warning)) {
            self.ui.event(Event::Warning { text: &item.to_string() });
        }
    }

    /// What the phases of the infrastructure work with.
    pub fn site<'s>(&'s self, ready: &'s Ready, az: &'s Az<'s>, vault: &'s Vault<'s>) -> Site<'s> {
        Site {
            config: &self.config,
            caller: &ready.caller,
            subscription: &ready.subscription,
            zones: &ready.zones,
            az,
            vault,
            own_keys: self.own_keys(),
            server_image: &self.images.server,
            templates: &self.templates,
            workspace: &self.workspace,
            runner: self.runner,
            ui: self.ui,
        }
    }
}
