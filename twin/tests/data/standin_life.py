"""A cluster's life on the stand-in server, with an Azure that answers from memory: used by tests/standins.rs. Prints
one JSON document of what was seen."""
import base64
import json
import os
import tempfile
import time

from standin import Refused, azure, nodes, verbs, work
from standin.store import Store, import_records

GROUP = "/subscriptions/s/resourceGroups/rg"
ACCOUNT = {
    "Name": "azure", "Provider": "azure", "Environment": "public", "AzureRMSubscriptionId": "s",
    "AzureRMTenantId": "t", "AzureResourceGroup": "rg", "Location": "eastus", "RMStorageAccount": "acct",
    "RMStorageContainer": "cyclecloud", "AzureRMUseManagedIdentity": True, "LockerAuthMode": "ManagedIdentity",
    "LockerIdentity": f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/locker",
}
TEMPLATE = """
[cluster Slurm]
    [[node defaults]]
    Credentials = azure
    Region = eastus
    SubnetId = rg/vnet/compute
    ImageName = microsoft-dsvm:ubuntu-hpc:2404:latest
    MachineType = Standard_D8ads_v5
    Azure.Identities = $Identity
    tags.Team = ai
    [[node scheduler]]
    [[node login1]]
    Zone = 2
[parameter Identity]
"""


class Azure:
    """Resources in memory. `rights` is what the server's identity may do."""

    def __init__(self):
        self.rights, self.resources, self.refuse_machines = set(), {}, False

    def arm(self, method, path, version, body=None):
        if path == GROUP or "/skus?" in path:
            right = "subscription" if "/skus?" in path else "group"
            if right not in self.rights:
                raise azure.AzureError(403, "AuthorizationFailed: no right")
            skus = [("Standard_D8ads_v5", "virtualMachines"), ("Premium_LRS", "disks")]
            return {"value": [{"name": name, "resourceType": kind} for name, kind in skus]}
        if method == "PUT":
            if self.refuse_machines and "virtualMachines" in path:
                raise azure.AzureError(409, "OperationNotAllowed: quota exceeded")
            self.resources[path] = body
        resource = json.loads(json.dumps(self.resources[path]))
        resource["properties"]["provisioningState"] = "Succeeded"
        for number, config in enumerate(resource["properties"].get("ipConfigurations", [])):
            config["properties"]["privateIPAddress"] = f"10.64.8.{4 + number}"
        return resource

    def blob(self, method, account, path, data=None, headers=None):
        if "locker" not in self.rights:
            raise azure.AzureError(403, "AuthorizationPermissionMismatch")


def until(seen):
    end = time.monotonic() + 20
    while not seen():
        if time.monotonic() > end:
            raise SystemExit("waited too long")
        time.sleep(0.02)


def refusal(work, *arguments, **named):
    try:
        return f"accepted: {work(*arguments, **named)}"
    except Refused as refused:
        return str(refused)


def set_up(folder, cloud):
    """A server with three users, and an Azure that is `cloud`."""
    azure.arm, azure.blob, work.LOCKER_PATIENCE = cloud.arm, cloud.blob, 0
    nodes.KEY, nodes.own_address = os.path.join(folder, "key"), lambda: "10.64.0.4"
    with open(nodes.KEY + ".pub", "w", encoding="utf-8") as file:
        file.write("ssh-rsa AAAA cyclecloud\n")
    store = Store(os.path.join(folder, "store.json"))
    import_records(store, "users.json", json.dumps([
        {"AdType": "Application.Setting", "Name": "site_id", "Value": "site"},
        {"AdType": "AuthenticatedUser", "Name": "admin", "RawPassword": "p", "Roles": ["Global Node Admin"], "UID": "20001"},
        {"AdType": "AuthenticatedUser", "Name": "user", "Roles": ["Global Node User"], "UID": 20002},
        {"AdType": "AuthenticatedUser", "Name": "viewer", "Superuser": True, "Roles": ["Administrator"], "UID": 20003},
        {"AdType": "Credential", "Name": "admin/public", "PublicKey": "ssh-ed25519 AAAA admin"}]))
    return store, {"store mode": oct(os.stat(store.path).st_mode & 0o777)}


def account(store, cloud, seen):
    """Rights arrive one after the other."""
    seen["no right on the group"] = refusal(verbs.account_create, store, ACCOUNT)
    cloud.rights.add("group")
    verbs.account_create(store, dict(ACCOUNT))
    seen["second account"] = refusal(verbs.account_create, store, dict(ACCOUNT))
    state = lambda: store.one("Cloud.Locker", Name="azure-storage")["State"]
    until(lambda: state() == "Failed")
    cloud.rights.add("locker")
    verbs.run_action(store, "Retry:Cloud.Locker", 'Name=="azure-storage"')
    until(lambda: state() == "Created")
    seen["lockers"] = verbs.locker_list(store)


def imports(store, cloud, seen):
    work.load_machine_types(store)
    wanted = ("slurm", "Slurm", TEMPLATE, {"Identity": ACCOUNT["LockerIdentity"]})
    seen["no machine types"] = refusal(verbs.import_cluster, store, *wanted, False)
    cloud.rights.add("subscription")
    work.load_machine_types(store)
    seen["imported"] = verbs.import_cluster(store, *wanted, False)
    seen["import without force"] = refusal(verbs.import_cluster, store, *wanted, False)


def starts(store, cloud, seen, status):
    """A start that Azure refuses, then one that works; what was asked of Azure for it."""
    cloud.refuse_machines = True
    verbs.start_cluster(store, "slurm", "admin")
    until(lambda: status("scheduler") == status("login1") == "Failed")
    seen["failed"] = store.one("Cloud.Node", Name="scheduler")["StatusMessage"]
    cloud.refuse_machines = False
    seen["started"] = verbs.start_cluster(store, "slurm", "admin").splitlines()[0]
    until(lambda: status("scheduler") == status("login1") == "Preparing")
    machines = f"{GROUP}/providers/Microsoft.Compute/virtualMachines"
    machine = cloud.resources[f"{machines}/slurm-scheduler"]
    seen["interface"] = cloud.resources[f"{GROUP}/providers/Microsoft.Network/networkInterfaces/slurm-scheduler-nic"]
    seen["zones"] = cloud.resources[f"{machines}/slurm-login1"].get("zones")
    config = json.loads(base64.b64decode(machine["properties"]["osProfile"].pop("customData")))
    seen["machine"], seen["users"], seen["web server"] = machine, config["users"], config["webServer"]
    for made in (seen["machine"], seen["interface"]):
        time.strptime(made["tags"].pop("LaunchTime"), "%Y-%m-%d %H:%M:%S")
    return config


def runs(store, cloud, seen, status, config):
    """The node reports; another start and an import leave it alone."""
    key, identity = config["accessKey"], config["nodeId"]
    seen["wrong key"] = refusal(nodes.reported, store, identity, "other", "ready", "")
    nodes.reported(store, identity, key, "ready", "")
    before = len(cloud.resources)
    verbs.start_cluster(store, "slurm", "admin")
    verbs.import_cluster(store, "slurm", "Slurm", TEMPLATE.replace("[[node login1]]", "[[node login2]]"), {}, True)
    seen["unchanged"] = len(cloud.resources) == before and status("scheduler") == "Ready"
    seen["nodes"] = verbs.show_nodes(store, None, "slurm", [], [], "%(Name)s %(Status)s\n", "text")
    seen["key shown"] = key in verbs.show_nodes(store, None, None, [], [], None, "json")


def main():
    with tempfile.TemporaryDirectory() as folder:
        cloud = Azure()
        store, seen = set_up(folder, cloud)
        status = lambda name: store.one("Cloud.Node", ClusterName="slurm", Name=name)["Status"]
        account(store, cloud, seen)
        imports(store, cloud, seen)
        runs(store, cloud, seen, status, starts(store, cloud, seen, status))
    print(json.dumps(seen))


main()
