//! Misbehaviour on demand: which requests are delayed, answered wrongly or dropped.

use std::time::Duration;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::http::{Reply, Request};
use super::scenario::seconds;

/// A row of the fault table; the first row that matches a request decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Method; any when absent.
    #[serde(default)]
    method: Option<String>,
    /// Regular expression, letter case ignored, on `host/path?query`.
    #[serde(with = "pattern")]
    path: Regex,
    /// The first matching call that is hit, counted from 1.
    #[serde(default = "one")]
    from: u64,
    /// The last one; all that follow when absent.
    #[serde(default)]
    to: Option<u64>,
    /// Time before the answer.
    #[serde(default, deserialize_with = "seconds")]
    delay: Duration,
    /// Status instead of the real answer.
    #[serde(default)]
    status: Option<u16>,
    /// Body of that answer: JSON, or text as it is.
    #[serde(default)]
    body: Option<Value>,
    /// Drop the connection instead of answering.
    #[serde(default)]
    close: bool,
    #[serde(skip)]
    calls: u64,
}

fn one() -> u64 {
    1
}

/// Reads a regular expression that ignores letter case.
pub mod pattern {
    use regex::{Regex, RegexBuilder};
    use serde::{Deserialize, Deserializer, de::Error};

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Regex, D::Error> {
        let text = String::deserialize(from)?;
        RegexBuilder::new(&text).case_insensitive(true).build().map_err(D::Error::custom)
    }
}

/// What a fault does to one request.
#[derive(Debug)]
pub struct Hit {
    /// Wait this long first.
    pub delay: Duration,
    /// Then answer so; the real answer when absent.
    pub reply: Option<Reply>,
}

/// Counts the call in every row it matches and returns what the first row in its range wants.
pub fn hit(faults: &mut [Fault], request: &Request) -> Option<Hit> {
    let mut query: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    query.sort();
    let address = format!("{}{}?{}", request.host, request.path, query.join("&"));
    let mut found = None;
    for fault in faults {
        let method = fault.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&request.method));
        if !method || !fault.path.is_match(&address) {
            continue;
        }
        fault.calls += 1;
        let in_range = fault.calls >= fault.from && fault.to.is_none_or(|to| fault.calls <= to);
        if in_range && found.is_none() {
            found = Some(fault.hit());
        }
    }
    found
}

impl Fault {
    fn hit(&self) -> Hit {
        let reply = match (self.close, self.status, &self.body) {
            (true, _, _) => Some(Reply::empty(0)),
            (false, None, None) => None,
            (false, status, body) => Some(answer(status.unwrap_or(200), body.as_ref())),
        };
        Hit { delay: self.delay, reply }
    }
}

fn answer(status: u16, body: Option<&Value>) -> Reply {
    match body {
        None => Reply::empty(status),
        Some(Value::String(text)) => {
            Reply::empty(status).header("content-type", "text/plain").with_body(text.clone().into_bytes())
        }
        Some(json) => Reply::json(status, json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str) -> Request {
        Request {
            method: method.into(),
            host: "management.azure.com".into(),
            path: path.into(),
            query: vec![("api-version".into(), "1".into())],
            headers: Vec::new(),
            body: Vec::new(),
            peer: [127, 0, 0, 1].into(),
        }
    }

    #[test]
    fn hits_the_calls_of_its_range_only() {
        let mut faults: Vec<Fault> =
            serde_yaml::from_str("[{method: get, path: '/usages\\?', from: 2, to: 3, status: 503}]").unwrap();
        let mut statuses = Vec::new();
        for _ in 0..4 {
            assert!(hit(&mut faults, &request("PUT", "/usages")).is_none());
            assert!(hit(&mut faults, &request("GET", "/skus")).is_none());
            let hit = hit(&mut faults, &request("GET", "/Usages"));
            statuses.push(hit.and_then(|hit| hit.reply).map(|reply| reply.status));
        }
        assert_eq!(statuses, [None, Some(503), Some(503), None]);
    }

    #[test]
    fn closes_delays_and_answers_text() {
        let mut faults: Vec<Fault> =
            serde_yaml::from_str("[{path: a, close: true}, {path: b, delay: 1.5}, {path: c, body: oops}]")
                .unwrap();
        assert_eq!(hit(&mut faults, &request("GET", "/a")).unwrap().reply.unwrap().status, 0);
        let slow = hit(&mut faults, &request("GET", "/b"));
        assert!(slow.is_some());
    }
}
