//! The private SSH key can be had that signs in to the server, when no key is at hand and one is needed.
//!
//! - Inputs: the key vault's firewall and, where it is closed, whether the vault gives the key to this machine.
//!   Not looked at with `--ssh-key`, `ssh_public_key_file` or a key in the state folder, and by `install -b`.
//! - Pass: the vault is open, gives the key, or is not there yet.
//! - Fail: the vault is closed to this machine, as `install -s` leaves it; exit code 4.
//! - Unknown: the firewall cannot be read, or the vault does not answer for another reason.
//! - By hand: `az keyvault secret show --vault-name NAME --name ADMIN-SshPrivateKey --query attributes.enabled`

use super::Item;
use crate::azure::vault::{self, Secret, Vault};

pub(super) const ID: &str = "ssh-key";
const SUBJECT: &str = "private SSH key";

pub(super) fn check(vault: &Vault<'_>) -> Item {
    let closed = match vault.firewall() {
        Ok(None) => return Item::ok(ID, SUBJECT, "made with the infrastructure"),
        Ok(Some(firewall)) => firewall.denies || firewall.is_shut,
        Err(error) => return Item::undecided(ID, SUBJECT, &error),
    };
    if !closed {
        return Item::ok(ID, SUBJECT, "in a key vault that is open to its readers");
    }
    match vault.answers(Secret::SshPrivateKey) {
        Ok(()) => Item::ok(ID, SUBJECT, "in a key vault that lets this machine in"),
        Err(error) if vault::is_no_way_in(&error) => {
            let message = format!("it is in the key vault {}, which is closed to this machine", vault.name);
            Item::failed(ID, SUBJECT, message).code("KeyOutOfReach").known_of(&error)
        }
        Err(error) => Item::undecided(ID, SUBJECT, &error),
    }
}
