//! What the infrastructure hands over to the configuration: the typed outputs of a deployment.

use std::net::IpAddr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::resource_id::BastionId;

/// The outputs of `bicep/main.bicep`.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// The names and ids that the playbooks use.
    pub global: GlobalVars,
    /// The same, word for word, for Ansible.
    pub global_document: Value,
    /// The private address of the CycleCloud server.
    pub server_address: IpAddr,
}

/// The keys of `globalVars` that this program itself uses.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GlobalVars {
    /// The Bastion, ours or another's; `None`: this machine reaches private addresses by itself.
    #[serde(rename = "bastionId", deserialize_with = "bastion")]
    pub bastion: Option<BastionId>,
    /// ARM id of the CycleCloud server.
    pub cycleserver_id: String,
    /// The administrator on every VM.
    pub cycleserver_admin: String,
    /// ARM id of the Azure Monitor workspace; empty without monitoring.
    #[serde(default)]
    pub monitor_workspace_id: String,
}

fn bastion<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BastionId>, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.is_empty() {
        return Ok(None);
    }
    let wrong = || D::Error::custom(format!("bastionId is `{id}`, which is not the id of a Bastion"));
    BastionId::parse(&id).map(Some).ok_or_else(wrong)
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
        let unexpected = |what: String| {
            let message = format!("the outputs of {deployment} are not those this program expects: {what}");
            Failure::new(Exit::Deployment, "OutputsIncomplete", message)
                .resource(deployment.to_owned())
                .remedy("run `ccslurm4ai install -b --force` with this version's templates")
        };
        let global_document = find("globalVars").cloned().unwrap_or(Value::Null);
        let global =
            serde_json::from_value(global_document.clone()).map_err(|error| unexpected(error.to_string()))?;
        let address = find("ansible_inventory").and_then(|inventory| {
            inventory.pointer("/all/hosts/cycleserver/ansible_host")?.as_str()?.parse().ok()
        });
        let server_address = address
            .ok_or_else(|| unexpected("ansible_inventory has no address of cycleserver".to_owned()))?;
        Ok(Self { global, global_document, server_address })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BASTION: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/hub/providers/Microsoft.Network/bastionHosts/b";

    fn outputs(global: &str, change: impl FnOnce(&mut Value)) -> Value {
        let values = json!({
            "bastionId": BASTION, "cycleserverId": "/subscriptions/s/vm", "cycleserverAdmin": "cycleadmin",
            "keyVaultName": "kv-1", "loginNodeCount": 3, "vnetName": "vnet",
        });
        let host = json!({ "ansible_host": "10.64.0.68", "ansible_user": "cycleadmin" });
        let inventory = json!({ "all": { "hosts": { "cycleserver": host } } });
        let mut outputs = json!({
            global: { "type": "Object", "value": values },
            "ansible_inventory": { "type": "Object", "value": inventory },
        });
        change(&mut outputs);
        outputs
    }

    #[test]
    fn outputs_are_found_whatever_the_case_of_their_name() {
        for name in ["globalVars", "GlobalVars"] {
            let read = Outputs::read(&outputs(name, |_| ()), "d").unwrap();
            assert_eq!(read.global.bastion.map(|id| id.to_string()).as_deref(), Some(BASTION));
            assert_eq!(read.global_document["vnetName"], "vnet");
            assert_eq!(read.server_address.to_string(), "10.64.0.68");
        }
    }

    #[test]
    fn without_a_bastion_its_id_is_empty() {
        let none = outputs("globalVars", |outputs| outputs["globalVars"]["value"]["bastionId"] = "".into());
        assert_eq!(Outputs::read(&none, "d").unwrap().global.bastion, None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let without = |key: &'static str| {
            outputs("globalVars", |outputs| {
                outputs["globalVars"]["value"].as_object_mut().unwrap().remove(key);
            })
        };
        let cases = [
            (json!(null), "globalVars"),
            (without("bastionId"), "bastionId"),
            (without("cycleserverId"), "cycleserverId"),
            (
                outputs("globalVars", |outputs| outputs["globalVars"]["value"]["bastionId"] = "b".into()),
                "`b`",
            ),
            (
                outputs("globalVars", |outputs| outputs["ansible_inventory"]["value"] = json!({})),
                "cycleserver",
            ),
        ];
        for (document, expected) in &cases[1..] {
            let message = Outputs::read(document, "d").unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(Outputs::read(&cases[0].0, "d").is_err());
    }
}
