//! A Bastion tunnel: bytes between a websocket and a host's port.

use std::net::TcpStream;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use futures_util::{SinkExt, StreamExt};

const CHUNK: usize = 16 * 1024; // bytes a websocket frame carries at most
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The answer to a client's `Sec-WebSocket-Key`.
pub fn accept_key(key: &[u8]) -> String {
    derive_accept_key(key)
}

/// Relays until either side ends.
pub async fn relay(upgrade: OnUpgrade, target: TcpStream) {
    let Ok(Ok(upgraded)) = tokio::time::timeout(HANDSHAKE, upgrade).await else { return };
    let Ok(target) = target.set_nonblocking(true).and_then(|()| tokio::net::TcpStream::from_std(target))
    else {
        return;
    };
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let (mut frames_out, mut frames_in) = socket.split();
    let (mut bytes_in, mut bytes_out) = target.into_split();
    let inward = async {
        while let Some(Ok(message)) = frames_in.next().await {
            let written = match message {
                Message::Binary(bytes) => bytes_out.write_all(&bytes).await,
                Message::Text(text) => bytes_out.write_all(text.as_bytes()).await,
                Message::Close(_) => break,
                _ => continue,
            };
            if written.is_err() {
                break;
            }
        }
    };
    let outward = async {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length @ 1..) = bytes_in.read(&mut buffer).await {
            if frames_out.send(Message::binary(buffer[..length].to_vec())).await.is_err() {
                break;
            }
        }
        let _ = frames_out.close().await;
    };
    tokio::select! { () = inward => {}, () = outward => {} }
}
