//! `bst-<guid>.bastion.azure.com`: tokens and tunnels of Bastion's native client.

use std::net::{Ipv4Addr, TcpStream};

use serde_json::{Value, json};
use uuid::Uuid;

use super::http::Reply;
use super::machines;
use super::rbac::{self, Action};
use super::routes::{Answer, Call, Route, Service};
use super::state::{Resource, State};
use crate::claims::Sure;

/// Type of a Bastion.
pub const BASTION: &str = "Microsoft.Network/bastionHosts";
const SOURCE: &str =
    "azure-cli-extensions, src/bastion: tunnel.py; other public clients of the protocol agree";

/// Rows of this service.
pub const ROUTES: &[Route] = &[
    Route::of(Service::Bastion, "POST", "/api/tokens", issue).known_from(SOURCE, Sure::High),
    Route::of(Service::Bastion, "DELETE", "/api/tokens/{token}", revoke).known_from(SOURCE, Sure::High),
    Route::of(Service::Bastion, "GET", "/webtunnelv2/{token}", tunnel).known_from(SOURCE, Sure::High),
];

/// A tunnel that may be opened once.
#[derive(Clone, Debug)]
pub struct Session {
    websocket: String,
    target: Ipv4Addr,
    port: u16,
    opened: bool,
}

/// Sessions by their token; each must be deleted by who asked for it.
pub type Sessions = std::collections::HashMap<String, Session>;

fn refuse(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"message": message}))
}

/// The Bastion behind a host name.
pub fn of_host<'a>(state: &'a State, host: &str) -> Option<&'a Resource> {
    let mut all = state.resources.values().filter(|one| one.kind.eq_ignore_ascii_case(BASTION));
    all.find(|one| {
        one.body["properties"]["dnsName"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(host))
    })
}

fn issue(call: &Call<'_>) -> Answer {
    Ok(session(call).map_or_else(
        |refused| refused,
        |session| {
            let token = Uuid::new_v4().simple().to_string();
            let body = json!({
                "authToken": token, "username": "twin", "dataSource": "default", "nodeId": "0",
                "availableDataSources": ["default"], "websocketToken": session.websocket,
            });
            call.azure.sessions().insert(token, session);
            Reply::json(200, &body)
        },
    ))
}

fn session(call: &Call<'_>) -> Result<Session, Reply> {
    let form = call.request.form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let token = field("aztoken");
    let caller = call.azure.tokens().arm_caller(Some(token)).map_err(|error| refuse(401, &error.message))?;
    let state = call.azure.state();
    let bastion = of_host(&state, &call.request.host).ok_or_else(|| refuse(404, "Bastion not found."))?;
    if bastion.body["properties"]["enableTunneling"] != true {
        return Err(refuse(403, "Tunneling is not enabled on this Bastion."));
    }
    let target = field("resourceId");
    let machine = state.resource(target).filter(|one| one.kind.eq_ignore_ascii_case(machines::MACHINE));
    let machine =
        machine.ok_or_else(|| refuse(404, &format!("Target resource '{target}' was not found.")))?;
    let interface = primary_interface(&machine.body);
    for (scope, action) in [
        (bastion.id.as_str(), "Microsoft.Network/bastionHosts/read"),
        (machine.id.as_str(), "Microsoft.Compute/virtualMachines/read"),
        (interface.as_str(), "Microsoft.Network/networkInterfaces/read"),
    ] {
        if !rbac::allowed(&state, &call.azure.catalog, &caller.object_id, Action::Control(action), scope) {
            return Err(refuse(
                403,
                &rbac::forbidden(&caller.client, &caller.object_id, action, scope).message,
            ));
        }
    }
    let port =
        field("workloadHostPort").parse().map_err(|_| refuse(400, "workloadHostPort is not a port."))?;
    let target = machines::address(&state, &machine.body["properties"])
        .ok_or_else(|| refuse(404, "The target has no address."))?;
    Ok(Session { websocket: Uuid::new_v4().simple().to_string(), target, port, opened: false })
}

fn primary_interface(machine: &Value) -> String {
    let interfaces = &machine["properties"]["networkProfile"]["networkInterfaces"];
    interfaces[0]["id"].as_str().unwrap_or_default().to_owned()
}

fn revoke(call: &Call<'_>) -> Answer {
    let gone = call.azure.sessions().remove(call.capture("token"));
    Ok(Reply::empty(if gone.is_some() { 204 } else { 404 }))
}

fn tunnel(call: &Call<'_>) -> Answer {
    let target = {
        let mut sessions = call.azure.sessions();
        let wanted = call.capture("token");
        let found = sessions.values_mut().find(|one| one.websocket == wanted && !one.opened);
        let Some(session) = found else { return Ok(refuse(404, "Session not found.")) };
        session.opened = true;
        (session.target, session.port)
    };
    let upgrade = call.request.header("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    if !upgrade {
        return Ok(refuse(400, "A websocket is expected."));
    }
    match connect(call, target) {
        Ok(stream) => Ok(Reply { status: 101, tunnel: Some(stream), ..Reply::default() }),
        Err(error) => Ok(refuse(502, &format!("{error:#}"))),
    }
}

fn connect(call: &Call<'_>, (address, port): (Ipv4Addr, u16)) -> anyhow::Result<TcpStream> {
    call.azure.connect(address, port)
}
