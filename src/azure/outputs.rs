//! What the infrastructure hands over to the configuration: the typed outputs of a deployment.

use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Exit, Failure};

/// The outputs of `bicep/main.bicep`.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// The names and ids that the playbooks use.
    pub global: GlobalVars,
    /// The same, word for word, for Ansible.
    pub global_document: Value,
}

/// The keys of `globalVars` that this program itself uses.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GlobalVars {
    /// The Bastion host.
    pub bastion_name: String,
    /// ARM id of the CycleCloud server.
    pub cycleserver_id: String,
    /// The administrator on every VM.
    pub cycleserver_admin: String,
}

impl Outputs {
    /// Reads ARM's `{name: {type, value}}`; ARM may change the case of a name's first letter.
    ///
    /// # Errors
    /// [`Exit::Deployment`] when an output is missing: then the template is not ours.
    pub fn read(document: &Value, deployment: &str) -> anyhow::Result<Self> {
        let find = |name: &str| {
            let outputs = document.as_object()?;
            outputs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, output)| &output["value"])
        };
        let global_document = find("globalVars").cloned().unwrap_or(Value::Null);
        let global = serde_json::from_value(global_document.clone()).map_err(|error| {
            let message = format!("the outputs of {deployment} are not those this program expects: {error}");
            Failure::new(Exit::Deployment, "OutputsIncomplete", message)
                .resource(deployment.to_owned())
                .remedy("run `ccslurm4ai install -b --force` with this version's templates")
        })?;
        Ok(Self { global, global_document })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn globals() -> Value {
        json!({
            "bastionName": "bastion", "cycleserverId": "/subscriptions/s/vm", "cycleserverAdmin": "cycleadmin",
            "keyVaultName": "kv-1", "loginNodeCount": 3, "vnetName": "vnet",
        })
    }

    #[test]
    fn outputs_are_found_whatever_the_case_of_their_name() {
        for name in ["globalVars", "GlobalVars"] {
            let outputs =
                Outputs::read(&json!({ name: { "type": "Object", "value": globals() } }), "d").unwrap();
            assert_eq!(outputs.global.bastion_name, "bastion");
            assert_eq!(outputs.global_document["vnetName"], "vnet");
        }
    }

    #[test]
    fn a_missing_output_is_named() {
        let mut values = globals();
        values.as_object_mut().unwrap().remove("bastionName");
        let documents = [json!(null), json!({ "globalVars": { "type": "Object", "value": values } })];
        let messages: Vec<_> =
            documents.iter().map(|document| Outputs::read(document, "d").unwrap_err().to_string()).collect();
        assert!(messages[1].contains("bastionName"), "{messages:?}");
    }
}
