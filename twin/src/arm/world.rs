//! What the evaluator and the resource rules may ask about the simulated Azure.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::azure::error::AzureError;

/// A view of the simulated Azure at one moment, for one caller. Ids are compared without regard to case.
pub trait World {
    /// The complete body of a resource, as its GET replies: `{id, name, type, location, properties, …}`. Also
    /// deployments (with `properties.outputs`) and child resources such as subnets.
    fn resource(&self, id: &str) -> Option<Value>;
    /// The write-only parts kept with a resource ([`super::types::Change::Resource`]), null if there are none.
    fn hidden(&self, id: &str) -> Value;
    /// The bodies of every resource of one type (`Microsoft.Compute/virtualMachines`) in a subscription.
    fn resources(&self, subscription: &str, kind: &str) -> Vec<Value>;
    /// `{id, subscriptionId, tenantId, displayName}` of a subscription.
    fn subscription(&self, id: &str) -> Option<Value>;
    /// `{id, name, type, location, tags?, properties}` of a resource group.
    fn resource_group(&self, subscription: &str, name: &str) -> Option<Value>;
    /// Regions of the subscription.
    fn regions(&self) -> Vec<Region>;
    /// Policies that are assigned to the subscription.
    fn policies(&self) -> &[Policy];
    /// The directory (tenant) of the caller.
    fn tenant_id(&self) -> String;
    /// Object id of the caller.
    fn caller_id(&self) -> String;
    /// The value behind a Key Vault reference of a deployment parameter. The error is Azure's
    /// (`KeyVaultParameterReferenceNotFound`, …).
    fn key_vault_secret(
        &self,
        vault_id: &str,
        name: &str,
        version: Option<&str>,
    ) -> Result<String, AzureError>;
    /// What a `list…` function of a template (`listKeys`) gets from a resource. None of our templates reads keys, so
    /// nothing is modelled unless a world says otherwise.
    fn list(&self, action: &str, id: &str) -> Result<Value, AzureError> {
        Err(AzureError::new(501, "NotModelled", format!("the twin does not model '{action}' of '{id}'")))
    }
    /// Kind of the principal with this object id, if the directory knows it.
    fn principal(&self, object_id: &str) -> Option<PrincipalKind>;
    /// Whether the role definition with this bare id (a UUID) exists.
    fn role_definition(&self, id: &str) -> bool;
    /// Body of the soft-deleted vault of this name, in whatever region and group it was.
    fn deleted_vault(&self, name: &str) -> Option<Value>;
    /// Whether a name of the global namespaces (`*.vault.azure.net`, `*.blob.core.windows.net`) belongs to someone
    /// else than the subscriptions of this world.
    fn name_taken_elsewhere(&self, kind: &str, name: &str) -> bool;
    /// A VM size as it is offered to the subscription in a region.
    fn vm_size(&self, subscription: &str, location: &str, name: &str) -> Option<VmSize>;
    /// Limit and usage of a compute quota (`cores`, a family) in a region. Usage counts the VMs of this world.
    fn quota(&self, subscription: &str, location: &str, family: &str) -> Option<Quota>;
    /// A marketplace image version (`latest` is a version too), if the region has it.
    fn image(&self, location: &str, image: &ImageName) -> Option<Image>;
    /// Whether the subscription accepted the terms of a marketplace plan.
    fn terms_accepted(&self, subscription: &str, plan: &Plan) -> bool;
    /// Major and minor versions of a VM extension that a region has, if there is such an extension.
    fn extension_versions(&self, location: &str, publisher: &str, kind: &str) -> Option<Vec<String>>;
    /// Whether a VM runs.
    fn is_running(&self, machine: &str) -> bool;
    /// A fresh id for something that Azure names itself.
    fn new_uuid(&self) -> Uuid;
    /// Now, as Azure writes times (`2026-11-24T10:00:00.0000000Z`).
    fn now(&self) -> String;
}

/// A region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Name as ids have it, `eastus`.
    pub name: String,
    /// Name for people, `East US`.
    pub display: String,
}

/// A policy that denies writes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Name of definition and assignment.
    pub name: String,
    /// Resource type that is meant; without it every type that has tags.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Tag without which a resource is denied; without it every one is.
    pub without_tag: Option<String>,
}

/// Kind of a directory object, spelt as role assignments spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A group.
    Group,
    /// An application or a managed identity.
    ServicePrincipal,
}

impl PrincipalKind {
    /// The spelling in `principalType`.
    pub fn as_str(self) -> &'static str {
        match self {
            PrincipalKind::User => "User",
            PrincipalKind::Group => "Group",
            PrincipalKind::ServicePrincipal => "ServicePrincipal",
        }
    }
}

/// What the rules need of a VM size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmSize {
    /// Name as the size list spells it.
    pub name: String,
    /// Number of virtual CPUs.
    pub vcpus: u32,
    /// Quota family as usages spell it.
    pub family: String,
    /// Zones of the region in which the size may be used.
    pub zones: Vec<String>,
    /// Whether the subscription may not use the size in this region.
    pub restricted: bool,
    /// Whether the size boots generation 2 images.
    pub generation2: bool,
    /// Whether the size has accelerated networking.
    pub accelerated_networking: bool,
    /// Whether the size takes premium disks.
    pub premium_disks: bool,
}

/// A compute quota in vCPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Most vCPUs allowed.
    pub limit: u32,
    /// vCPUs in use.
    pub used: u32,
}

/// A marketplace image's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// Publisher.
    pub publisher: String,
    /// Offer.
    pub offer: String,
    /// SKU.
    pub sku: String,
    /// Version, or `latest`.
    pub version: String,
}

/// A marketplace image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The version that `latest` stands for.
    pub exact_version: String,
    /// The plan whose terms must be accepted, if there is one.
    pub plan: Option<Plan>,
    /// Whether the image is of generation 2.
    pub generation2: bool,
}

/// A marketplace plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Publisher.
    pub publisher: String,
    /// Product (the offer).
    pub product: String,
    /// Name of the plan.
    pub name: String,
}
