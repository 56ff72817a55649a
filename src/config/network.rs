//! The address space of the cluster's network.

use std::net::Ipv4Addr;

use super::report::shown;

/// Blocks for private use (RFC 1918).
const PRIVATE: [(Ipv4Addr, u32); 3] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// Smallest network that the template can divide: three /26 below, the compute subnet in the upper half.
const LONGEST_PREFIX: u32 = 23;

/// Addresses that Azure keeps for itself in every subnet.
const KEPT_BY_AZURE: u32 = 5;

/// A private IPv4 network in CIDR notation that the template can divide; gives its prefix length.
pub fn address_space(text: &str) -> Result<u32, String> {
    let Some((address, length)) = cidr(text) else {
        return Err(format!("{} is not a network (allowed: CIDR such as 10.64.0.0/16)", shown(text)));
    };
    let start = address.to_bits() & mask(length);
    if start != address.to_bits() {
        let meant = Ipv4Addr::from_bits(start);
        return Err(format!(
            "{} has bits set beyond its prefix (did you mean {meant}/{length})",
            shown(text)
        ));
    }
    let inside = |(block, size): (Ipv4Addr, u32)| length >= size && start & mask(size) == block.to_bits();
    if !PRIVATE.into_iter().any(inside) {
        return Err(format!(
            "{} is not private (allowed: within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16)",
            shown(text)
        ));
    }
    if length > LONGEST_PREFIX {
        return Err(format!(
            "{} is too small for the subnets (allowed: /8 to /{LONGEST_PREFIX})",
            shown(text)
        ));
    }
    Ok(length)
}

/// Nodes that fit into the compute subnet of a network of that prefix length.
pub fn node_capacity(length: u32) -> u32 {
    (1 << (31 - length)) - KEPT_BY_AZURE
}

fn cidr(text: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, length) = text.split_once('/')?;
    let digits = length.len() <= 2 && length.bytes().all(|b| b.is_ascii_digit());
    let length = length.parse().ok().filter(|length| digits && (1..=32).contains(length))?;
    Some((address.parse().ok()?, length))
}

fn mask(length: u32) -> u32 {
    u32::MAX << (32 - length)
}
