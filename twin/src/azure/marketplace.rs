//! Terms of marketplace images.

use serde_json::{Value, json};

use super::error::AzureError;
use super::http::Reply;
use super::routes::{Answer, Call, Route};
use super::subscription::SUBSCRIPTION;
use crate::claims::Sure;

const AGREEMENT: &str = "/subscriptions/{subscription}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/{publisher}/offers/{offer}/plans/{plan}/agreements/current";
const VERSIONS: &[&str] = &["2015-06-01", "2021-01-01"];

/// Rows of this room.
pub const ROUTES: &[Route] = &[
    Route::arm(
        "GET",
        AGREEMENT,
        VERSIONS,
        "Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/read",
        get,
    )
    .known_from("recorded: azure-cli, az vm image terms show", Sure::High),
    Route::arm(
        "PUT",
        AGREEMENT,
        VERSIONS,
        "Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/write",
        put,
    )
    .known_from(
        "recorded: azure-cli, az vm image terms accept; the malformed id in its reply too",
        Sure::High,
    ),
];

/// `publisher/offer/plan` of the path, if such a plan exists.
fn plan(call: &Call<'_>) -> Result<String, AzureError> {
    let [publisher, offer, plan] = ["publisher", "offer", "plan"].map(|name| call.capture(name));
    let known = call.azure.catalog.images.iter().any(|image| {
        image.plan
            && image.publisher.eq_ignore_ascii_case(publisher)
            && image.offer.eq_ignore_ascii_case(offer)
            && image.sku.eq_ignore_ascii_case(plan)
    });
    if known {
        return Ok(format!("{publisher}/{offer}/{plan}").to_ascii_lowercase());
    }
    let message = format!(
        "Unable to find legal terms for this offer: publisher '{publisher}', offer '{offer}', plan '{plan}'."
    );
    Err(AzureError::new(404, "NotFound", message))
}

fn get(call: &Call<'_>) -> Answer {
    let plan = plan(call)?;
    let accepted = call.azure.state().terms_accepted.contains(&plan);
    Ok(Reply::json(200, &agreement(call, accepted, "offerTypes/VirtualMachine")))
}

fn put(call: &Call<'_>) -> Answer {
    let plan = plan(call)?;
    let accepted = call.request.json()?["properties"]["accepted"].as_bool().unwrap_or_default();
    let mut state = call.azure.state();
    state.terms_accepted.retain(|one| *one != plan);
    if accepted {
        state.terms_accepted.push(plan);
    }
    drop(state);
    Ok(Reply::json(200, &agreement(call, accepted, "offerTypes/Microsoft.MarketplaceOrdering/offertypes")))
}

fn agreement(call: &Call<'_>, accepted: bool, kind: &str) -> Value {
    let [publisher, offer, plan] = ["publisher", "offer", "plan"].map(|name| call.capture(name));
    let terms = format!("https://mpcprodsa.blob.core.windows.net/legalterms/{publisher}-{offer}-{plan}.txt");
    json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MarketplaceOrdering/{kind}/publishers/{publisher}/offers/{offer}/plans/{plan}/agreements/current"),
        "name": plan, "type": "Microsoft.MarketplaceOrdering/offertypes",
        "properties": {
            "publisher": publisher, "product": offer, "plan": plan, "licenseTextLink": terms,
            "privacyPolicyLink": "https://privacy.example/", "marketplaceTermsLink": terms,
            "retrieveDatetime": jiff::Timestamp::now().to_string(),
            "signature": super::state::fingerprint(&terms).to_ascii_uppercase(), "accepted": accepted,
        },
    })
}
