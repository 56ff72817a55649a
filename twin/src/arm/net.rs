//! IPv4 networks.

use std::net::Ipv4Addr;

/// An IPv4 network, host bits cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    /// First address.
    pub first: u32,
    /// Prefix length, 0 to 32.
    pub prefix: u8,
}

impl Cidr {
    /// Reads `a.b.c.d/n`.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, prefix) = text.split_once('/')?;
        let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        let address: Ipv4Addr = address.parse().ok()?;
        let mut cidr = Cidr { first: 0, prefix };
        cidr.first = u32::from(address) & cidr.mask();
        Some(cidr)
    }

    /// The netmask.
    pub fn mask(&self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }

    /// Last address.
    pub fn last(&self) -> u32 {
        self.first | !self.mask()
    }

    /// Whether all of `other` lies in this network.
    pub fn contains(&self, other: &Cidr) -> bool {
        self.first <= other.first && other.last() <= self.last()
    }

    /// Whether the two networks share an address.
    pub fn overlaps(&self, other: &Cidr) -> bool {
        self.contains(other) || other.contains(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_networks() {
        let cidr = Cidr::parse("10.64.3.7/20").unwrap();
        assert_eq!(
            (Ipv4Addr::from(cidr.first), Ipv4Addr::from(cidr.last())),
            ([10, 64, 0, 0].into(), [10, 64, 15, 255].into())
        );
        assert_eq!(Cidr::parse("0.0.0.0/0").unwrap().last(), u32::MAX);
        for bad in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "a/8"] {
            assert_eq!(Cidr::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn overlap_is_a_shared_end(a in any::<(u32, u8)>(), b in any::<(u32, u8)>()) {
            let net = |(address, prefix): (u32, u8)| Cidr::parse(&format!("{}/{}", Ipv4Addr::from(address), prefix % 33)).unwrap();
            let (a, b) = (net(a), net(b));
            prop_assert_eq!(a.overlaps(&b), a.first.max(b.first) <= a.last().min(b.last()));
        }
    }
}
