//! Whether the subscription can have a machine: size, zone, quota, image, marketplace terms.

use std::collections::BTreeMap;

use super::ask::{Ask, items};
use crate::arm::world::{Image, ImageName, Plan, Quota, VmSize};
use crate::azure::error::AzureError;

/// Refuses what cannot be had `count` times, in the words of a VM's own PUT; else the exact version of the image.
pub fn check(ask: &Ask, count: u32) -> Result<Option<String>, AzureError> {
    let size = size(ask)?;
    let zones = zones(ask);
    if size.restricted || zones.iter().any(|zone| !size.zones.contains(zone)) {
        let message = format!(
            "The requested size for resource '{}' is currently not available in location '{}' zones '{}' for subscription '{}'. Please try another size or deploy to a different location or zones. See https://aka.ms/azureskunotavailable for details.",
            ask.put.id,
            ask.location(),
            zones.join(","),
            ask.subscription()
        );
        return Err(AzureError::new(409, "SkuNotAvailable", message));
    }
    let image = image(ask)?;
    if let Some(plan) = plan(ask, image.as_ref())? {
        accepted(ask, &plan)?;
    }
    for (family, needed) in needs(ask, &size) {
        if let Some(message) = exceeded(ask, &family, needed * count) {
            return Err(AzureError::new(409, "OperationNotAllowed", message));
        }
    }
    Ok(image.map(|image| image.exact_version))
}

/// What Azure finds out about machines before a deployment runs: sizes, quota of all together, images, terms.
pub fn preflight(asks: &[Ask]) -> Vec<AzureError> {
    let mut refusals = Vec::new();
    let mut needed: BTreeMap<(String, String), (usize, u32)> = BTreeMap::new();
    for (at, ask) in asks.iter().enumerate() {
        match size(ask) {
            Err(refusal) => refusals.push(refusal),
            Ok(size) => {
                if size.restricted || zones(ask).iter().any(|zone| !size.zones.contains(zone)) {
                    refusals.push(not_available(ask, &size));
                }
                for (family, cores) in needs(ask, &size) {
                    needed.entry((ask.location(), family)).or_insert((at, 0)).1 += cores;
                }
            }
        }
        match image(ask).and_then(|image| plan(ask, image.as_ref())) {
            Err(refusal) => refusals.push(refusal),
            Ok(Some(plan)) if !ask.world.terms_accepted(ask.subscription(), &plan) => {
                refusals.push(not_eligible(ask, &plan))
            }
            Ok(_) => {}
        }
    }
    for ((_, family), (at, cores)) in needed {
        if let Some(message) = exceeded(&asks[at], &family, cores) {
            refusals.push(AzureError::new(400, "QuotaExceeded", message));
        }
    }
    refusals
}

/// Recorded in MicrosoftDocs/azure-docs-cli.
fn not_available(ask: &Ask, size: &VmSize) -> AzureError {
    let message = format!(
        "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: {}' is currently not available in location '{}'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.",
        size.name,
        ask.location()
    );
    AzureError::new(409, "SkuNotAvailable", message)
}

fn zones(ask: &Ask) -> Vec<String> {
    items(ask.at("/zones")).iter().filter_map(|zone| zone.as_str().map(str::to_owned)).collect()
}

fn size(ask: &Ask) -> Result<VmSize, AzureError> {
    let name = ask.text("/properties/hardwareProfile/vmSize");
    ask.world.vm_size(ask.subscription(), &ask.location(), name).ok_or_else(|| {
        let message = format!(
            "The value {name} provided for the VM size is not valid. The valid sizes in the current region are those of 'az vm list-sizes --location {}'.",
            ask.location()
        );
        AzureError::new(400, "InvalidParameter", message).target("vmSize")
    })
}

/// vCPUs that the machine takes beyond what it has: of its family, and of the region.
fn needs(ask: &Ask, size: &VmSize) -> Vec<(String, u32)> {
    let old = ask.old["properties"]["hardwareProfile"]["vmSize"].as_str();
    let old = old.and_then(|name| ask.world.vm_size(ask.subscription(), &ask.location(), name));
    let (has, has_in_family) = match &old {
        None => (0, 0),
        Some(old) if old.family == size.family => (old.vcpus, old.vcpus),
        Some(old) => (old.vcpus, 0),
    };
    let needs = [
        ("cores".to_owned(), size.vcpus.saturating_sub(has)),
        (size.family.clone(), size.vcpus.saturating_sub(has_in_family)),
    ];
    needs.into_iter().filter(|(_, cores)| *cores > 0).collect()
}

/// Azure's sentence of a quota that does not suffice (recorded: Azure/karpenter-provider-azure), without the long link.
fn exceeded(ask: &Ask, family: &str, needed: u32) -> Option<String> {
    let Quota { limit, used } = ask.world.quota(ask.subscription(), &ask.location(), family)?;
    if used + needed <= limit {
        return None;
    }
    let (name, page) = match family {
        "cores" => ("Total Regional Cores".to_owned(), "regional-quota-requests"),
        family => (format!("{family} Cores"), "per-vm-quota-requests"),
    };
    Some(format!(
        "Operation could not be completed as it results in exceeding approved {name} quota. Additional details - Deployment Model: Resource Manager, Location: {}, Current Limit: {limit}, Current Usage: {used}, Additional Required: {needed}, (Minimum) New Limit Required: {}. Setup Alerts when Quota reaches threshold. Learn more at https://aka.ms/quotamonitoringalerting . Submit a request for Quota increase at https://aka.ms/ProdportalCRP/#blade/Microsoft_Azure_Capacity/UsageAndQuota.ReactView by specifying parameters listed in the ‘Details’ section for deployment to succeed. Please read more about quota limits at https://docs.microsoft.com/en-us/azure/azure-supportability/{page}",
        ask.location(),
        used + needed
    ))
}

fn image_name(ask: &Ask) -> Option<ImageName> {
    let part = |name: &str| {
        let text = ask.text(&format!("/properties/storageProfile/imageReference/{name}"));
        (!text.is_empty()).then(|| text.to_owned())
    };
    Some(ImageName {
        publisher: part("publisher")?,
        offer: part("offer")?,
        sku: part("sku")?,
        version: part("version")?,
    })
}

/// Recorded in hashicorp/packer issue 10600 and clear-code/firefox-support-common pull request 31.
fn image(ask: &Ask) -> Result<Option<Image>, AzureError> {
    let Some(name) = image_name(ask) else {
        return Err(AzureError::new(
            400,
            "InvalidParameter",
            "Required parameter 'imageReference' is missing (null).",
        )
        .target("imageReference"));
    };
    let found = ask.world.image(&ask.location(), &name);
    if found.is_none() && ask.old.is_null() {
        let message = format!(
            "The platform image '{}:{}:{}:{}' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile",
            name.publisher, name.offer, name.sku, name.version
        );
        return Err(AzureError::new(404, "PlatformImageNotFound", message).target("imageReference"));
    }
    Ok(found)
}

/// The plan of the image, which the request must name (Azure/azure-sdk-for-go issue 13894).
fn plan(ask: &Ask, image: Option<&Image>) -> Result<Option<Plan>, AzureError> {
    let given = ask.at("/plan");
    let refuse = |message: String| Err(AzureError::new(400, "VMMarketplaceInvalidInput", message));
    match image.and_then(|image| image.plan.clone()) {
        Some(_) if given.is_null() => refuse(format!(
            "Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image requires Plan information in the request. VM: '{}'.",
            ask.put.id
        )),
        Some(plan)
            if given["publisher"] != plan.publisher.as_str()
                || given["product"] != plan.product.as_str()
                || given["name"] != plan.name.as_str() =>
        {
            refuse(format!(
                "Unable to deploy from the Marketplace image or a custom image sourced from Marketplace image. The part number in the purchase information for VM '{}' is not as expected. Beware that the Plan object's properties are case-sensitive. Learn more about common virtual machine error codes.",
                ask.put.id
            ))
        }
        None if !given.is_null() && image.is_some() => refuse(format!(
            "Marketplace Plan information in the request is not valid: the image of VM '{}' has no plan.",
            ask.put.id
        )),
        plan => Ok(plan),
    }
}

fn unaccepted(ask: &Ask, plan: &Plan) -> String {
    format!(
        "You have not accepted the legal terms on this subscription: '{}' for this plan. Before the subscription can be used, you need to accept the legal terms of the image. To read and accept legal terms, use the Azure CLI commands described at https://go.microsoft.com/fwlink/?linkid=2110637 or the PowerShell commands available at https://go.microsoft.com/fwlink/?linkid=862451. Alternatively, deploying via the Azure portal provides a UI experience for reading and accepting the legal terms. Offer details: publisher='{}' offer = '{}', sku = '{}', Correlation Id: '{}'.",
        ask.subscription(),
        plan.publisher,
        plan.product,
        plan.name,
        ask.world.new_uuid()
    )
}

/// Recorded in nforgeio/neonKUBE issue 1673.
fn accepted(ask: &Ask, plan: &Plan) -> Result<(), AzureError> {
    if ask.world.terms_accepted(ask.subscription(), plan) {
        return Ok(());
    }
    let message =
        format!("User failed validation to purchase resources. Error message: '{}'", unaccepted(ask, plan));
    Err(AzureError::new(400, "ResourcePurchaseValidationFailed", message))
}

/// Recorded in hashicorp/packer pull request 6009 (frame) and nforgeio/neonKUBE issue 1673 (sentence).
fn not_eligible(ask: &Ask, plan: &Plan) -> AzureError {
    let detail = format!(
        "Offer with PublisherId: '{}', OfferId: '{}' cannot be purchased due to validation errors. For more information see details. [{{\"{}\":\"StoreApi\"}}]",
        plan.publisher,
        plan.product,
        unaccepted(ask, plan)
    );
    AzureError::new(
        400,
        "MarketplacePurchaseEligibilityFailed",
        "Marketplace purchase eligibilty check returned errors. See inner errors for details. ",
    )
    .detail(AzureError::new(400, "BadRequest", detail))
}
