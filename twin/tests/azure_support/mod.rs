//! A simulated Azure inside the test's process, and comparison of replies in shape.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part; helpers of tests may panic

use std::sync::Arc;

use ccslurm4ai_twin::azure::ca::Authority;
use ccslurm4ai_twin::azure::http::{Request, pairs};
use ccslurm4ai_twin::azure::scenario::Scenario;
use ccslurm4ai_twin::azure::setup::{APP_OBJECT, USER_OBJECT};
use ccslurm4ai_twin::azure::{Azure, dispatch, tokens};
use serde_json::{Value, json};

/// The simulated subscription's id in addresses.
pub const S: &str = "/subscriptions/11111111-1111-4111-8111-111111111111";

/// A twin without hosts and without a proxy.
pub struct Twin {
    pub azure: Arc<Azure>,
    dir: tempfile::TempDir,
}

/// A reply, its body parsed where it is JSON.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

impl Answered {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

impl Twin {
    /// A twin of this scenario.
    pub fn new(scenario: &str) -> Twin {
        let dir = tempfile::tempdir().unwrap();
        let scenario = Scenario::parse(scenario).unwrap();
        let azure = Azure::new(scenario, dir.path(), Authority::new().unwrap(), None).unwrap();
        Twin { azure, dir }
    }

    /// A token of the one who signs in.
    pub fn token(&self, audience: &str) -> String {
        let user = format!("{:?}", self.azure.scenario.sign_in) == "User";
        self.token_of(if user { USER_OBJECT } else { APP_OBJECT }, audience)
    }

    /// A token of a principal.
    pub fn token_of(&self, object_id: &str, audience: &str) -> String {
        let principal = self.azure.state().principals[object_id].clone();
        self.azure.tokens().issue(&principal, audience, 3600)
    }

    /// Asks ARM as the one who signs in.
    pub fn arm(&self, method: &str, path: &str, body: Option<Value>) -> Answered {
        let url = format!("https://management.azure.com{path}");
        self.ask(method, &url, Some(&self.token(tokens::ARM)), body)
    }

    /// Polls an address that a reply named, to the end; the last reply.
    pub fn polled(&self, address: &str) -> Answered {
        let path = address.strip_prefix("https://management.azure.com").unwrap();
        for _ in 0..500 {
            let got = self.arm("GET", path, None);
            if got.status != 202 && got.body["status"] != "InProgress" {
                return got;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{address} does not end");
    }

    /// Asks any service; the client is on loopback.
    pub fn ask(&self, method: &str, url: &str, token: Option<&str>, body: Option<Value>) -> Answered {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.send(method, url, token, &[], body)
    }

    /// Asks with headers and a body of any kind.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answered {
        self.send_from([127, 0, 0, 1], method, url, token, headers, body)
    }

    /// Asks from an address.
    pub fn send_from(
        &self,
        peer: [u8; 4],
        method: &str,
        url: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answered {
        let rest = url.strip_prefix("https://").unwrap();
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
        let request = Request {
            method: method.into(),
            host: host.into(),
            path: path.into(),
            query: pairs(query),
            headers,
            body,
            peer: peer.into(),
        };
        let reply = dispatch::answer(&self.azure, &request).reply;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let body = serde_json::from_slice(&reply.body).unwrap_or(json!(text));
        Answered { status: reply.status, headers: reply.headers, body }
    }
}

impl Twin {
    /// A twin with the group `rg1` in eastus.
    pub fn with_group(scenario: &str) -> Twin {
        let twin = Twin::new(scenario);
        let path = format!("{S}/resourcegroups/rg1?api-version=2024-11-01");
        assert_eq!(twin.arm("PUT", &path, Some(json!({"location": "eastus"}))).status, 201);
        twin
    }

    /// Deploys a template to `rg1` and waits for the end, as a client polls; the deployment's body.
    pub fn deploy(&self, name: &str, template: &Value, parameters: Value) -> Value {
        let path = format!(
            "{S}/resourceGroups/rg1/providers/Microsoft.Resources/deployments/{name}?api-version=2025-04-01"
        );
        let body =
            json!({"properties": {"mode": "Incremental", "template": template, "parameters": parameters}});
        let got = self.arm("PUT", &path, Some(body));
        assert!(got.status < 300, "{}", got.body);
        for _ in 0..500 {
            let got = self.arm("GET", &path, None);
            let state = got.body["properties"]["provisioningState"].as_str().unwrap_or_default();
            if ["Succeeded", "Failed", "Canceled"].contains(&state) {
                return got.body;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("deployment {name} does not end");
    }

    /// Deploys network, Bastion and a VM.
    pub fn deploy_machine(&self) -> Value {
        let template = include_str!("../data/tunnel.json");
        self.deploy("d1", &serde_json::from_str(template).unwrap(), json!({}))
    }
}

/// Entry `index` of a recorded file.
pub fn recorded(file: &str, index: usize) -> Value {
    let path = format!("{}/tests/data/recordings/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let entries: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    entries[index].clone()
}

/// Where two JSON values differ in shape: keys that only one has, values of another type. The first element of an array
/// stands for all.
pub fn differences(expected: &Value, got: &Value, at: &str, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (key, value) in expected {
                match got.get(key) {
                    Some(ours) => differences(value, ours, &format!("{at}.{key}"), found),
                    None => found.push(format!("{at}.{key} lacks")),
                }
            }
            found.extend(
                got.keys().filter(|key| !expected.contains_key(*key)).map(|key| format!("{at}.{key} is new")),
            );
        }
        (Value::Array(expected), Value::Array(got)) => {
            if let (Some(expected), Some(got)) = (expected.first(), got.first()) {
                differences(expected, got, &format!("{at}[]"), found);
            }
        }
        (expected, got) if std::mem::discriminant(expected) != std::mem::discriminant(got) => {
            found.push(format!("{at} is {got} instead of {expected}"));
        }
        _ => {}
    }
}
