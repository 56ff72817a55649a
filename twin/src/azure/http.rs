//! Requests and replies as plain data, so that routes need no HTTP library.

use std::net::{IpAddr, TcpStream};

use serde_json::Value;

use super::error::AzureError;
use super::jsonc;

/// A request with its body read.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `PUT` …
    pub method: String,
    /// Host name the client asked the proxy for.
    pub host: String,
    /// Path, percent-decoded.
    pub path: String,
    /// Query in order, percent-decoded.
    pub query: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Who connected: a host's address tells the metadata service which VM asks.
    pub peer: IpAddr,
}

impl Request {
    /// A query parameter; names are compared without letter case, as ARM does.
    pub fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// A header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The token of `Authorization: Bearer …`.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }

    /// The body as ARM reads JSON; its error when it is none.
    pub fn json(&self) -> Result<Value, AzureError> {
        serde_json::from_str(&jsonc::plain(&String::from_utf8_lossy(&self.body))).map_err(|error| {
            AzureError::gateway(
                400,
                "InvalidRequestContent",
                format!("The request content was invalid and could not be deserialized: '{error}'."),
            )
        })
    }

    /// The fields of a form-encoded body.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }
}

/// A reply; `tunnel` turns the connection into a websocket that relays to that stream.
#[derive(Debug, Default)]
pub struct Reply {
    /// HTTP status; 0 closes the connection without an answer.
    pub status: u16,
    /// Headers in order.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// The far end of a Bastion tunnel.
    pub tunnel: Option<TcpStream>,
}

impl Reply {
    /// A reply without body.
    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A JSON reply, as ARM labels it.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::empty(status)
            .header("content-type", "application/json; charset=utf-8")
            .with_body(body.to_string().into_bytes())
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the body.
    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

impl From<AzureError> for Reply {
    fn from(error: AzureError) -> Self {
        let reply = Reply::json(error.status, &serde_json::json!({"error": error.body()}));
        if error.gateway { reply.header("x-ms-failure-cause", "gateway") } else { reply }
    }
}

/// Splits `a=b&c=d`, percent-decoded, `+` as a blank.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Percent-decodes; what is no valid escape stays.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Percent-encodes all but unreserved characters.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_queries() {
        let query = pairs("$filter=location%20eq+'eastus'&api-version=1&x");
        assert_eq!(query[0], ("$filter".into(), "location eq 'eastus'".into()));
        assert_eq!(query[2], ("x".into(), String::new()));
    }

    #[test]
    fn keeps_what_is_no_escape() {
        assert_eq!(decode("100%/%zz%"), "100%/%zz%");
    }

    proptest::proptest! {
        #[test]
        fn encoding_is_undone_by_decoding(text in ".*") {
            proptest::prop_assert_eq!(decode(&encode(&text)), text);
        }
    }
}
