//! The simulated Azure as templates and type rules see it.

use serde_json::Value;
use uuid::Uuid;

use super::Azure;
use super::catalog;
use super::error::AzureError;
use super::groups;
use super::network;
use super::offers;
use super::rbac::{self, Action};
use super::state::{Secrets, State};
use super::subscription::{self, SUBSCRIPTION};
use super::tokens::{Caller, TENANT};
use crate::arm::World;
use crate::arm::world::{Image, ImageName, Plan, Policy, PrincipalKind, Quota, Region, VmSize};

/// A look at the state on behalf of a caller.
pub struct View<'a> {
    /// Offers and scenario.
    pub azure: &'a Azure,
    /// The state, locked by whoever looks.
    pub state: &'a State,
    /// Who asks.
    pub caller: &'a Caller,
}

impl View<'_> {
    fn is_ours(&self, id: &str) -> bool {
        id.eq_ignore_ascii_case(SUBSCRIPTION)
    }

    fn secrets(&self, vault_id: &str) -> Option<&Secrets> {
        let vault = self.state.resource(vault_id)?.body["name"].as_str()?.to_ascii_lowercase();
        self.state.secrets.get(&vault)
    }
}

impl World for View<'_> {
    fn resource(&self, id: &str) -> Option<Value> {
        let deployment = || self.state.deployments.get(&super::state::key(id)).map(|one| one.body.clone());
        self.state.resource(id).map(|one| one.body.clone()).or_else(deployment)
    }

    fn hidden(&self, id: &str) -> Value {
        self.state.resource(id).map_or(Value::Null, |one| one.hidden.clone())
    }

    fn resources(&self, subscription: &str, kind: &str) -> Vec<Value> {
        let scope = format!("/subscriptions/{subscription}");
        self.state.resources_of(&scope, kind).map(|one| one.body.clone()).collect()
    }

    fn subscription(&self, id: &str) -> Option<Value> {
        self.is_ours(id).then(|| subscription::body(self.azure))
    }

    fn resource_group(&self, subscription: &str, name: &str) -> Option<Value> {
        let group = self.state.groups.get(&name.to_ascii_lowercase());
        group.filter(|_| self.is_ours(subscription)).map(groups::body)
    }

    fn regions(&self) -> Vec<Region> {
        let region = |one: &catalog::Region| Region { name: one.name.clone(), display: one.display.clone() };
        self.azure.catalog.regions.iter().map(region).collect()
    }

    fn policies(&self) -> &[Policy] {
        &self.azure.scenario.policies
    }

    fn tenant_id(&self) -> String {
        TENANT.into()
    }

    fn caller_id(&self) -> String {
        self.caller.object_id.clone()
    }

    fn key_vault_secret(
        &self,
        vault_id: &str,
        name: &str,
        version: Option<&str>,
    ) -> Result<String, AzureError> {
        let refuse =
            |message: String| AzureError::new(400, "KeyVaultParameterReferenceSecretRetrieveFailed", message);
        let vault = self.state.resource(vault_id).ok_or_else(|| {
            let message = format!("The specified KeyVault '{vault_id}' could not be found. Please see https://aka.ms/arm-keyvault for usage details.");
            AzureError::new(400, "KeyVaultParameterReferenceNotFound", message)
        })?;
        if vault.body["properties"]["enabledForTemplateDeployment"] != true {
            return Err(refuse(format!(
                "The secret of KeyVault parameter cannot be retrieved: the vault '{vault_id}' is not enabled for template deployment. Please see https://aka.ms/arm-keyvault for usage details."
            )));
        }
        let deploy = Action::Control("Microsoft.KeyVault/vaults/deploy/action");
        if !rbac::allowed(self.state, &self.azure.catalog, &self.caller.object_id, deploy, vault_id) {
            let message = format!(
                "The client with object id '{}' does not have permission to perform action '{}' on the specified KeyVault resource '{vault_id}'. Please see https://aka.ms/arm-keyvault for usage details.",
                self.caller.object_id,
                deploy.name()
            );
            return Err(AzureError::new(403, "KeyVaultParameterReferenceAuthorizationFailed", message));
        }
        if network::barrier_to_azure(vault).is_some() {
            return Err(refuse("The secret of KeyVault parameter cannot be retrieved. Http status code: 'Forbidden'. Error message: 'Client address is not authorized and caller is not a trusted service.'. Please see https://aka.ms/arm-keyvault for usage details.".into()));
        }
        let versions = self.secrets(vault_id).and_then(|secrets| secrets.get(&name.to_ascii_lowercase()));
        let found = versions.and_then(|versions| match version {
            None => versions.last(),
            Some(wanted) => versions.iter().find(|one| one.version == wanted),
        });
        let secret = found.ok_or_else(|| refuse(format!("The secret of KeyVault parameter cannot be retrieved. Http status code: 'NotFound'. Error message: 'A secret with (name/id) {name} was not found in this key vault.'. Please see https://aka.ms/arm-keyvault for usage details.")))?;
        Ok(secret.value.clone())
    }

    fn principal(&self, object_id: &str) -> Option<PrincipalKind> {
        self.state.principals.get(object_id).map(|one| match one.kind.as_str() {
            "User" => PrincipalKind::User,
            "Group" => PrincipalKind::Group,
            _ => PrincipalKind::ServicePrincipal,
        })
    }

    fn role_definition(&self, id: &str) -> bool {
        self.azure.catalog.role(id).is_some()
    }

    fn deleted_vault(&self, name: &str) -> Option<Value> {
        self.state.deleted_vaults.get(&name.to_ascii_lowercase()).map(|one| one.vault.body.clone())
    }

    fn name_taken_elsewhere(&self, kind: &str, name: &str) -> bool {
        let taken =
            self.azure.scenario.names_taken.iter().find(|(known, _)| known.eq_ignore_ascii_case(kind));
        taken.is_some_and(|(_, names)| names.iter().any(|one| one.eq_ignore_ascii_case(name)))
    }

    fn vm_size(&self, _: &str, location: &str, name: &str) -> Option<VmSize> {
        let size = self.azure.catalog.size(name, location)?;
        let restriction = offers::restriction(self.azure, &size.name, location);
        let closed = restriction.map(|one| one.zones.clone()).unwrap_or_default();
        Some(VmSize {
            name: size.name.clone(),
            vcpus: size.vcpus,
            family: size.usage().to_owned(),
            zones: size.zones.iter().filter(|zone| !closed.contains(zone)).cloned().collect(),
            restricted: restriction.is_some_and(|one| one.zones.is_empty()),
            generation2: true,
            accelerated_networking: true,
            premium_disks: true,
        })
    }

    fn quota(&self, _: &str, location: &str, family: &str) -> Option<Quota> {
        let quotas = offers::quotas(self.azure, self.state, location);
        let found = quotas.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(family));
        found.map(|(_, (limit, used))| Quota { limit, used })
    }

    fn image(&self, location: &str, image: &ImageName) -> Option<Image> {
        self.azure.catalog.region(location)?;
        let known = self.azure.catalog.images.iter().find(|one| {
            one.publisher.eq_ignore_ascii_case(&image.publisher)
                && one.offer.eq_ignore_ascii_case(&image.offer)
                && one.sku.eq_ignore_ascii_case(&image.sku)
        })?;
        let exact = match image.version.as_str() {
            "latest" => known.versions.last(),
            wanted => known.versions.iter().find(|one| *one == wanted),
        };
        let plan = known.plan.then(|| Plan {
            publisher: known.publisher.clone(),
            product: known.offer.clone(),
            name: known.sku.clone(),
        });
        Some(Image { exact_version: exact?.clone(), plan, generation2: true })
    }

    fn terms_accepted(&self, _: &str, plan: &Plan) -> bool {
        let wanted = format!("{}/{}/{}", plan.publisher, plan.product, plan.name).to_ascii_lowercase();
        self.state.terms_accepted.contains(&wanted)
    }

    fn extension_versions(&self, location: &str, publisher: &str, kind: &str) -> Option<Vec<String>> {
        self.azure.catalog.region(location)?;
        let known =
            self.azure.catalog.extensions.iter().find(|one| {
                one.publisher.eq_ignore_ascii_case(publisher) && one.kind.eq_ignore_ascii_case(kind)
            });
        known.map(|one| one.versions.clone())
    }

    fn is_running(&self, machine: &str) -> bool {
        !self.state.deallocated.contains(&super::state::key(machine))
    }

    fn new_uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn now(&self) -> String {
        super::now()
    }
}
