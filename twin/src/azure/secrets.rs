//! `<vault>.vault.azure.net`: the data plane of key vaults.

use std::net::IpAddr;
use std::sync::MutexGuard;

use serde_json::{Map, Value, json};

use super::error::AzureError;
use super::http::Reply;
use super::network::{self, Barrier};
use super::rbac::{self, Action};
use super::routes::{Answer, Call, Route, Service, Versions};
use super::state::{Resource, SecretVersion, State};
use super::tokens::{Caller, TENANT};
use super::vaults::VAULT;
use crate::claims::Sure;

const AUDIENCE: &str = "https://vault.azure.net";
const VERSIONS: Versions = Versions::Of(&["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6"]);

const fn row(method: &'static str, path: &'static str, answer: fn(&Call<'_>) -> Answer) -> Route {
    Route::of(Service::Vault, method, path, answer).taking(VERSIONS)
}

/// Rows of this service.
pub const ROUTES: &[Route] = &[
    row("GET", "/secrets", list)
        .known_from("recorded: azure-cli, list of secrets (the twin needs one page)", Sure::High),
    row("GET", "/secrets/{name}", get).known_from(
        "recorded: azure-cli, GET of a secret; 401 challenge; 403 and 404: docs, rest-error-codes",
        Sure::High,
    ),
    row("GET", "/secrets/{name}/{version}", get)
        .known_from("recorded: azure-cli, GET of a secret", Sure::High),
    row("PUT", "/secrets/{name}", set).known_from("recorded: azure-cli, PUT of a secret", Sure::High),
];

/// A caller who may do `action` on the vault of the request, and the state.
struct Admitted<'a> {
    state: MutexGuard<'a, State>,
    vault: Resource,
}

fn admit<'a>(call: &'a Call<'_>, action: &str, item: &str) -> Result<Admitted<'a>, Reply> {
    let caller = call
        .azure
        .tokens()
        .caller(call.request.bearer(), AUDIENCE)
        .map_err(|wrong| challenge(wrong.as_deref()))?;
    let state = call.azure.state();
    let name = call.request.host.split('.').next().unwrap_or_default();
    let mut vaults = state.resources.values().filter(|one| one.kind.eq_ignore_ascii_case(VAULT));
    let vault = vaults
        .find(|one| one.body["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)))
        .cloned();
    let vault = vault
        .ok_or_else(|| Reply::from(AzureError::new(404, "VaultNotFound", "The vault does not exist.")))?;
    if let Some(barrier) = network::barrier(&state, &vault, call.request.peer) {
        return Err(shut_out(&caller, barrier, call.request.peer, &vault));
    }
    let scope = format!("{}{item}", vault.id);
    if !rbac::allowed(&state, &call.azure.catalog, &caller.object_id, Action::Data(action), &scope) {
        let message = format!(
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nAction: '{action}'\r\nResource: '{scope}'\r\nAssignment: (not found)"
        );
        return Err(forbidden(&caller, &message, "ForbiddenByRbac", &vault));
    }
    Ok(Admitted { state, vault })
}

/// 401 as recorded (2025: `login.microsoftonline.com`).
fn challenge(wrong_audience: Option<&str>) -> Reply {
    let message = match wrong_audience {
        None => "AKV10000: Request is missing a Bearer or PoP token.".to_owned(),
        Some(found) => format!("AKV10022: Invalid audience. Expected {AUDIENCE}, found: {found}."),
    };
    let header = format!(
        "Bearer authorization=\"https://login.microsoftonline.com/{TENANT}\", resource=\"{AUDIENCE}\""
    );
    Reply::from(AzureError::new(401, "Unauthorized", message)).header("www-authenticate", header)
}

/// 403 of a closed vault (wording with the client's address: hashicorp/terraform-provider-azurerm issue 4553).
fn shut_out(caller: &Caller, barrier: Barrier, peer: IpAddr, vault: &Resource) -> Reply {
    let (message, inner) = match barrier {
        Barrier::Shut => (
            "Public network access is disabled and request is not from a trusted service nor via an approved private link.".to_owned(),
            "ForbiddenByConnection",
        ),
        Barrier::Firewall => (
            format!("Client address is not authorized and caller is not a trusted service.\r\nClient address: {peer}"),
            "ForbiddenByFirewall",
        ),
    };
    forbidden(caller, &message, inner, vault)
}

fn forbidden(caller: &Caller, message: &str, inner: &str, vault: &Resource) -> Reply {
    let message = format!(
        "{message}\r\nCaller: appid={};oid={};iss=https://sts.windows.net/{TENANT}/\r\nVault: {};location={}\r\n",
        caller.client,
        caller.object_id,
        vault.body["name"].as_str().unwrap_or_default(),
        vault.body["location"].as_str().unwrap_or_default()
    );
    Reply::json(
        403,
        &json!({"error": {"code": "Forbidden", "message": message, "innererror": {"code": inner}}}),
    )
}

fn host(vault: &Resource) -> String {
    vault.body["name"].as_str().unwrap_or_default().to_ascii_lowercase()
}

fn attributes(one: &SecretVersion) -> Value {
    json!({"enabled": true, "created": one.created, "updated": one.created, "recoveryLevel": "Recoverable", "recoverableDays": 90})
}

fn bundle(vault: &Resource, one: &SecretVersion) -> Value {
    let mut body = one.extra.clone();
    body.insert("value".into(), json!(one.value));
    body.insert(
        "id".into(),
        json!(format!("https://{}.vault.azure.net/secrets/{}/{}", host(vault), one.name, one.version)),
    );
    body.insert("attributes".into(), attributes(one));
    Value::Object(body)
}

fn list(call: &Call<'_>) -> Answer {
    let admitted = match admit(call, "Microsoft.KeyVault/vaults/secrets/readMetadata/action", "") {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    let known = admitted.state.secrets.get(&host(&admitted.vault));
    let newest = known.into_iter().flatten().filter_map(|(_, versions)| versions.last());
    let list: Vec<Value> = newest
        .map(|one| {
            let id = format!("https://{}.vault.azure.net/secrets/{}", host(&admitted.vault), one.name);
            let mut body = one.extra.clone();
            body.insert("id".into(), json!(id));
            body.insert("attributes".into(), attributes(one));
            Value::Object(body)
        })
        .collect();
    Ok(Reply::json(200, &json!({"value": list, "nextLink": null})))
}

fn get(call: &Call<'_>) -> Answer {
    let (name, version) = (call.capture("name"), call.capture("version"));
    let action = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
    let admitted = match admit(call, action, &format!("/secrets/{name}")) {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    let secrets = admitted.state.secrets.get(&host(&admitted.vault));
    let versions = secrets.and_then(|secrets| secrets.get(&name.to_ascii_lowercase()));
    let found = versions.and_then(|versions| match version {
        "" => versions.last(),
        wanted => versions.iter().find(|one| one.version == wanted),
    });
    match found {
        Some(found) => Ok(Reply::json(200, &bundle(&admitted.vault, found))),
        None => {
            let message = format!(
                "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
            );
            Err(AzureError::new(404, "SecretNotFound", message))
        }
    }
}

fn set(call: &Call<'_>) -> Answer {
    let name = call.capture("name").to_owned();
    let action = "Microsoft.KeyVault/vaults/secrets/setSecret/action";
    let mut admitted = match admit(call, action, &format!("/secrets/{name}")) {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    let asked = call.request.json()?;
    let Some(value) = asked["value"].as_str() else {
        return Err(AzureError::new(400, "BadParameter", "Property value has invalid value."));
    };
    let extra: Map<String, Value> = ["contentType", "tags"]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), asked.get(*key)?.clone())))
        .collect();
    let version = uuid::Uuid::new_v4().simple().to_string();
    let created = jiff::Timestamp::now().as_second();
    let secret = SecretVersion { name: name.clone(), version, value: value.to_owned(), extra, created };
    let reply = Reply::json(200, &bundle(&admitted.vault, &secret));
    let vault = host(&admitted.vault);
    admitted
        .state
        .secrets
        .entry(vault)
        .or_default()
        .entry(name.to_ascii_lowercase())
        .or_default()
        .push(secret);
    Ok(reply)
}
