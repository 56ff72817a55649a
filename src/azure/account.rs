//! Who is signed in, and on which subscription.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::az::Az;
use super::failed::AzError;

/// Who runs us, read from the token for Resource Manager: no directory lookup, so users, service
/// principals and managed identities are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The subscription's id.
    pub subscription_id: String,
    /// The tenant's id.
    pub tenant_id: String,
    /// Object id of the caller (claim `oid`).
    pub object_id: String,
    /// What the caller is.
    pub principal_type: PrincipalType,
}

/// What a caller is, in the words of role assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalType {
    /// A person.
    User,
    /// An application or managed identity.
    ServicePrincipal,
}

impl PrincipalType {
    /// As role assignments spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::ServicePrincipal => "ServicePrincipal",
        }
    }
}

/// A subscription as az remembers it from the last sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// Its tenant's id.
    #[serde(default)]
    pub tenant_id: String,
    /// `Enabled`, or why not.
    #[serde(default)]
    pub state: String,
    /// The cloud it lives in; `AzureCloud` is the public one.
    #[serde(default)]
    pub environment_name: String,
    /// Whether az takes it when none is named.
    #[serde(default)]
    pub is_default: bool,
}

/// Gets a token for the subscription of `az`. To be called first and alone, so that later calls find it
/// in az's cache.
///
/// # Errors
/// When nobody is signed in, the subscription is not visible, or the token has no `oid`.
pub fn caller(az: &Az<'_>) -> Result<Caller, AzError> {
    let (args, why) = (["account", "get-access-token"], "getting an access token");
    let answer = az.secret_json(&args, why)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    if let Some(token) = text("accessToken") {
        az.hide(token);
    }
    let caller = || {
        let claims = claims(text("accessToken")?)?;
        Some(Caller {
            subscription_id: text("subscription")?.to_owned(),
            tenant_id: text("tenant")?.to_owned(),
            object_id: claims.get("oid")?.as_str()?.to_owned(),
            principal_type: principal_type(&claims),
        })
    };
    caller().ok_or_else(|| az.unusable(&args, why))
}

/// The subscription of `az`, from az's memory.
///
/// # Errors
/// As [`Az::json`].
pub fn subscription(az: &Az<'_>) -> Result<Subscription, AzError> {
    let (args, why) = (["account", "show"], "reading the subscription");
    let answer = az.json(&args, why)?;
    serde_json::from_value(answer).map_err(|_| az.unusable(&args, why))
}

/// All subscriptions az remembers, enabled or not. `az account list` refuses `--subscription`.
///
/// # Errors
/// As [`Az::json`].
pub fn subscriptions(az: &Az<'_>) -> Result<Vec<Subscription>, AzError> {
    let (args, why) = (["account", "list", "--all"], "listing the subscriptions");
    let answer = az.json_of(az.bare(&args), why)?;
    serde_json::from_value(answer).map_err(|_| az.unusable(&args, why))
}

fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// `idtyp` says it; older tokens lack it, and there only a person's token has delegated scopes (`scp`).
/// Source: Microsoft identity platform, access token claims reference.
fn principal_type(claims: &Value) -> PrincipalType {
    match claims.get("idtyp").and_then(Value::as_str) {
        Some("app") => PrincipalType::ServicePrincipal,
        Some(_) => PrincipalType::User,
        None if claims.get("scp").is_some() => PrincipalType::User,
        None => PrincipalType::ServicePrincipal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_say_who_it_is() {
        let cases = [
            (r#"{"oid":"o","idtyp":"user","scp":"user_impersonation"}"#, PrincipalType::User),
            (r#"{"oid":"o","idtyp":"app"}"#, PrincipalType::ServicePrincipal),
            (r#"{"oid":"o","scp":"user_impersonation"}"#, PrincipalType::User),
            (r#"{"oid":"o"}"#, PrincipalType::ServicePrincipal),
        ];
        for (payload, expected) in cases {
            let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(payload));
            let claims = claims(&token).expect("a token");
            assert_eq!((claims["oid"].as_str(), principal_type(&claims)), (Some("o"), expected));
        }
        for token in ["", "a.b", "opaque", "e30.!!.x", "e30..x"] {
            assert_eq!(claims(token), None, "{token}");
        }
    }
}
