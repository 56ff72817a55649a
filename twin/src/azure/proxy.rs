//! The HTTPS proxy that plays Azure's host names; nothing it does not play is reachable through it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::Azure;
use super::http::{Reply, Request, decode, pairs};
use super::tunnel;

type Response = hyper::Response<Full<Bytes>>;

/// Serves the proxy on `listener` until the runtime ends.
pub async fn serve(listener: std::net::TcpListener, azure: Arc<Azure>) -> Result<()> {
    let listener = nonblocking(listener)?;
    let tls = acceptor(&azure)?;
    loop {
        let (stream, peer) = listener.accept().await.context("accepting a proxy connection")?;
        let (azure, tls) = (Arc::clone(&azure), tls.clone());
        tokio::spawn(async move {
            let service =
                service_fn(move |request| proxy(request, peer.ip(), Arc::clone(&azure), tls.clone()));
            // a client that hangs up mid-way is its own business
            let _ =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
        });
    }
}

/// Serves the metadata service, plain HTTP, on `listener` until the runtime ends.
pub async fn serve_metadata(listener: std::net::TcpListener, azure: Arc<Azure>) -> Result<()> {
    let listener = nonblocking(listener)?;
    loop {
        let (stream, peer) = listener.accept().await.context("accepting a metadata connection")?;
        tokio::spawn(http(stream, "metadata".to_owned(), peer.ip(), Arc::clone(&azure)));
    }
}

async fn http(stream: TcpStream, host: String, peer: IpAddr, azure: Arc<Azure>) {
    let service = service_fn(move |request| answer(request, host.clone(), peer, Arc::clone(&azure)));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn nonblocking(listener: std::net::TcpListener) -> Result<TcpListener> {
    listener.set_nonblocking(true).context("making a listener non-blocking")?;
    TcpListener::from_std(listener).context("handing a listener to the runtime")
}

fn acceptor(azure: &Azure) -> Result<TlsAcceptor> {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choosing TLS versions")?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&azure.authority) as Arc<_>);
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Answers CONNECT for the hosts that are played, and refuses everything else.
async fn proxy(
    mut request: hyper::Request<Incoming>,
    peer: IpAddr,
    azure: Arc<Azure>,
    tls: TlsAcceptor,
) -> Result<Response, Infallible> {
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let host = authority.strip_suffix(":443").unwrap_or_default().to_ascii_lowercase();
    if request.method() != Method::CONNECT || !azure.resolves(&host) {
        azure.log.refused(&authority);
        let sentence =
            format!("the twin does not play '{authority}', and lets nothing out of this machine\n");
        return Ok(text(StatusCode::FORBIDDEN, sentence));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(stream) = upgrade.await {
            speak_tls(stream, host, peer, azure, tls).await;
        }
    });
    Ok(text(StatusCode::OK, String::new()))
}

async fn speak_tls(stream: Upgraded, host: String, peer: IpAddr, azure: Arc<Azure>, tls: TlsAcceptor) {
    let Ok(stream) = tls.accept(TokioIo::new(stream)).await else { return };
    let service = service_fn(move |request| answer(request, host.clone(), peer, Arc::clone(&azure)));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

fn text(status: StatusCode, sentence: String) -> Response {
    let mut response = Response::new(Full::from(sentence));
    *response.status_mut() = status;
    response
}

/// Error that makes hyper drop the connection unanswered.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection dropped by a fault of the scenario")
    }
}

impl std::error::Error for Dropped {}

async fn answer(
    mut request: hyper::Request<Incoming>,
    host: String,
    peer: IpAddr,
    azure: Arc<Azure>,
) -> Result<Response, Dropped> {
    let upgrade = hyper::upgrade::on(&mut request);
    let key = request.headers().get("sec-websocket-key").map(|key| key.as_bytes().to_vec());
    let request = read(request, host, peer).await.map_err(|_| Dropped)?;
    let reply = azure.answer(request).await;
    if reply.status == 0 {
        return Err(Dropped);
    }
    let head = reply.status;
    respond(reply, key, upgrade).map_err(|error| {
        eprintln!("twin: cannot send a reply with status {head}: {error}");
        Dropped
    })
}

async fn read(
    request: hyper::Request<Incoming>,
    host: String,
    peer: IpAddr,
) -> Result<Request, hyper::Error> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter();
    let headers = headers
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    Ok(Request {
        method: head.method.to_string(),
        host,
        path: decode(head.uri.path()),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers,
        body: body.collect().await?.to_bytes().to_vec(),
        peer,
    })
}

fn respond(reply: Reply, key: Option<Vec<u8>>, upgrade: OnUpgrade) -> Result<Response, hyper::http::Error> {
    let mut builder = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(*name, value);
    }
    if let (Some(stream), Some(key)) = (reply.tunnel, key) {
        builder = builder
            .header("upgrade", "websocket")
            .header("connection", "Upgrade")
            .header("sec-websocket-accept", tunnel::accept_key(&key));
        tokio::spawn(tunnel::relay(upgrade, stream));
    }
    builder.body(Full::from(reply.body))
}
