//! az is signed in, and gets a token for Resource Manager.
//!
//! - Inputs: `az account get-access-token` for the subscription of `config.yaml`; the token is not shown.
//! - Pass: a token with an object id (claim `oid`): a user, a service principal or a managed identity.
//! - Fail: nobody is signed in, the sign-in expired, or more factors are asked for (exit code 10); az gives
//!   no usable answer (exit code 4). Nothing else can be checked then.
//! - By hand: `az account get-access-token --subscription SUBSCRIPTION --query expiresOn`

use super::Item;
use crate::azure::account::Caller;
use crate::azure::{AzError, Kind};

pub(super) const ID: &str = "signed-in";
const SUBJECT: &str = "az";

pub(super) fn check(caller: &Result<Caller, AzError>) -> Item {
    match caller {
        Ok(Caller { object_id, tenant_id, principal_type, .. }) => {
            Item::ok(ID, SUBJECT, format!("{} {object_id} of tenant {tenant_id}", principal_type.as_str()))
        }
        Err(AzError { kind: Kind::NoSubscription { .. }, .. }) => {
            Item::ok(ID, SUBJECT, "signed in, but not for this subscription")
        }
        Err(AzError { kind: Kind::Missing, .. }) => Item::unknown(ID, SUBJECT, "not checked: az is missing"),
        Err(error) => Item::undecided(ID, SUBJECT, error).needed(),
    }
}
