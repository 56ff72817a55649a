//! What Compute offers: quota, sizes, images.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Azure;
use super::catalog::{Image, Region, Size};
use super::error::AzureError;
use super::http::Reply;
use super::machines;
use super::routes::{Answer, Call, Route};
use super::scenario::Restriction;
use super::state::State;
use super::subscription::SUBSCRIPTION;
use crate::claims::Sure;

const USAGES: &[&str] = &["2022-11-01", "2023-03-01", "2024-03-01", "2024-07-01", "2024-11-01", "2025-04-01"];
const SKUS: &[&str] = &["2019-04-01", "2021-07-01"];
const PUBLISHERS: &str =
    "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/publishers";
const OFFERS: &str = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/publishers/{publisher}/artifacttypes/vmimage/offers";
const IMAGE_SKUS: &str = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/publishers/{publisher}/artifacttypes/vmimage/offers/{offer}/skus";
const IMAGE_VERSIONS: &str = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/publishers/{publisher}/artifacttypes/vmimage/offers/{offer}/skus/{sku}/versions";
const IMAGE_VERSION: &str = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/publishers/{publisher}/artifacttypes/vmimage/offers/{offer}/skus/{sku}/versions/{version}";
const FAMILY_LIMIT: u32 = 1000; // vCPUs of each family where the scenario says nothing
const REGION_LIMIT: u32 = 2000; // vCPUs of a region in all

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm("GET", "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/usages", USAGES, "Microsoft.Compute/locations/usages/read", usages)
        .known_from("recorded: azure-cli, az vm list-usage; family spellings: OpenShift's quota table, SkyPilot issue 10120", Sure::High),
    Route::arm("GET", "/subscriptions/{subscription}/providers/Microsoft.Compute/skus", SKUS, "Microsoft.Compute/skus/read", skus)
        .known_from("test data of Azure/skewer made from the real list; REST reference, resource-skus/list", Sure::Medium),
    Route::arm("GET", PUBLISHERS, USAGES, "Microsoft.Compute/locations/publishers/read", publishers)
        .known_from("recorded: azure-cli, publishers: a bare array", Sure::High),
    Route::arm("GET", OFFERS, USAGES, "Microsoft.Compute/locations/publishers/artifacttypes/offers/read", image_offers)
        .known_from("as the recorded publishers and versions lists", Sure::Medium),
    Route::arm("GET", IMAGE_SKUS, USAGES, "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/read", image_skus)
        .known_from("as the recorded publishers and versions lists", Sure::Medium),
    Route::arm("GET", IMAGE_VERSIONS, USAGES, "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read", versions)
        .known_from("recorded: azure-cli, versions with $top=1: a bare array", Sure::High),
    Route::arm("GET", IMAGE_VERSION, USAGES, "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read", version)
        .known_from("recorded: azure-cli, one version, with and without plan", Sure::High),
];

fn region<'a>(call: &'a Call<'_>) -> Result<&'a Region, AzureError> {
    let name = call.capture("region");
    call.azure.catalog.region(name).ok_or_else(|| no_region(call.azure, name, call.api_version()))
}

/// 400 of a region that the provider does not have (wording: azure-cli issue 28496).
fn no_region(azure: &Azure, region: &str, version: &str) -> AzureError {
    let regions: Vec<&str> = azure.catalog.regions.iter().map(|region| region.name.as_str()).collect();
    let message = format!(
        "No registered resource provider found for location '{region}' and API version '{version}' for type 'locations/usages'. The supported api-versions are '{}'. The supported locations are '{}'.",
        USAGES.join(", "),
        regions.join(", ")
    );
    AzureError::gateway(400, "NoRegisteredProviderFound", message)
}

/// Every vCPU quota of a region: limit and use by name.
pub fn quotas(azure: &Azure, state: &State, region: &str) -> BTreeMap<String, (u32, u32)> {
    let mut quotas: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    quotas.insert("cores".into(), (REGION_LIMIT, 0));
    quotas.insert("lowPriorityCores".into(), (FAMILY_LIMIT, 0));
    for size in azure.catalog.sizes_in(region) {
        quotas.insert(size.usage().to_owned(), (FAMILY_LIMIT, 0));
    }
    for size in running(azure, state, region) {
        for name in ["cores", size.usage()] {
            quotas.entry(name.to_owned()).or_default().1 += size.vcpus;
        }
    }
    let changes =
        |table: &BTreeMap<String, BTreeMap<String, u32>>| table.get(region).cloned().unwrap_or_default();
    for (name, limit) in changes(&azure.scenario.quota) {
        quotas.entry(name).or_default().0 = limit;
    }
    for (name, used) in changes(&azure.scenario.usage) {
        quotas.entry(name).or_default().1 += used;
    }
    quotas
}

/// The size of every VM in a region.
fn running<'a>(azure: &'a Azure, state: &State, region: &str) -> Vec<&'a Size> {
    let machines = state.resources.values().filter(|one| machines::is_machine(&one.kind));
    let here = machines.filter(|one| one.body["location"] == region);
    let names = here.map(|one| machines::size(&one.body));
    names.filter_map(|name| azure.catalog.size(name, region)).collect()
}

fn usages(call: &Call<'_>) -> Answer {
    let region = region(call)?;
    let entry = |name: &str, shown: &str, (limit, used): (u32, u32)| json!({"limit": limit, "unit": "Count", "currentValue": used, "name": {"value": name, "localizedValue": shown}});
    let state = call.azure.state();
    let machines = u32::try_from(running(call.azure, &state, &region.name).len()).unwrap_or(u32::MAX);
    let mut list = vec![
        entry("availabilitySets", "Availability Sets", (2500, 0)),
        entry("virtualMachines", "Virtual Machines", (25_000, machines)),
        entry("virtualMachineScaleSets", "Virtual Machine Scale Sets", (2500, 0)),
    ];
    for (name, quota) in quotas(call.azure, &state, &region.name) {
        let shown = match name.as_str() {
            "cores" => "Total Regional vCPUs".to_owned(),
            "lowPriorityCores" => "Total Regional Low-priority vCPUs".to_owned(),
            family => format!("{} vCPUs", family.replace("Family", " Family")),
        };
        list.push(entry(&name, &shown, quota));
    }
    Ok(Reply::json(200, &json!({"value": list})))
}

fn skus(call: &Call<'_>) -> Answer {
    let filter = call.request.query("$filter").unwrap_or_default();
    let wanted = match filter.split('\'').collect::<Vec<_>>()[..] {
        ["location eq ", region, ""] => Some(region.to_ascii_lowercase()),
        [""] => None,
        _ => return Err(AzureError::new(400, "InvalidParameter", "The $filter expression is invalid.")),
    };
    let regions = call.azure.catalog.regions.iter();
    let regions = regions.filter(|region| wanted.as_ref().is_none_or(|name| *name == region.name));
    let list: Vec<Value> = regions
        .flat_map(|region| {
            call.azure
                .catalog
                .sizes_in(&region.name)
                .into_iter()
                .map(|size| sku(call.azure, size, &region.name))
        })
        .collect();
    Ok(Reply::json(200, &json!({"value": list})))
}

fn sku(azure: &Azure, size: &Size, region: &str) -> Value {
    let mut capabilities = vec![
        ("vCPUs", size.vcpus.to_string()),
        ("MemoryGB", size.memory_gb.to_string()),
        ("HyperVGenerations", "V1,V2".into()),
        ("CpuArchitectureType", if size.arm { "Arm64" } else { "x64" }.into()),
        ("LowPriorityCapable", "True".into()),
        ("PremiumIO", "True".into()),
        ("VMDeploymentTypes", "IaaS".into()),
        ("vCPUsAvailable", size.vcpus.to_string()),
        ("vCPUsPerCore", size.threads_per_core.to_string()),
        ("EncryptionAtHostSupported", "True".into()),
        ("AcceleratedNetworkingEnabled", "True".into()),
        ("RdmaEnabled", if size.rdma { "True" } else { "False" }.into()),
    ];
    if size.gpus > 0 {
        capabilities.push(("GPUs", size.gpus.to_string()));
    }
    let capabilities: Vec<Value> =
        capabilities.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let short = size.name.trim_start_matches("Standard_");
    json!({
        "resourceType": "virtualMachines", "name": size.name, "tier": "Standard", "size": short, "family": size.family,
        "locations": [region],
        "locationInfo": [{"location": region, "zones": size.zones, "zoneDetails": []}],
        "capabilities": capabilities,
        "restrictions": restrictions(azure, size, region),
    })
}

/// The scenario's restriction of a size in a region.
pub fn restriction<'a>(azure: &'a Azure, size: &str, region: &str) -> Option<&'a Restriction> {
    azure.scenario.restrictions.iter().find(|one| one.size.eq_ignore_ascii_case(size) && one.region == region)
}

fn restrictions(azure: &Azure, size: &Size, region: &str) -> Vec<Value> {
    let Some(found) = restriction(azure, &size.name, region) else { return Vec::new() };
    let of_zones = |zones: &[String]| json!({"type": "Zone", "values": [region], "restrictionInfo": {"locations": [region], "zones": zones}, "reasonCode": found.reason});
    if !found.zones.is_empty() {
        return vec![of_zones(&found.zones)];
    }
    let whole = json!({"type": "Location", "values": [region], "restrictionInfo": {"locations": [region]}, "reasonCode": found.reason});
    vec![whole, of_zones(&size.zones)]
}

fn image_id(region: &str, path: &str) -> String {
    format!("/Subscriptions/{SUBSCRIPTION}/Providers/Microsoft.Compute/Locations/{region}/Publishers/{path}")
}

fn entry(region: &str, name: &str, path: &str) -> Value {
    json!({"location": region, "name": name, "id": image_id(region, path)})
}

/// The images whose first names are those in the path.
fn images<'a>(call: &'a Call<'_>) -> Vec<&'a Image> {
    let fits = |name: &str, value: &str| {
        call.capture(name).is_empty() || call.capture(name).eq_ignore_ascii_case(value)
    };
    let all = call.azure.catalog.images.iter();
    all.filter(|image| {
        fits("publisher", &image.publisher) && fits("offer", &image.offer) && fits("sku", &image.sku)
    })
    .collect()
}

/// One entry for each different name among the images of the path.
fn names(call: &Call<'_>, name: fn(&Image) -> (String, String)) -> Answer {
    let region = &region(call)?.name;
    let found: BTreeMap<String, String> = images(call).into_iter().map(name).collect();
    let list: Vec<Value> = found.iter().map(|(name, path)| entry(region, name, path)).collect();
    Ok(Reply::json(200, &json!(list)))
}

fn publishers(call: &Call<'_>) -> Answer {
    names(call, |image| (image.publisher.clone(), image.publisher.clone()))
}

fn image_offers(call: &Call<'_>) -> Answer {
    names(call, |image| {
        (image.offer.clone(), format!("{}/ArtifactTypes/VMImage/Offers/{}", image.publisher, image.offer))
    })
}

fn image_skus(call: &Call<'_>) -> Answer {
    names(call, |image| (image.sku.clone(), sku_path(image)))
}

fn sku_path(image: &Image) -> String {
    format!("{}/ArtifactTypes/VMImage/Offers/{}/Skus/{}", image.publisher, image.offer, image.sku)
}

fn no_image(call: &Call<'_>) -> AzureError {
    AzureError::new(
        404,
        "NotFound",
        format!(
            "Artifact: VMImage was not found. ({}:{}:{})",
            call.capture("publisher"),
            call.capture("offer"),
            call.capture("sku")
        ),
    )
}

fn versions(call: &Call<'_>) -> Answer {
    let region = region(call)?;
    let image = *images(call).first().ok_or_else(|| no_image(call))?;
    let mut known = image.versions.clone();
    if call.request.query("$orderby").is_some_and(|order| order.ends_with("desc")) {
        known.reverse();
    }
    let top = call.request.query("$top").and_then(|top| top.parse().ok()).unwrap_or(usize::MAX);
    // Without `$expand` there are no properties (azure-cli `command_modules/vm/_actions.py` asks for this one).
    let states = call.request.query("$expand") == Some("properties/imageDeprecationStatus");
    let list = known.iter().take(top).map(|version| {
        let mut body = entry(&region.name, version, &format!("{}/Versions/{version}", sku_path(image)));
        if states {
            body["properties"] = json!({"imageDeprecationStatus": {"imageState": "Active"}});
        }
        body
    });
    Ok(Reply::json(200, &Value::Array(list.collect())))
}

fn version(call: &Call<'_>) -> Answer {
    let region = region(call)?;
    let image = *images(call).first().ok_or_else(|| no_image(call))?;
    let version = image
        .versions
        .iter()
        .find(|known| *known == call.capture("version"))
        .ok_or_else(|| no_image(call))?;
    let mut properties = json!({
        "hyperVGeneration": "V2", "architecture": "x64", "replicaType": "Managed", "disallowed": {"vmDiskType": "Unmanaged"},
        "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": false},
        "imageDeprecationStatus": {"imageState": "Active"},
        "osDiskImage": {"operatingSystem": "Linux", "sizeInGb": 30, "sizeInBytes": 32_212_255_232_u64}, "dataDiskImages": [],
    });
    if image.plan {
        properties["plan"] = json!({"publisher": image.publisher, "name": image.sku, "product": image.offer});
    }
    let path = format!("{}/Versions/{version}", sku_path(image));
    let mut body = entry(&region.name, version, &path);
    body["properties"] = properties;
    Ok(Reply::json(200, &body))
}
