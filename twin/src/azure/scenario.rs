//! What differs from a friendly Azure: read from a YAML file, all keys optional.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize};

use super::faults::Fault;
use crate::arm::world::Policy;

/// A rehearsal's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Who `run` and `up` sign in as.
    pub sign_in: SignIn,
    /// Rights of that principal, each at the subscription unless a scope is given.
    pub roles: Vec<Grant>,
    /// Name of the subscription.
    pub subscription_name: String,
    /// Added to each request.
    #[serde(deserialize_with = "seconds")]
    pub latency: Duration,
    /// From writing a role assignment until it counts.
    #[serde(deserialize_with = "seconds")]
    pub role_delay: Duration,
    /// How long a deployment takes at least, spread over its resources.
    #[serde(deserialize_with = "seconds")]
    pub deployment_seconds: Duration,
    /// How long the deletion of a resource, a group or a deployment's record takes.
    #[serde(deserialize_with = "seconds")]
    pub deletion_seconds: Duration,
    /// Management locks at the start.
    pub locks: Vec<LockRow>,
    /// Limits in vCPUs by region and quota name as usages spell it.
    pub quota: BTreeMap<String, BTreeMap<String, u32>>,
    /// vCPUs that others use, by region and quota name.
    pub usage: BTreeMap<String, BTreeMap<String, u32>>,
    /// Sizes that the subscription may not use.
    pub restrictions: Vec<Restriction>,
    /// Vaults that are soft-deleted at the start.
    pub deleted_vaults: Vec<LostVault>,
    /// Global names (`Microsoft.KeyVault/vaults`, `Microsoft.Storage/storageAccounts`) that belong to others.
    pub names_taken: BTreeMap<String, Vec<String>>,
    /// Marketplace plans, `publisher/offer/plan`, whose terms are accepted at the start.
    pub terms_accepted: Vec<String>,
    /// Resource providers that are not registered.
    pub unregistered: Vec<String>,
    /// Networks that are there before anything is installed.
    pub networks: Vec<Network>,
    /// Policies of the subscription that deny writes.
    pub policies: Vec<Policy>,
    /// Resources whose write fails, alone or in a deployment.
    pub failing_writes: Vec<FailingWrite>,
    /// A policy puts its rules, `NRMS-Rule-103` and others, into every network security group that is written.
    pub nrms_rules: bool,
    /// How many nested deployments what-if looks into; all when absent.
    pub what_if_nested: Option<usize>,
    /// NFS servers of the company's own.
    pub file_servers: Vec<FileServer>,
    /// Nodes with bad hardware, by host name.
    pub bad_nodes: BTreeMap<String, Flaws>,
    /// Without hosts: where tunnels lead, a loopback address like `127.0.0.1:2222`.
    #[serde(deserialize_with = "loopback")]
    pub tunnel_to: Option<SocketAddr>,
    /// Misbehaviour.
    pub faults: Vec<Fault>,
}

/// A way of signing in.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// `az login --service-principal`.
    ServicePrincipal,
    /// `az login --use-device-code`.
    User,
    /// Not signed in.
    None,
    /// Signed in as a user whose sign-in then ran out.
    Expired,
}

/// A role given at the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Name of the built-in role.
    pub role: String,
    /// Below the subscription, for example `/resourceGroups/rg1`.
    #[serde(default)]
    pub scope: String,
}

/// A size that cannot be used in a region or in some of its zones.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restriction {
    /// `Standard_…`.
    pub size: String,
    /// Region.
    pub region: String,
    /// Only these zones; all of the region when empty.
    #[serde(default)]
    pub zones: Vec<String>,
    /// `NotAvailableForSubscription` or `QuotaId`.
    #[serde(default = "not_available")]
    pub reason: String,
}

fn not_available() -> String {
    "NotAvailableForSubscription".into()
}

/// A resource that cannot be written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailingWrite {
    /// Regular expression, letter case ignored, on the resource's id.
    #[serde(with = "super::faults::pattern")]
    pub id: Regex,
    /// Status of the refusal.
    #[serde(default = "conflict")]
    pub status: u16,
    /// Azure's code.
    pub code: String,
    /// Azure's sentence.
    pub message: String,
    /// The write is taken, and the resource ends as `Failed`.
    #[serde(default)]
    pub late: bool,
}

fn conflict() -> u16 {
    409
}

/// A network of the company's own, in a resource group that it makes too.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Resource group.
    pub group: String,
    /// Region.
    pub location: String,
    /// Name of the virtual network.
    pub name: String,
    /// Address space in CIDR notation.
    pub address_space: String,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Address of the firewall that is the way out: a route table leads to it from every subnet but Bastion's and
    /// delegated ones.
    #[serde(default)]
    pub firewall: Option<String>,
    /// Name of a Bastion host with tunnels; it needs the subnet `AzureBastionSubnet`.
    #[serde(default)]
    pub bastion: Option<String>,
    /// Private DNS zones that the network resolves.
    #[serde(default)]
    pub private_dns_zones: Vec<String>,
    /// Tags of all that.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A subnet of such a network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subnet {
    /// Name.
    pub name: String,
    /// Range in CIDR notation.
    pub prefix: String,
    /// The service that it is delegated to.
    #[serde(default)]
    pub delegated_to: Option<String>,
}

/// A management lock.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockRow {
    /// Its name.
    pub name: String,
    /// Below the subscription, for example `/resourceGroups/rg1`; the subscription itself when absent.
    #[serde(default)]
    pub scope: String,
    /// `CanNotDelete` or `ReadOnly`.
    #[serde(default)]
    pub level: LockLevel,
}

/// What a lock forbids.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub enum LockLevel {
    /// To delete.
    #[default]
    CanNotDelete,
    /// To delete and to write.
    ReadOnly,
}

/// A folder that an NFS server exports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileServer {
    /// Address of the server.
    pub address: Ipv4Addr,
    /// Path of the export.
    pub path: String,
    /// Addresses or networks that may mount it.
    #[serde(default = "everyone")]
    pub clients: Vec<String>,
    /// Versions of NFS.
    #[serde(default = "every_version")]
    pub versions: Vec<String>,
}

fn everyone() -> Vec<String> {
    vec!["0.0.0.0/0".into()]
}

fn every_version() -> Vec<String> {
    ["3", "4", "4.1", "4.2"].map(str::to_owned).to_vec()
}

/// What is wrong with a node.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Flaws {
    /// It shows only so many GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
    /// Every all-reduce that it takes part in is slow.
    #[serde(default)]
    pub slow: bool,
}

/// A vault that was deleted before the rehearsal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostVault {
    /// Name of the vault.
    pub name: String,
    /// Its resource group.
    pub group: String,
    /// Its region.
    pub location: String,
    /// Its secrets.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            sign_in: SignIn::ServicePrincipal,
            roles: vec![Grant { role: "Owner".into(), scope: String::new() }],
            subscription_name: "Twin".into(),
            latency: Duration::ZERO,
            role_delay: Duration::from_secs(2),
            deployment_seconds: Duration::ZERO,
            deletion_seconds: Duration::ZERO,
            locks: Vec::new(),
            quota: BTreeMap::new(),
            usage: BTreeMap::new(),
            restrictions: Vec::new(),
            deleted_vaults: Vec::new(),
            names_taken: BTreeMap::new(),
            terms_accepted: Vec::new(),
            unregistered: Vec::new(),
            networks: Vec::new(),
            policies: Vec::new(),
            failing_writes: Vec::new(),
            nrms_rules: false,
            what_if_nested: None,
            file_servers: Vec::new(),
            bad_nodes: BTreeMap::new(),
            tunnel_to: None,
            faults: Vec::new(),
        }
    }
}

impl Scenario {
    /// Reads a scenario; the error names file and line.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read scenario {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("scenario {}", path.display()))
    }

    /// Parses the text of a scenario; empty text is the default one.
    pub fn parse(text: &str) -> Result<Self> {
        let scenario: Option<Scenario> = serde_yaml::from_str(text)?;
        Ok(scenario.unwrap_or_default())
    }
}

fn loopback<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let address = Option::<SocketAddr>::deserialize(from)?;
    if address.is_some_and(|address| !address.ip().is_loopback()) {
        return Err(serde::de::Error::custom("tunnels lead to loopback addresses only"));
    }
    Ok(address)
}

/// Reads a number of seconds, with a fraction if wanted.
pub fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let number = f64::deserialize(from)?;
    Duration::try_from_secs_f64(number)
        .map_err(|_| serde::de::Error::custom("a number of seconds, 0 or more, is expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_text_is_the_friendly_azure() {
        for text in ["", "---\n", "# nothing\n"] {
            let scenario = Scenario::parse(text).unwrap();
            assert_eq!(scenario.sign_in, SignIn::ServicePrincipal);
            assert_eq!(scenario.role_delay, Duration::from_secs(2));
        }
    }

    #[test]
    fn every_scenario_in_the_repository_is_read() {
        let mut count = 0;
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")).unwrap() {
            Scenario::load(&entry.unwrap().path()).unwrap();
            count += 1;
        }
        assert!(count > 0);
    }

    #[test]
    fn refuses_unknown_keys_and_negative_times() {
        for text in [
            "role_dely: 1",
            "role_delay: -1",
            "sign_in: nobody",
            "faults: [{path: '('}]",
            "tunnel_to: 8.8.8.8:22",
        ] {
            assert!(Scenario::parse(text).is_err(), "{text}");
        }
    }
}
