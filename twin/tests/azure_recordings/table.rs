//! Requests whose replies are compared with recorded ones.

use serde_json::{Value, json};

use crate::azure_support::{S, recorded};

/// A template without resources.
pub const TEMPLATE: &str = r#"{
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {"p": {"type": "string"}, "s": {"type": "secureString", "defaultValue": ""}},
    "resources": [],
    "outputs": {"o": {"type": "string", "value": "[parameters('p')]"}}
}"#;

/// A request whose reply is compared with a recorded one.
pub struct Row {
    pub file: &'static str,
    pub index: usize,
    pub method: &'static str,
    pub path: String,
    pub body: Option<Value>,
    /// Differences that are known: the end of what `differences` says, and why.
    pub except: &'static [(&'static str, &'static str)],
}

fn row(file: &'static str, index: usize, method: &'static str, path: &str) -> Row {
    Row { file, index, method, path: path.replace("{S}", S), body: None, except: &[] }
}

impl Row {
    fn with(self, body: Value) -> Row {
        Row { body: Some(body), ..self }
    }

    fn except(self, except: &'static [(&'static str, &'static str)]) -> Row {
        Row { except, ..self }
    }
}

/// Differences that come from the template.
pub const OTHER_TEMPLATE: &[(&str, &str)] = &[
    (".properties.parameters.", "parameters are the template's"),
    (".properties.outputs.", "outputs are the template's"),
    (".tags lacks", "the recorded deployment has tags"),
    (".properties.providers[]", "the template has no resources"),
    (".properties.dependencies[]", "the template has no resources"),
];

/// All of them, in the order in which they are asked.
pub fn rows() -> Vec<Row> {
    let deployment = json!({"properties": {"mode": "Incremental", "template": serde_json::from_str::<Value>(TEMPLATE).unwrap(), "parameters": {"p": {"value": "x"}}}});
    let assignment = json!({"properties": {"roleDefinitionId": format!("{S}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"), "principalId": "77777777-7777-4777-8777-777777777777", "principalType": "User"}});
    vec![
        row("group", 0, "PUT", "{S}/resourcegroups/rg1?api-version=2021-04-01")
            .with(json!({"location": "eastus", "tags": {"DeleteAfter": "x"}})),
        row("group", 1, "HEAD", "{S}/resourceGroups/rg1?api-version=2025-03-01"),
        row("group", 6, "HEAD", "{S}/resourceGroups/nope?api-version=2020-06-01"),
        row("group", 12, "GET", "{S}/resourcegroups/rg1?api-version=2021-04-01").except(&[
            (".tags.", "tags are those given"),
        ]),
        row("group", 5, "GET", "{S}/resourcegroups?api-version=2021-04-01&$filter=tagName+eq+'DeleteAfter'+and+tagValue+eq+'x'")
            .except(&[(".tags.", "tags are those given")]),
        row("errors", 2, "GET", "{S}/resourceGroups/rg1/providers/Microsoft.Network/publicIPAddresses/nope?api-version=2022-07-01"),
        row("errors", 3, "DELETE", "{S}/resourceGroups/nope/providers/Microsoft.Network/virtualNetworks/v?api-version=2022-07-01"),
        row("subscription-locations", 0, "GET", "{S}/locations?api-version=2022-12-01"),
        row("subscription", 0, "GET", "{S}?api-version=2016-06-01")
            .except(&[(".managedByTenants is new", "since 2019-06-01"), (".tenantId is new", "since 2019-06-01")]),
        row("provider", 0, "GET", "{S}/providers/Microsoft.Compute?api-version=2020-06-01")
            .except(&[(".authorization lacks", "not every provider has one")]),
        row("compute-usages", 0, "GET", "{S}/providers/Microsoft.Compute/locations/eastus/usages?api-version=2022-11-01"),
        row("compute-skus", 0, "GET", "{S}/providers/Microsoft.Compute/skus?api-version=2021-07-01&$filter=location eq 'eastus'").except(&[
            (".kind lacks", "null by the sample's Go struct"),
            (".capacity lacks", "null by the sample's Go struct"),
            (".apiVersions lacks", "null by the sample's Go struct"),
            (".costs lacks", "null by the sample's Go struct"),
        ]),
        row("compute-images", 2, "GET", "{S}/providers/Microsoft.Compute/locations/eastus/publishers/microsoft-dsvm/artifacttypes/vmimage/offers/ubuntu-hpc/skus/2404/versions?$top=1&$orderby=name desc&api-version=2022-11-01"),
        row("compute-images", 3, "GET", "{S}/providers/Microsoft.Compute/locations/eastus/publishers/microsoft-dsvm/artifacttypes/vmimage/offers/ubuntu-hpc/skus/2404/versions/24.04.2026072901?api-version=2022-11-01"),
        row("compute-images", 0, "GET", "{S}/providers/Microsoft.Compute/locations/eastus/publishers/azurecyclecloud/artifacttypes/vmimage/offers/azure-cyclecloud/skus/cyclecloud8-gen2/versions/8.9.120260630?api-version=2022-11-01"),
        row("compute-images", 4, "GET", "{S}/providers/Microsoft.Compute/locations/eastus/publishers?api-version=2022-11-01"),
        row("marketplace-terms", 0, "GET", "{S}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/azurecyclecloud/offers/azure-cyclecloud/plans/cyclecloud8-gen2/agreements/current?api-version=2021-01-01")
            .except(&[(".systemData lacks", "who and when: the driver reads none of it")]),
        row("marketplace-terms", 1, "PUT", "{S}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/azurecyclecloud/offers/azure-cyclecloud/plans/cyclecloud8-gen2/agreements/current?api-version=2021-01-01")
            .with(json!({"properties": {"accepted": true}}))
            .except(&[(".systemData lacks", "who and when: the driver reads none of it")]),
        row("permissions", 0, "GET", "{S}/resourceGroups/rg1/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"),
        row("role-definitions", 0, "GET", "{S}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'reader'&api-version=2022-04-01"),
        row("role-definitions", 1, "GET", "{S}/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635?api-version=2022-04-01"),
        row("role-assignments", 4, "PUT", "{S}/resourceGroups/rg1/providers/Microsoft.Authorization/roleAssignments/88888888-0000-4000-8000-000000000777?api-version=2022-04-01")
            .with(assignment),
        row("role-assignments", 5, "GET", "{S}/providers/Microsoft.Authorization/roleAssignments?$filter=principalId eq '77777777-7777-4777-8777-777777777777'&api-version=2022-04-01"),
        row("keyvault-deleted", 1, "GET", "{S}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/kvlost?api-version=2021-10-01")
            .except(&[(".purgeProtectionEnabled is new", "there when it is true, says the recording's note")]),
        row("keyvault-vault", 4, "PUT", "{S}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kvlost?api-version=2021-10-01")
            .with(json!({"location": "eastus", "properties": {"createMode": "recover", "tenantId": "22222222-2222-4222-8222-222222222222", "sku": {"family": "A", "name": "standard"}}}))
            .except(&[
                (".systemData lacks", "who and when: the driver reads none of it"),
                (".enabledForTemplateDeployment is new", "the lost vault was made with it"),
                (".enableRbacAuthorization is new", "the lost vault was made with it"),
                (".enablePurgeProtection is new", "the lost vault was made with it"),
            ]),
        row("deployment-validate", 1, "POST", "{S}/resourcegroups/rg1/providers/Microsoft.Resources/deployments/d1/validate?api-version=2021-04-01")
            .with(deployment.clone())
            .except(OTHER_TEMPLATE),
        row("deployment-put", 2, "PUT", "{S}/resourcegroups/rg1/providers/Microsoft.Resources/deployments/d1?api-version=2021-04-01")
            .with(deployment)
            .except(OTHER_TEMPLATE),
    ]
}

/// What `install -s` asks for, of a twin with a VM whose tenant has a policy.
pub fn secure_mode() -> Vec<Row> {
    let vm = "{S}/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/vm1";
    let extension = format!("{vm}/extensions/VMAccessForLinux?api-version=2024-11-01");
    let nsg = "{S}/resourceGroups/rg1/providers/Microsoft.Network/networkSecurityGroups/nsg1";
    let rule = format!("{nsg}/securityRules/NRMS-Rule-103?api-version=2022-01-01");
    let asked = |file: &str, index: usize| {
        let mut body = recorded(file, index)["request"]["body"].clone();
        body["location"] = json!("eastus");
        body
    };
    let mut vault = asked("keyvault-vault", 7);
    vault["properties"]["tenantId"] = json!("22222222-2222-4222-8222-222222222222");
    vec![
        row("vm-extension", 0, "PUT", &extension).with(asked("vm-extension", 0)),
        row("vm-extension", 1, "GET", &extension),
        row("vm", 1, "GET", &format!("{vm}?$expand=instanceView&api-version=2022-11-01")).except(&[
            (".linuxConfiguration", "the recorded VM has a password"),
            (".diagnosticsProfile lacks", "the template asks for none"),
            (".caching lacks", "the template says nothing of it"),
            (".networkInterfaces[].properties is new", "the template says which is primary"),
            (".identity is new", "the template asks for one"),
            (".tags lacks", "the template has none"),
            (".resources is new", "the recorded VM has no extension yet"),
            (".extensions is new", "the recorded VM has no extension yet"),
            (".diskControllerType is new", "the recorded api-version is older"),
            (".etag is new", "the recorded api-version is older"),
        ]),
        row("nsg", 0, "PUT", &format!("{nsg}?api-version=2022-01-01"))
            .with(asked("nsg", 0))
            .except(&[("header azure-asyncoperation", "the twin's is done at once")]),
        row("nsg", 1, "GET", &rule),
        row("nsg", 2, "DELETE", &rule),
        row(
            "keyvault-vault",
            7,
            "PUT",
            "{S}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv-secured1?api-version=2026-02-01",
        )
        .with(vault)
        .except(&[(".systemData is new", "the recorded api-version is older")]),
    ]
}
