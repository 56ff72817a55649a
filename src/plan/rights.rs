//! The rights that a deployment gives, to whom and where: `roles.json` with the scopes of this configuration.

use serde::{Deserialize, Serialize};

use super::changes::kind_and_name;
use crate::azure::whatif::{Change, Prediction};
use crate::config::{Config, Network, SubscriptionReader};
use crate::infrastructure::Site;

/// An entry of `roles.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Role {
    name: String,
    scope: String,
    principal: String,
    why: String,
}

/// A right that is given.
#[derive(Debug, Serialize)]
pub struct Right {
    /// The role's name.
    pub role: String,
    /// Whom it is given to.
    pub to: String,
    /// Where it counts: an ARM id, where that is known beforehand.
    pub at: String,
    /// What for.
    pub why: String,
}

/// What the scopes of roles are called and where they are.
struct Scopes<'a> {
    site: &'a Site<'a>,
    prediction: &'a Prediction,
}

/// The rights that a deployment of this configuration gives; `prediction` knows the resources.
pub fn of(roles: &[Role], site: &Site<'_>, prediction: &Prediction) -> Vec<Right> {
    let scopes = Scopes { site, prediction };
    let wanted = roles.iter().filter(|role| is_wanted(&role.scope, site.config));
    let right = |role: &Role| Right {
        role: role.name.clone(),
        to: scopes.principal(&role.principal),
        at: scopes.place(&role.scope),
        why: role.why.clone(),
    };
    wanted.map(right).collect()
}

/// Whether the template gives the roles of `scope` with this configuration.
fn is_wanted(scope: &str, config: &Config) -> bool {
    match scope {
        "subscription" => config.subscription_reader == SubscriptionReader::Assign,
        "computeSubnet" => matches!(config.network, Network::Existing(_)),
        "dataCollectionRule" | "monitorWorkspace" | "grafana" => config.monitoring,
        _ => true,
    }
}

impl Scopes<'_> {
    /// The one resource of type `kind` that the template makes.
    fn id(&self, kind: &str) -> Option<&str> {
        let is_of = |change: &&Change| kind_and_name(&change.id).0.eq_ignore_ascii_case(kind);
        self.prediction.will_be().find(is_of).map(|change| change.id.as_str())
    }

    fn place(&self, scope: &str) -> String {
        let Site { config, az, vault, .. } = *self.site;
        let subscription = format!("/subscriptions/{}", az.subscription());
        let made = |kind: &str| self.id(kind).map(str::to_owned);
        let known = match (scope, &config.network) {
            ("subscription", _) => Some(subscription),
            ("resourceGroup", _) => Some(self.site.group_id()),
            ("keyVault", _) => Some(vault.id()),
            ("computeSubnet", Network::Existing(network)) => Some(network.subnets.compute.to_string()),
            ("locker", _) => made("Microsoft.Storage/storageAccounts"),
            ("monitorWorkspace", _) => made("Microsoft.Monitor/accounts"),
            ("grafana", _) => made("Microsoft.Dashboard/grafana"),
            ("dataCollectionRule", _) => self.data_collection_rule(&subscription),
            _ => None,
        };
        known.unwrap_or_else(|| format!("{scope} (its id is not known yet)"))
    }

    /// The rule that Azure makes for a workspace, in a group of its own. Source: learn.microsoft.com,
    /// azure-monitor/metrics/azure-monitor-workspace-overview.
    fn data_collection_rule(&self, subscription: &str) -> Option<String> {
        let (_, workspace) = kind_and_name(self.id("Microsoft.Monitor/accounts")?);
        let group = format!("MA_{workspace}_{}_managed", self.site.config.region);
        Some(format!(
            "{subscription}/resourceGroups/{group}/providers/Microsoft.Insights/dataCollectionRules/{workspace}"
        ))
    }

    fn principal(&self, principal: &str) -> String {
        let (who, kind) = match principal {
            "server" => ("the CycleCloud server", "Microsoft.Compute/virtualMachines"),
            "locker" => ("all nodes", "Microsoft.ManagedIdentity/userAssignedIdentities"),
            "grafana" => ("Grafana", "Microsoft.Dashboard/grafana"),
            "caller" => return format!("you ({})", self.site.caller.object_id),
            other => return other.to_owned(),
        };
        match self.id(kind) {
            Some(id) => format!("{who} ({})", kind_and_name(id).1),
            None => who.to_owned(),
        }
    }
}
