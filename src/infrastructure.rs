//! From the configuration to the outputs of a succeeded deployment: skipped, attached to, or started, as
//! the evidence in Azure says.

mod foresee;
mod with_group;

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Map, Value};

use crate::azure::account::{Caller, Subscription};
use crate::azure::deployment::{Deployment, Deployments};
use crate::azure::group::{self, Change};
use crate::azure::outputs::Outputs;
use crate::azure::private_dns::ZoneIds;
use crate::azure::terms;
use crate::azure::vault::{Contents, Secret, Vault};
use crate::azure::{Az, AzError, Kind};
use crate::config::Config;
use crate::failure::Exit;
use crate::images::Image;
use crate::keys::{self, OwnKeys, PublicKey};
use crate::parameters::{self, Run, Secrets};
use crate::process::Runner;
use crate::templates::Templates;
use crate::threads::joined;
use crate::ui::{Event, Ui};
use crate::workspace::Workspace;

pub use foresee::{Foresight, Preparation};

/// What the phases of the infrastructure work with.
pub struct Site<'a> {
    /// The user's configuration.
    pub config: &'a Config,
    /// Who is signed in.
    pub caller: &'a Caller,
    /// To which subscription.
    pub subscription: &'a Subscription,
    /// The private DNS zones found for an existing network.
    pub zones: &'a ZoneIds,
    /// Azure.
    pub az: &'a Az<'a>,
    /// The cluster's vault.
    pub vault: &'a Vault<'a>,
    /// The keys that the user brings.
    pub own_keys: OwnKeys<'a>,
    /// The image of the CycleCloud server.
    pub server_image: &'a Image,
    /// The infrastructure template.
    pub templates: &'a Templates,
    /// The state folder.
    pub workspace: &'a Workspace,
    /// Runs programs.
    pub runner: &'a Runner<'a>,
    /// Progress.
    pub ui: &'a Ui,
}

/// What Azure has before anything is changed.
pub struct Survey {
    group: Option<Value>,
    deployments: Vec<Deployment>,
    contents: Contents,
    vault_is_deleted: bool,
    terms_accepted: bool,
}

/// What a deployment is made of, secrets apart.
struct Inputs {
    /// What comes from the configuration.
    of_config: Map<String, Value>,
    /// Tells these inputs and this template from others.
    hash: String,
}

/// The infrastructure as deployed.
pub struct Infrastructure {
    /// Name of the deployment.
    pub deployment: String,
    /// Whether this run deployed anything.
    pub changed: bool,
    /// Its outputs; absent in a dry run before the first deployment.
    pub outputs: Option<Outputs>,
}

impl Survey {
    /// Reads side by side what the phases decide on; `image` is the server's.
    ///
    /// # Errors
    /// When Azure does not answer one of the questions.
    pub fn take(az: &Az<'_>, ui: &Ui, config: &Config, image: &Image) -> anyhow::Result<Self> {
        let group = &config.resource_group_name;
        let vault = Vault::new(az, group, &config.region, &config.admin_user);
        std::thread::scope(|scope| {
            let found = scope.spawn(|| group::find(az, group));
            let deployments = scope.spawn(|| Deployments::new(az, ui, group).ours());
            let deleted = scope.spawn(|| known(ui, false, vault.is_deleted()));
            let terms = scope.spawn(|| known(ui, true, terms::is_accepted(az, image)));
            // A vault that does not say what it holds stops the run before anything is made.
            let contents = vault.contents()?;
            Ok(Self {
                group: joined(found)?,
                deployments: joined(deployments)?,
                contents,
                vault_is_deleted: joined(deleted)?,
                terms_accepted: joined(terms)?,
            })
        })
    }
}

impl Site<'_> {
    /// ARM id of the resource group.
    pub fn group_id(&self) -> String {
        self.az.group_id(&self.config.resource_group_name)
    }

    fn deployments(&self) -> Deployments<'_> {
        Deployments::new(self.az, self.ui, &self.config.resource_group_name)
    }

    /// The newest succeeded deployment, for a run of Ansible alone.
    ///
    /// # Errors
    /// [`Exit::Busy`] while a deployment runs; [`Exit::Deployment`] when none ever succeeded.
    pub fn newest(&self, deployments: &[Deployment]) -> anyhow::Result<Infrastructure> {
        let newest = self.deployments().newest(deployments)?;
        self.ui.event(Event::Skipped { name: "deployment", why: &format!("using {}", newest.name) });
        self.outputs_of(newest, false)
    }

    /// Brings the infrastructure to what the configuration says, doing only what Azure lacks.
    ///
    /// # Errors
    /// [`Exit::Deployment`] with ARM's innermost reasons; [`Exit::Busy`] when another deployment runs.
    pub fn deploy(&self, survey: &Survey, force: bool) -> anyhow::Result<Infrastructure> {
        let inputs = self.inputs()?;
        if let Some(done) = self.settled(&survey.deployments, &inputs.hash, force)? {
            return Ok(done);
        }
        self.prepare(survey)?;
        // What was read before may be minutes old, and another machine may work on the same group.
        let (deployments, contents) = self.look_again()?;
        if let Some(done) = self.settled(&deployments, &inputs.hash, force)? {
            return Ok(done);
        }
        let document = self.phase("secrets", || {
            let secrets = self.secrets(&contents.secrets)?;
            let note = match secrets.new.len() {
                0 => "all in the key vault".to_owned(),
                made => format!("{made} made, for the key vault {}", self.vault.name),
            };
            Ok((self.document(inputs, contents.denies, &secrets), note))
        })?;
        self.start_and_follow(&document)
    }

    /// The parameters of a deployment; `denies`: the vault's firewall does so by default.
    fn document(&self, inputs: Inputs, denies: bool, secrets: &Secrets) -> Value {
        let run = Run {
            caller: self.caller,
            subscription: self.subscription,
            vault: self.vault,
            vault_denies: denies,
            secrets,
        };
        parameters::document(inputs.of_config, &inputs.hash, &run)
    }

    /// The infrastructure, when a deployment of ours runs with the same inputs or, unless `force`, the newest
    /// one succeeded with them.
    fn settled(
        &self,
        deployments: &[Deployment],
        hash: &str,
        force: bool,
    ) -> anyhow::Result<Option<Infrastructure>> {
        match deployments.iter().find(|deployment| deployment.is_active()) {
            Some(active) if active.input_hash == hash => return self.attach(active).map(Some),
            Some(active) => return Err(self.deployments().busy(active, "it has other inputs").into()),
            None => {}
        }
        let Some(newest) = unchanged(deployments, hash).filter(|_| !force) else { return Ok(None) };
        let why = format!("the infrastructure is unchanged since {}", newest.name);
        self.ui.event(Event::Skipped { name: "deployment", why: &why });
        self.outputs_of(newest, false).map(Some)
    }

    fn look_again(&self) -> anyhow::Result<(Vec<Deployment>, Contents)> {
        std::thread::scope(|scope| {
            let deployments = scope.spawn(|| self.deployments().ours());
            let contents = self.vault.contents()?;
            Ok((joined(deployments)?, contents))
        })
    }

    fn inputs(&self) -> anyhow::Result<Inputs> {
        let of_config = parameters::of_config(self.config, &self.vault.name, self.zones);
        let path = self.templates.main_json(self.runner)?;
        let template = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let own = self.own_keys.public_file.map(std::fs::read_to_string).transpose()?;
        let hash = parameters::input_hash(&template, &of_config, own.as_deref().map(str::trim));
        Ok(Inputs { of_config, hash })
    }

    /// Terms, resource group, and the vault if Azure keeps it as deleted.
    fn prepare(&self, survey: &Survey) -> anyhow::Result<()> {
        if survey.terms_accepted {
            self.ui.event(Event::Skipped { name: "marketplace terms", why: "accepted before" });
        } else {
            self.phase("marketplace terms", || {
                terms::accept(self.az, self.server_image)?;
                Ok(((), "accepted".to_owned()))
            })?;
        }
        let tags = self.group_tags();
        let Config { resource_group_name: name, region, .. } = self.config;
        self.phase("resource group", || {
            let note = match group::ensure(self.az, name, region, &tags, survey.group.as_ref())? {
                Change::Created => format!("{name} created in {region}"),
                Change::Tagged => format!("{name} exists, tags added"),
                Change::None => format!("{name} exists"),
            };
            Ok(((), note))
        })?;
        if !survey.vault_is_deleted {
            return Ok(());
        }
        self.phase("key vault recovery", || {
            self.vault.recover()?;
            Ok(((), format!("{} recovered with its secrets", self.vault.name)))
        })
    }

    /// The tags that the resource group must have.
    fn group_tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.config.tags.clone();
        tags.extend(self.config.resource_group_tags.clone());
        tags
    }

    /// Makes the secrets that the vault lacks, and only those; a dry run puts placeholders for them.
    fn secrets(&self, stored: &[Secret]) -> anyhow::Result<Secrets> {
        let keys = keys::plan(self.own_keys, stored, self.workspace, self.runner)?;
        let mut new = Vec::new();
        if let Some(private) = &keys.private_to_store {
            new.push((Secret::SshPrivateKey, private.clone()));
        }
        if let (PublicKey::Line(line), false) = (&keys.public, stored.contains(&Secret::SshPublicKey)) {
            new.push((Secret::SshPublicKey, line.clone()));
        }
        let my_sql = self.config.accounting;
        let passwords = [(Secret::CycleCloudPwd, true), (Secret::MySqlPwd, my_sql)];
        for (secret, _) in passwords.iter().filter(|(secret, needed)| *needed && !stored.contains(secret)) {
            new.push((*secret, keys::password(self.runner)?));
        }
        Ok(Secrets { new, public_key: keys.public, my_sql })
    }

    fn start_and_follow(&self, document: &Value) -> anyhow::Result<Infrastructure> {
        let deployments = self.deployments();
        let started = self.phase("deployment", || {
            let name = deployments.start(self.templates.main_json(self.runner)?, document)?;
            if self.runner.is_dry_run() {
                return Ok((None, String::new()));
            }
            let done = deployments.follow(&name)?;
            Ok((Some(done), name))
        })?;
        match started {
            Some(deployment) => self.outputs_of(&deployment, true),
            None => Ok(Infrastructure { deployment: String::new(), changed: true, outputs: None }),
        }
    }

    fn attach(&self, running: &Deployment) -> anyhow::Result<Infrastructure> {
        let text = format!("{} is running with the same inputs: following it", running.name);
        self.ui.event(Event::Note { text: &text });
        if self.runner.is_dry_run() {
            let deployment = running.name.clone();
            return Ok(Infrastructure { deployment, changed: false, outputs: None });
        }
        let deployment = self
            .phase("deployment", || Ok((self.deployments().follow(&running.name)?, running.name.clone())))?;
        self.outputs_of(&deployment, true)
    }

    fn outputs_of(&self, deployment: &Deployment, changed: bool) -> anyhow::Result<Infrastructure> {
        let outputs = Outputs::read(&deployment.outputs, &deployment.name)?;
        if !self.runner.is_dry_run() {
            let cache = serde_json::json!({ "name": deployment.name, "outputs": deployment.outputs });
            self.workspace.write("deployment.json", serde_json::to_string_pretty(&cache)?.as_bytes())?;
        }
        Ok(Infrastructure { deployment: deployment.name.clone(), changed, outputs: Some(outputs) })
    }

    fn phase<T>(&self, name: &str, work: impl FnOnce() -> anyhow::Result<(T, String)>) -> anyhow::Result<T> {
        self.ui.phase(name, || {
            let (value, note) = work()?;
            Ok((value, if self.runner.is_dry_run() { "only shown: dry run".to_owned() } else { note }))
        })
    }
}

/// The newest deployment, if it succeeded with the inputs of that hash.
fn unchanged<'a>(deployments: &'a [Deployment], hash: &str) -> Option<&'a Deployment> {
    deployments.first().filter(|newest| newest.succeeded() && newest.input_hash == hash)
}

/// The answer to a question that takes rights on the whole subscription, which a caller may lack; then
/// `otherwise`, with which the deployment goes on and Azure itself refuses what is not so.
fn known(ui: &Ui, otherwise: bool, answer: Result<bool, AzError>) -> anyhow::Result<bool> {
    match answer {
        Err(error) if matches!(error.kind, Kind::Forbidden(_)) => {
            ui.event(Event::Warning { text: &format!("not decided: {error}") });
            Ok(otherwise)
        }
        answer => Ok(answer.map_err(|error| error.failure(Exit::Deployment))?),
    }
}
