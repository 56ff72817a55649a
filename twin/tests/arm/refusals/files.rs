//! What Azure NetApp Files refuses.

use ccslurm4ai_twin::arm::types::Put;
use serde_json::{Value, json};

use super::{Refused, refused};
use crate::scene::*;
use crate::services::{POOL, VOLUME, pool, volume};

/// Every refusal of this file.
pub fn all() -> Vec<Refused> {
    [pools(), sizes(), exports(), networks(), fixed()].into_iter().flatten().collect()
}

const GIB: i64 = 1 << 30;
const NEW: &str = "Microsoft.NetApp/netAppAccounts/files/capacityPools/pool/volumes/new";

/// A second volume of 100 GiB.
fn second(more: Value) -> Put {
    let base =
        with(&volume(), json!({"properties": {"creationToken": "second", "usageThreshold": 100 * GIB}}));
    put(NEW, with(&base, json!({ "properties": more })))
}

fn again(more: Value) -> Put {
    put(VOLUME, with(&volume(), json!({ "properties": more })))
}

fn resized(size: i64) -> Put {
    put(POOL, with(&pool(), json!({"properties": {"size": size}})))
}

/// Accounts and pools.
fn pools() -> Vec<Refused> {
    let orphan = "Microsoft.NetApp/netAppAccounts/none/capacityPools/pool";
    let elsewhere = "Microsoft.NetApp/netAppAccounts/files/capacityPools/west";
    let level = with(&pool(), json!({"properties": {"serviceLevel": "Standard"}}));
    vec![
        refused(
            "account's name",
            put("Microsoft.NetApp/netAppAccounts/-x", json!({"location": "eastus"})),
            "InvalidParameter",
            "The name '-x'",
        ),
        refused("pool of no account", put(orphan, pool()), "ParentResourceNotFound", "netAppAccounts/none"),
        refused(
            "pool in another region",
            put(elsewhere, with(&pool(), json!({"location": "westus"}))),
            "BadRequest",
            "Location for CapacityPool must be the same",
        ),
        refused("pool below a TiB", resized(512 * GIB), "BadRequest", "'549755813888' was received for Size"),
        refused("pool of one and a half TiB", resized(1536 * GIB), "BadRequest", "was received for Size"),
        refused(
            "pool smaller than its volumes",
            resized(2048 * GIB),
            "PoolSizeTooSmall",
            "Pool size too small",
        ),
        refused(
            "other level of a pool in use",
            put(POOL, level),
            "BadRequest",
            "ServiceLevel cannot be changed.",
        ),
        refused(
            "unknown level",
            put(POOL, with(&pool(), json!({"properties": {"serviceLevel": "Gold"}}))),
            "BadRequest",
            "An invalid value 'Gold' was received for serviceLevel.",
        ),
        refused(
            "pool without size",
            put(POOL, with(&pool(), json!({"properties": {"size": null}}))),
            "BadRequest",
            "Missing value for 'size'.",
        ),
    ]
}

/// Sizes, levels and paths of volumes.
fn sizes() -> Vec<Refused> {
    let orphan = NEW.replace("Pools/pool", "Pools/none");
    vec![
        refused(
            "volume of no pool",
            put(&orphan, volume()),
            "ParentResourceNotFound",
            "capacityPools/none' could not be found",
        ),
        refused(
            "volume below 50 GiB",
            second(json!({"usageThreshold": 49 * GIB})),
            "BadRequest",
            "was received for UsageThreshold",
        ),
        refused(
            "volumes larger than their pool",
            second(json!({"usageThreshold": 1025 * GIB})),
            "PoolSizeTooSmall",
            "Pool size too small for total volume size.",
        ),
        refused(
            "level above the pool's",
            second(json!({"serviceLevel": "Ultra"})),
            "BadRequest",
            "Service level 'Ultra' is higher than parent 'Premium'",
        ),
        refused(
            "path of another volume",
            second(json!({"creationToken": "shared"})),
            "BadRequest",
            "Specified creation token already exists",
        ),
        refused(
            "reserved path",
            second(json!({"creationToken": "default"})),
            "BadRequest",
            "Specified creation token is reserved",
        ),
        refused(
            "path with a slash",
            second(json!({"creationToken": "/shared"})),
            "BadRequest",
            "'/shared' was received for CreationToken",
        ),
        refused(
            "unknown member",
            second(json!({"colour": "red"})),
            "BadRequest",
            "Value received for an unknown property 'colour'.",
        ),
    ]
}

/// Protocols and export rules.
fn exports() -> Vec<Refused> {
    let export = |rules: Value| second(json!({"exportPolicy": {"rules": rules}}));
    let rule = |more: Value| {
        with(
            &json!({"ruleIndex": 1, "allowedClients": "10.64.1.0/24", "nfsv41": true, "unixReadWrite": true}),
            more,
        )
    };
    vec![
        refused(
            "unknown protocol",
            second(json!({"protocolTypes": ["NFSv4"]})),
            "BadRequest",
            "Protocol type NFSv4 not known",
        ),
        refused(
            "permissions that are none",
            second(json!({"unixPermissions": "0888"})),
            "BadRequest",
            "was received for UnixPermissions",
        ),
        refused(
            "no export rule",
            export(json!([])),
            "BadRequest",
            "Number of items: 0 for object: ExportPolicy",
        ),
        refused(
            "rule twice",
            export(json!([rule(json!({})), rule(json!({}))])),
            "BadRequest",
            "Duplicate value error for object ExportPolicy.Rules[RuleIndex].",
        ),
        refused(
            "sixth rule",
            export(json!([rule(json!({"ruleIndex": 6}))])),
            "BadRequest",
            "'6' was received for RuleIndex",
        ),
        refused(
            "clients that are no addresses",
            export(json!([rule(json!({"allowedClients": "nodes"}))])),
            "BadRequest",
            "'nodes' was received for AllowedClients",
        ),
        refused(
            "rule of another protocol",
            export(json!([rule(json!({"nfsv3": true}))])),
            "BadRequest",
            "was received for Nfsv3",
        ),
        refused(
            "read-only and writable",
            export(json!([rule(json!({"unixReadOnly": true}))])),
            "BadRequest",
            "was received for UnixReadWrite",
        ),
    ]
}

/// The volume's subnet.
fn networks() -> Vec<Refused> {
    let in_subnet = |id: String| second(json!({ "subnetId": id }));
    let basic = with(
        &volume(),
        json!({"properties": {"networkFeatures": "Basic", "creationToken": "basic", "usageThreshold": 100 * GIB}}),
    );
    vec![
        refused("no subnet id", in_subnet("files".into()), "BadRequest", "SubnetId is in invalid format."),
        refused(
            "wrong subnet id",
            in_subnet(subnet("none")),
            "BadRequest",
            "The requested subnet was not found.",
        ),
        refused(
            "subnet that is not delegated",
            in_subnet(subnet("nodes")),
            "BadRequest",
            "Subnet must have a 'Microsoft.NetApp/volumes' delegation.",
        ),
        refused(
            "second delegated subnet",
            in_subnet(subnet("more-files")),
            "BadRequest",
            "Only one delegated subnet per virtual network",
        )
        .after(|world| {
            let body = delegated("more-files", "10.64.7.0/28", "Microsoft.NetApp/volumes");
            let subnet = "Microsoft.Network/virtualNetworks/net/subnets/more-files";
            world.put(&put(subnet, with(&body, json!({"name": null})))).expect("one more subnet");
        }),
        refused(
            "security group with basic features",
            put(NEW, basic),
            "BadRequest",
            "Network security groups and user-defined routes are not supported",
        )
        .after(|world| {
            let group = json!({"id": id("Microsoft.Network/networkSecurityGroups/nsg")});
            let body = delegated("files", "10.64.5.0/28", "Microsoft.NetApp/volumes");
            let body = with(&body, json!({"name": null, "properties": {"networkSecurityGroup": group}}));
            let subnet = "Microsoft.Network/virtualNetworks/net/subnets/files";
            world.put(&put(subnet, body)).expect("the subnet with a security group");
        }),
    ]
}

/// What cannot change.
fn fixed() -> Vec<Refused> {
    vec![
        refused(
            "other path",
            again(json!({"creationToken": "other"})),
            "BadRequest",
            "CreationToken cannot be changed.",
        ),
        refused(
            "other subnet",
            again(json!({"subnetId": subnet("nodes")})),
            "BadRequest",
            "SubnetId cannot be changed.",
        ),
        refused(
            "other protocol",
            again(json!({"protocolTypes": ["NFSv3"], "exportPolicy": null})),
            "BadRequest",
            "Protocol types cannot be changed.",
        ),
    ]
}
