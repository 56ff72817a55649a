//! What secure mode asks of a VM: an identity of its own, patches as its image has them, two extensions.

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::az::Az;
use super::failed::{AzError, Kind};
use super::step::Step;

const API: &str = "2025-04-01";
/// An extension is downloaded and installed inside the VM; Azure itself gives up after 90 minutes
/// (Microsoft's documentation, "Virtual machine extensions and features for Linux").
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The image decides about patches.
const PATCH_MODE: &str = "ImageDefault";

/// A VM extension. Publisher and type are the documentation's: "Sign in to a Linux virtual machine in Azure
/// by using Microsoft Entra ID and OpenSSH", and "Azure machine configuration extension", which also gives
/// the instance's name that policies look for.
#[derive(Debug, Clone, Deserialize)]
pub struct Extension {
    /// Name of the instance on a VM.
    name: String,
    publisher: String,
    #[serde(rename = "type")]
    kind: String,
    /// Major and minor; Azure takes the newest minor one.
    version: String,
}

impl Extension {
    /// Those of `versions.json`.
    ///
    /// # Errors
    /// When the file has none.
    pub fn of(versions: &Value) -> anyhow::Result<Vec<Self>> {
        serde_json::from_value(versions["vmExtensions"].clone()).context("versions.json, vmExtensions")
    }
}

/// A VM, looked at.
pub enum Machine {
    /// It runs; what it lacks, in the order in which it is given.
    Running(Vec<Step>),
    /// Extensions go into running Linux VMs only; the name of one that is not.
    Other(String),
}

/// The names of the VMs of `group`; none when the group does not exist.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn names(az: &Az<'_>, group: &str) -> Result<Vec<String>, AzError> {
    let vms = az.rest_list_if_any(&format!("{}?api-version={API}", all(az, group)), "listing the VMs")?;
    Ok(vms.iter().filter_map(|vm| vm["name"].as_str().map(str::to_owned)).collect())
}

fn all(az: &Az<'_>, group: &str) -> String {
    format!("{}/providers/Microsoft.Compute/virtualMachines", az.group_id(group))
}

/// Looks at a VM; `None` when it is gone by now.
///
/// # Errors
/// As [`Az::rest_get`].
pub fn look(
    az: &Az<'_>,
    group: &str,
    name: &str,
    extensions: &[Extension],
) -> Result<Option<Machine>, AzError> {
    let id = format!("{}/{name}", all(az, group));
    let vm = match az.rest_get(&format!("{id}?$expand=instanceView&api-version={API}"), "reading a VM") {
        Err(AzError { kind: Kind::NotFound(_), .. }) => return Ok(None),
        vm => vm?,
    };
    if !is_running(&vm) || vm["properties"]["storageProfile"]["osDisk"]["osType"] == "Windows" {
        return Ok(Some(Machine::Other(name.to_owned())));
    }
    let mut steps: Vec<Step> = update(az, &id, name, &vm).into_iter().collect();
    let lacking = extensions.iter().filter(|extension| !has(&vm, extension));
    steps.extend(lacking.map(|extension| install(az, group, name, extension)));
    Ok(Some(Machine::Running(steps)))
}

fn is_running(vm: &Value) -> bool {
    let statuses = vm["properties"]["instanceView"]["statuses"].as_array();
    statuses.into_iter().flatten().any(|status| status["code"] == "PowerState/running")
}

/// One PATCH of what is not as wanted; documented for the patch mode in "Configure schedule patching on Azure
/// VMs".
fn update(az: &Az<'_>, id: &str, name: &str, vm: &Value) -> Option<Step> {
    let (mut body, mut what) = (Map::new(), Vec::new());
    if let Some(identity) = with_own(&vm["identity"]) {
        body.insert("identity".into(), identity);
        what.push("a system-assigned identity");
    }
    let mode = &vm["properties"]["osProfile"]["linuxConfiguration"]["patchSettings"]["patchMode"];
    if mode.as_str().is_some_and(|mode| mode != PATCH_MODE) {
        let settings = json!({ "linuxConfiguration": { "patchSettings": { "patchMode": PATCH_MODE } } });
        body.insert("properties".into(), json!({ "osProfile": settings }));
        what.push("the patch mode ImageDefault");
    }
    let properties = Value::Object(body).to_string();
    let command = az
        .command(&["resource", "patch", "--ids", id, "--api-version", API, "--is-full-object"])
        .args(["--properties", &properties])
        .timeout(LIMIT);
    (!what.is_empty()).then(|| Step::new(format!("{name}: {}", what.join(" and ")), command))
}

/// The identity with one of the VM's own, if it lacks that. Azure takes away the user's identities that are
/// not named again (documentation, "Configure managed identities on Azure VMs", REST).
fn with_own(identity: &Value) -> Option<Value> {
    if identity["type"].as_str().is_some_and(|kind| kind.contains("SystemAssigned")) {
        return None;
    }
    let users: Map<String, Value> = identity["userAssignedIdentities"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(id, _)| (id.clone(), json!({})))
        .collect();
    Some(match users.is_empty() {
        true => json!({ "type": "SystemAssigned" }),
        false => json!({ "type": "SystemAssigned, UserAssigned", "userAssignedIdentities": users }),
    })
}

/// Whether the VM has the extension, whatever its instance is called: Azure refuses a second one of a type.
/// One that failed is as good as none.
fn has(vm: &Value, extension: &Extension) -> bool {
    let same =
        |found: &Value, wanted: &str| found.as_str().is_some_and(|found| found.eq_ignore_ascii_case(wanted));
    vm["resources"].as_array().into_iter().flatten().any(|found| {
        let properties = &found["properties"];
        same(&properties["publisher"], &extension.publisher)
            && same(&properties["type"], &extension.kind)
            && properties["provisioningState"] != "Failed"
    })
}

fn install(az: &Az<'_>, group: &str, vm: &str, extension: &Extension) -> Step {
    let Extension { name, publisher, kind, version } = extension;
    let command = az
        .command(&["vm", "extension", "set", "--resource-group", group, "--vm-name", vm])
        .args(["--publisher", publisher, "--name", kind, "--version", version])
        .args(["--extension-instance-name", name])
        .timeout(LIMIT);
    Step::new(format!("{vm}: the extension {kind}"), command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_identities_are_named_again() {
        let users = json!({ "/i/locker": { "principalId": "p", "clientId": "c" } });
        let cases = [
            (json!(null), Some(json!({ "type": "SystemAssigned" }))),
            (json!({ "type": "None" }), Some(json!({ "type": "SystemAssigned" }))),
            (
                json!({ "type": "UserAssigned", "userAssignedIdentities": users }),
                Some(
                    json!({ "type": "SystemAssigned, UserAssigned", "userAssignedIdentities": { "/i/locker": {} } }),
                ),
            ),
            (json!({ "type": "SystemAssigned", "principalId": "p" }), None),
            (json!({ "type": "SystemAssigned, UserAssigned", "userAssignedIdentities": users }), None),
        ];
        for (identity, expected) in cases {
            assert_eq!(with_own(&identity), expected, "{identity}");
        }
    }

    #[test]
    fn an_extension_counts_by_its_type_unless_it_failed() {
        let wanted = Extension {
            name: "AzurePolicyforLinux".into(),
            publisher: "Microsoft.GuestConfiguration".into(),
            kind: "ConfigurationforLinux".into(),
            version: String::new(),
        };
        let vm = |publisher: &str, kind: &str, state: &str| {
            json!({ "resources": [{ "name": "any", "properties":
                { "publisher": publisher, "type": kind, "provisioningState": state } }] })
        };
        let cases = [
            (json!({}), false),
            (vm("microsoft.guestconfiguration", "ConfigurationForLinux", "Succeeded"), true),
            (vm("Microsoft.GuestConfiguration", "ConfigurationforLinux", "Updating"), true),
            (vm("Microsoft.GuestConfiguration", "ConfigurationforLinux", "Failed"), false),
            (vm("Microsoft.GuestConfiguration", "ConfigurationforWindows", "Succeeded"), false),
        ];
        for (vm, expected) in cases {
            assert_eq!(has(&vm, &wanted), expected, "{vm}");
        }
    }
}
