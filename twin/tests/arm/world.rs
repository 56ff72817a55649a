//! A small Azure in memory: deployments run in it one step after the other.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use ccslurm4ai_twin::arm::scope::Scope;
use ccslurm4ai_twin::arm::types::{self, Change, Put};
use ccslurm4ai_twin::arm::world::{
    Image, ImageName, Plan as MarketplacePlan, Policy, PrincipalKind, Quota, Region, VmSize,
};
use ccslurm4ai_twin::arm::{Action, Plan, Request, World};
use ccslurm4ai_twin::azure::error::AzureError;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
pub const CALLER: &str = "11111111-1111-1111-1111-111111111111";
pub const TENANT: &str = "00000000-0000-0000-0000-000000000002";

/// What a test may set, and what deployments leave.
pub struct FakeWorld {
    /// Bodies and write-only parts by id in lower case.
    pub resources: BTreeMap<String, (Value, Value)>,
    /// Writes, in order.
    pub written: Vec<Put>,
    /// Secrets written: name and value.
    pub secrets: Vec<(String, String)>,
    /// Whether resources are completed by the rules of their types; else they are kept as written, with made-up values.
    pub ruled: bool,
    /// Whether of the steps that may start the last one does.
    pub last_first: bool,
    /// Principals of the directory.
    pub principals: BTreeMap<String, PrincipalKind>,
    /// The one VM size there is.
    pub size: VmSize,
    /// Quota of every family, and of the region.
    pub quota: Quota,
    /// The one image there is.
    pub image: Image,
    /// Whether terms are accepted.
    pub accepted: bool,
    /// A soft-deleted vault.
    pub deleted_vault: Option<(String, Value)>,
    /// Names that others have.
    pub taken: Vec<String>,
    /// Groups that services made for themselves.
    pub groups: Vec<String>,
    /// Policies that deny writes.
    pub policies: Vec<Policy>,
    /// Ids of VMs that do not run.
    pub stopped: Vec<String>,
    /// Number of ids given out.
    pub ids: Cell<u128>,
}

impl Default for FakeWorld {
    fn default() -> FakeWorld {
        let plan = MarketplacePlan {
            publisher: "azurecyclecloud".into(),
            product: "azure-cyclecloud".into(),
            name: "cyclecloud8-gen2".into(),
        };
        FakeWorld {
            resources: BTreeMap::new(),
            written: Vec::new(),
            secrets: Vec::new(),
            ruled: true,
            last_first: false,
            principals: BTreeMap::from([
                (CALLER.into(), PrincipalKind::User),
                ("22222222-2222-2222-2222-222222222222".into(), PrincipalKind::ServicePrincipal),
                ("33333333-3333-3333-3333-333333333333".into(), PrincipalKind::Group),
            ]),
            size: VmSize {
                name: "Standard_D4s_v5".into(),
                vcpus: 4,
                family: "standardDSv5Family".into(),
                zones: vec!["1".into(), "2".into()],
                restricted: false,
                generation2: true,
                accelerated_networking: true,
                premium_disks: true,
            },
            quota: Quota { limit: 10, used: 0 },
            image: Image { exact_version: "8.9.1".into(), plan: Some(plan), generation2: true },
            accepted: true,
            deleted_vault: None,
            taken: Vec::new(),
            groups: Vec::new(),
            policies: Vec::new(),
            stopped: Vec::new(),
            ids: Cell::new(0),
        }
    }
}

impl FakeWorld {
    /// Adds a resource.
    pub fn add(&mut self, id: &str, body: Value) {
        self.resources.insert(id.to_ascii_lowercase(), (body, Value::Null));
    }

    /// Writes a resource by the rules of its type.
    pub fn put(&mut self, put: &Put) -> Result<Value, AzureError> {
        for change in types::put(put, self)? {
            match change {
                Change::Resource { id, body, hidden } => {
                    self.resources.insert(id.to_ascii_lowercase(), (body, hidden));
                }
                Change::Principal { object_id, .. } => {
                    self.principals.insert(object_id, PrincipalKind::ServicePrincipal);
                }
                Change::Secret { name, value, .. } => self.secrets.push((name, value)),
                Change::Group { name, .. } => self.groups.push(name),
                Change::Fails(error) => return Err(*error),
            }
        }
        Ok(self.resource(&put.id).expect("the written resource"))
    }

    /// Runs a deployment to its end and returns its outputs.
    pub fn deploy(&mut self, request: Request) -> Result<Map<String, Value>, AzureError> {
        let id = request.id();
        let plan = Plan::build(request, self)?;
        let mut done = BTreeSet::new();
        let choose: fn(&[usize]) -> Option<&usize> =
            if self.last_first { <[usize]>::last } else { <[usize]>::first };
        while let Some(step) = choose(&plan.ready(&done)).copied() {
            match plan.action(step, self)? {
                Action::Put(put) if self.ruled => {
                    self.put(&put)?;
                    self.written.push(put);
                }
                Action::Put(put) => self.write_plain(put),
                Action::Deploy(inner) => {
                    self.deploy(*inner)?;
                }
            }
            done.insert(step);
        }
        assert_eq!(done.len(), plan.steps().len(), "every step of {id} became ready");
        let outputs = plan.outputs(self)?;
        self.add(&id, json!({"id": id, "properties": {"outputs": outputs}}));
        Ok(outputs)
    }

    fn write_plain(&mut self, put: Put) {
        let mut body = put.body.clone();
        body["id"] = json!(put.id);
        if body["identity"]["type"].as_str().is_some_and(|kind| kind.contains("SystemAssigned")) {
            body["identity"]["principalId"] = made_up(&put.id, "principalId");
        }
        let mut properties: Map<String, Value> =
            READ_ONLY.iter().map(|name| ((*name).to_owned(), made_up(&put.id, name))).collect();
        let made_beside = |kind: &str| {
            format!("/subscriptions/s/resourceGroups/managed/providers/Microsoft.Insights/{kind}/m")
        };
        let (rule, endpoint) = (made_beside("dataCollectionRules"), made_beside("dataCollectionEndpoints"));
        self.add(&rule, json!({"id": rule, "properties": {"immutableId": made_up(&rule, "rule")}}));
        let address = json!({"metricsIngestion": {"endpoint": made_up(&endpoint, "address")}});
        self.add(&endpoint, json!({"id": endpoint, "properties": address}));
        let settings =
            json!({"dataCollectionRuleResourceId": rule, "dataCollectionEndpointResourceId": endpoint});
        properties.insert("defaultIngestionSettings".into(), settings);
        properties.insert("networkInterfaces".into(), json!([{"id": made_up(&put.id, "interface")}]));
        properties.insert("mountTargets".into(), json!([{"ipAddress": made_up(&put.id, "address")}]));
        properties.extend(body["properties"].as_object().cloned().unwrap_or_default());
        if put.id.contains("/networkInterfaces/") {
            // A declared address, even null, is what the official evaluator reads back.
            let address = &mut properties["ipConfigurations"][0]["properties"];
            let address = address.as_object_mut().expect("a configuration");
            address.entry("privateIPAddress").or_insert_with(|| made_up(&put.id, "privateIPAddress"));
        }
        body["properties"] = Value::Object(properties);
        self.add(&put.id.clone(), body);
        self.written.push(put);
    }
}

/// What providers add to a resource and templates read.
const READ_ONLY: &[&str] = &[
    "vaultUri",
    "principalId",
    "clientId",
    "customerId",
    "fullyQualifiedDomainName",
    "secretUri",
    "secretUriWithVersion",
    "endpoint",
];

/// A value that only this resource has, so that a reference to the wrong one shows.
fn made_up(id: &str, what: &str) -> Value {
    json!(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{id}#{what}").as_bytes()).to_string())
}

/// A request in the group `rg1`.
pub fn request(template: Value, parameters: Value) -> Request {
    Request {
        scope: Scope::ResourceGroup { subscription: SUBSCRIPTION.into(), name: "rg1".into() },
        name: "main".into(),
        location: None,
        template,
        parameters: parameters.as_object().cloned().unwrap_or_default(),
    }
}

/// A template with these resources.
pub fn template(resources: Value) -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "languageVersion": "2.0",
        "contentVersion": "1.0.0.0",
        "resources": resources,
    })
}

impl World for FakeWorld {
    fn resource(&self, id: &str) -> Option<Value> {
        self.resources.get(&id.to_ascii_lowercase()).map(|(body, _)| body.clone())
    }

    fn hidden(&self, id: &str) -> Value {
        self.resources.get(&id.to_ascii_lowercase()).map_or(Value::Null, |(_, hidden)| hidden.clone())
    }

    fn resources(&self, subscription: &str, kind: &str) -> Vec<Value> {
        let ours = |body: &&Value| {
            let id = body["id"].as_str().unwrap_or_default();
            body["type"].as_str().is_some_and(|one| one.eq_ignore_ascii_case(kind))
                && id.starts_with(&format!("/subscriptions/{subscription}/"))
        };
        self.resources.values().map(|(body, _)| body).filter(ours).cloned().collect()
    }

    fn subscription(&self, id: &str) -> Option<Value> {
        let body = json!({"id": format!("/subscriptions/{id}"), "subscriptionId": id, "tenantId": TENANT, "displayName": "test"});
        (id == SUBSCRIPTION).then_some(body)
    }

    fn resource_group(&self, subscription: &str, name: &str) -> Option<Value> {
        let id = format!("/subscriptions/{subscription}/resourceGroups/{name}");
        Some(
            json!({"id": id, "name": name, "type": "Microsoft.Resources/resourceGroups", "location": "eastus",
            "properties": {"provisioningState": "Succeeded"}}),
        )
    }

    fn regions(&self) -> Vec<Region> {
        let region = |(name, display): (&str, &str)| Region { name: name.into(), display: display.into() };
        let names = [
            ("eastus", "East US"),
            ("westus", "West US"),
            ("westeurope", "West Europe"),
            ("southcentralus", "South Central US"),
        ];
        names.map(region).into()
    }

    fn policies(&self) -> &[Policy] {
        &self.policies
    }

    fn tenant_id(&self) -> String {
        TENANT.into()
    }

    fn caller_id(&self) -> String {
        CALLER.into()
    }

    fn key_vault_secret(&self, vault_id: &str, name: &str, _: Option<&str>) -> Result<String, AzureError> {
        self.resource(vault_id).map(|_| format!("value of {name}")).ok_or_else(|| {
            AzureError::new(
                400,
                "KeyVaultParameterReferenceNotFound",
                format!("The specified KeyVault '{vault_id}' could not be found."),
            )
        })
    }

    fn list(&self, action: &str, _: &str) -> Result<Value, AzureError> {
        Ok(json!({"primarySharedKey": format!("{action} 1"), "secondarySharedKey": format!("{action} 2")}))
    }

    fn principal(&self, id: &str) -> Option<PrincipalKind> {
        self.principals.get(id).copied()
    }

    fn role_definition(&self, id: &str) -> bool {
        id != "00000000-0000-0000-0000-0000000000ff"
    }

    fn deleted_vault(&self, name: &str) -> Option<Value> {
        self.deleted_vault.clone().filter(|(deleted, _)| deleted == name).map(|(_, body)| body)
    }

    fn name_taken_elsewhere(&self, _: &str, name: &str) -> bool {
        self.taken.iter().any(|taken| taken == name)
    }

    fn vm_size(&self, _: &str, _: &str, name: &str) -> Option<VmSize> {
        name.starts_with("Standard_D").then(|| VmSize { name: name.into(), ..self.size.clone() })
    }

    fn quota(&self, _: &str, _: &str, _: &str) -> Option<Quota> {
        Some(self.quota)
    }

    fn image(&self, _: &str, image: &ImageName) -> Option<Image> {
        match image.publisher.as_str() {
            "azurecyclecloud" => Some(self.image.clone()),
            "microsoft-dsvm" => Some(Image { plan: None, ..self.image.clone() }),
            _ => None,
        }
    }

    fn terms_accepted(&self, _: &str, _: &MarketplacePlan) -> bool {
        self.accepted
    }

    fn extension_versions(&self, _: &str, publisher: &str, kind: &str) -> Option<Vec<String>> {
        let known = [("Microsoft.Azure.ActiveDirectory", "AADSSHLoginForLinux")];
        known.contains(&(publisher, kind)).then(|| vec!["1.0".into()])
    }

    fn is_running(&self, machine: &str) -> bool {
        !self.stopped.iter().any(|id| id.eq_ignore_ascii_case(machine))
    }

    fn new_uuid(&self) -> Uuid {
        self.ids.set(self.ids.get() + 1);
        Uuid::from_u128(self.ids.get())
    }

    fn now(&self) -> String {
        "2026-11-24T10:00:00.0000000Z".into()
    }
}
