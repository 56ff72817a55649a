"""Nodes' lives: what the server asks Resource Manager for, and what it hears from their agents.

A node of a `[[node]]` is a virtual machine of its own, one of a `[[nodearray]]` a member of a scale set.
"""
import logging
import secrets
import threading
import time

from common import Refused, azure
from standin import machines

NETWORK_API, COMPUTE_API = "2025-05-01", "2025-04-01"
DEADLINE = 600
ENDING = 1800  # seconds until a VM that was deleted is gone
HIDDEN = {"AccessKey", "Retries", "VmId", "ScaleSet"}  # the stand-in's own, shown to nobody
RUNNING = ("Acquiring", "Preparing", "Ready")
SETS = threading.Lock()  # a scale set's capacity is read and written by one thread at a time


def change(store, row, **values):
    store.put("Cloud.Node", {"ClusterName": row["ClusterName"], "Name": row["Name"], **values})


def acquiring(owner):
    """Values of a node that begins its life."""
    return {"Status": "Acquiring", "State": "Acquiring", "TargetState": "Started", "StatusMessage": None, "Owner": owner,
            "AccessKey": secrets.token_hex(24), "NodeId": secrets.token_hex(16), "Hostname": None, "VmId": None,
            "PrivateIp": None}


def start(store, cluster, user):
    """Starts, as the user's, every named node that does not run; returns at once, the nodes' records tell how it
    goes."""
    for node in cluster.nodes.values():
        row = store.one("Cloud.Node", ClusterName=cluster.name, Name=node.name)
        if row["Status"] not in RUNNING:
            row = {**row, **acquiring(user)}
            store.put("Cloud.Node", row)
            background(store, [row], acquire, node, row)


def background(store, rows, work, *arguments):
    """Runs `work`; when Azure refuses it, its nodes have failed."""
    def run():
        try:
            work(store, *arguments)
        except (Refused, KeyError, OSError) as error:
            for row in rows:
                logging.error("node %s: %s", row["Name"], error)
                change(store, row, Status="Failed", State="Failed", StatusMessage=str(error))
    threading.Thread(target=run, daemon=True).start()


def acquire(store, node, row):
    """Makes one node's network interface and virtual machine."""
    account = store.one("Cloud.Account", Name=node.get("Credentials"))
    group, name = machines.group_id(account), f"{row['ClusterName']}-{node.name}"
    labels = machines.tags(store, node, row["ClusterName"], row["Owner"])
    interface = f"{group}/providers/Microsoft.Network/networkInterfaces/{name}-nic"
    azure.arm("PUT", interface, NETWORK_API, machines.interface_body(node, account, labels))
    address = private_ip(azure.settled(interface, NETWORK_API, DEADLINE))
    machine = f"{group}/providers/Microsoft.Compute/virtualMachines/{name}"
    change(store, row, PrivateIp=address, InstanceId=machine, Instance={"PrivateIp": address, "InstanceId": machine})
    made = azure.arm("PUT", machine, COMPUTE_API, machines.machine_body(node, interface, row["AccessKey"], labels))
    change(store, row, VmId=made["properties"]["vmId"])
    azure.settled(machine, COMPUTE_API, DEADLINE)
    prepared(store, row)


def private_ip(interface):
    return interface["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"]


def prepared(store, row):
    """The VM runs; its agent may have reported already."""
    with store.lock:
        known = store.one("Cloud.Node", ClusterName=row["ClusterName"], Name=row["Name"])
        if known and known["Status"] == "Acquiring":
            change(store, row, Status="Preparing", State="Preparing")


def create(store, array, names, placement_group, attributes, user):
    """Makes nodes of a nodearray, all in one scale set."""
    rows = [{"ClusterName": array.cluster.name, "Name": name, "Template": array.name, "MachineType":
             array.get("MachineType"), "PlacementGroupId": placement_group, **attributes, **acquiring(user)}
            for name in names]
    store.put_all("Cloud.Node", rows)
    background(store, rows, grow, array, rows, placement_group, user)
    return rows


def grow(store, array, rows, placement_group, user):
    """Raises the capacity of a scale set and gives each new VM to a node."""
    account = store.one("Cloud.Account", Name=array.get("Credentials"))
    name = "-".join(part for part in (array.cluster.name, array.name, placement_group) if part).lower()
    path = f"{machines.group_id(account)}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}"
    with SETS:
        known = store.one("Cloud.ScaleSet", Name=path) or {"Name": path, "AccessKey": secrets.token_hex(24)}
        store.put("Cloud.ScaleSet", known)
        before = instances(path)
        labels = machines.tags(store, array, array.cluster.name, user)
        capacity = len(before) + len(rows)
        azure.arm("PUT", path, COMPUTE_API, machines.scale_set_body(array, account, known["AccessKey"], labels, capacity))
        new = [one for one in instances(path) if one["id"] not in {old["id"] for old in before}]
        for row, instance in zip(rows, new, strict=True):
            interface = instance["properties"]["networkProfile"]["networkInterfaces"][0]["id"]
            address = private_ip(azure.arm("GET", interface, NETWORK_API))
            change(store, row, PrivateIp=address, InstanceId=instance["id"], VmId=instance["properties"]["vmId"],
                   ScaleSet=path, Instance={"PrivateIp": address, "InstanceId": instance["id"]})
    for row, instance in zip(rows, new, strict=True):
        azure.settled(instance["id"], COMPUTE_API, DEADLINE)
        prepared(store, row)


def instances(scale_set):
    """VMs of a scale set; none when it is not there."""
    return (found(f"{scale_set}/virtualMachines") or {"value": []})["value"]


def found(path):
    """What Resource Manager has there, or None."""
    try:
        return azure.arm("GET", path, COMPUTE_API)
    except azure.AzureError as error:
        if error.status == 404:
            return None
        raise


def terminate(store, rows):
    """Ends nodes; those of a nodearray are forgotten once their VMs are gone."""
    for row in rows:
        change(store, row, Status="Terminating", State="Terminating", TargetState="Terminated")
    background(store, rows, shrink, rows)


def shrink(store, rows):
    """Deletes the rows' VMs, which may take minutes to agree to that, and a scale set with its last VM."""
    for path in sorted({row["ScaleSet"] for row in rows if row.get("ScaleSet")}):
        ending = {row["InstanceId"] for row in rows if row.get("ScaleSet") == path}
        azure.arm("POST", f"{path}/delete", COMPUTE_API, {"instanceIds": [one.rsplit("/", 1)[1] for one in ending]})
        until(lambda: not ending & {one["id"] for one in instances(path)}, f"VMs of {path}")
        with SETS:
            if not instances(path):
                azure.arm("DELETE", path, COMPUTE_API)
                until(lambda: not found(path), path)
    for row in rows:
        known = store.one("Cloud.Node", ClusterName=row["ClusterName"], Name=row["Name"])
        store.remove("Cloud.Node", known)


def until(gone, what):
    """Waits for the end of what was deleted."""
    end = time.monotonic() + ENDING
    while not gone():
        if time.monotonic() > end:
            raise Refused(f"{what} still there after {ENDING} s")
        time.sleep(0.5)


def joined(store, access_key, vm_id):
    """The node that a VM is, by the key in its customData."""
    row = store.one("Cloud.Node", VmId=vm_id)
    if not row:
        raise Refused("the virtual machine is not known yet")
    scale_set = store.one("Cloud.ScaleSet", Name=row.get("ScaleSet")) or {}
    if not any(same(known, access_key) for known in (row["AccessKey"], scale_set.get("AccessKey"))):
        raise Refused("the access key is not this virtual machine's")
    return row


def reported(store, node_id, access_key, status, message, hostname):
    """A node's agent tells how far it is: `preparing`, `ready` or `failed`."""
    row = proven(store, node_id, access_key)
    if row["TargetState"] != "Started":
        return
    change(store, row, Hostname=hostname)
    if status == "ready":
        change(store, row, Status="Ready", State="Started", StatusMessage=None)
    elif status == "failed":
        change(store, row, Status="Failed", State="Failed", StatusMessage=f"Software Installation Failure: {message}")
    else:
        change(store, row, Status="Preparing", State="Preparing", StatusMessage=None)


def proven(store, node_id, access_key):
    """The node of this id, whose key the caller knows."""
    row = store.one("Cloud.Node", NodeId=node_id)
    if not row or not same(row.get("AccessKey"), access_key):
        raise Refused("the node is not known")
    return row


def same(known, given):
    return bool(known) and secrets.compare_digest(known, given)


def retry(store, cluster):
    """Lets the agents of failed nodes try again."""
    for row in store.all("Cloud.Node"):
        if row["ClusterName"] == cluster and row["Status"] == "Failed":
            change(store, row, Retries=row.get("Retries", 0) + 1)
