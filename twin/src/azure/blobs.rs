//! `<account>.blob.core.windows.net`: containers and block blobs, with Entra tokens only.

use std::sync::MutexGuard;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::http::Reply;
use super::network;
use super::rbac::{self, Action};
use super::routes::{Answer, Call, Route, Service};
use super::state::{Blob, State};
use super::tokens::{Caller, TENANT};
use crate::claims::Sure;

const ACCOUNT: &str = "Microsoft.Storage/storageAccounts";
const CONTAINER: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
const SOURCE: &str =
    "Blob service REST reference (put-blob, get-blob, create-container, list-blobs, status-and-error-codes)";

const fn row(method: &'static str, path: &'static str, answer: fn(&Call<'_>) -> Answer) -> Route {
    Route::of(Service::Blob, method, path, answer).known_from(SOURCE, Sure::Medium)
}

/// Rows of this service.
pub const ROUTES: &[Route] = &[
    row("GET", "/{container}", list),
    row("PUT", "/{container}/{*blob}", put),
    row("GET", "/{container}/{*blob}", get),
    row("HEAD", "/{container}/{*blob}", head),
    row("DELETE", "/{container}/{*blob}", delete),
];

struct Admitted<'a> {
    state: MutexGuard<'a, State>,
    account: String,
}

fn error(status: u16, code: &'static str, message: &str) -> Reply {
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Reply::empty(status)
        .header("content-type", "application/xml")
        .header("x-ms-error-code", code)
        .with_body(body.into_bytes())
}

fn caller(call: &Call<'_>, account: &str) -> Result<Caller, Reply> {
    let audiences =
        ["https://storage.azure.com".to_owned(), format!("https://{account}.blob.core.windows.net")];
    let tokens = call.azure.tokens();
    let mut found = audiences.iter().map(|audience| tokens.caller(call.request.bearer(), audience));
    if let Some(Ok(caller)) = found.find(Result::is_ok) {
        return Ok(caller);
    }
    let header = format!(
        "Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize resource_id=https://storage.azure.com"
    );
    let refused = if call.request.bearer().is_some() {
        error(
            401,
            "InvalidAuthenticationInfo",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        )
    } else {
        error(
            401,
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        )
    };
    Err(refused.header("www-authenticate", header))
}

/// Lets a caller with the data right to the container of the path in.
fn admit<'a>(call: &'a Call<'_>, action: &str) -> Result<Admitted<'a>, Reply> {
    let account = call.request.host.split('.').next().unwrap_or_default().to_owned();
    let caller = caller(call, &account)?;
    let state = call.azure.state();
    let mut accounts = state.resources.values().filter(|one| one.kind.eq_ignore_ascii_case(ACCOUNT));
    let found = accounts.find(|one| one.body["name"] == account.as_str()).cloned();
    let found =
        found.ok_or_else(|| error(404, "ResourceNotFound", "The specified resource does not exist."))?;
    if network::barrier(&state, &found, call.request.peer).is_some() {
        return Err(error(
            403,
            "AuthorizationFailure",
            "This request is not authorized to perform this operation.",
        ));
    }
    let scope = format!("{}/blobServices/default/containers/{}", found.id, call.capture("container"));
    if !rbac::allowed(&state, &call.azure.catalog, &caller.object_id, Action::Data(action), &scope) {
        return Err(error(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        ));
    }
    let exists = state.resource(&scope).is_some_and(|one| one.kind.eq_ignore_ascii_case(CONTAINER));
    if !exists {
        return Err(error(404, "ContainerNotFound", "The specified container does not exist."));
    }
    Ok(Admitted { state, account })
}

fn key(account: &str, call: &Call<'_>) -> String {
    format!("{account}/{}/{}", call.capture("container"), call.capture("blob"))
}

const READ: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const WRITE: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write";
const DELETE: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete";

fn put(call: &Call<'_>) -> Answer {
    if call.request.header("x-ms-blob-type") != Some("BlockBlob") || call.request.query("comp").is_some() {
        return Ok(error(
            400,
            "InvalidHeaderValue",
            "The value for one of the HTTP headers is not in the correct format. (x-ms-blob-type)",
        ));
    }
    let mut admitted = match admit(call, WRITE) {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    let content = call.request.body.clone();
    let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    let blob = Blob {
        length: content.len(),
        etag: format!("\"0x{}\"", sha256[..15].to_ascii_uppercase()),
        sha256,
        content_type: call.request.header("content-type").unwrap_or("application/octet-stream").to_owned(),
        modified: Timestamp::now(),
        content,
    };
    let reply =
        Reply::empty(201).header("etag", blob.etag.clone()).header("last-modified", http_date(blob.modified));
    let key = key(&admitted.account, call);
    admitted.state.blobs.insert(key, blob);
    Ok(reply.header("x-ms-request-server-encrypted", "true"))
}

fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn get(call: &Call<'_>) -> Answer {
    let admitted = match admit(call, READ) {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    let Some(blob) = admitted.state.blobs.get(&key(&admitted.account, call)) else {
        return Ok(error(404, "BlobNotFound", "The specified blob does not exist."));
    };
    Ok(Reply::empty(200)
        .header("content-type", blob.content_type.clone())
        .header("etag", blob.etag.clone())
        .header("last-modified", http_date(blob.modified))
        .header("x-ms-blob-type", "BlockBlob")
        .with_body(blob.content.clone()))
}

fn head(call: &Call<'_>) -> Answer {
    get(call)
}

fn delete(call: &Call<'_>) -> Answer {
    let mut admitted = match admit(call, DELETE) {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    let key = key(&admitted.account, call);
    Ok(match admitted.state.blobs.remove(&key) {
        Some(_) => Reply::empty(202),
        None => error(404, "BlobNotFound", "The specified blob does not exist."),
    })
}

fn list(call: &Call<'_>) -> Answer {
    if call.request.query("restype") != Some("container") || call.request.query("comp") != Some("list") {
        return Ok(error(
            400,
            "InvalidQueryParameterValue",
            "Value for one of the query parameters specified in the request URI is invalid.",
        ));
    }
    let admitted = match admit(call, READ) {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    let container = call.capture("container");
    let prefix = format!("{}/{container}/", admitted.account);
    let wanted = call.request.query("prefix").unwrap_or_default();
    let blobs =
        admitted.state.blobs.iter().filter_map(|(key, blob)| Some((key.strip_prefix(&prefix)?, blob)));
    let blobs: String = blobs
        .filter(|(name, _)| name.starts_with(wanted))
        .map(|(name, blob)| {
            format!(
                "<Blob><Name>{}</Name><Properties><Last-Modified>{}</Last-Modified><Etag>{}</Etag><Content-Length>{}</Content-Length><Content-Type>{}</Content-Type><BlobType>BlockBlob</BlobType></Properties></Blob>",
                escape(name), http_date(blob.modified), blob.etag.trim_matches('"'), blob.length, escape(&blob.content_type)
            )
        })
        .collect();
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://{}.blob.core.windows.net/\" ContainerName=\"{container}\"><Blobs>{blobs}</Blobs><NextMarker /></EnumerationResults>",
        admitted.account
    );
    Ok(Reply::empty(200).header("content-type", "application/xml").with_body(body.into_bytes()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
