//! Settings (`configurations`) and databases of MySQL servers.

use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::Ask;
use super::general::parent_not_found;
use super::mysql::{OFFER, invalid};
use super::{Change, Changes};
use crate::azure::error::AzureError;

/// A setting that servers have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    values: String,
    default: String,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    restart: bool,
}

impl Setting {
    /// What the service says is allowed, and which kind of value that is; `memory` is the size's in GiB.
    fn allowed(&self, name: &str, memory: i64) -> (String, &'static str) {
        let values = match (self.values.as_str(), name) {
            ("memory", "max_connections") => format!("10-{}", (memory * 512 + 1) / 3),
            ("memory", _) => format!("134217728-{}", buffer_pool(memory)),
            (values, _) => values.to_owned(),
        };
        let kind = if self.values.starts_with("set:") {
            "Set"
        } else if bounds(&values).is_some() {
            "Integer"
        } else if values == "any" {
            "String"
        } else {
            "Enumeration"
        };
        (values.trim_start_matches("set:").to_owned(), kind)
    }

    fn default(&self, memory: i64, name: &str) -> String {
        match (self.default.as_str(), name) {
            ("memory", "max_connections") => ((memory * 512 + 3) / 6).to_string(),
            ("memory", _) => buffer_pool(memory).to_string(),
            (value, _) => value.to_owned(),
        }
    }
}

/// Largest buffer pool in bytes with this memory in GiB (the table of concepts-server-parameters).
fn buffer_pool(memory: i64) -> i64 {
    const GIB: i64 = 1 << 30;
    match memory {
        1 => GIB / 8,
        2 => GIB / 2,
        4 => 2 * GIB,
        8 => 5 * GIB,
        more => more * GIB / 4 * 3,
    }
}

fn bounds(values: &str) -> Option<(i64, i64)> {
    let (least, most) = values.split_once('-')?;
    Some((least.parse().ok()?, most.parse().ok()?))
}

fn fits(allowed: &str, kind: &str, value: &str) -> bool {
    let one_of = |value: &str| allowed.split(',').any(|one| one.eq_ignore_ascii_case(value));
    match (kind, bounds(allowed)) {
        ("String", _) => true,
        ("Set", _) => value.split(',').all(one_of),
        (_, Some((least, most))) => value.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number)),
        _ => one_of(value),
    }
}

/// The server of a setting or database.
fn server(ask: &Ask) -> Result<Value, AzureError> {
    let server = ask.id.parent().and_then(|id| ask.world.resource(&id.full));
    server.ok_or_else(|| parent_not_found(ask))
}

/// A setting of a server. Codes: prowler-cloud (not there, of PostgreSQL), Azure/azure-mysql issue 295 (read-only).
pub fn configuration(ask: &Ask) -> Changes {
    let server = server(ask)?;
    let name = ask.id.last_name();
    let version = server["properties"]["version"].as_str().unwrap_or_default();
    let Some(setting) = OFFER.settings.get(name) else {
        let message = format!(
            "The configuration '{name}' does not exist for {} server version {version}.",
            server["name"].as_str().unwrap_or_default()
        );
        return Err(AzureError::new(404, "ConfigurationNotExists", message));
    };
    if setting.read_only {
        let message =
            format!("The configuration(s) '{name}' is(are) read-only for 0 server version {version}.");
        return Err(AzureError::new(400, "ConfigurationReadOnly", message));
    }
    let memory = OFFER.memory(server["sku"]["name"].as_str().unwrap_or_default()).unwrap_or(8);
    let (allowed, kind) = setting.allowed(name, memory);
    let default = setting.default(memory, name);
    let value = ask.at("/properties/value").as_str().unwrap_or(&default);
    if !fits(&allowed, kind, value) {
        return Err(invalid("value"));
    }
    let properties = json!({
        "value": value, "currentValue": value, "defaultValue": default, "dataType": kind, "allowedValues": allowed,
        "source": ask.at("/properties/source").as_str().unwrap_or("user-override"), "isReadOnly": "False",
        "isConfigPendingRestart": if setting.restart { "True" } else { "False" },
        "isDynamicConfig": if setting.restart { "False" } else { "True" },
    });
    Ok(vec![Change::own(ask, ask.resource(properties))])
}

/// Databases that MySQL has for itself.
const SYSTEM: [&str; 4] = ["mysql", "information_schema", "performance_schema", "sys"];

/// A database.
pub fn database(ask: &Ask) -> Changes {
    server(ask)?;
    if SYSTEM.iter().any(|name| name.eq_ignore_ascii_case(ask.id.last_name())) {
        return Err(invalid("databaseName"));
    }
    let charset = ask.at("/properties/charset").as_str().unwrap_or("utf8mb4");
    let collation = ask.at("/properties/collation").as_str();
    let of_charset = |collation: &str| collation.split('_').next() == Some(charset) || collation == "binary";
    if !collation.is_none_or(of_charset) {
        return Err(invalid("collation"));
    }
    let collation = collation.map_or_else(|| format!("{charset}_general_ci"), str::to_owned);
    let properties = json!({"charset": charset, "collation": collation});
    Ok(vec![Change::own(ask, ask.resource(properties))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_documentation() {
        for (memory, pool, connections) in [
            (2, 536_870_912, "10-341"),
            (8, 5_368_709_120, "10-1365"),
            (16, 12_884_901_888, "10-2731"),
            (64, 51_539_607_552, "10-10923"),
        ] {
            assert_eq!(buffer_pool(memory), pool, "{memory}");
            let setting = &OFFER.settings["max_connections"];
            assert_eq!(setting.allowed("max_connections", memory).0, connections, "{memory}");
        }
    }

    #[test]
    fn every_default_is_allowed() {
        for (name, setting) in &OFFER.settings {
            let (allowed, kind) = setting.allowed(name, 16);
            assert!(fits(&allowed, kind, &setting.default(16, name)), "{name}: {allowed}");
        }
    }
}
