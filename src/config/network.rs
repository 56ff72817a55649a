//! The cluster's network: a new one's address space, or the parts of one that is there already.

use std::net::Ipv4Addr;

use super::report::shown;
use super::rules::Rule;
use crate::resource_id::{BastionId, SubnetId};

/// The network the cluster lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// The deployment makes it.
    New {
        /// CIDR of the virtual network, which the template divides into subnets.
        address_space: String,
    },
    /// It is there, with its subnets.
    Existing(Box<ExistingNetwork>),
}

/// What is taken of a network that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingNetwork {
    /// Subnets of one virtual network.
    pub subnets: Subnets,
    /// The way in; `None`: this machine is in the network, or in one that reaches it.
    pub bastion: Option<BastionId>,
    /// Who makes the names of private endpoints known.
    pub private_dns: PrivateDns,
}

/// What lies in which subnet. All may be one, but for `anf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnets {
    /// The CycleCloud server.
    pub cyclecloud: SubnetId,
    /// Scheduler, login nodes and all others.
    pub compute: SubnetId,
    /// The volume of Azure NetApp Files: with that kind of storage alone.
    pub anf: Option<SubnetId>,
    /// Private endpoints.
    pub endpoints: SubnetId,
}

impl Subnets {
    /// Each with the key that names it.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &SubnetId)> {
        let Self { cyclecloud, compute, anf, endpoints } = self;
        let always = [("cyclecloud", cyclecloud), ("compute", compute), ("endpoints", endpoints)];
        always.into_iter().chain(anf.iter().map(|anf| ("anf", anf)))
    }
}

/// Who makes the names of private endpoints known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateDns {
    /// The deployment makes zones and links them to the network.
    New,
    /// Zones that are linked to the network get the records.
    Existing,
    /// The network's owners, by their own DNS or a policy.
    None,
}

impl PrivateDns {
    /// The word of `config.yaml` and of the template.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Existing => "existing",
            Self::None => "none",
        }
    }
}

/// Subnets that Azure keeps for its own services (learn.microsoft.com/azure/virtual-network/virtual-network-for-azure-services).
const OF_SERVICES: [&str; 5] = [
    "AzureBastionSubnet",
    "AzureFirewallManagementSubnet",
    "AzureFirewallSubnet",
    "GatewaySubnet",
    "RouteServerSubnet",
];

/// Of [`subnet`].
pub const SUBNET: Rule = Rule::new(
    |text| subnet(text).map(drop),
    r"^/[A-Za-z]+/[0-9a-fA-F-]{36}/[A-Za-z]+/[^/]+/[A-Za-z]+/[A-Za-z.]+/[A-Za-z]+/[A-Za-z0-9_.-]{2,64}/[A-Za-z]+/(?!GatewaySubnet$|RouteServerSubnet$|Azure(Bastion|Firewall|FirewallManagement)Subnet$)[A-Za-z0-9_.-]{1,80}$",
);
/// Of [`bastion`].
pub const BASTION: Rule = Rule::new(
    |text| bastion(text).map(drop),
    r"^(none|/[A-Za-z]+/[0-9a-fA-F-]{36}/[A-Za-z]+/[^/]+/[A-Za-z]+/[A-Za-z.]+/[A-Za-z]+/[A-Za-z0-9_.-]{1,80})$",
);
/// Of [`address_space`].
pub const ADDRESS_SPACE: Rule = Rule::new(
    |text| address_space(text).map(drop),
    r"^(10|172\.(1[6-9]|2[0-9]|3[01])|192\.168)\.[0-9.]+/(0?[89]|1[0-9]|2[0-3])$",
);

/// The resource id of a subnet that takes resources of ours.
pub fn subnet(text: &str) -> Result<SubnetId, String> {
    let Some(id) = SubnetId::parse(text) else {
        return Err(format!(
            "{} is not the id of a subnet (allowed: /subscriptions/…/resourceGroups/…/providers/\
             Microsoft.Network/virtualNetworks/…/subnets/…)",
            shown(text)
        ));
    };
    match OF_SERVICES.iter().find(|name| name.eq_ignore_ascii_case(&id.name)) {
        Some(name) => Err(format!("{name} is kept for a service of Azure and takes nothing else")),
        None => Ok(id),
    }
}

/// The resource id of a Bastion, or `none`.
pub fn bastion(text: &str) -> Result<Option<BastionId>, String> {
    if text == "none" {
        return Ok(None);
    }
    let wrong = || {
        format!(
            "{} is not the id of a Bastion (allowed: none, or /subscriptions/…/resourceGroups/…/providers/\
             Microsoft.Network/bastionHosts/…)",
            shown(text)
        )
    };
    BastionId::parse(text).map(Some).ok_or_else(wrong)
}

/// Blocks for private use (RFC 1918).
const PRIVATE: [Block; 3] = [
    Block { start: Ipv4Addr::new(10, 0, 0, 0), length: 8 },
    Block { start: Ipv4Addr::new(172, 16, 0, 0), length: 12 },
    Block { start: Ipv4Addr::new(192, 168, 0, 0), length: 16 },
];

/// Smallest network that the template can divide: four /26 below, the compute subnet in the upper half.
const LONGEST_PREFIX: u32 = 23;

/// Addresses that Azure keeps for itself in every subnet
/// (learn.microsoft.com/azure/virtual-network/virtual-networks-faq).
pub const KEPT_BY_AZURE: u32 = 5;

/// A block of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its first address.
    start: Ipv4Addr,
    /// Length of its prefix, 1 to 32.
    length: u32,
}

impl Block {
    /// Reads CIDR notation; bits beyond the prefix stay as they are.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let digits = length.len() <= 2 && length.bytes().all(|b| b.is_ascii_digit());
        let length = length.parse().ok().filter(|length| digits && (1..=32).contains(length))?;
        Some(Self { start: address.parse().ok()?, length })
    }

    /// Whether `address` is one of its addresses.
    pub fn holds(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask() == self.start.to_bits() & self.mask()
    }

    fn mask(self) -> u32 {
        u32::MAX << (32 - self.length)
    }
}

/// A private IPv4 network in CIDR notation that the template can divide.
pub fn address_space(text: &str) -> Result<Block, String> {
    let Some(block) = Block::parse(text) else {
        return Err(format!("{} is not a network (allowed: CIDR such as 10.64.0.0/16)", shown(text)));
    };
    let length = block.length;
    let meant = Ipv4Addr::from_bits(block.start.to_bits() & block.mask());
    if meant != block.start {
        return Err(format!(
            "{} has bits set beyond its prefix (did you mean {meant}/{length})",
            shown(text)
        ));
    }
    if !PRIVATE.into_iter().any(|private| length >= private.length && private.holds(block.start)) {
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
    Ok(block)
}

/// Nodes that fit into the compute subnet of a network.
pub fn node_capacity(network: Block) -> u32 {
    (1 << (31 - network.length)) - KEPT_BY_AZURE
}
