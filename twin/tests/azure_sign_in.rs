//! Tokens and sign-in: what counts, and what is refused with which code.

mod azure_support;

use azure_support::{S, Twin};
use serde_json::json;

#[test]
fn tokens_are_checked() {
    let twin = Twin::new("");
    let url = format!("https://management.azure.com{S}?api-version=2022-12-01");
    let vault = twin.token("https://vault.azure.net");
    for (token, code) in [
        (None, "AuthenticationFailed"),
        (Some("made.up.token"), "InvalidAuthenticationToken"),
        (Some(vault.as_str()), "InvalidAuthenticationTokenAudience"),
    ] {
        let got = twin.ask("GET", &url, token, None);
        assert_eq!((got.status, got.code()), (401, code));
        assert!(got.header("www-authenticate").is_some(), "{code}");
    }
    let good = twin.token("https://management.azure.com");
    assert_eq!(twin.ask("GET", &url, Some(&good), None).status, 200);
    twin.azure.expire_sign_ins();
    assert_eq!(twin.ask("GET", &url, Some(&good), None).code(), "ExpiredAuthenticationToken");
}

#[test]
fn sign_in_refusals_carry_their_aadsts_codes() {
    let twin = Twin::new("");
    let tenant = "22222222-2222-4222-8222-222222222222";
    let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
    let app = "66666666-6666-4666-8666-666666666666";
    for (form, status, code) in [
        (format!("grant_type=client_credentials&client_id={app}&client_secret=wrong"), 401, 7_000_215),
        ("grant_type=client_credentials&client_id=nobody&client_secret=x".to_owned(), 400, 700_016),
        ("grant_type=password&username=twin.user@contoso.example&password=wrong".to_owned(), 400, 50126),
        ("grant_type=refresh_token&refresh_token=old".to_owned(), 400, 700_082),
        ("grant_type=magic".to_owned(), 400, 70003),
    ] {
        let got = twin.send("POST", &url, None, &[], form.clone().into_bytes());
        assert_eq!((got.status, &got.body["error_codes"]), (status, &json!([code])), "{form}");
        assert!(
            got.body["error_description"]
                .as_str()
                .unwrap_or_default()
                .starts_with(&format!("AADSTS{code}: "))
        );
    }
    let got = twin.ask(
        "GET",
        "https://login.microsoftonline.com/elsewhere/v2.0/.well-known/openid-configuration",
        None,
        None,
    );
    assert_eq!((got.status, &got.body["error_codes"]), (400, &json!([90002])));
}

#[test]
fn no_roles_show_no_subscription() {
    let twin = Twin::new("roles: []");
    let got = twin.arm("GET", "/subscriptions?api-version=2022-12-01", None);
    assert_eq!((got.status, &got.body["value"]), (200, &json!([])));
    assert_eq!(twin.arm("GET", &format!("{S}?api-version=2022-12-01"), None).status, 403);
}
