//! The simulated Azure: real host names behind a local proxy, with state, rights and delays.

pub mod bastion;
pub mod behind;
pub mod blobs;
pub mod ca;
pub mod catalog;
pub mod clifiles;
pub mod deletions;
pub mod deployments;
pub mod dispatch;
pub mod engine;
pub mod error;
pub mod failures;
pub mod faults;
pub mod graph;
pub mod groups;
pub mod http;
pub mod jobs;
pub mod jsonc;
pub mod kinds;
pub mod locks;
pub mod log;
pub mod login;
pub mod machines;
pub mod marketplace;
pub mod metadata;
pub mod names;
pub mod network;
pub mod offers;
pub mod premade;
pub mod proxy;
pub mod rbac;
pub mod refusals;
pub mod resources;
pub mod roles;
pub mod routes;
pub mod scale_sets;
pub mod scenario;
pub mod scheduled_events;
pub mod secrets;
pub mod security_rules;
pub mod setup;
pub mod state;
pub mod subscription;
pub mod tokens;
pub mod tunnel;
pub mod validation;
pub mod vaults;
pub mod whatif;
pub mod world;
pub mod writes;

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::hosts::Hosts;
use ca::Authority;
use catalog::Catalog;
use error::AzureError;
use faults::Fault;
use http::{Reply, Request};
use jobs::Jobs;
use log::RequestLog;
use rbac::Action;
use scenario::Scenario;
use scheduled_events::Events;
use state::State;
use tokens::{Caller, Tokens};

const CONNECT: Duration = Duration::from_secs(10); // to a host's port, for a tunnel

/// The simulated Azure.
pub struct Azure {
    /// Settings of this rehearsal.
    pub scenario: Scenario,
    /// What is offered.
    pub catalog: Catalog,
    /// Signs the certificates of the host names played.
    pub authority: Arc<Authority>,
    /// Requests so far.
    pub log: RequestLog,
    /// Long operations.
    pub jobs: Jobs,
    /// What machines are told of their end.
    pub events: Events,
    /// Hosts behind VMs; without them VMs exist in the state only.
    pub hosts: Option<Hosts>,
    /// Woken when the twin shall end.
    pub stop: tokio::sync::Notify,
    /// The code that a device sign-in polls with.
    pub device_code: String,
    state: Mutex<State>,
    tokens: Mutex<Tokens>,
    faults: Mutex<Vec<Fault>>,
    sessions: Mutex<bastion::Sessions>,
}

/// Now, as Azure writes times.
pub fn now() -> String {
    let now = jiff::Timestamp::now();
    format!("{}0Z", now.strftime("%Y-%m-%dT%H:%M:%S%.6f"))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Azure {
    /// A fresh Azure as the scenario wants it; its log of requests is in `dir`.
    pub fn new(
        scenario: Scenario,
        dir: &Path,
        authority: Authority,
        hosts: Option<Hosts>,
    ) -> Result<Arc<Self>> {
        let catalog = Catalog::load()?;
        let state = setup::initial(&scenario, &catalog)?;
        let azure = Arc::new(Self {
            log: RequestLog::create(dir)?,
            faults: Mutex::new(scenario.faults.clone()),
            scenario,
            catalog,
            authority: Arc::new(authority),
            jobs: Jobs::default(),
            events: Events::default(),
            hosts,
            stop: tokio::sync::Notify::new(),
            device_code: uuid::Uuid::new_v4().to_string(),
            state: Mutex::new(state),
            tokens: Mutex::default(),
            sessions: Mutex::default(),
        });
        premade::make(&azure)?;
        Ok(azure)
    }

    /// The state, locked: keep it short.
    pub fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// Tokens, locked.
    pub fn tokens(&self) -> MutexGuard<'_, Tokens> {
        locked(&self.tokens)
    }

    /// Bastion's sessions, locked.
    pub fn sessions(&self) -> MutexGuard<'_, bastion::Sessions> {
        locked(&self.sessions)
    }

    /// Answers a request with the scenario's latency and faults, and logs it.
    pub async fn answer(self: &Arc<Self>, request: Request) -> Reply {
        let begin = Instant::now();
        let hit = faults::hit(&mut locked(&self.faults), &request);
        let (delay, faulty) = hit.map_or((Duration::ZERO, None), |hit| (hit.delay, hit.reply));
        tokio::time::sleep(self.scenario.latency + delay).await;
        let fault = faulty.is_some();
        let mut entry = json!({"time": now(), "method": request.method, "host": request.host});
        let outcome = match faulty {
            Some(reply) => dispatch::Outcome { reply, path: request.path.clone(), caller: None },
            None => self.handle(&request).await,
        };
        entry["path"] = json!(outcome.path);
        entry["query"] = request.query.iter().map(|(name, value)| json!(format!("{name}={value}"))).collect();
        entry["status"] = json!(outcome.reply.status);
        entry["caller"] = json!(outcome.caller);
        entry["peer"] = json!(request.peer.to_string());
        entry["milliseconds"] = json!(begin.elapsed().as_millis());
        if fault {
            entry["fault"] = json!(true);
        }
        self.log.add(&entry);
        let id = uuid::Uuid::new_v4().to_string();
        outcome.reply.header("x-ms-request-id", id.clone()).header("x-ms-correlation-request-id", id)
    }

    async fn handle(self: &Arc<Self>, request: &Request) -> dispatch::Outcome {
        let (azure, asked) = (Arc::clone(self), request.clone());
        let outcome = tokio::task::spawn_blocking(move || dispatch::answer(&azure, &asked)).await;
        outcome.unwrap_or_else(|error| {
            let error = AzureError::new(500, "InternalServerError", format!("the twin broke: {error}"));
            dispatch::Outcome { reply: error.into(), path: request.path.clone(), caller: None }
        })
    }

    /// Refuses unless the caller may do `action` at `scope`.
    pub fn require(&self, caller: &Caller, action: Action<'_>, scope: &str) -> Result<(), AzureError> {
        if rbac::allowed(&self.state(), &self.catalog, &caller.object_id, action, scope) {
            return Ok(());
        }
        Err(rbac::forbidden(&caller.client, &caller.object_id, action.name(), scope))
    }

    /// Whether any role shows the subscription to a principal.
    pub fn sees_subscription(&self, principal: &str) -> bool {
        let now = jiff::Timestamp::now();
        let state = self.state();
        let mut all = state.role_assignments.values();
        all.any(|one| one.principal.eq_ignore_ascii_case(principal) && one.effective <= now)
    }

    /// Whether a host name of a played service leads anywhere: vaults, accounts and Bastions must exist.
    pub fn resolves(&self, host: &str) -> bool {
        let named = |kind: &str| {
            let label = host.split('.').next().unwrap_or_default();
            let state = self.state();
            let mut all = state.resources.values().filter(|one| one.kind.eq_ignore_ascii_case(kind));
            all.any(|one| one.body["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(label)))
        };
        match routes::Service::of_host(host) {
            None | Some(routes::Service::Metadata) => false,
            Some(routes::Service::Vault) => named(vaults::VAULT),
            Some(routes::Service::Blob) => named("Microsoft.Storage/storageAccounts"),
            Some(routes::Service::Bastion) => bastion::of_host(&self.state(), host).is_some(),
            Some(_) => true,
        }
    }

    /// Secret of the service principal that signs in.
    pub fn sign_in_secret(&self) -> String {
        let state = self.state();
        state.principals.get(setup::APP_OBJECT).and_then(|one| one.secret.clone()).unwrap_or_default()
    }

    /// Computer names of the VMs.
    pub fn machine_names(&self) -> Vec<String> {
        let state = self.state();
        let all = state.resources.values().filter(|one| machines::is_machine(&one.kind));
        all.filter_map(|one| machines::host(self, &state, one)).map(|host| host.name).collect()
    }

    /// Ends all sign-ins: what a scenario with an expired one begins with.
    pub fn expire_sign_ins(&self) {
        self.tokens().end_all();
    }

    /// Connects to a port of a VM.
    pub fn connect(&self, address: Ipv4Addr, port: u16) -> Result<TcpStream> {
        match (&self.hosts, self.scenario.tunnel_to) {
            (Some(hosts), _) => hosts.connect(address, port, CONNECT),
            (None, Some(stand_in)) => TcpStream::connect_timeout(&stand_in, CONNECT)
                .with_context(|| format!("connecting to {stand_in}")),
            (None, None) => anyhow::bail!("the twin runs without hosts: nothing listens on {address}:{port}"),
        }
    }

    /// The whole state as JSON, secrets as their hashes.
    pub fn dump(&self) -> Result<Value> {
        serde_json::to_value(&*self.state()).context("printing the state")
    }
}
