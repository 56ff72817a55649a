//! What is behind resources for the hosts of the twin: machines and database servers are hosts, volumes are exports.

use std::net::Ipv4Addr;
use std::panic::resume_unwind;

use serde_json::Value;
use uuid::Uuid;

use super::Azure;
use super::error::AzureError;
use super::machines;
use super::state::{Resource, State};
use super::writes;
use crate::arm::types::{MYSQL_SERVERS, VOLUMES, items};
use crate::hosts::shares::Export;
use crate::hosts::{HostFile, HostKind, HostSpec};

const ENDPOINT: &str = "Microsoft.Network/privateEndpoints";
const DATABASE_FILES: &str = "etc/mysql/twin";

/// The host behind a resource: a machine's own, or that of the database server which a private endpoint leads to.
pub fn plan(azure: &Azure, state: &State, id: &str) -> Option<HostSpec> {
    let resource = state.resource(id)?;
    if machines::is_machine(&resource.kind) {
        return machines::host(azure, state, resource);
    }
    database(azure, state, resource)
}

/// A MySQL server is reached at its private endpoint's address, so its host has that one.
fn database(azure: &Azure, state: &State, endpoint: &Resource) -> Option<HostSpec> {
    if !endpoint.kind.eq_ignore_ascii_case(ENDPOINT) {
        return None;
    }
    let properties = &endpoint.body["properties"];
    let service = &properties["privateLinkServiceConnections"][0]["properties"]["privateLinkServiceId"];
    let server =
        state.resource(service.as_str()?).filter(|one| one.kind.eq_ignore_ascii_case(MYSQL_SERVERS))?;
    let name = server.body["name"].as_str()?;
    let host = server.body["properties"]["fullyQualifiedDomainName"].as_str()?;
    let (certificate, private) = azure.authority.pem_for(host).ok()?;
    let file =
        |name: &str, text: String| HostFile { path: format!("{DATABASE_FILES}/{name}"), mode: 0o644, text };
    Some(HostSpec {
        name: name.to_owned(),
        kind: HostKind::Database,
        private_ip: address(&properties["customDnsConfigs"][0]["ipAddresses"][0])?,
        admin_user: None,
        ssh_public_keys: Vec::new(),
        custom_data: None,
        gpus: 0,
        players: None,
        files: vec![
            file("certificate.pem", certificate),
            file("key.pem", private),
            file("admin.sql", administrator(server)?),
        ],
        id: endpoint.id.clone(),
        uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, server.id.as_bytes()).to_string(),
    })
}

/// The statements that make the server's administrator.
fn administrator(server: &Resource) -> Option<String> {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"));
    let user = quoted(server.body["properties"]["administratorLogin"].as_str()?);
    let password = quoted(server.hidden["administratorLoginPassword"].as_str()?);
    Some(format!(
        "CREATE OR REPLACE USER {user}@'%' IDENTIFIED BY {password};\nGRANT ALL ON *.* TO {user}@'%' WITH GRANT OPTION;\n"
    ))
}

fn address(text: &Value) -> Option<Ipv4Addr> {
    text.as_str()?.parse().ok()
}

/// Boots hosts side by side and settles the `provisioningState` of what they are behind, and of `written`, which is
/// that itself or the scale set of machines.
pub fn boot(azure: &Azure, written: &str, hosts: &[HostSpec]) -> Result<(), AzureError> {
    let settle = |id: &str, ok: bool| {
        writes::set_provisioning_state(&mut azure.state(), id, if ok { "Succeeded" } else { "Failed" });
    };
    let one = |host: &HostSpec| {
        let booted = boot_host(azure, host);
        settle(&host.id, booted.is_ok());
        booted
    };
    let all: Result<(), AzureError> = std::thread::scope(|scope| {
        let running: Vec<_> = hosts.iter().map(|host| scope.spawn(|| one(host))).collect();
        running.into_iter().try_for_each(|host| host.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    settle(written, all.is_ok());
    all
}

fn boot_host(azure: &Azure, host: &HostSpec) -> Result<(), AzureError> {
    let Some(hosts) = &azure.hosts else { return Ok(()) };
    hosts.boot(host).map_err(|error| {
        let message = format!(
            "OS Provisioning for VM '{}' did not finish in the allotted time. The twin's host: {error:#}",
            host.name
        );
        AzureError::new(409, "OSProvisioningTimedOut", message)
    })
}

/// Lets hosts mount a volume that was written; anything else is left alone.
pub fn export(azure: &Azure, state: &State, id: &str) -> Result<(), AzureError> {
    let (Some(hosts), Some((server, export))) = (&azure.hosts, state.resource(id).and_then(exported)) else {
        return Ok(());
    };
    hosts.export(server, &export).map_err(|error| {
        AzureError::new(500, "InternalServerError", format!("The twin cannot export the volume: {error:#}"))
    })
}

/// Address and export of a volume.
fn exported(volume: &Resource) -> Option<(Ipv4Addr, Export)> {
    if !volume.kind.eq_ignore_ascii_case(VOLUMES) {
        return None;
    }
    let properties = &volume.body["properties"];
    let rules = items(&properties["exportPolicy"]["rules"]);
    let allowed = rules.iter().filter_map(|rule| rule["allowedClients"].as_str());
    let clients =
        allowed.flat_map(|clients| clients.split(',')).map(|client| client.trim().to_owned()).collect();
    let protocols = items(&properties["protocolTypes"]);
    let versions =
        protocols.iter().filter_map(|one| Some(one.as_str()?.strip_prefix("NFSv")?.to_owned())).collect();
    let path = format!("/{}", properties["creationToken"].as_str()?);
    Some((address(&properties["mountTargets"][0]["ipAddress"])?, Export { path, clients, versions }))
}

/// Ends what is behind a resource that is about to go.
pub fn end(azure: &Azure, id: &str) {
    let Some(hosts) = &azure.hosts else { return };
    let (host, volume) = {
        let state = azure.state();
        (host_name(azure, &state, id), state.resource(id).and_then(exported))
    };
    let ended = host.map_or(Ok(()), |name| hosts.stop(&name));
    let withdrawn = volume.map_or(Ok(()), |(server, export)| hosts.withdraw(server, &export.path));
    for error in [ended, withdrawn].into_iter().filter_map(Result::err) {
        eprintln!("twin: {error:#}");
    }
}

/// Name of the host that goes with a resource; a database server may go before its private endpoint.
fn host_name(azure: &Azure, state: &State, id: &str) -> Option<String> {
    let server = state.resource(id).filter(|one| one.kind.eq_ignore_ascii_case(MYSQL_SERVERS));
    match server {
        Some(server) => server.body["name"].as_str().map(str::to_owned),
        None => plan(azure, state, id).map(|host| host.name),
    }
}
