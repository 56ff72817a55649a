//! Takes secrets out of texts that people or logs see.

use std::sync::RwLock;

const HIDDEN: &str = "[hidden]";
/// Shorter values would hide ordinary words.
const SHORTEST: usize = 6;

/// Knows the secrets of this run and the shapes of those it was not told of.
#[derive(Default)]
pub struct Redactor {
    known: RwLock<Vec<String>>,
}

impl Redactor {
    /// Hides `secret` from now on.
    pub fn add(&self, secret: &str) {
        if secret.len() >= SHORTEST
            && let Ok(mut known) = self.known.write()
            && !known.iter().any(|other| other == secret)
        {
            known.push(secret.to_owned());
        }
    }

    /// `text` without known secrets, private keys and JSON web tokens.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Ok(known) = self.known.read() {
            for secret in known.iter() {
                text = text.replace(secret, HIDDEN);
            }
        }
        hide_tokens(&hide_private_keys(&text))
    }
}

fn hide_private_keys(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("-----BEGIN ") {
        let (before, key) = rest.split_at(start);
        let head_end = key["-----BEGIN ".len()..].find("-----").map(|at| at + "-----BEGIN -----".len());
        let is_private = head_end.is_some_and(|end| key[..end].contains("PRIVATE KEY"));
        let end = if is_private {
            key.find("-----END ").and_then(|at| {
                let tail = at + "-----END ".len();
                key[tail..].find("-----").map(|close| tail + close + "-----".len())
            })
        } else {
            None
        };
        result.push_str(before);
        match (is_private, end) {
            (true, end) => {
                result.push_str(HIDDEN);
                rest = &key[end.unwrap_or(key.len())..];
            }
            (false, _) => {
                let next = "-----BEGIN ".len();
                result.push_str(&key[..next]);
                rest = &key[next..];
            }
        }
    }
    result + rest
}

/// A JSON web token is three base64url parts, the first of which starts with `eyJ` (`{"`).
fn hide_tokens(text: &str) -> String {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let token = &rest[start..];
        let end = token.find(|c| !part(c)).unwrap_or(token.len());
        result.push_str(&rest[..start]);
        let is_token = token[..end].matches('.').count() >= 2;
        result.push_str(if is_token { HIDDEN } else { &token[..end] });
        rest = &token[end..];
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_what_it_knows_and_what_looks_secret() {
        let redactor = Redactor::default();
        redactor.add("pa55word!");
        redactor.add("abc");
        let cases = [
            ("a pa55word! b", "a [hidden] b"),
            ("abc stays: too short to hide", "abc stays: too short to hide"),
            ("token eyJhbGci.eyJvaWQi.c2ln end", "token [hidden] end"),
            ("eyJhbGci alone stays", "eyJhbGci alone stays"),
            ("x -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- y", "x [hidden] y"),
            ("cut -----BEGIN OPENSSH PRIVATE KEY-----\nMII", "cut [hidden]"),
            ("-----BEGIN CERTIFICATE-----\nMII", "-----BEGIN CERTIFICATE-----\nMII"),
            ("ends in -----BEGIN ", "ends in -----BEGIN "),
        ];
        for (text, expected) in cases {
            assert_eq!(redactor.apply(text), expected);
        }
    }
}
