//! What each resource provider accepts, and what it adds to a body: one file a type family.
//!
//! The same rules serve a deployment's resources and direct PUTs.

use serde_json::Value;

/// A resource as it is asked for.
#[derive(Debug, Clone)]
pub struct Put {
    /// Full id of the resource.
    pub id: String,
    /// api-version of the request.
    pub api_version: String,
    /// The request's body.
    pub body: Value,
}

/// What a PUT changes. The first change of a PUT is always the resource itself.
#[derive(Debug, Clone)]
pub enum Change {
    /// This resource now reads so.
    Resource {
        /// Full id.
        id: String,
        /// What a GET answers when the operation has come to its end (`provisioningState` is `Succeeded`).
        body: Value,
        /// Write-only parts (`customData`, `adminPassword`), an object; no reply carries them.
        hidden: Value,
    },
    /// A managed identity: the directory knows this service principal from now on.
    Principal {
        /// Object id (`principalId`).
        object_id: String,
        /// Application id (`clientId`).
        app_id: String,
        /// Display name.
        name: String,
    },
    /// A new version of a Key Vault secret, for the data plane: Azure makes one with every write.
    Secret {
        /// Id of the vault.
        vault: String,
        /// Name of the secret.
        name: String,
        /// 32 hex digits.
        version: String,
        /// The secret itself.
        value: String,
    },
}

/// What providers refuse before a deployment runs, as details of its error: what needs no resource that the deployment
/// itself makes.
pub fn preflight(_puts: &[Put], _world: &dyn crate::arm::World) -> Vec<crate::azure::error::AzureError> {
    Vec::new()
}
