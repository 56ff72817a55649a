//! What the simulated Azure remembers.
//!
//! Seam to `arm`: its type rules get the written body and what was there, and return the body that a GET answers;
//! the engine here stores it. Look-ups are by resource id, whose letter case Azure ignores.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::locks::Lock;
use crate::arm::types::INSTANCE;

/// A resource id as a key: Azure ignores letter case in ids.
pub fn key(id: &str) -> String {
    id.trim_end_matches('/').to_ascii_lowercase()
}

/// One resource of any type, as stored.
#[derive(Clone, Debug, Serialize)]
pub struct Resource {
    /// Canonical id, in the spelling of the first write.
    pub id: String,
    /// Type with namespace, `Microsoft.Network/virtualNetworks/subnets`.
    #[serde(rename = "type")]
    pub kind: String,
    /// api-version of the last write.
    pub api_version: String,
    /// What a GET answers: id, name, type, location, tags, properties, identity …
    pub body: Value,
    /// Write-only parts of the last PUT (`customData`, `adminPassword` …) that no reply carries.
    #[serde(skip)]
    pub hidden: Value,
}

impl Resource {
    /// Whether it has a life of its own: only such ones are in lists of a group's resources.
    pub fn is_tracked(&self) -> bool {
        let is = |kind: &str| self.kind.eq_ignore_ascii_case(kind);
        self.body.get("location").is_some() && !is("Microsoft.KeyVault/vaults/secrets") && !is(INSTANCE)
    }
}

/// A resource group.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Name in the spelling of the first write.
    pub name: String,
    /// Region.
    pub location: String,
    /// Tags, absent when never given.
    pub tags: Option<Map<String, Value>>,
    /// The resource that the group belongs to, and with which it goes.
    pub managed_by: Option<String>,
    /// `Succeeded` or `Deleting`.
    pub provisioning_state: String,
}

/// A role assignment; effective only `role_delay` after it was written.
#[derive(Clone, Debug, Serialize)]
pub struct RoleAssignment {
    /// Canonical id.
    pub id: String,
    /// Scope: subscription, group or resource id.
    pub scope: String,
    /// Guid of the role definition.
    pub role: String,
    /// Object id of the principal.
    pub principal: String,
    /// `User`, `Group` or `ServicePrincipal`.
    pub principal_type: String,
    /// Object id of who wrote it.
    pub created_by: String,
    /// When it was written.
    pub created: jiff::Timestamp,
    /// From when on it counts.
    pub effective: jiff::Timestamp,
}

/// One version of a Key Vault secret.
#[derive(Clone, Debug)]
pub struct SecretVersion {
    /// Name of the secret in the spelling of its first write.
    pub name: String,
    /// 32 hex digits.
    pub version: String,
    /// The secret itself: never serialized.
    pub value: String,
    /// Content type, tags and such as they were given.
    pub extra: Map<String, Value>,
    /// Seconds since 1970.
    pub created: i64,
}

impl Serialize for SecretVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({"version": self.version, "sha256": fingerprint(&self.value), "created": self.created})
            .serialize(serializer)
    }
}

/// SHA-256 in hex: tells values apart without showing them.
pub fn fingerprint(value: &str) -> String {
    Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Versions of each secret of a vault, oldest first, by secret name in lower case.
pub type Secrets = BTreeMap<String, Vec<SecretVersion>>;

/// A soft-deleted vault.
#[derive(Clone, Debug, Serialize)]
pub struct DeletedVault {
    /// The vault as it was.
    pub vault: Resource,
    /// What Azure Resource Manager knew below it.
    pub parts: Vec<Resource>,
    /// Its secrets.
    pub secrets: Secrets,
    /// When it was deleted.
    pub deleted: jiff::Timestamp,
}

/// A blob in a storage account.
#[derive(Clone, Debug, Serialize)]
pub struct Blob {
    /// Length in bytes.
    pub length: usize,
    /// SHA-256 of the content.
    pub sha256: String,
    /// `Content-Type` of the upload.
    pub content_type: String,
    /// Entity tag.
    pub etag: String,
    /// Last change.
    pub modified: jiff::Timestamp,
    /// The content.
    #[serde(skip)]
    pub content: Vec<u8>,
}

/// A deployment, at the scope in its id.
#[derive(Clone, Debug, Serialize)]
pub struct Deployment {
    /// Canonical id.
    pub id: String,
    /// Deployment name.
    pub name: String,
    /// Id of its operation, the end of the `operationStatuses` address.
    pub operation: String,
    /// What a GET answers.
    pub body: Value,
    /// Its operations as the list shows them.
    pub operations: Vec<Value>,
    /// Error of a failed one, as `operationStatuses` tells it.
    pub error: Option<Value>,
    /// A cancel was asked for.
    pub cancel: bool,
}

impl Deployment {
    /// `Accepted`, `Running`, `Succeeded`, `Failed` or `Canceled`.
    pub fn provisioning_state(&self) -> &str {
        self.body["properties"]["provisioningState"].as_str().unwrap_or_default()
    }

    /// Whether it has not come to an end yet.
    pub fn active(&self) -> bool {
        matches!(self.provisioning_state(), "Accepted" | "Running" | "Canceling")
    }
}

/// A user, service principal or managed identity of the simulated tenant.
#[derive(Clone, Debug, Serialize)]
pub struct Principal {
    /// Object id.
    pub object_id: String,
    /// Application (client) id; for users the one of az itself.
    pub app_id: String,
    /// `User` or `ServicePrincipal`.
    pub kind: String,
    /// Display name; for users the user principal name.
    pub name: String,
    /// Client secret or password.
    #[serde(skip)]
    pub secret: Option<String>,
}

/// Everything simulated, apart from what runs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// Resource groups by name in lower case.
    pub groups: BTreeMap<String, Group>,
    /// Resources by [`key`] of their id.
    pub resources: BTreeMap<String, Resource>,
    /// Role assignments by [`key`] of their id.
    pub role_assignments: BTreeMap<String, RoleAssignment>,
    /// Secrets by vault name in lower case.
    pub secrets: BTreeMap<String, Secrets>,
    /// Soft-deleted vaults by name in lower case.
    pub deleted_vaults: BTreeMap<String, DeletedVault>,
    /// Blobs by `account/container/path`.
    pub blobs: BTreeMap<String, Blob>,
    /// [`key`]s of VMs that are deallocated.
    pub deallocated: BTreeSet<String>,
    /// Management locks by [`key`] of their id.
    pub locks: BTreeMap<String, Lock>,
    /// Deployments by [`key`] of their id.
    pub deployments: BTreeMap<String, Deployment>,
    /// Principals by object id.
    pub principals: BTreeMap<String, Principal>,
    /// Accepted marketplace agreements, `publisher/offer/plan` in lower case.
    pub terms_accepted: Vec<String>,
    /// Registered resource providers that a scenario or request changed, by namespace in lower case.
    pub registrations: BTreeMap<String, String>,
}

impl State {
    /// The resource with this id.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.get(&key(id))
    }

    /// Resources of a type below a scope (`/subscriptions/…` or a group's id), in the order of their ids.
    pub fn resources_of<'a>(&'a self, scope: &str, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        let prefix = format!("{}/", key(scope));
        self.resources
            .iter()
            .filter(move |(id, resource)| id.starts_with(&prefix) && resource.kind.eq_ignore_ascii_case(kind))
            .map(|(_, resource)| resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_secret_is_only_its_hash() {
        let version = SecretVersion {
            name: "n".into(),
            version: "v".into(),
            value: "canary".into(),
            extra: Map::new(),
            created: 1,
        };
        let printed = serde_json::to_string(&version).unwrap();
        assert!(!printed.contains("canary"));
        assert!(printed.contains(&fingerprint("canary")));
    }
}
