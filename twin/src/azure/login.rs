//! `login.microsoftonline.com`: signing in as service principal or user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::http::Reply;
use super::routes::{Answer, Call, Route, Service};
use super::scenario::SignIn;
use super::state::Principal;
use super::tokens::{self, LIFETIME, TENANT};
use crate::claims::Sure;

const AZ_APP: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"; // the public application id of az itself

/// Rows of this service.
pub const ROUTES: &[Route] = &[
    Route::of(Service::Login, "GET", "/{tenant}/v2.0/.well-known/openid-configuration", configuration).known_from("OpenID Connect discovery, Microsoft identity platform docs (v2-protocols-oidc)", Sure::Medium),
    Route::of(Service::Login, "GET", "/common/discovery/instance", instance).known_from("msal `authority.py`: _instance_discovery", Sure::Medium),
    Route::of(Service::Login, "GET", "/common/userrealm/{user}", realm).known_from("msal `wstrust`/`authority.py`: user_realm_discovery", Sure::Medium),
    Route::of(Service::Login, "POST", "/{tenant}/oauth2/v2.0/devicecode", device_code).known_from("Microsoft identity platform docs, v2-oauth2-device-code", Sure::Medium),
    Route::of(Service::Login, "POST", "/{tenant}/oauth2/v2.0/token", token).known_from("Microsoft identity platform docs, v2-oauth2-client-creds-grant-flow, v2-oauth2-device-code, v2-oauth-ropc; error texts: AADSTS reference", Sure::Medium),
];

fn configuration(call: &Call<'_>) -> Answer {
    let tenant = call.capture("tenant");
    let known = [TENANT, "organizations", "common"].contains(&tenant);
    if !known {
        return Ok(refusal(
            400,
            "invalid_tenant",
            90002,
            &format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            ),
        ));
    }
    let base = format!("https://login.microsoftonline.com/{tenant}");
    Ok(Reply::json(
        200,
        &json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "issuer": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "response_types_supported": ["code", "id_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": "WW",
            "cloud_instance_name": "microsoftonline.com",
        }),
    ))
}

fn instance(_: &Call<'_>) -> Answer {
    let aliases =
        json!(["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"]);
    let metadata = json!({
        "preferred_network": "login.microsoftonline.com",
        "preferred_cache": "login.windows.net",
        "aliases": aliases,
    });
    Ok(Reply::json(
        200,
        &json!({
            "tenant_discovery_endpoint": "https://login.microsoftonline.com/common/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [metadata],
        }),
    ))
}

fn realm(call: &Call<'_>) -> Answer {
    let domain = call.capture("user").rsplit('@').next().unwrap_or_default().to_owned();
    Ok(Reply::json(
        200,
        &json!({"ver": "1.0", "account_type": "Managed", "domain_name": domain, "cloud_instance_name": "microsoftonline.com", "cloud_audience_urn": "urn:federation:MicrosoftOnline"}),
    ))
}

fn device_code(call: &Call<'_>) -> Answer {
    Ok(Reply::json(
        200,
        &json!({
            "user_code": "TWINTWIN1", "device_code": call.azure.device_code,
            "verification_uri": "https://microsoft.com/devicelogin", "expires_in": 900, "interval": 1,
            "message": "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code TWINTWIN1 to authenticate.",
        }),
    ))
}

fn token(call: &Call<'_>) -> Answer {
    let form = call.request.form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let answer = match field("grant_type") {
        "client_credentials" => app_token(call, &field),
        "device_code" | "urn:ietf:params:oauth:grant-type:device_code"
            if field("device_code") == call.azure.device_code =>
        {
            user(call).map(|user| user_token(call, &user, field("scope")))
        }
        "password" => password(call, &field),
        "refresh_token" => refreshed(call, &field),
        _ => {
            Err(refusal(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."))
        }
    };
    Ok(answer.unwrap_or_else(|refused| refused))
}

type Field<'a> = dyn Fn(&str) -> &'a str + 'a;

fn app_token<'a>(call: &Call<'_>, field: &Field<'a>) -> Result<Reply, Reply> {
    let app = field("client_id");
    let found =
        call.azure.state().principals.values().find(|one| one.app_id == app && one.kind != "User").cloned();
    let principal = found.ok_or_else(|| {
        refusal(400, "unauthorized_client", 700_016, &format!("Application with identifier '{app}' was not found in the directory 'twin'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."))
    })?;
    if principal.secret.as_deref() != Some(field("client_secret")) {
        return Err(refusal(
            401,
            "invalid_client",
            7_000_215,
            &format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'."
            ),
        ));
    }
    let audience = audience(field("scope"));
    let token = call.azure.tokens().issue(&principal, &audience, LIFETIME);
    Ok(Reply::json(
        200,
        &json!({"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": token}),
    ))
}

fn password<'a>(call: &Call<'_>, field: &Field<'a>) -> Result<Reply, Reply> {
    let user = user(call)?;
    let right = user.name.eq_ignore_ascii_case(field("username"))
        && user.secret.as_deref() == Some(field("password"));
    if !right {
        return Err(refusal(
            400,
            "invalid_grant",
            50126,
            "Error validating credentials due to invalid username or password.",
        ));
    }
    Ok(user_token(call, &user, field("scope")))
}

fn refreshed<'a>(call: &Call<'_>, field: &Field<'a>) -> Result<Reply, Reply> {
    let known = call.azure.tokens().refreshed(field("refresh_token")).is_some();
    if !known {
        return Err(refusal(
            400,
            "invalid_grant",
            700_082,
            "The refresh token has expired due to inactivity. The token was issued on 2026-08-01T00:00:00.0000000Z and was inactive for 90.00:00:00.",
        ));
    }
    Ok(user_token(call, &user(call)?, field("scope")))
}

fn user(call: &Call<'_>) -> Result<Principal, Reply> {
    let found = call.azure.state().principals.values().find(|one| one.kind == "User").cloned();
    found.ok_or_else(|| {
        refusal(400, "invalid_grant", 50034, "The user account does not exist in the directory.")
    })
}

fn user_token(call: &Call<'_>, user: &Principal, scope: &str) -> Reply {
    let audience = audience(scope);
    // az believes that the tokens of an expired sign-in have run out; the server takes them until it is told
    let lifetime = if call.azure.scenario.sign_in == SignIn::Expired { 1 } else { LIFETIME };
    let mut tokens = call.azure.tokens();
    let access = tokens.issue(user, &audience, LIFETIME);
    let refresh = tokens.issue_refresh(user);
    let client_info = json!({"uid": user.object_id, "utid": TENANT});
    Reply::json(
        200,
        &json!({
            "token_type": "Bearer", "scope": scope, "expires_in": lifetime, "ext_expires_in": lifetime,
            "access_token": access, "refresh_token": refresh, "id_token": tokens::encode(&id_claims(user)),
            "client_info": URL_SAFE_NO_PAD.encode(client_info.to_string()), "foci": "1",
        }),
    )
}

fn id_claims(user: &Principal) -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({
        "aud": AZ_APP, "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "iat": now, "nbf": now,
        "exp": now + LIFETIME, "name": "Twin User", "oid": user.object_id, "preferred_username": user.name,
        "sub": user.object_id, "tid": TENANT, "ver": "2.0",
    })
}

/// The audience of `https://management.core.windows.net//.default offline_access …`.
fn audience(scope: &str) -> String {
    let first = scope.split(' ').find(|part| part.starts_with("https://")).unwrap_or_default();
    first.rsplit_once('/').map_or(first, |(audience, _)| audience).to_owned()
}

/// An error of the token endpoint, in the form that MSAL reads.
fn refusal(status: u16, error: &str, code: u32, sentence: &str) -> Reply {
    let trace = uuid::Uuid::new_v4();
    let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let description =
        format!("AADSTS{code}: {sentence} Trace ID: {trace} Correlation ID: {trace} Timestamp: {now}");
    Reply::json(
        status,
        &json!({
            "error": error, "error_description": description, "error_codes": [code], "timestamp": now,
            "trace_id": trace.to_string(), "correlation_id": trace.to_string(),
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_audience_of_a_scope() {
        assert_eq!(
            audience("https://management.core.windows.net//.default offline_access"),
            "https://management.core.windows.net/"
        );
        assert_eq!(audience("offline_access https://vault.azure.net/.default"), "https://vault.azure.net");
        assert_eq!(audience(""), "");
    }
}
