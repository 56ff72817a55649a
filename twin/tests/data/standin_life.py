"""A cluster's life on the stand-in server, with an Azure that answers from memory: used by tests/standins.rs. Prints
one JSON document of what was seen."""
import base64
import json
import os
import tempfile
import time

from common import Refused, azure
from standin import agent, machines, nodes, rest, verbs, work
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
        [[[configuration]]]
        slurm.version = 1.2
        [[[cluster-init cyclecloud/slurm:default]]]
    [[node scheduler]]
    [[node login1]]
    Zone = 2
    [[nodearray hpc]]
    MaxCount = 3
    EnableTerminateNotification = true
    TerminateNotificationTimeout = 10m
        [[[volume boot]]]
        Size = 64
        [[[configuration slurm]]]
        partition = hpc
[parameter Identity]
"""


class Azure:
    """Resources in memory. `rights` is what the server's identity may do."""

    def __init__(self):
        self.rights, self.resources, self.instances, self.refuse_machines = set(), {}, [], False

    def arm(self, method, path, version, body=None):
        if path == GROUP or "/skus?" in path:
            right = "subscription" if "/skus?" in path else "group"
            if right not in self.rights:
                raise azure.AzureError(403, "AuthorizationFailed: no right")
            known = [{"name": name, "value": value} for name, value in (("vCPUs", "8"), ("vCPUsPerCore", "2"), ("MemoryGB", "32"))]
            skus = [("Standard_D8ads_v5", "virtualMachines", known), ("Premium_LRS", "disks", [])]
            return {"value": [{"name": name, "resourceType": kind, "capabilities": told} for name, kind, told in skus]}
        if "virtualMachineScaleSets" in path:
            return self.scale_set(method, path, body)
        if method == "PUT":
            if self.refuse_machines and "virtualMachines" in path:
                raise azure.AzureError(409, "OperationNotAllowed: quota exceeded")
            self.resources[path] = json.loads(json.dumps(body))
        resource = json.loads(json.dumps(self.resources[path]))
        resource["properties"].update(provisioningState="Succeeded", vmId=f"vm {path.rsplit('/', 1)[1]}")
        for number, config in enumerate(resource["properties"].get("ipConfigurations", [])):
            config["properties"]["privateIPAddress"] = f"10.64.8.{4 + number}"
        return resource

    def scale_set(self, method, path, body):
        """One scale set, whose machines are its capacity's."""
        if method == "DELETE":
            self.resources.pop(path)
        elif path.endswith("/delete"):
            self.instances = [number for number in self.instances if str(number) not in body["instanceIds"]]
        elif method == "PUT":
            self.resources[path] = json.loads(json.dumps(body))
            self.instances += range(len(self.instances), body["sku"]["capacity"])
        elif path.rsplit("/", 2)[1] == "virtualMachineScaleSets" and path not in self.resources:
            raise azure.AzureError(404, "ResourceNotFound")
        elif path.endswith("/virtualMachines"):
            return {"value": [self.instance(f"{path}/{number}") for number in self.instances]}
        elif path.endswith("/nic"):
            return {"properties": {"ipConfigurations": [{"properties": {"privateIPAddress": "10.64.8.9"}}]}}
        return self.instance(path)

    @staticmethod
    def instance(path):
        interface = {"id": f"{path}/networkInterfaces/nic"}
        return {"id": path, "properties": {"provisioningState": "Succeeded", "vmId": f"vm {path.rsplit('/', 1)[1]}",
                                           "networkProfile": {"networkInterfaces": [interface]}}}

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
    machines.KEY, machines.own_address = os.path.join(folder, "key"), lambda: "10.64.0.4"
    with open(machines.KEY + ".pub", "w", encoding="utf-8") as file:
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
    made = f"{GROUP}/providers/Microsoft.Compute/virtualMachines"
    machine = cloud.resources[f"{made}/slurm-scheduler"]
    seen["interface"] = cloud.resources[f"{GROUP}/providers/Microsoft.Network/networkInterfaces/slurm-scheduler-nic"]
    seen["zones"] = cloud.resources[f"{made}/slurm-login1"].get("zones")
    seen["machine"], given = machine, custom_data(machine["properties"]["osProfile"])
    seen["web server"] = given["webServer"]
    for one in (seen["machine"], seen["interface"]):
        time.strptime(one["tags"].pop("LaunchTime"), "%Y-%m-%d %H:%M:%S")
    return given["accessKey"]


def custom_data(profile):
    return json.loads(base64.b64decode(profile.pop("customData")))


class NewCluster:
    """A store with one cluster, which has no password yet."""

    def one(self, *_, **__):
        return {}

    def put(self, *_):
        pass


def passwords():
    """No cluster's password is taken for an option, whatever is drawn."""
    assert not any(agent.cluster_password(NewCluster(), "new").startswith("-") for _ in range(2000))


def joins(store, seen, key):
    """The node asks what it is; its id."""
    seen["another VM's key"] = refusal(nodes.joined, store, key, "vm slurm-login1")
    seen["unknown VM"] = refusal(nodes.joined, store, key, "vm other")
    told = agent.joined(store, nodes.joined(store, key, "vm slurm-scheduler"))
    assert told["accessKey"] == key and told["configuration"]["cyclecloud"]["config"].pop("password")
    identity = told.pop("nodeId")
    seen["joined"] = {name: told[name] for name in ("configuration", "specs", "users", "lockerIdentity")}
    return identity


def runs(store, cloud, seen, status, identity, key):
    """The node reports; another start and an import leave it alone."""
    seen["wrong key"] = refusal(nodes.reported, store, identity, "other", "ready", "", "host")
    nodes.reported(store, identity, key, "failed", "no disk", "host")
    seen["failure"] = store.one("Cloud.Node", Name="scheduler")["StatusMessage"]
    nodes.retry(store, "slurm")
    seen["retries"] = agent.polled(store, nodes.proven(store, identity, key))["retries"]
    nodes.reported(store, identity, key, "ready", "", "host")
    before = len(cloud.resources)
    verbs.start_cluster(store, "slurm", "admin")
    verbs.import_cluster(store, "slurm", "Slurm", TEMPLATE.replace("[[node login1]]", "[[node login2]]"), {}, True)
    seen["unchanged"] = len(cloud.resources) == before and status("scheduler") == "Ready"
    seen["nodes"] = verbs.show_nodes(store, None, "slurm", [], [], "%(Name)s %(Status)s\n", "text")
    seen["key shown"] = key in verbs.show_nodes(store, None, None, [], [], None, "json")


def grows(store, cloud, seen, status):
    """Nodes of a nodearray over the REST API: made, joined, refused, ended."""
    post = lambda path, body: rest.post(store, f"/clusters/slurm/nodes/{path}", body, "cyclecloud_access")
    one = lambda name, array="hpc": {"sets": [{"count": 1, "nodearray": array, "nameFormat": name, "placementGroupId": "pg0"}]}
    seen["no set"] = refusal(post, "create", {})
    seen["no array"] = refusal(post, "create", one("n1", "gpu"))
    seen["no room"] = refusal(post, "create", {"sets": [{"count": 4, "nodearray": "hpc"}]})
    seen["made"] = post("create", {"sets": one("n1")["sets"] + one("n2")["sets"]})[1]["sets"]
    until(lambda: status("n1") == status("n2") == "Preparing")
    scale_set = next(body for path, body in cloud.resources.items() if "virtualMachineScaleSets" in path)
    key = custom_data(scale_set["properties"]["virtualMachineProfile"]["osProfile"])["accessKey"]
    scale_set["tags"].pop("LaunchTime")
    seen["scale set"] = json.loads(json.dumps(scale_set))
    told = agent.joined(store, nodes.joined(store, key, "vm 1"))
    seen["member"] = [told["configuration"]["cyclecloud"]["node"], told["configuration"]["slurm"]]
    seen["name taken"] = refusal(post, "create", one("n1"))
    seen["named nodes"] = refusal(post, "shutdown", {"names": ["scheduler"]})
    bucket = rest.get(store, "/clusters/slurm/status", {})[1]["nodearrays"][0]["buckets"][0]
    seen["bucket"] = {name: bucket[name] for name in ("maxCount", "activeCount", "availableCount", "virtualMachine")}
    names = lambda body: sorted(node["name"] for node in body["nodes"])
    seen["shut down"] = names(post("shutdown", {"names": ["n1"]})[1])
    until(lambda: not store.one("Cloud.Node", Name="n1"))
    seen["left"] = cloud.instances
    post("terminate", {"filter": 'Name == "n2"'})
    until(lambda: not store.one("Cloud.Node", Name="n2"))
    seen["scale sets"] = [path for path in cloud.resources if "virtualMachineScaleSets" in path]
    seen["unknown path"] = rest.get(store, "/clusters/slurm/usage", {})


def main():
    with tempfile.TemporaryDirectory() as folder:
        cloud = Azure()
        store, seen = set_up(folder, cloud)
        status = lambda name: store.one("Cloud.Node", ClusterName="slurm", Name=name)["Status"]
        account(store, cloud, seen)
        imports(store, cloud, seen)
        key = starts(store, cloud, seen, status)
        runs(store, cloud, seen, status, joins(store, seen, key), key)
        grows(store, cloud, seen, status)
    passwords()
    print(json.dumps(seen))


main()
