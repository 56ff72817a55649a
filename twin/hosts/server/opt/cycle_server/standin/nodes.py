"""Nodes as virtual machines: what the server asks Resource Manager for, and what it tells the node's agent."""
import base64
import json
import logging
import os
import secrets
import threading
import time

from standin import Refused, azure
from standin.expressions import UNDEFINED

NETWORK_API, COMPUTE_API = "2025-05-01", "2025-04-01"
NODE_USER = "cyclecloud"
SITE_NAME = "cyclecloud"
KEY = "/opt/cycle_server/.ssh/cyclecloud.pem"
DEADLINE = 600
RUNNING = ("Acquiring", "Preparing", "Ready")


def start(store, cluster, user):
    """Starts, as the user's, every node of a cluster that does not run; returns at once, the nodes' records tell how it goes."""
    for node in cluster.nodes.values():
        row = store.one("Cloud.Node", ClusterName=cluster.name, Name=node.name)
        if row["Status"] not in RUNNING:
            key = {"AccessKey": secrets.token_urlsafe(24), "NodeId": secrets.token_hex(16)}
            change(store, row, Status="Acquiring", State="Acquiring", TargetState="Started", StatusMessage=None,
                   Owner=user, **key)
            threading.Thread(target=acquire, args=(store, node, {**row, "Owner": user}), daemon=True).start()


def acquire(store, node, row):
    """Makes one node's network interface and virtual machine."""
    try:
        account = store.one("Cloud.Account", Name=node.get("Credentials"))
        group = f"/subscriptions/{account['AzureRMSubscriptionId']}/resourceGroups/{account['AzureResourceGroup']}"
        name = f"{row['ClusterName']}-{node.name}"
        interface = f"{group}/providers/Microsoft.Network/networkInterfaces/{name}-nic"
        azure.arm("PUT", interface, NETWORK_API, interface_body(store, node, row, account))
        made = azure.settled(interface, NETWORK_API, DEADLINE)
        address = made["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"]
        machine = f"{group}/providers/Microsoft.Compute/virtualMachines/{name}"
        change(store, row, PrivateIp=address, InstanceId=machine, Instance={"PrivateIp": address, "InstanceId": machine})
        azure.arm("PUT", machine, COMPUTE_API, machine_body(store, node, row, interface))
        azure.settled(machine, COMPUTE_API, DEADLINE)
        with store.lock:  # its agent may report at any moment
            if store.one("Cloud.Node", ClusterName=row["ClusterName"], Name=node.name)["Status"] == "Acquiring":
                change(store, row, Status="Preparing", State="Preparing")
    except (Refused, KeyError, OSError) as error:
        logging.error("node %s: %s", node.name, error)
        change(store, row, Status="Failed", State="Failed", StatusMessage=str(error))


def reported(store, node_id, access_key, status, message):
    """A node's agent has ended its work."""
    row = store.one("Cloud.Node", NodeId=node_id)
    if not row or not secrets.compare_digest(row.get("AccessKey") or "", access_key):
        raise Refused("the node is not known")
    if status == "ready":
        change(store, row, Status="Ready", State="Started")
    else:
        change(store, row, Status="Failed", State="Failed", StatusMessage=f"Software Installation Failure: {message}")


def change(store, row, **values):
    store.put("Cloud.Node", {"ClusterName": row["ClusterName"], "Name": row["Name"], **values})


def tags(store, node, row):
    """The template's tags and those that CycleCloud adds."""
    cluster, site = row["ClusterName"], store.one("Application.Setting", Name="site_id") or {}
    owner = f"{row['Owner']}@{SITE_NAME}:{site.get('Value', '')}"
    own = {"Name": node.name, "ClusterName": cluster, "CycleOwner": owner, "ClusterId": f"{cluster}({owner})",
           "CycleCloudCluster": f"/sites/{site.get('Value', '')}/clusters/{cluster}",
           "LaunchTime": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())}
    return {**{name: str(value) for name, value in node.prefixed("Tags").items()}, **own}


def subnet_id(node, account):
    """A full id from `group/network/subnet`."""
    subnet = node.get("SubnetId")
    if subnet.startswith("/"):
        return subnet
    group, network, name = subnet.split("/")
    return (f"/subscriptions/{account['AzureRMSubscriptionId']}/resourceGroups/{group}"
            f"/providers/Microsoft.Network/virtualNetworks/{network}/subnets/{name}")


def interface_body(store, node, row, account):
    address = {"subnet": {"id": subnet_id(node, account)}, "privateIPAllocationMethod": "Dynamic", "primary": True}
    return {"location": node.get("Region"), "tags": tags(store, node, row),
            "properties": {"ipConfigurations": [{"name": "ipconfig", "properties": address}]}}


def machine_body(store, node, row, interface):
    publisher, offer, sku, version = node.get("ImageName").split(":")
    image = {"publisher": publisher, "offer": offer, "sku": sku, "version": version}
    disk = {"createOption": "FromImage", "caching": "ReadWrite", "deleteOption": "Delete",
            "managedDisk": {"storageAccountType": "Premium_LRS"}}
    with open(KEY + ".pub", encoding="utf-8") as file:
        key = {"path": f"/home/{NODE_USER}/.ssh/authorized_keys", "keyData": file.read().strip()}
    body = {
        "location": node.get("Region"),
        "tags": tags(store, node, row),
        "properties": {
            "hardwareProfile": {"vmSize": node.get("MachineType")},
            "storageProfile": {"imageReference": image, "osDisk": disk},
            "osProfile": {
                "computerName": computer_name(node, row),
                "adminUsername": NODE_USER,
                "customData": custom_data(store, row),
                "linuxConfiguration": {"disablePasswordAuthentication": True, "ssh": {"publicKeys": [key]}},
            },
            "networkProfile": {"networkInterfaces": [{"id": interface, "properties": {"primary": True}}]},
        },
    }
    identities = node.get("Azure.Identities")
    if identities not in (UNDEFINED, None, ""):
        names = identities if isinstance(identities, list) else [identities]
        body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {name: {} for name in names}}
    if node.get("Zone") not in (UNDEFINED, None, ""):
        body["zones"] = [str(node.get("Zone"))]
    return body


def computer_name(node, row):
    name = node.get("ComputerName")
    return f"{row['ClusterName']}-{node.name}".lower() if name in (UNDEFINED, None, "") else name


def custom_data(store, row):
    """What the node's agent needs: where the server is, how to prove who it is, and the users to make."""
    row = store.one("Cloud.Node", ClusterName=row["ClusterName"], Name=row["Name"])
    config = {"cluster": row["ClusterName"], "node": row["Name"], "nodeId": row["NodeId"],
              "accessKey": row["AccessKey"], "webServer": f"https://{own_address()}:9443", "users": users(store)}
    return base64.b64encode(json.dumps(config).encode()).decode()


def users(store):
    """Users whose role lets them sign in on nodes."""
    found = []
    for user in store.all("AuthenticatedUser"):
        roles = user.get("Roles") or []
        if {"Global Node Admin", "Global Node User"} & set(roles) and user.get("UID") is not None:
            key = store.one("Credential", Name=f"{user['Name']}/public")
            found.append({"name": user["Name"], "uid": int(user["UID"]), "sudo": "Global Node Admin" in roles,
                          "publicKeys": [key["PublicKey"].strip()] if key else []})
    return found


def own_address():
    """This server's address, as its own /etc/hosts has it."""
    with open("/etc/hosts", encoding="utf-8") as file:
        for line in file:
            address, *names = line.split()
            if os.uname().nodename in names:
                return address
    raise Refused("this server's own address is not in /etc/hosts")
