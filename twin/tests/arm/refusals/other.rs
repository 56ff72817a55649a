//! What Key Vault, Storage, Authorization and Resource Manager itself refuse.

use ccslurm4ai_twin::arm::types::Put;
use ccslurm4ai_twin::arm::world::Policy;
use serde_json::{Value, json};

use super::{Refused, refused};
use crate::scene::*;
use crate::world::CALLER;

/// Every refusal of this file.
pub fn all() -> Vec<Refused> {
    [vaults(), accounts(), assignments(), types(), policies()].into_iter().flatten().collect()
}

const VAULTS: &str = "Microsoft.KeyVault/vaults";
const VAULT: &str = "Microsoft.KeyVault/vaults/vault2";

/// Vaults and secrets.
fn vaults() -> Vec<Refused> {
    let old =
        |more: Value| put("Microsoft.KeyVault/vaults/vault1", with(&vault(), json!({ "properties": more })));
    let no_sku = with(&vault(), json!({"properties": {"sku": null}}));
    let orphan = put("Microsoft.KeyVault/vaults/none/secrets/s", json!({"properties": {"value": "v"}}));
    vec![
        refused("deleted vault", put(VAULT, vault()), "ConflictError", "already exists in deleted state")
            .after(|world| world.deleted_vault = Some(("vault2".into(), json!({"location": "eastus"})))),
        refused(
            "vault of others",
            put(VAULT, vault()),
            "VaultAlreadyExists",
            "The vault name 'vault2' is already in use",
        )
        .after(|world| world.taken.push("vault2".into())),
        refused(
            "vault's name",
            put("Microsoft.KeyVault/vaults/a--b", vault()),
            "VaultNameNotValid",
            "not contain consecutive hyphens",
        ),
        refused(
            "purge protection off",
            old(json!({"enablePurgeProtection": false})),
            "BadRequest",
            "\"enablePurgeProtection\" cannot be set to false",
        ),
        refused(
            "other retention",
            old(json!({"softDeleteRetentionInDays": 30})),
            "BadRequest",
            "\"softDeleteRetentionInDays\" has been set already",
        ),
        refused("other tenant", old(json!({"tenantId": "x"})), "BadRequest", "tenant"),
        refused("vault without sku", put(VAULT, no_sku), "BadRequest", "properties.sku is missing"),
        refused("secret of no vault", orphan, "ParentResourceNotFound", "vaults/none"),
    ]
}

/// Storage accounts and containers.
fn accounts() -> Vec<Refused> {
    let new = "Microsoft.Storage/storageAccounts/account2";
    let container = "Microsoft.Storage/storageAccounts/account1/blobServices/default/containers/c12";
    let public = json!({"properties": {"publicAccess": "Blob"}});
    let bad_name = "Account is not a valid storage account name";
    vec![
        refused(
            "account of others",
            put(new, account()),
            "StorageAccountAlreadyTaken",
            "named account2 is already taken",
        )
        .after(|world| world.taken.push("account2".into())),
        refused(
            "account's name",
            put("Microsoft.Storage/storageAccounts/Account", account()),
            "AccountNameInvalid",
            bad_name,
        ),
        refused(
            "public container",
            put(container, public),
            "PublicAccessNotPermitted",
            "Public access is not permitted",
        ),
        refused(
            "wrong value",
            put(new, with(&account(), json!({"kind": "Big"}))),
            "BadRequest",
            "'kind': 'Big'",
        ),
        refused(
            "container of no account",
            put(&container.replace("account1", "none"), json!({})),
            "ParentResourceNotFound",
            "none",
        ),
    ]
}

/// Role assignments.
fn assignments() -> Vec<Refused> {
    let new = "Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-0000-0000-000000000002";
    let changed = |properties: Value| with(&assignment(CALLER), json!({ "properties": properties }));
    let group = json!({"principalId": "33333333-3333-3333-3333-333333333333", "principalType": "Group"});
    let unknown = json!({"principalId": "99999999-0000-0000-0000-000000000001"});
    let role = json!({"roleDefinitionId": "/x/00000000-0000-0000-0000-0000000000ff"});
    let no_principal = "Principal 99999999000000000000000000000001 does not exist in the directory";
    let no_role = "role definition with ID '000000000000000000000000000000ff' does not exist";
    vec![
        refused("unknown principal", put(new, changed(unknown)), "PrincipalNotFound", no_principal),
        refused(
            "principal of another kind",
            put(new, changed(json!({"principalType": "Group"}))),
            "UnmatchedPrincipalType",
            "has type 'User'",
        ),
        refused("unknown role", put(new, changed(role)), "RoleDefinitionDoesNotExist", no_role),
        refused(
            "same assignment again",
            put(new, assignment(CALLER)),
            "RoleAssignmentExists",
            "existing role assignment is aaaaaaaa000000000000000000000001.",
        ),
        refused(
            "assignment to another",
            put(ASSIGNMENT, changed(group)),
            "RoleAssignmentUpdateNotPermitted",
            "principal ID, and scope are not allowed",
        ),
        refused(
            "role on what is not there",
            Put {
                id: format!("{}/providers/{new}", id("Microsoft.KeyVault/vaults/none")),
                ..put(new, assignment(CALLER))
            },
            "ResourceNotFound",
            "The Resource 'Microsoft.KeyVault/vaults/none' under resource group 'rg1' was not found.",
        ),
        refused(
            "assignment without a guid",
            put("Microsoft.Authorization/roleAssignments/x", assignment(CALLER)),
            "InvalidRoleAssignmentId",
            "must be a GUID",
        ),
    ]
}

/// Types and versions.
fn types() -> Vec<Refused> {
    let old = Put { api_version: "2001-01-01".into(), ..put(VAULT, vault()) };
    vec![
        refused(
            "unknown type",
            put("Microsoft.Network/unicorns/u", json!({})),
            "InvalidResourceType",
            "in the namespace 'Microsoft.Network'",
        ),
        refused(
            "unknown version",
            old,
            "NoRegisteredProviderFound",
            "API version '2001-01-01' for type 'vaults'",
        ),
    ]
}

fn policy(kind: Option<&str>, tag: Option<&str>) -> Policy {
    let text = |part: Option<&str>| part.map(str::to_owned);
    Policy { name: "rule".into(), kind: text(kind), without_tag: text(tag) }
}

/// Policies of the subscription.
fn policies() -> Vec<Refused> {
    let code = "RequestDisallowedByPolicy";
    let words = "Resource 'vault2' was disallowed by policy. Policy identifiers: '[{";
    let denied = |why: &'static str| refused(why, put(VAULT, vault()), code, words);
    vec![
        denied("type that a policy denies").after(|world| world.policies.push(policy(Some(VAULTS), None))),
        denied("missing tag").after(|world| world.policies.push(policy(None, Some("CostCenter")))),
        denied("missing tag of a type")
            .after(|world| world.policies.push(policy(Some(VAULTS), Some("CostCenter")))),
    ]
}
