//! The parameters of `bicep/main.bicep`, and the hash by which a re-run knows that nothing changed.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::azure::account::{Caller, Subscription};
use crate::azure::vault::{Secret, Vault};
use crate::config::{Config, SubscriptionReader};
use crate::keys::PublicKey;

/// The secrets that a deployment writes.
#[derive(Debug, Clone, Default)]
pub struct NewSecrets {
    /// Those the vault lacks, with their values.
    pub values: Vec<(Secret, String)>,
}

/// What `config.yaml` decides: everything that makes a deployment different from the last one.
pub fn of_config(config: &Config, vault_name: &str) -> Map<String, Value> {
    let reader = match config.subscription_reader {
        SubscriptionReader::Assign => "assign",
        SubscriptionReader::Existing => "existing",
    };
    let parameters = json!({
        "location": config.region,
        "clusterName": config.cluster_name,
        "adminUser": config.admin_user,
        "keyVaultName": vault_name,
        "addressSpace": config.network.address_space,
        "serverSku": config.server_sku,
        "loginNodeCount": config.login_nodes,
        "subscriptionReader": reader,
        "zone": config.zone.clone().unwrap_or_default(),
        "tags": config.tags,
    });
    match parameters {
        Value::Object(map) => map,
        _ => Map::new(),
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
pub fn document(
    of_config: Map<String, Value>,
    input_hash: &str,
    (caller, subscription): (&Caller, &Subscription),
    vault: &Vault<'_>,
    public_key: &PublicKey,
    new: &NewSecrets,
) -> Value {
    let mut parameters: Map<String, Value> =
        of_config.into_iter().map(|(name, value)| (name, json!({ "value": value }))).collect();
    let mut set = |name: &str, value: Value| parameters.insert(name.to_owned(), json!({ "value": value }));
    set("inputHash", json!(input_hash));
    set("subscriptionName", json!(subscription.name));
    set("callerObjectId", json!(caller.object_id));
    set("callerPrincipalType", json!(caller.principal_type.as_str()));
    set("createSecrets", new.values.iter().map(|(secret, _)| secret.name()).collect());
    for (secret, value) in &new.values {
        match secret {
            Secret::SshPrivateKey => set("sshPrivateKey", json!(value)),
            Secret::CycleCloudPwd => set("cycleCloudPassword", json!(value)),
            Secret::SshPublicKey => None,
        };
    }
    let public = match public_key {
        PublicKey::Line(line) => json!({ "value": line }),
        PublicKey::InVault => json!({
            "reference": {
                "keyVault": { "id": vault.id() },
                "secretName": vault.secret_name(Secret::SshPublicKey),
            }
        }),
    };
    parameters.insert("sshPublicKey".to_owned(), public);
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
        "parameters": parameters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_changes_with_each_input_and_with_nothing_else() {
        let map = |region: &str| json!({ "location": region }).as_object().cloned().unwrap();
        let base = input_hash(b"template", &map("eastus"), None);
        assert_eq!(base, input_hash(b"template", &map("eastus"), None));
        assert_ne!(base, input_hash(b"templat2", &map("eastus"), None));
        assert_ne!(base, input_hash(b"template", &map("westus"), None));
        assert_ne!(base, input_hash(b"template", &map("eastus"), Some("ssh-rsa A")));
    }
}
