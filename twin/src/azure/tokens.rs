//! Access tokens: they look like Microsoft Entra's and are known by being remembered.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::AzureError;
use super::state::Principal;

/// The tenant of the simulated directory.
pub const TENANT: &str = "22222222-2222-4222-8222-222222222222";
/// How long tokens last, in seconds.
pub const LIFETIME: i64 = 4799;
/// Audience of ARM's tokens; the others are accepted too.
pub const ARM: &str = "https://management.azure.com";

/// Who a request comes from.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Object id.
    pub object_id: String,
    /// Application id; for users the user principal name: what ARM calls the client.
    pub client: String,
}

#[derive(Debug)]
struct Issued {
    caller: Caller,
    audience: String,
    expires: Timestamp,
    revoked: bool,
}

/// Tokens issued so far, and sign-ins that ended.
#[derive(Debug, Default)]
pub struct Tokens {
    issued: HashMap<String, Issued>,
    refresh: HashMap<String, String>,
    ended: bool,
}

impl Tokens {
    /// Issues an access token for `audience`, for `lifetime` seconds.
    pub fn issue(&mut self, principal: &Principal, audience: &str, lifetime: i64) -> String {
        let expires = Timestamp::now() + SignedDuration::from_secs(lifetime);
        let token = encode(&claims(principal, audience, expires));
        let client = if principal.kind == "User" { &principal.name } else { &principal.app_id };
        let caller = Caller { object_id: principal.object_id.clone(), client: client.clone() };
        let issued = Issued { caller, audience: audience.to_owned(), expires, revoked: false };
        self.issued.insert(token.clone(), issued);
        token
    }

    /// Issues a refresh token for a user.
    pub fn issue_refresh(&mut self, principal: &Principal) -> String {
        let token = format!("1.{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.refresh.insert(token.clone(), principal.object_id.clone());
        token
    }

    /// Object id of the user behind a refresh token; `None` if unknown or ended.
    pub fn refreshed(&self, token: &str) -> Option<&str> {
        self.refresh.get(token).filter(|_| !self.ended).map(String::as_str)
    }

    /// Ends every sign-in: tokens stop counting and cannot be refreshed.
    pub fn end_all(&mut self) {
        self.ended = true;
        self.issued.values_mut().for_each(|issued| issued.revoked = true);
    }

    /// The caller of a token with one of these audiences; ARM's 401 otherwise.
    pub fn arm_caller(&self, token: Option<&str>) -> Result<Caller, AzureError> {
        let refuse = |code: &str, message: String| Err(AzureError::gateway(401, code, message));
        let Some(token) = token else {
            let message = "Authentication failed. The 'Authorization' header is missing.";
            return refuse("AuthenticationFailed", message.into());
        };
        let Some(issued) = self.issued.get(token) else {
            return refuse("InvalidAuthenticationToken", "The access token is invalid.".into());
        };
        let now = Timestamp::now();
        if issued.expires <= now || issued.revoked {
            let message = format!(
                "The access token expiry UTC time '{}' is earlier than current UTC time '{now}'.",
                issued.expires.min(now)
            );
            return refuse("ExpiredAuthenticationToken", message);
        }
        if !is_arm(&issued.audience) {
            let message = format!(
                "The access token has been obtained for wrong audience or resource '{}'. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net','https://management.azure.com/','https://management.azure.com'.",
                issued.audience
            );
            return refuse("InvalidAuthenticationTokenAudience", message);
        }
        Ok(issued.caller.clone())
    }

    /// The caller of a token for `audience`: `Err(None)` without a token that counts, else the wrong audience.
    pub fn caller(&self, token: Option<&str>, audience: &str) -> Result<Caller, Option<String>> {
        let issued = token.and_then(|token| self.issued.get(token)).ok_or(None)?;
        if issued.expires <= Timestamp::now() || issued.revoked {
            return Err(None);
        }
        if issued.audience.trim_end_matches('/') != audience {
            return Err(Some(issued.audience.clone()));
        }
        Ok(issued.caller.clone())
    }
}

/// Whether a token of this audience is one for ARM.
pub fn is_arm(audience: &str) -> bool {
    matches!(
        audience.trim_end_matches('/'),
        "https://management.azure.com" | "https://management.core.windows.net"
    )
}

fn claims(principal: &Principal, audience: &str, expires: Timestamp) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "aud": audience, "iss": format!("https://sts.windows.net/{TENANT}/"), "iat": now, "nbf": now,
        "exp": expires.as_second(), "appid": principal.app_id, "oid": principal.object_id,
        "sub": principal.object_id, "tid": TENANT, "ver": "1.0", "uti": Uuid::new_v4().simple().to_string(),
    });
    if principal.kind == "User" {
        claims["idtyp"] = json!("user");
        claims["upn"] = json!(principal.name);
        claims["unique_name"] = json!(principal.name);
    } else {
        claims["idtyp"] = json!("app");
    }
    claims
}

/// A token in the form of a JSON web token; its signature is random, which makes it a secret.
pub fn encode(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = json!({"typ": "JWT", "alg": "RS256", "kid": "twin"});
    let signature = [Uuid::new_v4(), Uuid::new_v4()].map(|half| *half.as_bytes()).concat();
    format!("{}.{}.{}", part(&head), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> Principal {
        Principal {
            object_id: "o".into(),
            app_id: "a".into(),
            kind: "ServicePrincipal".into(),
            name: "n".into(),
            secret: None,
        }
    }

    #[test]
    fn arm_takes_only_living_tokens_of_its_own() {
        let mut tokens = Tokens::default();
        let good = tokens.issue(&principal(), "https://management.core.windows.net/", 60);
        let vault = tokens.issue(&principal(), "https://vault.azure.net", 60);
        let old = tokens.issue(&principal(), ARM, -1);
        assert_eq!(tokens.arm_caller(Some(&good)).unwrap().object_id, "o");
        for (token, code) in [
            (None, "AuthenticationFailed"),
            (Some("x.y.z"), "InvalidAuthenticationToken"),
            (Some(old.as_str()), "ExpiredAuthenticationToken"),
            (Some(vault.as_str()), "InvalidAuthenticationTokenAudience"),
        ] {
            assert_eq!(tokens.arm_caller(token).unwrap_err().code, code);
        }
        tokens.end_all();
        assert_eq!(tokens.arm_caller(Some(&good)).unwrap_err().code, "ExpiredAuthenticationToken");
    }
}
