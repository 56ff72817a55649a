//! CIDR arithmetic of `parseCidr`, `cidrSubnet` and `cidrHost`, for IPv4: the twin's networks have no other.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::arm::expr::{Fault, args::Args};
use crate::arm::net::Cidr;

/// Calls a function of this file.
pub fn call(name: &str, args: &Args) -> Option<Result<Value, Fault>> {
    Some(match name {
        "parsecidr" => args.count(1..=1).and_then(|()| Ok(parts(network(args)?))),
        "cidrsubnet" => subnet(args),
        "cidrhost" => host(args),
        _ => return None,
    })
}

fn network(args: &Args) -> Result<Cidr, Fault> {
    let text = args.text(0)?;
    Cidr::parse(text).ok_or_else(|| Fault::text(format!("The specified CIDR '{text}' is not valid.")))
}

fn parts(cidr: Cidr) -> Value {
    let Cidr { first, prefix } = cidr;
    let last = cidr.last();
    let (low, high) = if prefix >= 31 { (first, first) } else { (first + 1, last - 1) };
    json!({
        "network": Ipv4Addr::from(first).to_string(),
        "netmask": Ipv4Addr::from(cidr.mask()).to_string(),
        "broadcast": Ipv4Addr::from(last).to_string(),
        "firstUsable": Ipv4Addr::from(low).to_string(),
        "lastUsable": Ipv4Addr::from(high).to_string(),
        "cidr": prefix,
    })
}

fn subnet(args: &Args) -> Result<Value, Fault> {
    args.count(3..=3)?;
    let text = args.text(0)?;
    let (cidr, size, index) = (network(args)?, args.int(1)?, args.int(2)?);
    let prefix =
        u8::try_from(size).ok().filter(|size| (cidr.prefix..=32).contains(size)).ok_or_else(|| {
            Fault::text(format!("Could not generate subnet for network '{text}' and CIDR value '{size}'."))
        })?;
    let subnets = 1i64 << (prefix - cidr.prefix);
    if !(0..subnets).contains(&index) {
        return Err(Fault::text(format!(
            "The specified subnetIndex '{index}' is not a valid index of the subnet size '{subnets}'."
        )));
    }
    let first = u64::from(cidr.first) + ((index as u64) << (32 - prefix));
    Ok(json!(format!("{}/{prefix}", Ipv4Addr::from(first as u32))))
}

fn host(args: &Args) -> Result<Value, Fault> {
    args.count(2..=2)?;
    let text = args.text(0)?;
    let (cidr, index) = (network(args)?, args.int(1)?);
    let usable = i64::from(cidr.last() - cidr.first) - 1;
    if !(0..usable).contains(&index) {
        return Err(Fault::text(format!(
            "Could not calculate the CidrHost for network '{text}' and CIDR value '{index}'."
        )));
    }
    Ok(json!(Ipv4Addr::from(cidr.first + 1 + index as u32).to_string()))
}
