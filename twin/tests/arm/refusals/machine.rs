//! What Compute refuses.

use ccslurm4ai_twin::arm::types::Put;
use ccslurm4ai_twin::arm::world::Quota;
use serde_json::{Value, json};

use super::{Refused, refused};
use crate::scene::*;

/// Every refusal of this file.
pub fn all() -> Vec<Refused> {
    [offers(), images(), profiles(), parts(), fixed(), extensions()].into_iter().flatten().collect()
}

fn new(more: Value) -> Put {
    put("Microsoft.Compute/virtualMachines/new", with(&machine("nic2"), more))
}

fn again(more: Value) -> Put {
    put("Microsoft.Compute/virtualMachines/vm", with(&machine("nic"), more))
}

fn image(publisher: &str) -> Value {
    json!({"properties": {"storageProfile": {"imageReference": {"publisher": publisher}}}})
}

fn profile(profile: Value) -> Value {
    json!({"properties": {"osProfile": profile}})
}

/// Sizes, zones and quota.
fn offers() -> Vec<Refused> {
    let size = json!({"properties": {"hardwareProfile": {"vmSize": "Standard_X"}}});
    let quota = "exceeding approved Total Regional Cores quota. Additional details - Deployment Model: Resource Manager, Location: eastus, Current Limit: 10, Current Usage: 7, Additional Required: 4, (Minimum) New Limit Required: 11";
    vec![
        refused(
            "unknown size",
            new(size),
            "InvalidParameter",
            "The value Standard_X provided for the VM size is not valid",
        ),
        refused(
            "restricted size",
            new(json!({})),
            "SkuNotAvailable",
            "currently not available in location 'eastus' zones ''",
        )
        .after(|world| world.size.restricted = true),
        refused("size not in the zone", new(json!({"zones": ["3"]})), "SkuNotAvailable", "zones '3'"),
        refused("quota", new(json!({})), "OperationNotAllowed", quota)
            .after(|world| world.quota = Quota { limit: 10, used: 7 }),
    ]
}

/// Images, plans and terms.
fn images() -> Vec<Refused> {
    let none = "The platform image 'nobody:azure-cyclecloud:cyclecloud8-gen2:8.9.1' is not available";
    vec![
        refused("unknown image", new(image("nobody")), "PlatformImageNotFound", none),
        refused(
            "image with plan, request without",
            new(json!({"plan": null})),
            "VMMarketplaceInvalidInput",
            "requires Plan information in the request",
        ),
        refused(
            "another plan",
            new(json!({"plan": {"name": "x"}})),
            "VMMarketplaceInvalidInput",
            "is not as expected",
        ),
        refused(
            "plan for an image without",
            new(image("microsoft-dsvm")),
            "VMMarketplaceInvalidInput",
            "has no plan",
        ),
        refused(
            "terms not accepted",
            new(json!({})),
            "ResourcePurchaseValidationFailed",
            "You have not accepted the legal terms on this subscription",
        )
        .after(|world| world.accepted = false),
    ]
}

/// How one signs in.
fn profiles() -> Vec<Refused> {
    let limited = "currently limited to its default value /home/somebody/.ssh/authorized_keys";
    let neither = "Authentication using either SSH or by user name and password";
    vec![
        refused(
            "admin user",
            new(profile(json!({"adminUsername": "root"}))),
            "InvalidParameter",
            "The Admin Username specified is not allowed.",
        ),
        refused(
            "key of another user",
            new(profile(json!({"adminUsername": "somebody"}))),
            "InvalidParameter",
            limited,
        ),
        refused(
            "custom data in the clear",
            new(profile(json!({"customData": "not base64!"}))),
            "InvalidParameter",
            "must be in Base64 encoding",
        ),
        refused(
            "no way to sign in",
            new(profile(json!({"linuxConfiguration": {"ssh": null}}))),
            "InvalidParameter",
            neither,
        ),
        refused(
            "no profile",
            new(json!({"properties": {"osProfile": null}})),
            "InvalidParameter",
            "Required parameter 'osProfile' is missing (null).",
        ),
    ]
}

/// What a machine is made of.
fn parts() -> Vec<Refused> {
    let vm = "Microsoft.Compute/virtualMachines/new";
    let identity = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {"/none": {}}}});
    let no_disk = json!({"properties": {"storageProfile": {"osDisk": null}}});
    vec![
        refused(
            "interface of another machine",
            put(vm, machine("nic")),
            "NicInUse",
            "is used by existing VM",
        ),
        refused(
            "interface that is not there",
            put(vm, machine("none")),
            "NotFound",
            "networkInterfaces/none' was not found",
        ),
        refused(
            "unknown identity",
            new(identity),
            "FailedIdentityOperation",
            "Resource '/none' was not found",
        ),
        refused(
            "missing disk",
            new(no_disk),
            "InvalidParameter",
            "Required parameter 'osDisk' is missing (null).",
        ),
        refused(
            "unknown member",
            new(json!({"properties": {"colour": 1}})),
            "BadRequest",
            "Could not find member 'colour'",
        ),
    ]
}

/// What cannot change.
fn fixed() -> Vec<Refused> {
    let key = |user: &str, key: &str| {
        let path = format!("/home/{user}/.ssh/authorized_keys");
        json!({"ssh": {"publicKeys": [{"path": path, "keyData": format!("ssh-rsa {key}")}]}})
    };
    let user = profile(json!({"adminUsername": "other", "linuxConfiguration": key("other", "AAAA key")}));
    let other_key = profile(json!({"linuxConfiguration": key("cycleadmin", "BBBB key")}));
    let image = json!({"properties": {"storageProfile": {"imageReference": {"version": "latest"}}}});
    let code = "PropertyChangeNotAllowed";
    vec![
        refused(
            "other admin",
            again(user),
            code,
            "Changing property 'osProfile.adminUsername' is not allowed.",
        ),
        refused("other key", again(other_key), code, "'linuxConfiguration.ssh.publicKeys'"),
        refused("other custom data", again(profile(json!({"customData": "aG8="}))), code, "'customData'"),
        refused("other zone", again(json!({"zones": ["1"]})), code, "'zones'"),
        refused("other image", again(image), code, "'imageReference'"),
    ]
}

/// Extensions of a machine.
fn extensions() -> Vec<Refused> {
    let at = |name: &str| format!("Microsoft.Compute/virtualMachines/vm/extensions/{name}");
    let known = || extension("AADSSHLoginForLinux");
    let version = json!({"properties": {"typeHandlerVersion": "9.9"}});
    vec![
        refused(
            "of a machine that is not there",
            put("Microsoft.Compute/virtualMachines/none/extensions/a", known()),
            "ParentResourceNotFound",
            "virtualMachines/none' could not be found",
        ),
        refused(
            "of no such type",
            put(&at("a"), extension("AADSSHLoginForMac")),
            "ArtifactNotFound",
            "with publisher 'Microsoft.Azure.ActiveDirectory' and type 'AADSSHLoginForMac' could not be found",
        ),
        refused(
            "of no such version",
            put(&at("sign-in"), with(&known(), version)),
            "ArtifactVersionNotFound",
            "satisfies the requested version '9.9'",
        ),
        refused(
            "a second one of a type",
            put(&at("again"), known()),
            "BadRequest",
            "VMExtension 'again' with handler 'Microsoft.Azure.ActiveDirectory.AADSSHLoginForLinux' already added",
        ),
        refused(
            "in a stopped machine",
            put(&at("sign-in"), known()),
            "OperationNotAllowed",
            "Cannot modify extensions in the VM when the VM is not running.",
        )
        .after(|world| world.stopped.push(id("Microsoft.Compute/virtualMachines/vm"))),
        refused(
            "in a machine that forbids them",
            put(&at("sign-in"), known()),
            "OperationNotAllowed",
            "osProfile.allowExtensionOperations property is true",
        )
        .after(|world| {
            let forbidding = profile(json!({"allowExtensionOperations": false}));
            let machine = with(&machine("nic"), forbidding);
            assert!(world.put(&put("Microsoft.Compute/virtualMachines/vm", machine)).is_ok());
        }),
        refused(
            "without a version",
            put(&at("a"), with(&known(), json!({"properties": {"typeHandlerVersion": null}}))),
            "InvalidParameter",
            "Required parameter 'typeHandlerVersion' is missing (null).",
        ),
    ]
}
