//! The parameters of `bicep/main.bicep`, and the hash by which a re-run knows that nothing changed.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::azure::account::{Caller, Subscription};
use crate::azure::private_dns::ZoneIds;
use crate::azure::vault::{Secret, Vault};
use crate::config::{Config, Network, Storage, SubscriptionReader};
use crate::keys::PublicKey;

/// The secrets that a deployment writes or refers to.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Those the vault lacks, with their values.
    pub new: Vec<(Secret, String)>,
    /// The key that opens the VMs.
    pub public_key: PublicKey,
    /// Whether the database's password is needed.
    pub my_sql: bool,
}

/// What comes from neither `config.yaml` nor the template.
pub struct Run<'a> {
    /// Who deploys.
    pub caller: &'a Caller,
    /// Where.
    pub subscription: &'a Subscription,
    /// The cluster's vault.
    pub vault: &'a Vault<'a>,
    /// Whether the vault's firewall denies by default now.
    pub vault_denies: bool,
    /// Its secrets.
    pub secrets: &'a Secrets,
}

/// What `config.yaml` decides: everything that makes a deployment different from the last one. `zones` are those
/// found for it.
pub fn of_config(config: &Config, vault_name: &str, zones: &ZoneIds) -> Map<String, Value> {
    let reader = match config.subscription_reader {
        SubscriptionReader::Assign => "assign",
        SubscriptionReader::Existing => "existing",
    };
    let parameters = json!({
        "location": config.region,
        "clusterName": config.cluster_name,
        "adminUser": config.admin_user,
        "keyVaultName": vault_name,
        "network": network(&config.network, zones),
        "storage": storage(&config.storage),
        "accounting": config.accounting,
        "monitoring": config.monitoring,
        "serverSku": config.server_sku,
        "loginNodeCount": config.login_nodes,
        "subscriptionReader": reader,
        "zone": config.zone.clone().unwrap_or_default(),
        "tags": config.tags,
        "monitorTags": config.monitor_tags,
    });
    match parameters {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn network(network: &Network, zones: &ZoneIds) -> Value {
    let network = match network {
        Network::New { address_space } => return json!({ "type": "new", "addressSpace": address_space }),
        Network::Existing(network) => network,
    };
    let subnets = &network.subnets;
    let text = |id: Option<String>| id.unwrap_or_default();
    json!({
        "type": "existing",
        "subnets": {
            "cyclecloud": subnets.cyclecloud.to_string(),
            "compute": subnets.compute.to_string(),
            "anf": text(subnets.anf.as_ref().map(ToString::to_string)),
            "endpoints": subnets.endpoints.to_string(),
        },
        "bastionId": text(network.bastion.as_ref().map(ToString::to_string)),
        "privateDns": network.private_dns.as_str(),
        "privateDnsZoneIds": { "vault": zones.vault, "blob": zones.blob, "mySql": zones.my_sql },
    })
}

fn storage(storage: &Storage) -> Value {
    match storage {
        Storage::NetApp { service_level, size_tib } => {
            json!({ "type": "anf", "serviceLevel": service_level, "sizeTiB": size_tib })
        }
        Storage::Nfs { size_gib } => json!({ "type": "nfs", "sizeGiB": size_gib }),
        Storage::Existing { address, export_path, mount_options } => json!({
            "type": "existing", "address": address, "exportPath": export_path, "mountOptions": mount_options,
        }),
    }
}

/// Hash of the template and of what comes from the configuration: no secrets, no caller.
pub fn input_hash(template: &[u8], of_config: &Map<String, Value>, own_public_key: Option<&str>) -> String {
    let mut hash = Sha256::new();
    hash.update(template);
    hash.update(Value::Object(of_config.clone()).to_string());
    hash.update(own_public_key.unwrap_or_default());
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The parameter document, secrets included: it goes to az through standard input only.
pub fn document(of_config: Map<String, Value>, input_hash: &str, run: &Run<'_>) -> Value {
    let mut parameters: Map<String, Value> =
        of_config.into_iter().map(|(name, value)| (name, json!({ "value": value }))).collect();
    let mut set = |name: &str, value: Value| {
        parameters.insert(name.to_owned(), value);
    };
    for (name, value) in [
        ("inputHash", input_hash),
        ("subscriptionName", &run.subscription.name),
        ("callerObjectId", &run.caller.object_id),
        ("callerPrincipalType", run.caller.principal_type.as_str()),
        ("keyVaultDefaultAction", if run.vault_denies { "Deny" } else { "Allow" }),
    ] {
        set(name, json!({ "value": value }));
    }
    let Secrets { new, public_key, my_sql } = run.secrets;
    let names: Vec<_> = new.iter().map(|(secret, _)| secret.name()).collect();
    set("createSecrets", json!({ "value": names }));
    for (secret, value) in new {
        if let Some(name) = parameter(*secret) {
            set(name, json!({ "value": value }));
        }
    }
    let stored = |secret| {
        let name = run.vault.secret_name(secret);
        json!({ "reference": { "keyVault": { "id": run.vault.id() }, "secretName": name } })
    };
    if *my_sql && !new.iter().any(|(secret, _)| *secret == Secret::MySqlPwd) {
        set("mySqlPassword", stored(Secret::MySqlPwd));
    }
    let public = match public_key {
        PublicKey::Line(line) => json!({ "value": line }),
        PublicKey::InVault => stored(Secret::SshPublicKey),
    };
    set("sshPublicKey", public);
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
        "parameters": parameters,
    })
}

/// The parameter that takes the value of a new secret; the public key's is set in any case.
fn parameter(secret: Secret) -> Option<&'static str> {
    match secret {
        Secret::SshPrivateKey => Some("sshPrivateKey"),
        Secret::CycleCloudPwd => Some("cycleCloudPassword"),
        Secret::MySqlPwd => Some("mySqlPassword"),
        Secret::SshPublicKey => None,
    }
}

#[cfg(test)]
mod tests;
