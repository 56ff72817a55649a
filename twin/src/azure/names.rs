//! Names that a virtual network resolves besides those of its hosts: private endpoints, by their private DNS zones.

use std::net::Ipv4Addr;

use super::state::State;
use crate::arm::types::items;

const GROUPS: &str = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups";
const PRIVATE: &str = "privatelink.";

/// Address of a service's public name, `x.mysql.database.azure.com`, through the record that a private endpoint has in
/// the zone `privatelink.mysql.database.azure.com` (learn.microsoft.com, private-endpoint-dns).
pub fn address(state: &State, name: &str) -> Option<Ipv4Addr> {
    let (label, zone) = name.split_once('.')?;
    let wanted = format!("{label}.{PRIVATE}{}", zone.trim_start_matches(PRIVATE));
    let groups = state.resources.values().filter(|one| one.kind.eq_ignore_ascii_case(GROUPS));
    let configs = groups.flat_map(|one| items(&one.body["properties"]["privateDnsZoneConfigs"]));
    let mut records = configs.flat_map(|config| items(&config["properties"]["recordSets"]));
    let record = records
        .find(|record| record["fqdn"].as_str().is_some_and(|fqdn| fqdn.eq_ignore_ascii_case(&wanted)))?;
    record["ipAddresses"][0].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::state::{Resource, key};
    use serde_json::{Value, json};

    #[test]
    fn a_private_endpoint_is_found_by_its_services_public_name() {
        let record = json!({"fqdn": "db.privatelink.mysql.database.azure.com", "ipAddresses": ["10.64.3.4"]});
        let body =
            json!({"properties": {"privateDnsZoneConfigs": [{"properties": {"recordSets": [record]}}]}});
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/e/privateDnsZoneGroups/d";
        let resource = Resource {
            id: id.to_owned(),
            kind: GROUPS.to_owned(),
            api_version: "2025-05-01".to_owned(),
            body,
            hidden: Value::Null,
        };
        let mut state = State::default();
        state.resources.insert(key(id), resource);
        let found = Some(Ipv4Addr::new(10, 64, 3, 4));
        assert_eq!(address(&state, "DB.mysql.database.azure.com"), found);
        assert_eq!(address(&state, "db.privatelink.mysql.database.azure.com"), found);
        assert_eq!(address(&state, "other.mysql.database.azure.com"), None);
    }
}
