"""What the server does for its two command lines. Each verb takes the store and the call's arguments and returns the
text to print."""
import json
import threading

from common import Refused, azure
from standin import nodes, query, work
from standin.cluster import Cluster

ACCOUNT_MUST = {"Name", "Provider", "AzureRMSubscriptionId", "AzureRMTenantId", "AzureResourceGroup", "Location",
                "RMStorageAccount", "RMStorageContainer", "Environment"}
ACCOUNT_MAY = {"ProviderId", "AzureRMUseManagedIdentity", "AzureRMApplicationId", "AzureRMApplicationSecret",
               "DefaultAccount", "AcceptMarketplaceTerms", "LockerIdentity", "LockerAuthMode"}


def execute(store, statement, layout="text"):
    return query.execute(store, statement, layout)


def run_action(store, action, condition):
    """`Retry:Cloud.Locker` and `Run:Application.Timer`; others are not modelled."""
    verb, _, kind = action.partition(":")
    if action == "Run:Application.Timer":
        if not query.filtered([{"Name": "plugin.azure.monitor_reference"}], condition):
            raise Refused(f"no Application.Timer matches {condition}")
        threading.Thread(target=work.load_machine_types, args=(store,), daemon=True).start()
        return ""
    if action != "Retry:Cloud.Locker":
        raise Refused(f"action {verb} of {kind or 'nothing'} is not known to the twin's CycleCloud")
    for locker in query.filtered(store.all("Cloud.Locker"), condition):
        if locker["State"] != "Created":
            work.create_locker(store, locker["Name"])
    return ""


def account_list(store):
    return "".join(f"{account['Name']} ({account['Provider']})\n" for account in store.all("Cloud.Account"))


def account_show(store, name):
    account = store.one("Cloud.Account", Name=name)
    if not account:
        return "Account not found\n"
    shown = {k: v for k, v in account.items() if k not in ("Name", "AzureRMApplicationSecret")}
    return f"Credentials: {name}\n" + "".join(f"{k}: {json.dumps(v)}\n" for k, v in shown.items())


def account_create(store, record):
    """Checks the record and that its identity can see the resource group; then makes the account's locker."""
    unknown = sorted(set(record) - ACCOUNT_MUST - ACCOUNT_MAY)
    if unknown:
        raise Refused(f"account: {', '.join(unknown)} is not known")
    missing = sorted(name for name in ACCOUNT_MUST if record.get(name) in (None, ""))
    if missing:
        raise Refused(f"account: {', '.join(missing)} is missing")
    if record["Provider"] != "azure" or record["Environment"] not in ("public", "usgov", "china"):
        raise Refused("account: Provider must be azure, Environment public, usgov or china")
    if record.get("AzureRMUseManagedIdentity") is not True:
        raise Refused("account: the twin knows only accounts with AzureRMUseManagedIdentity")
    if record.get("LockerAuthMode") == "ManagedIdentity" and not record.get("LockerIdentity"):
        raise Refused("account: LockerAuthMode ManagedIdentity needs LockerIdentity")
    if store.one("Cloud.Account", Name=record["Name"]):
        raise Refused(f"Account {record['Name']} already exists")
    group = f"/subscriptions/{record['AzureRMSubscriptionId']}/resourceGroups/{record['AzureResourceGroup']}"
    azure.arm("GET", group, "2024-11-01")
    store.put("Cloud.Account", record)
    name = f"{record['Name']}-storage"
    store.put("Cloud.Locker", {
        "Name": name, "Account": record["Name"], "StorageAccount": record["RMStorageAccount"],
        "Container": record["RMStorageContainer"], "AuthMode": record.get("LockerAuthMode", "SharedAccessKey"),
        "Url": f"az://{record['RMStorageAccount']}/{record['RMStorageContainer']}"})
    work.create_locker(store, name)
    return f"Account {record['Name']} created\n"


def locker_list(store):
    return "".join(f"{locker['Name']} ({locker['Url']})\n" for locker in store.all("Cloud.Locker"))


def locker_show(store, name):
    return query.render([locker_record(store, name)], "text")


def locker_record(store, name):
    """A locker as a record, for the command line's own upload."""
    locker = store.one("Cloud.Locker", Name=name)
    if not locker:
        raise Refused(f"Locker {name} not found")
    return {k: v for k, v in locker.items() if v is not None}


def project_uploaded(store, record):
    store.put("Cloud.Project", record)
    return ""


def import_cluster(store, name, wanted, text, parameters, force):
    """Reads, checks and stores a cluster; its nodes are off until they are started."""
    if store.one("Cloud.Cluster", ClusterName=name) and not force:
        raise Refused(f"Cluster {name} already exists; use --force to replace it")
    cluster = Cluster(text, wanted, name, parameters)
    known = {
        "accounts": {account["Name"] for account in store.all("Cloud.Account")},
        "lockers": {locker["Name"] for locker in store.all("Cloud.Locker")},
        "machine_types": {(row["Location"], row["Name"]) for row in store.all("Azure.MachineType")},
        "projects": {(p["Name"], p["Version"]): set(p["Specs"]) for p in store.all("Cloud.Project")},
    }
    for node in [*cluster.nodes.values(), *cluster.arrays.values()]:
        node.check(known)
    store.put("Cloud.Cluster", {"ClusterName": name, "BaseName": wanted, "Template": text, "Parameters": parameters})
    for row in store.all("Cloud.Node"):
        if row["ClusterName"] == name and row["Name"] not in cluster.nodes and row["Status"] == "Off":
            store.remove("Cloud.Node", row)
    for node in cluster.nodes.values():
        old = store.one("Cloud.Node", ClusterName=name, Name=node.name) or {"Status": "Off", "State": "Off"}
        store.put("Cloud.Node", {**old, "ClusterName": name, "Name": node.name,
                                 "MachineType": node.get("MachineType")})
    return f"Importing cluster {wanted} and creating cluster {name}....\n" + show_cluster(store, name)


def loaded(store, name):
    """A stored cluster."""
    record = store.one("Cloud.Cluster", ClusterName=name)
    if not record:
        raise Refused(f"Cluster {name} not found")
    return Cluster(record["Template"], record["BaseName"], name, record["Parameters"])


def export_parameters(store, name):
    return json.dumps(loaded(store, name).exported(), indent=2) + "\n"


def start_cluster(store, name, user):
    nodes.start(store, loaded(store, name), user)
    return f"Starting cluster {name}....\n" + show_cluster(store, name)


def resume(store):
    """Goes on with the nodes that a restart of the server interrupted; those of nodearrays are given up."""
    interrupted = [row for row in store.all("Cloud.Node") if row["Status"] == "Acquiring"]
    named = [row for row in interrupted if not row.get("Template")]
    for row in interrupted:
        status = "Off" if row in named else "Failed"
        nodes.change(store, row, Status=status, State=status, StatusMessage="the server was restarted meanwhile")
    for name, user in sorted({(row["ClusterName"], row["Owner"]) for row in named}):
        nodes.start(store, loaded(store, name), user)


def show_cluster(store, name=None):
    """A frame with the cluster's name and state, then its nodes."""
    clusters = [row["ClusterName"] for row in store.all("Cloud.Cluster") if name in (None, row["ClusterName"])]
    if name and not clusters:
        raise Refused(f"Cluster {name} not found")
    return "".join(summary(store, cluster) for cluster in clusters)


def summary(store, cluster):
    rows = [row for row in store.all("Cloud.Node") if row["ClusterName"] == cluster]
    state = "started" if any(row.get("TargetState") == "Started" for row in rows) else "off"
    head = f"{cluster} : {state}"
    groups = sorted({account["AzureResourceGroup"] for account in store.all("Cloud.Account")})
    lines = ["-" * len(head), head, "-" * len(head), f"Resource group: {', '.join(groups)}", "Cluster nodes:"]
    for row in rows:
        lines.append(f"    {row['Name']}: {row['Status']} {row.get('PrivateIp') or '--'}")
    return "\n".join([*lines, f"Total nodes: {len(rows)}", ""])


def show_nodes(store, name, cluster, states, attributes, output, layout):
    """Nodes by name, cluster and states; as JSON, or each with a %-format of its own."""
    rows = [row for row in store.all("Cloud.Node")
            if name in (None, row["Name"]) and cluster in (None, row["ClusterName"])
            and (not states or row["State"] in states)]
    shown = [{k: v for k, v in row.items() if k not in nodes.HIDDEN and v is not None
              and (not attributes or k in attributes)} for row in rows]
    if output is not None:
        try:
            return "".join(output.replace("\\n", "\n").replace("\\t", "\t") % row for row in shown)
        except (KeyError, ValueError) as error:
            raise Refused(f"cannot print {output}: {error}") from None
    return query.render(shown, layout)
