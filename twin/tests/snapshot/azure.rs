//! A world that takes every resource as it is put, and adds what providers make up: values of its own for each resource,
//! so that a reference to the wrong one shows.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ccslurm4ai_twin::arm::World;
use ccslurm4ai_twin::arm::id::ResourceId;
use ccslurm4ai_twin::arm::types::Put;
use ccslurm4ai_twin::arm::world::{Image, ImageName, Plan, Policy, PrincipalKind, Quota, Region, VmSize};
use ccslurm4ai_twin::azure::error::AzureError;
use serde_json::{Value, json};
use uuid::Uuid;

/// Directory that predictions are made for.
pub const TENANT: &str = "00000000-0000-0000-0000-000000000002";

/// The state: bodies by id in lower case.
#[derive(Default)]
pub struct Azure {
    resources: RefCell<BTreeMap<String, Value>>,
}

impl Azure {
    /// Stores a resource.
    pub fn put(&self, put: &Put) {
        let mut body = put.body.clone();
        let id = ResourceId::parse(&put.id).expect("an id");
        body["id"] = json!(put.id);
        body["name"] = json!(id.last_name());
        body["type"] = json!(id.kind);
        made_up(&id, &mut body);
        self.resources.borrow_mut().insert(put.id.to_lowercase(), body);
    }

    /// Stores the outputs of a nested deployment.
    pub fn deployed(&self, id: &str, outputs: Value) {
        let body = json!({"id": id, "properties": {"outputs": outputs}});
        self.resources.borrow_mut().insert(id.to_lowercase(), body);
    }
}

/// A value that only this resource has.
fn own(id: &ResourceId, what: &str) -> Value {
    json!(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}#{what}", id.full).as_bytes()).to_string())
}

fn made_up(id: &ResourceId, body: &mut Value) {
    let names: &[&str] = match id.kind.to_lowercase().as_str() {
        "microsoft.compute/virtualmachines" => {
            body["identity"]["principalId"] = own(id, "principalId");
            &[]
        }
        "microsoft.network/networkinterfaces" => {
            for configuration in body["properties"]["ipConfigurations"].as_array_mut().expect("a list") {
                let properties = configuration["properties"].as_object_mut().expect("an object");
                // A declared address, even null, is what the official evaluator reads back.
                properties.entry("privateIPAddress").or_insert_with(|| own(id, "privateIPAddress"));
            }
            &[]
        }
        "microsoft.network/privateendpoints" => {
            body["properties"]["networkInterfaces"] = json!([{"id": own(id, "networkInterface")}]);
            &[]
        }
        "microsoft.managedidentity/userassignedidentities" => &["principalId", "clientId"],
        "microsoft.keyvault/vaults" => &["vaultUri"],
        "microsoft.keyvault/vaults/secrets" => &["secretUri", "secretUriWithVersion"],
        "microsoft.dbformysql/flexibleservers" => &["fullyQualifiedDomainName"],
        "microsoft.operationalinsights/workspaces" => &["customerId"],
        _ => &[],
    };
    for name in names {
        body["properties"][*name] = own(id, name);
    }
}

impl World for Azure {
    fn resource(&self, id: &str) -> Option<Value> {
        self.resources.borrow().get(&id.to_lowercase()).cloned()
    }
    fn hidden(&self, _: &str) -> Value {
        Value::Null
    }
    fn resources(&self, _: &str, _: &str) -> Vec<Value> {
        Vec::new()
    }
    fn subscription(&self, id: &str) -> Option<Value> {
        Some(json!({"id": format!("/subscriptions/{id}"), "subscriptionId": id, "tenantId": TENANT}))
    }
    fn resource_group(&self, subscription: &str, name: &str) -> Option<Value> {
        let id = format!("/subscriptions/{subscription}/resourceGroups/{name}");
        Some(
            json!({"id": id, "name": name, "type": "Microsoft.Resources/resourceGroups", "location": "eastus"}),
        )
    }
    fn regions(&self) -> Vec<Region> {
        Vec::new()
    }
    fn policies(&self) -> &[Policy] {
        &[]
    }
    fn tenant_id(&self) -> String {
        TENANT.to_owned()
    }
    fn caller_id(&self) -> String {
        String::new()
    }
    fn key_vault_secret(&self, vault: &str, name: &str, _: Option<&str>) -> Result<String, AzureError> {
        Err(AzureError::new(404, "KeyVaultParameterReferenceNotFound", format!("{vault} {name}")))
    }
    fn list(&self, action: &str, id: &str) -> Result<Value, AzureError> {
        let id = ResourceId::parse(id).expect("an id");
        let key = |name: &str| own(&id, &format!("{action} {name}"));
        Ok(json!({"primarySharedKey": key("primary"), "secondarySharedKey": key("secondary")}))
    }
    fn principal(&self, _: &str) -> Option<PrincipalKind> {
        None
    }
    fn role_definition(&self, _: &str) -> bool {
        true
    }
    fn deleted_vault(&self, _: &str) -> Option<Value> {
        None
    }
    fn name_taken_elsewhere(&self, _: &str, _: &str) -> bool {
        false
    }
    fn vm_size(&self, _: &str, _: &str, _: &str) -> Option<VmSize> {
        None
    }
    fn quota(&self, _: &str, _: &str, _: &str) -> Option<Quota> {
        None
    }
    fn image(&self, _: &str, _: &ImageName) -> Option<Image> {
        None
    }
    fn terms_accepted(&self, _: &str, _: &Plan) -> bool {
        true
    }
    fn new_uuid(&self) -> Uuid {
        Uuid::nil()
    }
    fn now(&self) -> String {
        "2026-01-01T00:00:00.0000000Z".to_owned()
    }
}
