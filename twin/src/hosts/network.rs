//! The twin's network: one namespace with a bridge, one namespace for each host, no way out.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::sched::{CloneFlags, setns};

use super::{Place, TWIN_ADDRESS, commands};

const NAMESPACES: &str = "/run/netns";
const DEADLINE: Duration = Duration::from_secs(20);

/// The namespace that holds the bridge.
pub struct Network {
    namespace: String,
}

impl Network {
    /// Makes the namespace and the bridge with [`TWIN_ADDRESS`].
    pub fn create(place: &Place) -> Result<Network> {
        let namespace = place.prefix.clone();
        ip(&["netns", "add", &namespace])?;
        let lines = format!(
            "link set lo up\n\
             link add br0 type bridge\n\
             link set br0 up\n\
             addr add {TWIN_ADDRESS}/32 dev br0\n\
             route add default dev br0 src {TWIN_ADDRESS}\n"
        );
        batch(&namespace, &lines).context("making the twin's bridge")?;
        Ok(Network { namespace })
    }

    /// Makes a namespace for a host and wires it to the bridge. Every address is a neighbour on the bridge, as every
    /// address of an Azure virtual network is one hop away.
    pub fn add_host(&self, namespace: &str, address: Ipv4Addr) -> Result<()> {
        ip(&["netns", "add", namespace])?;
        let port = format!("v{:08x}", u32::from(address));
        let bridge = format!(
            "link add {port} type veth peer name eth0 netns {namespace}\n\
             link set {port} master br0 up\n"
        );
        batch(&self.namespace, &bridge).context("wiring the host to the bridge")?;
        let host = format!(
            "link set lo up\n\
             addr add {address}/32 dev eth0\n\
             link set eth0 up\n\
             route add default dev eth0 src {address}\n"
        );
        batch(namespace, &host).context("setting the host's address")
    }

    /// Connects from inside the namespace.
    pub fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<TcpStream> {
        self.inside(move || TcpStream::connect_timeout(&to, timeout))
            .with_context(|| format!("connecting to {to} in the twin's network"))
    }

    /// Listens inside the namespace.
    pub fn listen(&self, on: SocketAddr) -> Result<TcpListener> {
        self.inside(move || TcpListener::bind(on))
            .with_context(|| format!("listening on {on} in the twin's network"))
    }

    /// Opens a datagram socket inside the namespace.
    pub fn bind_udp(&self, on: SocketAddr) -> Result<UdpSocket> {
        self.inside(move || UdpSocket::bind(on))
            .with_context(|| format!("opening {on} in the twin's network"))
    }

    /// A socket belongs to the namespace in which it was made, so only the making needs a thread in there.
    fn inside<T: Send + 'static>(
        &self,
        make: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = namespace_path(&self.namespace);
        let namespace = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        let maker = thread::spawn(move || -> Result<T> {
            setns(&namespace, CloneFlags::CLONE_NEWNET).context("entering the twin's network")?;
            Ok(make()?)
        });
        maker.join().map_err(|_| anyhow!("the thread in the twin's network died"))?
    }
}

/// File by which the kernel keeps a named namespace.
pub fn namespace_path(namespace: &str) -> PathBuf {
    Path::new(NAMESPACES).join(namespace)
}

/// Deletes a namespace, and with it its half of the wire; an absent one is no error.
pub fn remove(namespace: &str) -> Result<()> {
    if namespace_path(namespace).exists() {
        ip(&["netns", "delete", namespace])?;
    }
    Ok(())
}

/// All namespaces of one twin: the bridge's and the hosts'.
pub fn all(place: &Place) -> Result<Vec<String>> {
    let Ok(entries) = fs::read_dir(NAMESPACES) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name == place.prefix || name.starts_with(&place.object("")) {
            names.push(name);
        }
    }
    Ok(names)
}

fn ip(args: &[&str]) -> Result<()> {
    commands::run("ip", args, "", DEADLINE).map(drop)
}

fn batch(namespace: &str, lines: &str) -> Result<()> {
    commands::run("ip", &["-n", namespace, "-batch", "-"], lines, DEADLINE).map(drop)
}
