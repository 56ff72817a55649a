//! Private endpoints and their DNS zone groups.

use serde_json::{Value, json};

use super::ask::{Ask, items, link};
use super::nic::free;
use super::subnet::{not_delegated, occupied, same_region};
use super::{Change, Changes};
use crate::arm::id::ResourceId;
use crate::azure::error::AzureError;

/// Parts of each service that a private endpoint can lead to, and the zone of its public name
/// (learn.microsoft.com, private-endpoint-dns).
const SERVICES: &[(&str, &str, &str)] = &[
    ("Microsoft.KeyVault/vaults", "vault", "vault.azure.net"),
    ("Microsoft.Storage/storageAccounts", "blob", "blob.core.windows.net"),
    ("Microsoft.Storage/storageAccounts", "file", "file.core.windows.net"),
    ("Microsoft.Storage/storageAccounts", "dfs", "dfs.core.windows.net"),
    ("Microsoft.DBforMySQL/flexibleServers", "mysqlServer", "mysql.database.azure.com"),
];

/// A private endpoint: a network interface of its own in the subnet, and a connection that the service approves at once.
pub fn endpoint(ask: &Ask) -> Changes {
    let [connection] = items(ask.at("/properties/privateLinkServiceConnections")) else {
        let message =
            format!("Private endpoint {} must have exactly one private link service connection.", ask.put.id);
        return Err(AzureError::new(400, "PrivateEndpointMustHaveOneConnection", message));
    };
    let service = connection["properties"]["privateLinkServiceId"].as_str().unwrap_or_default();
    let zone = served(ask, connection, service)?;
    let subnet = ask.text("/properties/subnet/id");
    same_region(ask, subnet)?;
    not_delegated(ask, subnet, "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated")?;
    let address = match ask.old["properties"]["customDnsConfigs"][0]["ipAddresses"][0].as_str() {
        Some(kept) => kept.to_owned(),
        None => free(ask, subnet)?,
    };
    let mut changes = interface(ask, subnet, &address);
    let interface = changes[0].id().to_owned();
    changes.extend(occupied(ask, subnet, "privateEndpoints", &ask.put.id));
    changes.push(approved(ask, connection, service));
    let etag = ask.etag();
    let name = connection["name"].as_str().unwrap_or_default();
    let mut done = json!({
        "name": name, "id": format!("{}/privateLinkServiceConnections/{name}", ask.put.id), "etag": etag,
        "type": "Microsoft.Network/privateEndpoints/privateLinkServiceConnections", "properties": connection["properties"],
    });
    done["properties"]["provisioningState"] = json!("Succeeded");
    done["properties"]["privateLinkServiceConnectionState"] = state();
    let host = service.rsplit('/').next().unwrap_or_default();
    let mut properties =
        ask.properties(json!({"manualPrivateLinkServiceConnections": [], "customNetworkInterfaceName": ""}));
    properties.insert("provisioningState".into(), json!("Succeeded"));
    properties.insert("resourceGuid".into(), ask.guid("/properties/resourceGuid"));
    properties.insert("privateLinkServiceConnections".into(), json!([done]));
    properties.insert("networkInterfaces".into(), json!([{ "id": interface }]));
    properties.insert(
        "customDnsConfigs".into(),
        json!([{"fqdn": format!("{host}.{zone}"), "ipAddresses": [address]}]),
    );
    let mut body = ask.resource(Value::Object(properties));
    body["etag"] = json!(etag);
    changes.insert(0, Change::own(ask, body));
    Ok(changes)
}

fn state() -> Value {
    json!({"status": "Approved", "description": "Auto-Approved", "actionsRequired": "None"})
}

/// The public zone of the part of the service that is asked for.
fn served(ask: &Ask, connection: &Value, service: &str) -> Result<&'static str, AzureError> {
    let kind = ResourceId::parse(service).map(|id| id.kind).unwrap_or_default();
    let groups = items(&connection["properties"]["groupIds"]);
    let group = groups.first().and_then(Value::as_str).unwrap_or_default();
    let found = SERVICES
        .iter()
        .find(|(of, part, _)| of.eq_ignore_ascii_case(&kind) && part.eq_ignore_ascii_case(group));
    found.map(|(_, _, zone)| *zone).ok_or_else(|| {
        AzureError::new(
            400,
            "PrivateEndpointInvalidGroupId",
            format!(
                "Private endpoint {} has the group id '{group}', which resource {service} does not have.",
                ask.put.id
            ),
        )
    })
}

fn interface(ask: &Ask, subnet: &str, address: &str) -> Vec<Change> {
    let name = || {
        let custom = ask.text("/properties/customNetworkInterfaceName");
        let own = format!("{}.nic.{}", ask.id.last_name(), ask.world.new_uuid());
        json!(format!(
            "{}/providers/Microsoft.Network/networkInterfaces/{}",
            ask.id.scope,
            if custom.is_empty() { &own } else { custom }
        ))
    };
    let id = ask.kept("/properties/networkInterfaces/0/id", name).as_str().unwrap_or_default().to_owned();
    let configuration = format!("{id}/ipConfigurations/privateEndpointIpConfig");
    let body = json!({
        "name": id.rsplit('/').next(), "id": id, "etag": ask.etag(), "type": "Microsoft.Network/networkInterfaces",
        "location": ask.location(), "kind": "Regular",
        "properties": {
            "provisioningState": "Succeeded",
            "privateEndpoint": {"id": ask.put.id},
            "ipConfigurations": [{
                "name": "privateEndpointIpConfig", "id": configuration, "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
                "properties": {"provisioningState": "Succeeded", "privateIPAddress": address, "privateIPAllocationMethod": "Dynamic",
                    "subnet": {"id": subnet}, "primary": true, "privateIPAddressVersion": "IPv4"},
            }],
        },
    });
    vec![Change::other(ask, &id, body)]
}

/// The service lists the connection.
fn approved(ask: &Ask, connection: &Value, service: &str) -> Change {
    let mut body = ask.world.resource(service).unwrap_or(Value::Null);
    let name = connection["name"].as_str().unwrap_or_default();
    let own = format!("{service}/privateEndpointConnections/{}.{name}", ask.id.last_name());
    link(&mut body, "privateEndpointConnections", &own);
    if let Value::Array(entries) = &mut body["properties"]["privateEndpointConnections"] {
        for entry in entries.iter_mut().filter(|entry| entry["id"] == own.as_str()) {
            entry["properties"] = json!({"provisioningState": "Succeeded", "privateEndpoint": {"id": ask.put.id},
                "privateLinkServiceConnectionState": state()});
        }
    }
    Change::other(ask, service, body)
}

/// The DNS zones of an endpoint.
pub fn zone_group(ask: &Ask) -> Changes {
    let parent = ask.id.parent().map(|id| id.full).unwrap_or_default();
    let Some(endpoint) = ask.world.resource(&parent) else {
        return Err(super::general::parent_not_found(ask));
    };
    let dns = &endpoint["properties"]["customDnsConfigs"][0];
    let host = dns["fqdn"].as_str().and_then(|name| name.split('.').next()).unwrap_or_default();
    let etag = ask.etag();
    let configured = |config: &Value| {
        let name = config["name"].as_str().unwrap_or_default();
        let zone = config["properties"]["privateDnsZoneId"].as_str().unwrap_or_default();
        let record = json!({
            "recordType": "A", "recordSetName": host, "fqdn": format!("{host}.{}", zone.rsplit('/').next().unwrap_or_default()),
            "ttl": 10, "ipAddresses": dns["ipAddresses"], "provisioningState": "Succeeded",
        });
        json!({"name": name, "id": format!("{}/privateDnsZoneConfigs/{name}", ask.put.id), "etag": etag,
            "type": "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/privateDnsZoneConfigs",
            "properties": {"provisioningState": "Succeeded", "privateDnsZoneId": zone, "recordSets": [record]}})
    };
    let configs: Vec<Value> =
        items(ask.at("/properties/privateDnsZoneConfigs")).iter().map(configured).collect();
    let mut body = ask.resource(json!({"provisioningState": "Succeeded", "privateDnsZoneConfigs": configs}));
    body["etag"] = json!(etag);
    Ok(vec![Change::own(ask, body)])
}
