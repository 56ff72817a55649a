//! Private DNS zones: under which names private endpoints are found, and which zones a network asks.

use serde_json::Value;

use super::az::Az;
use super::failed::AzError;

const API: &str = "api-version=2024-06-01";

/// The zones that existing private DNS offers our endpoints, by resource id; empty where none is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZoneIds {
    /// Of Key Vaults.
    pub vault: String,
    /// Of blobs.
    pub blob: String,
    /// Of MySQL servers; only with accounting.
    pub my_sql: String,
}

impl ZoneIds {
    /// Names of the zones, with accounting or without
    /// (learn.microsoft.com/azure/private-link/private-endpoint-dns, public cloud).
    pub fn names(accounting: bool) -> &'static [&'static str] {
        const ALL: [&str; 3] = [
            "privatelink.vaultcore.azure.net",
            "privatelink.blob.core.windows.net",
            "privatelink.mysql.database.azure.com",
        ];
        if accounting { &ALL } else { &ALL[..2] }
    }

    /// The ids of zones in the order of [`ZoneIds::names`].
    pub fn of(ids: &[&str]) -> Self {
        let id = |index: usize| ids.get(index).copied().unwrap_or_default().to_owned();
        Self { vault: id(0), blob: id(1), my_sql: id(2) }
    }
}

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its resource id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether the network asked about is linked to it.
    pub linked: bool,
}

/// The zones named in `names` of the subscription of `az`, and whether `network`, a resource id, is linked.
///
/// # Errors
/// As [`Az::rest_list`].
pub fn zones(az: &Az<'_>, names: &[&str], network: &str) -> Result<Vec<Zone>, AzError> {
    let path =
        format!("/subscriptions/{}/providers/Microsoft.Network/privateDnsZones?{API}", az.subscription());
    let listed = az.rest_list_of(&path, "{id: id, name: name}", "reading the private DNS zones")?;
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let wanted = |name: &str| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    let found = listed.iter().map(|item| (text(item, "id"), text(item, "name")));
    found
        .filter(|(_, name)| wanted(name))
        .map(|(id, name)| Ok(Zone { linked: is_linked(az, &id, network)?, id, name }))
        .collect()
}

fn is_linked(az: &Az<'_>, zone: &str, network: &str) -> Result<bool, AzError> {
    let path = format!("{zone}/virtualNetworkLinks?{API}");
    let links = az.rest_list(&path, "reading the networks linked to a private DNS zone")?;
    let leads_there = |link: &Value| {
        let id = link.pointer("/properties/virtualNetwork/id").and_then(Value::as_str);
        id.is_some_and(|id| id.eq_ignore_ascii_case(network))
    };
    Ok(links.iter().any(leads_there))
}
