//! The tenant, the subscription, its regions and its resource providers.

use serde_json::{Value, json};

use super::Azure;
use super::catalog::Region;
use super::error::AzureError;
use super::http::Reply;
use super::kinds;
use super::routes::{Answer, Call, Route};
use super::tokens::TENANT;
use crate::claims::Sure;

/// The simulated subscription.
pub const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";

const VERSIONS: &[&str] = &["2016-06-01", "2019-11-01", "2020-01-01", "2021-01-01", "2022-12-01"];
const PROVIDERS: &[&str] = &["2020-06-01", "2021-04-01", "2022-09-01", "2024-11-01", "2025-04-01"];

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm("GET", "/tenants", VERSIONS, "", tenants)
        .for_everyone()
        .known_from("Azure REST reference, tenants/list", Sure::Medium),
    Route::arm("GET", "/subscriptions", VERSIONS, "", subscriptions).for_everyone().known_from(
        "recorded: azure-cli, GET /subscriptions (old api-version; tenantId from the REST reference)",
        Sure::Medium,
    ),
    Route::arm(
        "GET",
        "/subscriptions/{subscription}",
        VERSIONS,
        "Microsoft.Resources/subscriptions/read",
        subscription,
    )
    .known_from("recorded: cloud-custodian, GET /subscriptions/{id} (old api-version)", Sure::Medium),
    Route::arm(
        "GET",
        "/subscriptions/{subscription}/locations",
        VERSIONS,
        "Microsoft.Resources/subscriptions/locations/read",
        locations,
    )
    .known_from("recorded: azure-dev, GET …/locations 2022-12-01", Sure::High),
    Route::arm(
        "GET",
        "/subscriptions/{subscription}/providers",
        PROVIDERS,
        "Microsoft.Resources/subscriptions/providers/read",
        providers,
    )
    .known_from(
        "recorded: azure-cli, GET …/providers/{namespace}; list form from the REST reference",
        Sure::Medium,
    ),
    Route::arm(
        "GET",
        "/subscriptions/{subscription}/providers/{namespace}",
        PROVIDERS,
        "Microsoft.Resources/subscriptions/providers/read",
        provider,
    )
    .known_from("recorded: azure-cli, GET …/providers/{namespace}", Sure::High),
    Route::arm(
        "POST",
        "/subscriptions/{subscription}/providers/{namespace}/register",
        PROVIDERS,
        "Microsoft.Resources/subscriptions/providers/write",
        register,
    )
    .known_from("recorded: azure-cli, POST …/register: 200 with Registering, no polling header", Sure::High),
    Route::arm(
        "GET",
        "/subscriptions/{subscription}/resources",
        PROVIDERS,
        "Microsoft.Resources/subscriptions/resources/read",
        resources,
    )
    .known_from("recorded: azure-dev, GET …/resources with $filter", Sure::High),
    Route::arm(
        "GET",
        "/subscriptions/{subscription}/resourceGroups/{group}/resources",
        PROVIDERS,
        "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
        resources,
    )
    .known_from("recorded: azure-dev, GET …/resourceGroups/{group}/resources", Sure::High),
];

/// Namespaces that can be registered; the first ones are from the start.
const NAMESPACES: &[&str] = &[
    "Microsoft.Authorization",
    "Microsoft.Resources",
    "Microsoft.Compute",
    "Microsoft.Network",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.MarketplaceOrdering",
    "Microsoft.NetApp",
    "Microsoft.DBforMySQL",
    "Microsoft.Monitor",
    "Microsoft.Insights",
    "Microsoft.Dashboard",
    "Microsoft.AlertsManagement",
    "Microsoft.Commerce",
];

fn tenants(_: &Call<'_>) -> Answer {
    let tenant = json!({
        "id": format!("/tenants/{TENANT}"), "tenantId": TENANT, "countryCode": "DE", "displayName": "Twin",
        "domains": ["contoso.example"], "tenantCategory": "Home", "defaultDomain": "contoso.example",
        "tenantType": "AAD",
    });
    Ok(Reply::json(200, &json!({"value": [tenant]})))
}

/// The subscription as a GET answers it.
pub fn body(azure: &Azure) -> Value {
    json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}"), "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": azure.scenario.subscription_name,
        "state": "Enabled",
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off"},
    })
}

fn subscriptions(call: &Call<'_>) -> Answer {
    let seen = call.azure.sees_subscription(&call.caller()?.object_id);
    let list: Vec<Value> = seen.then(|| body(call.azure)).into_iter().collect();
    Ok(Reply::json(200, &json!({"value": list, "count": {"type": "Total", "value": list.len()}})))
}

fn subscription(call: &Call<'_>) -> Answer {
    Ok(Reply::json(200, &body(call.azure)))
}

fn locations(call: &Call<'_>) -> Answer {
    let list: Vec<Value> = call.azure.catalog.regions.iter().map(location).collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn location(region: &Region) -> Value {
    let id = |name: &str| format!("/subscriptions/{SUBSCRIPTION}/locations/{name}");
    let zone = |logical: usize| json!({"logicalZone": logical.to_string(), "physicalZone": format!("{}-az{logical}", region.name)});
    json!({
        "id": id(&region.name), "name": region.name, "type": "Region", "displayName": region.display,
        "regionalDisplayName": region.regional,
        "metadata": {
            "regionType": "Physical", "regionCategory": "Recommended", "geography": region.geography,
            "geographyGroup": region.group, "longitude": region.longitude, "latitude": region.latitude,
            "physicalLocation": region.physical, "pairedRegion": [{"name": region.pair, "id": id(&region.pair)}],
        },
        "availabilityZoneMappings": [zone(1), zone(2), zone(3)],
    })
}

fn providers(call: &Call<'_>) -> Answer {
    let list: Vec<Value> = NAMESPACES.iter().map(|namespace| provider_body(call.azure, namespace)).collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn known(name: &str) -> Result<&'static str, AzureError> {
    let found = NAMESPACES.iter().find(|namespace| namespace.eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| invalid_namespace(name))
}

/// 404 of a namespace that no provider has (JulianHayward/Azure-MG-Sub-Governance-Reporting issue 52).
pub fn invalid_namespace(name: &str) -> AzureError {
    AzureError::gateway(
        404,
        "InvalidResourceNamespace",
        format!("The resource namespace '{name}' is invalid."),
    )
}

fn provider(call: &Call<'_>) -> Answer {
    let namespace = known(call.capture("namespace"))?;
    Ok(Reply::json(200, &provider_body(call.azure, namespace)))
}

fn register(call: &Call<'_>) -> Answer {
    let namespace = known(call.capture("namespace"))?;
    let mut body = provider_body(call.azure, namespace);
    let before = body["registrationState"].take();
    body["registrationState"] = if before == "Registered" { before } else { json!("Registering") };
    call.azure.state().registrations.insert(namespace.to_ascii_lowercase(), "Registered".into());
    Ok(Reply::json(200, &body))
}

/// Whether a resource provider may be used.
pub fn registered(azure: &Azure, namespace: &str) -> bool {
    let namespace = namespace.to_ascii_lowercase();
    if let Some(state) = azure.state().registrations.get(&namespace) {
        return state == "Registered";
    }
    !azure.scenario.unregistered.iter().any(|name| name.eq_ignore_ascii_case(&namespace))
}

fn provider_body(azure: &Azure, namespace: &str) -> Value {
    let regions: Vec<&str> = azure.catalog.regions.iter().map(|region| region.display.as_str()).collect();
    let kinds: Vec<Value> = kinds::all()
        .into_iter()
        .filter_map(|(kind, versions)| {
            let short = kind.strip_prefix(namespace)?.strip_prefix('/')?;
            // the newest first, which is the one that az takes (azure-cli, command_modules/resource/custom.py)
            let versions: Vec<&&str> = versions.iter().rev().collect();
            Some(json!({"resourceType": short, "locations": regions, "apiVersions": versions, "capabilities": "None"}))
        })
        .collect();
    json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}/providers/{namespace}"), "namespace": namespace,
        "resourceTypes": kinds,
        "registrationState": if registered(azure, namespace) { "Registered" } else { "NotRegistered" },
        "registrationPolicy": "RegistrationRequired",
    })
}

fn resources(call: &Call<'_>) -> Answer {
    let group = call.capture("group");
    let scope = match group {
        "" => format!("/subscriptions/{SUBSCRIPTION}"),
        group => format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"),
    };
    let keep = filter(call.request.query("$filter").unwrap_or_default())?;
    let state = call.azure.state();
    if !group.is_empty() && !state.groups.contains_key(&group.to_ascii_lowercase()) {
        return Err(super::error::group_not_found(group));
    }
    let prefix = format!("{}/", super::state::key(&scope));
    let tracked = state.resources.iter().filter(|(id, one)| id.starts_with(&prefix) && one.is_tracked());
    let list: Vec<Value> = tracked
        .map(|(_, one)| summary(&one.body))
        .filter(|body| keep.iter().all(|test| test(body)))
        .collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn summary(body: &Value) -> Value {
    let keys = ["id", "name", "type", "sku", "kind", "location", "identity", "tags", "zones"];
    let kept = keys.iter().filter_map(|key| Some(((*key).to_owned(), body.get(*key)?.clone())));
    Value::Object(kept.collect())
}

type Test = Box<dyn Fn(&Value) -> bool>;

/// The tests of a `$filter`: `resourceType eq`, `resourceGroup eq`, `tagname eq … and tagvalue eq …`.
fn filter(text: &str) -> Result<Vec<Test>, AzureError> {
    let mut tests: Vec<Test> = Vec::new();
    let mut tag = String::new();
    for clause in text.split(" and ").filter(|clause| !clause.is_empty()) {
        let bad = || {
            AzureError::gateway(
                400,
                "InvalidFilterInQueryString",
                format!("Invalid $filter '{text}' specified in the query string."),
            )
        };
        let (field, value) = clause.split_once(" eq ").ok_or_else(bad)?;
        let value = value.trim().trim_matches('\'').to_owned();
        match field.trim().to_ascii_lowercase().as_str() {
            "resourcetype" => tests.push(Box::new(move |body| is(&body["type"], &value))),
            "resourcegroup" => {
                let part = format!("/resourcegroups/{}/", value.to_ascii_lowercase());
                tests.push(Box::new(move |body| {
                    body["id"].as_str().is_some_and(|id| id.to_ascii_lowercase().contains(&part))
                }));
            }
            "tagname" => {
                tag.clone_from(&value);
                tests.push(Box::new(move |body| body["tags"].get(&value).is_some()));
            }
            "tagvalue" => {
                let tag = tag.clone();
                tests.push(Box::new(move |body| body["tags"][&tag].as_str() == Some(&value)));
            }
            _ => return Err(bad()),
        }
    }
    Ok(tests)
}

fn is(value: &Value, text: &str) -> bool {
    value.as_str().is_some_and(|value| value.eq_ignore_ascii_case(text))
}
