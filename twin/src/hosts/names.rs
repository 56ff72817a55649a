//! The hosts' name service: one question, one answer with an address or a name (RFC 1035), over UDP.

use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use super::{Place, leftovers, overlay};

/// The well-known port.
pub const PORT: u16 = 53;
/// Suffix of the hosts' names; network interfaces in the simulated Azure carry the same.
pub const DOMAIN: &str = "twin.internal.cloudapp.net";
const HEADER: usize = 12;
const ADDRESS: u16 = 1; // type A
const POINTER: u16 = 12; // type PTR
const REVERSE: &str = ".in-addr.arpa";
const NAME_ERROR: u8 = 3;
const LOOK: Duration = Duration::from_secs(1); // how often the end is looked for
const LIFETIME: u32 = 0; // seconds: a host may take another name at any moment

/// What the hosts' names and addresses are.
pub trait Book: Send + 'static {
    /// Address of a name.
    fn address(&self, name: &str) -> Option<Ipv4Addr>;
    /// Name of an address.
    fn name(&self, address: Ipv4Addr) -> Option<String>;
}

/// Answers questions on a thread of its own until `ended`.
pub fn serve(socket: UdpSocket, ended: Arc<AtomicBool>, book: impl Book) -> Result<()> {
    socket.set_read_timeout(Some(LOOK))?;
    thread::spawn(move || {
        let mut question = [0; 512];
        while !ended.load(Ordering::Relaxed) {
            let Ok((length, asker)) = socket.recv_from(&mut question) else { continue };
            if let Some(reply) = answer(&question[..length], &book) {
                // Who asked may be gone, and asks again if not.
                let _ = socket.send_to(&reply, asker);
            }
        }
    });
    Ok(())
}

/// The reply to a query; `None` for what is no query of one name.
fn answer(query: &[u8], book: &impl Book) -> Option<Vec<u8>> {
    let (name, kind, end) = question(query)?;
    let (known, data) = match name.strip_suffix(REVERSE) {
        Some(reversed) => {
            let found = unreversed(reversed).and_then(|address| book.name(address));
            (found.is_some(), found.filter(|_| kind == POINTER).map(|name| labels(&name)))
        }
        None => {
            let found = book.address(&name);
            (found.is_some(), found.filter(|_| kind == ADDRESS).map(|address| address.octets().to_vec()))
        }
    };
    let mut reply = query[..end].to_vec();
    reply[2] = 0x84 | (query[2] & 1); // a reply of authority, recursion wanted as asked
    reply[3] = 0x80 | if known { 0 } else { NAME_ERROR };
    reply[6..HEADER].copy_from_slice(&[0, u8::from(data.is_some()), 0, 0, 0, 0]);
    if let Some(data) = data {
        reply.extend([0xc0, 12]); // the name asked for
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1]); // class IN
        reply.extend(LIFETIME.to_be_bytes());
        reply.extend(u16::try_from(data.len()).unwrap_or_default().to_be_bytes());
        reply.extend(data);
    }
    Some(reply)
}

/// The address in `4.0.0.10`, as questions for names have it.
fn unreversed(text: &str) -> Option<Ipv4Addr> {
    let address: Ipv4Addr = text.parse().ok()?;
    let [a, b, c, d] = address.octets();
    Some(Ipv4Addr::new(d, c, b, a))
}

/// A name as answers have it.
fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap_or_default());
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

/// Name in lower case, type, and where the question ends.
fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let one_question = query.len() > HEADER && query[2] & 0xf8 == 0 && query[4..6] == [0, 1];
    if !one_question {
        return None;
    }
    let (mut labels, mut at) = (Vec::new(), HEADER);
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    query.get(at + 3)?;
    Some((labels.join("."), kind, at + 4))
}

/// Hosts by the names that they have at the moment, and other names that a virtual network knows.
pub struct Network<F> {
    /// Where the hosts are.
    pub place: Place,
    /// Address of each, by its computer name.
    pub addresses: Arc<Mutex<HashMap<String, Ipv4Addr>>>,
    /// Addresses of names that are no host's.
    pub elsewhere: F,
}

impl<F> Network<F> {
    fn hosts(&self) -> HashMap<String, Ipv4Addr> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<F: Fn(&str) -> Option<Ipv4Addr> + Send + 'static> Book for Network<F> {
    /// With or without [`DOMAIN`].
    fn address(&self, name: &str) -> Option<Ipv4Addr> {
        let short = name.strip_suffix(DOMAIN).map_or(name, |short| short.trim_end_matches('.'));
        let called = |computer: &String| own_name(&self.place, computer).as_deref() == Some(short);
        let found = self.hosts().into_iter().find(|(computer, _)| called(computer));
        found.map(|(_, address)| address).or_else(|| (self.elsewhere)(name))
    }

    fn name(&self, address: Ipv4Addr) -> Option<String> {
        let (computer, _) = self.hosts().into_iter().find(|(_, own)| *own == address)?;
        Some(format!("{}.{DOMAIN}", own_name(&self.place, &computer)?))
    }
}

/// Computer name of the host that is called, or calls itself, so.
pub fn computer(place: &Place, name: &str) -> Result<String> {
    if place.host_dir(name).exists() {
        return Ok(name.to_owned());
    }
    let hosts = leftovers::folder_names(&place.dir)?;
    match hosts.into_iter().find(|host| own_name(place, host).as_deref() == Some(name)) {
        Some(host) => Ok(host),
        None => bail!("no host {name} runs; `ccslurm4ai-twin status` lists the hosts"),
    }
}

/// What a host calls itself: Azure learns it from the host's DHCP client, the twin reads it where the host keeps it.
fn own_name(place: &Place, computer: &str) -> Option<String> {
    let file = place.host_dir(computer).join(overlay::ROOT).join("etc/hostname");
    fs::read_to_string(file).ok().map(|name| name.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u8) -> Vec<u8> {
        let mut query = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.push(u8::try_from(label.len()).unwrap());
            query.extend(label.bytes());
        }
        query.extend([0, 0, kind, 0, 1]);
        query
    }

    struct One;

    impl Book for One {
        fn address(&self, name: &str) -> Option<Ipv4Addr> {
            (name == "a.b").then_some(Ipv4Addr::new(10, 0, 0, 4))
        }

        fn name(&self, address: Ipv4Addr) -> Option<String> {
            (address == Ipv4Addr::new(10, 0, 0, 4)).then(|| "a.b".to_owned())
        }
    }

    #[test]
    fn a_known_name_has_an_address_and_no_other_record() {
        let reply = answer(&query("A.b", 1), &One).unwrap();
        assert_eq!((reply[3] & 15, reply[7]), (0, 1));
        assert_eq!(reply[reply.len() - 4..], [10, 0, 0, 4]);
        let ipv6 = answer(&query("a.b", 28), &One).unwrap();
        assert_eq!((ipv6[3] & 15, ipv6[7]), (0, 0));
    }

    #[test]
    fn an_address_has_its_name() {
        let reply = answer(&query("4.0.0.10.in-addr.arpa", 12), &One).unwrap();
        assert_eq!((reply[3] & 15, reply[7]), (0, 1));
        assert!(reply.ends_with(b"\x01a\x01b\0"));
        assert_eq!(answer(&query("5.0.0.10.in-addr.arpa", 12), &One).unwrap()[3] & 15, NAME_ERROR);
    }

    #[test]
    fn an_unknown_name_is_an_error_and_noise_gets_no_reply() {
        let reply = answer(&query("a.c", 1), &One).unwrap();
        assert_eq!((reply[3] & 15, reply[7]), (NAME_ERROR, 0));
        let short = query("a.b", 1);
        for noise in [&b"\0"[..], &short[..short.len() - 1], &[0; 30], &reply] {
            assert!(answer(noise, &One).is_none(), "{noise:?}");
        }
    }
}
