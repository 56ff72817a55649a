//! Deletions: replies as recorded, refusals while something is used, and what goes along.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

#[path = "../azure_support/mod.rs"]
mod azure_support;
mod groups;
mod locks;
mod replies;
mod uses;

use azure_support::{Answered, S, Twin, differences, recorded};
use serde_json::Value;

const NETWORK: &str = "api-version=2025-05-01";
const GROUP: &str = "resourcegroups/rg1?api-version=2024-11-01";

fn id(path: &str) -> String {
    format!("{S}/resourceGroups/rg1/providers/{path}")
}

fn delete(twin: &Twin, path: &str) -> Answered {
    let version = match path.split('/').next() {
        Some("Microsoft.Compute") if path.contains("/disks/") => "api-version=2025-01-02",
        Some("Microsoft.Compute") => "api-version=2025-04-01",
        Some("Microsoft.Network") if path.contains("/privateDnsZones/") => "api-version=2024-06-01",
        Some("Microsoft.KeyVault") => "api-version=2026-02-01",
        Some("Microsoft.ManagedIdentity") => "api-version=2024-11-30",
        Some("Microsoft.Monitor") => "api-version=2025-10-03",
        Some("Microsoft.DBforMySQL") => "api-version=2024-12-30",
        Some("Microsoft.Dashboard") => "api-version=2025-08-01",
        Some("Microsoft.NetApp") => "api-version=2025-12-01",
        Some("Microsoft.Authorization") => "api-version=2022-04-01",
        _ => NETWORK,
    };
    twin.arm("DELETE", &format!("{}?{version}", id(path)), None)
}

fn put(twin: &Twin, path: &str, version: &str, body: Value) {
    let got = twin.arm("PUT", &format!("{}?api-version={version}", id(path)), Some(body));
    assert!(got.status < 300, "{path}: {}", got.body);
}

/// Deletes and waits for the end.
fn gone(twin: &Twin, path: &str) {
    let got = delete(twin, path);
    assert!([200, 202].contains(&got.status), "{path}: {} {}", got.status, got.body);
    if let Some(address) = got.header("azure-asyncoperation") {
        assert_eq!(twin.polled(address).body["status"], "Succeeded", "{path}");
    }
    assert!(twin.azure.state().resource(&id(path)).is_none(), "{path}");
}

/// Status and headers as recorded; the twin gives no body where the wire had none.
fn like_recorded(got: &Answered, file: &str, index: usize) {
    let recorded = recorded(file, index);
    let response = &recorded["response"];
    assert_eq!(got.status, response["status"], "{file} {index}");
    for header in ["azure-asyncoperation", "azure-asyncnotification", "location"] {
        assert_eq!(
            got.header(header).is_some(),
            response["headers"].get(header).is_some(),
            "{file} {index}: {header}"
        );
    }
    let mut found = Vec::new();
    differences(&response["body"], &got.body, "", &mut found);
    assert!(found.is_empty(), "{file} {index}: {found:?}");
    // The kind of address: operations or results, and of which provider.
    for header in ["azure-asyncoperation", "location"] {
        let words = |address: &str| -> Vec<String> {
            let path = address.split('?').next().unwrap_or_default();
            let known = |part: &&str| part.chars().all(char::is_alphabetic) || part.starts_with("Microsoft.");
            path.split('/')
                .filter(known)
                .filter(|part| !["eastus", "westus"].contains(part))
                .map(str::to_owned)
                .collect()
        };
        if let (Some(ours), Some(theirs)) = (got.header(header), response["headers"][header].as_str()) {
            assert_eq!(words(ours), words(theirs), "{file} {index}: {header}");
        }
    }
}
