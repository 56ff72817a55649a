//! The Key Vault with the cluster's secrets: its name, whether Azure keeps it as deleted, which secrets
//! it holds, whom it lets in. A secret is made only when Azure says that it is not there.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::az::Az;
use super::failed::{AzError, Kind};
use super::step::Step;
use crate::failure::Exit;
use crate::process::interrupt;
use crate::threads::joined;
use crate::ui::{Event, Ui};

const API: &str = "api-version=2026-02-01";
/// A new role assignment works after seconds to minutes.
const ROLE_DELAY: Duration = Duration::from_secs(300);

/// The secrets that a deployment writes; each is stored as `<admin>-<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// Private half of the key pair that opens the VMs.
    SshPrivateKey,
    /// Public half.
    SshPublicKey,
    /// Password of the CycleCloud administrator.
    CycleCloudPwd,
    /// Password of the accounting database's administrator.
    MySqlPwd,
}

impl Secret {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SshPrivateKey, Self::SshPublicKey, Self::CycleCloudPwd, Self::MySqlPwd];

    /// The name without the administrator's.
    pub fn name(self) -> &'static str {
        match self {
            Self::SshPrivateKey => "SshPrivateKey",
            Self::SshPublicKey => "SshPublicKey",
            Self::CycleCloudPwd => "CycleCloudPwd",
            Self::MySqlPwd => "MySqlPwd",
        }
    }
}

/// Who is let in to the vault from outside of its private endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firewall {
    /// The default action is Deny.
    pub denies: bool,
    /// Azure's own services, such as ARM for references in parameters, are let in all the same.
    pub lets_azure_in: bool,
    /// There is no public way in at all, whatever the rules say.
    pub is_shut: bool,
}

impl Firewall {
    /// Azure leaves rules that are the default out of its answers.
    fn of(vault: &Value) -> Self {
        let properties = &vault["properties"];
        Self {
            denies: properties["networkAcls"]["defaultAction"] == "Deny",
            lets_azure_in: properties["networkAcls"]["bypass"] != "None",
            is_shut: properties["publicNetworkAccess"] == "Disabled",
        }
    }
}

/// What a deployment must know of the vault as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Which of our secrets it holds.
    pub secrets: Vec<Secret>,
    /// Whether its firewall denies by default, which a deployment leaves as it is.
    pub denies: bool,
}

/// The vault of one cluster.
pub struct Vault<'a> {
    az: &'a Az<'a>,
    group: &'a str,
    admin: &'a str,
    region: &'a str,
    /// Its globally unique name.
    pub name: String,
}

impl<'a> Vault<'a> {
    /// The vault of resource group `group`. Its name, within Azure's 3 to 24 letters, digits and hyphens,
    /// comes from subscription, group and region, so that every run finds the same one.
    pub fn new(az: &'a Az<'a>, group: &'a str, region: &'a str, admin: &'a str) -> Self {
        let seed = format!("{}\n{}\n{region}", az.subscription(), group).to_lowercase();
        let hash = Sha256::digest(seed.as_bytes());
        let hex: String = hash.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        Self { az, group, admin, region, name: format!("kv-{hex}") }
    }

    /// ARM id of the vault.
    pub fn id(&self) -> String {
        format!("{}/providers/Microsoft.KeyVault/vaults/{}", self.az.group_id(self.group), self.name)
    }

    /// What the vault holds and whom it lets in; nothing and everybody, if there is none.
    ///
    /// # Errors
    /// When Azure says anything but that, or "not found": a secret is never made twice, and a vault never opened,
    /// on a guess.
    pub fn contents(&self) -> anyhow::Result<Contents> {
        let (secrets, firewall) = std::thread::scope(|scope| {
            let firewall = scope.spawn(|| self.firewall());
            let secrets = self.secrets();
            (secrets, joined(firewall))
        });
        let failed = |error: AzError| error.failure(Exit::Deployment);
        let denies = firewall.map_err(failed)?.is_some_and(|firewall| firewall.denies);
        Ok(Contents { secrets: secrets.map_err(failed)?, denies })
    }

    /// Which of our secrets exist. ARM lists names without values.
    fn secrets(&self) -> Result<Vec<Secret>, AzError> {
        let why = "reading which secrets the key vault holds";
        let listed = match self.az.rest_list(&format!("{}/secrets?{API}", self.id()), why) {
            Err(error) if matches!(error.kind, Kind::NotFound(_)) || is_unregistered(&error) => {
                return Ok(Vec::new());
            }
            listed => listed?,
        };
        let names: Vec<&str> = listed.iter().filter_map(|secret| secret["name"].as_str()).collect();
        let is_there = |secret: &Secret| names.contains(&self.secret_name(*secret).as_str());
        Ok(Secret::ALL.into_iter().filter(is_there).collect())
    }

    /// Its firewall; `None` when there is no vault.
    ///
    /// # Errors
    /// When Azure does not answer.
    pub fn firewall(&self) -> Result<Option<Firewall>, AzError> {
        match self.az.rest_get(&format!("{}?{API}", self.id()), "reading the key vault's firewall") {
            Err(error) if matches!(error.kind, Kind::NotFound(_)) || is_unregistered(&error) => Ok(None),
            vault => Ok(Some(Firewall::of(&vault?))),
        }
    }

    /// Whether Azure keeps the vault as deleted and it can be recovered.
    ///
    /// # Errors
    /// When Azure does not answer.
    pub fn is_deleted(&self) -> Result<bool, AzError> {
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.KeyVault/deletedVaults?{API}",
            self.az.subscription()
        );
        let ours =
            |vault: &Value| vault["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(&self.name));
        match self.az.rest_list(&path, "reading the deleted key vaults") {
            Err(error) if is_unregistered(&error) => Ok(false),
            deleted => Ok(deleted?.iter().any(ours)),
        }
    }

    /// What closes the vault to all but its private endpoint and Azure's own services, if it is not so.
    ///
    /// # Errors
    /// When Azure does not answer.
    pub fn closing(&self) -> Result<Option<Step>, AzError> {
        let is_open = |firewall: &Firewall| !(firewall.denies && firewall.lets_azure_in);
        let Some(_) = self.firewall()?.filter(is_open) else { return Ok(None) };
        let command = self
            .az
            .command(&["keyvault", "update", "--name", &self.name, "--resource-group", self.group])
            .args(["--default-action", "Deny", "--bypass", "AzureServices"]);
        Ok(Some(Step::new(format!("{}: its firewall denies by default", self.name), command)))
    }

    /// Brings the deleted vault and its secrets back.
    ///
    /// # Errors
    /// When Azure refuses.
    pub fn recover(&self) -> anyhow::Result<()> {
        let command = self
            .az
            .long_command(&["keyvault", "recover", "--name", &self.name, "--location", self.region])
            .args(["--resource-group", self.group, "--output", "none"])
            .changes();
        let recovered = self.az.run(&command, "recovering the deleted key vault");
        recovered.map_err(|error| error.failure(Exit::Deployment))?;
        Ok(())
    }

    /// Whether the caller can read a secret from this machine, now. Its value is left out of the answer.
    ///
    /// # Errors
    /// When the vault does not let the caller in, or does not answer.
    pub fn answers(&self, secret: Secret) -> Result<(), AzError> {
        let name = self.secret_name(secret);
        let args = [&self.show(&name)[..], &["--query", "attributes.enabled"]].concat();
        self.az.json(&args, "asking the key vault").map(drop)
    }

    /// The value of a secret, read as the caller. Right after a deployment the caller's role may not
    /// work yet, so a missing right is asked for again for a while; a firewall's refusal is final.
    ///
    /// # Errors
    /// [`Exit::Access`] when it stays forbidden.
    pub fn read(&self, secret: Secret, ui: &Ui) -> anyhow::Result<String> {
        let name = self.secret_name(secret);
        let args = self.show(&name);
        let started = Instant::now();
        loop {
            match self.az.secret_json(&args, "reading a secret of the key vault") {
                Err(error) if is_no_right_yet(&error) && started.elapsed() < ROLE_DELAY => {
                    ui.event(Event::Progress { text: "waiting for the right to read the key vault" });
                    interrupt::sleep(Duration::from_secs(5))?;
                }
                Err(error) => return Err(error.failure(Exit::Access).into()),
                Ok(document) => return self.value(&document, &name),
            }
        }
    }

    fn show<'n>(&'n self, name: &'n str) -> [&'n str; 7] {
        ["keyvault", "secret", "show", "--vault-name", &self.name, "--name", name]
    }

    fn value(&self, document: &Value, name: &str) -> anyhow::Result<String> {
        let value = document["value"].as_str();
        let value = value.with_context(|| format!("the secret {name} of {} has no value", self.name))?;
        self.az.hide(value);
        Ok(value.to_owned())
    }

    /// The name of a secret in the vault.
    pub fn secret_name(&self, secret: Secret) -> String {
        format!("{}-{}", self.admin, secret.name())
    }
}

/// Whether a role is what the caller lacks.
fn is_no_right_yet(error: &AzError) -> bool {
    matches!(error.kind, Kind::Forbidden(_)) && !is_no_way_in(error)
}

/// Whether the vault is closed to this machine, whatever the caller's roles. Error codes of a vault: Key Vault
/// documentation, "Azure Key Vault REST API error codes", HTTP 403.
pub fn is_no_way_in(error: &AzError) -> bool {
    ["ForbiddenByFirewall", "ForbiddenByConnection"].contains(&error.code().as_str())
}

/// A subscription that never used vaults has none; the deployment registers the provider.
fn is_unregistered(error: &AzError) -> bool {
    error.code() == "MissingSubscriptionRegistration"
}
