//! Blobs, the metadata service, Bastion's rights, delays and faults.
#![allow(clippy::unwrap_used)] // helpers of tests may panic

mod azure_support;

use std::time::{Duration, Instant};

use azure_support::{Answered, S, Twin};
use ccslurm4ai_twin::azure::http::Request;
use serde_json::{Value, json};

const HOST: [u8; 4] = [10, 64, 0, 4]; // the VM of the template
const STRANGER: [u8; 4] = [10, 64, 0, 200];

fn put(twin: &Twin, path: &str, body: Value) -> Answered {
    let got = twin.arm("PUT", &format!("{S}/resourceGroups/rg1/providers/{path}"), Some(body));
    assert!(got.status < 300, "{path}: {}", got.body);
    got
}

/// A storage account that is closed to the public, with a container.
fn storage(twin: &Twin) {
    let account = "Microsoft.Storage/storageAccounts/twinlocker";
    let properties = json!({"publicNetworkAccess": "Disabled", "allowSharedKeyAccess": false, "minimumTlsVersion": "TLS1_2"});
    let body = json!({"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": properties});
    put(twin, &format!("{account}?api-version=2025-06-01"), body);
    put(
        twin,
        &format!("{account}/blobServices/default/containers/cyclecloud?api-version=2025-06-01"),
        json!({}),
    );
}

fn private_endpoint(twin: &Twin) {
    let group = format!("{S}/resourceGroups/rg1/providers");
    let connection = json!({"name": "c", "properties": {
        "privateLinkServiceId": format!("{group}/Microsoft.Storage/storageAccounts/twinlocker"), "groupIds": ["blob"],
    }});
    let subnet = json!({"id": format!("{group}/Microsoft.Network/virtualNetworks/vnet/subnets/default")});
    let properties = json!({"subnet": subnet, "privateLinkServiceConnections": [connection]});
    put(
        twin,
        "Microsoft.Network/privateEndpoints/pe?api-version=2025-05-01",
        json!({"location": "eastus", "properties": properties}),
    );
}

fn identity(twin: &Twin) -> String {
    let path = format!(
        "{S}/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/vm1?api-version=2025-04-01"
    );
    twin.arm("GET", &path, None).body["identity"]["principalId"].as_str().unwrap().to_owned()
}

fn grant(twin: &Twin, principal: &str, role: &str) {
    let body = json!({"properties": {
        "roleDefinitionId": format!("{S}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
        "principalId": principal, "principalType": "ServicePrincipal",
    }});
    put(
        twin,
        "Microsoft.Authorization/roleAssignments/99999999-0000-4000-8000-000000000001?api-version=2022-04-01",
        body,
    );
}

/// A token from the metadata service, as a host asks for it.
fn metadata_token(twin: &Twin, peer: [u8; 4], resource: &str) -> Answered {
    let url =
        format!("https://metadata/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}");
    twin.send_from(peer, "GET", &url, None, &[("metadata", "true")], Vec::new())
}

fn text(got: &Answered) -> String {
    got.body.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_host_puts_a_blob_with_its_identity_through_the_private_endpoint() {
    let twin = Twin::with_group("role_delay: 0");
    assert_eq!(twin.deploy_machine()["properties"]["provisioningState"], "Succeeded");
    storage(&twin);
    let token = metadata_token(&twin, HOST, "https://storage.azure.com/").body["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let url = "https://twinlocker.blob.core.windows.net/cyclecloud/projects/a.tgz";
    let send = |method: &str, url: &str, token: Option<&str>, peer: [u8; 4]| {
        twin.send_from(peer, method, url, token, &[("x-ms-blob-type", "BlockBlob")], b"content".to_vec())
    };
    let refusals = [
        (send("PUT", url, None, HOST), 401, "NoAuthenticationInformation"),
        (send("PUT", url, Some("made.up.token"), HOST), 401, "InvalidAuthenticationInfo"),
        (send("PUT", url, Some(&token), HOST), 403, "AuthorizationFailure"), // no private endpoint yet
    ];
    for (got, status, code) in &refusals {
        assert_eq!((got.status, got.header("x-ms-error-code")), (*status, Some(*code)), "{}", text(got));
    }
    private_endpoint(&twin);
    let unauthorized = send("PUT", url, Some(&token), HOST);
    assert_eq!(
        unauthorized.header("x-ms-error-code"),
        Some("AuthorizationPermissionMismatch"),
        "{}",
        text(&unauthorized)
    );
    grant(&twin, &identity(&twin), "ba92f5b4-2d11-453d-a403-e96b0029c9fe");
    assert_eq!(send("PUT", url, Some(&token), HOST).status, 201);
    assert_eq!(text(&send("GET", url, Some(&token), HOST)), "content");
    let list = send(
        "GET",
        "https://twinlocker.blob.core.windows.net/cyclecloud?restype=container&comp=list&prefix=projects/",
        Some(&token),
        HOST,
    );
    assert!(text(&list).contains("<Name>projects/a.tgz</Name>"), "{}", text(&list));
    let public = send("GET", url, Some(&token), [127, 0, 0, 1]);
    assert_eq!(public.header("x-ms-error-code"), Some("AuthorizationFailure"), "closed to the public");
    assert_eq!(send("DELETE", url, Some(&token), HOST).status, 202);
    assert_eq!(send("GET", url, Some(&token), HOST).header("x-ms-error-code"), Some("BlobNotFound"));
    let elsewhere = send("PUT", "https://twinlocker.blob.core.windows.net/nowhere/a", Some(&token), HOST);
    assert_eq!(elsewhere.header("x-ms-error-code"), Some("ContainerNotFound"));
}

#[test]
fn the_metadata_service_knows_a_vm_by_its_address() {
    let twin = Twin::with_group("");
    twin.deploy_machine();
    let url = "https://metadata/metadata/instance?api-version=2021-02-01";
    let got = twin.send_from(HOST, "GET", url, None, &[("metadata", "true")], Vec::new());
    assert_eq!(got.body["compute"]["name"], "vm1");
    assert_eq!(got.body["compute"]["resourceGroupName"], "rg1");
    assert!(got.body["compute"]["vmId"].is_string());
    assert_eq!(twin.send_from(HOST, "GET", url, None, &[], Vec::new()).status, 400);
    assert_eq!(twin.send_from(STRANGER, "GET", url, None, &[("metadata", "true")], Vec::new()).status, 404);
    let good = metadata_token(&twin, HOST, "https://vault.azure.net");
    assert_eq!(good.status, 200, "{}", good.body);
    assert!(good.body["expires_in"].is_string());
    assert_eq!(
        metadata_token(&twin, STRANGER, "https://vault.azure.net").body["error_description"],
        "Identity not found"
    );
    let other = "https://vault.azure.net&client_id=99999999-0000-4000-8000-000000000002";
    assert_eq!(metadata_token(&twin, HOST, other).status, 400);
}

#[test]
fn a_tunnel_needs_rights_on_bastion_vm_and_interface() {
    let twin = Twin::with_group("role_delay: 0");
    twin.deploy_machine();
    let path = format!(
        "{S}/resourceGroups/rg1/providers/Microsoft.Network/bastionHosts/bastion?api-version=2025-05-01"
    );
    let endpoint = twin.arm("GET", &path, None).body["properties"]["dnsName"].as_str().unwrap().to_owned();
    let machine = format!("{S}/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/vm1");
    let ask = |token: &str, target: &str| {
        let form =
            format!("resourceId={target}&protocol=tcptunnel&workloadHostPort=22&aztoken={token}&token=");
        twin.send("POST", &format!("https://{endpoint}/api/tokens"), None, &[], form.into_bytes())
    };
    let owner = twin.token("https://management.azure.com");
    let nobody = twin.token_of(&identity(&twin), "https://management.azure.com");
    assert_eq!(ask("made.up", &machine).status, 401);
    assert_eq!(ask(&nobody, &machine).status, 403);
    assert_eq!(ask(&owner, &format!("{machine}x")).status, 404);
    let session = ask(&owner, &machine);
    assert_eq!(session.status, 200, "{}", session.body);
    let socket = session.body["websocketToken"].as_str().unwrap();
    let open = format!("https://{endpoint}/webtunnelv2/{socket}?X-Node-Id=0");
    let upgrade = [("upgrade", "websocket")];
    assert_eq!(
        twin.send("GET", &open, None, &upgrade, Vec::new()).status,
        502,
        "nothing listens without hosts"
    );
    assert_eq!(
        twin.send("GET", &open, None, &upgrade, Vec::new()).status,
        404,
        "a token opens one websocket"
    );
    let token = session.body["authToken"].as_str().unwrap();
    let delete = || {
        twin.send("DELETE", &format!("https://{endpoint}/api/tokens/{token}"), None, &[], Vec::new()).status
    };
    assert_eq!((delete(), delete()), (204, 404));
}

fn locations() -> Request {
    Request {
        method: "GET".into(),
        host: "management.azure.com".into(),
        path: format!("{S}/locations"),
        query: vec![("api-version".into(), "2022-12-01".into())],
        headers: Vec::new(),
        body: Vec::new(),
        peer: [127, 0, 0, 1].into(),
    }
}

#[test]
fn latency_and_faults_come_before_the_answer() {
    let twin = Twin::new(
        "latency: 0.05\nfaults:\n  - {path: /locations, to: 1, status: 503, body: {error: {code: ServerBusy, message: later}}}\n  - {path: /locations, from: 2, to: 2, delay: 0.2}\n  - {path: /locations, from: 3, to: 3, close: true}\n",
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut took = Vec::new();
    let statuses: Vec<u16> = (0..4)
        .map(|_| {
            let begin = Instant::now();
            let reply = runtime.block_on(twin.azure.answer(locations()));
            took.push(begin.elapsed());
            reply.status
        })
        .collect();
    assert_eq!(statuses, [503, 401, 0, 401]);
    assert!(took.iter().all(|time| *time >= Duration::from_millis(50)), "{took:?}");
    assert!(took[1] >= Duration::from_millis(250), "{took:?}");
}
