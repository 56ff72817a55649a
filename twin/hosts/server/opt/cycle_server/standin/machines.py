"""Nodes as Resource Manager gets them: interfaces, virtual machines, scale sets."""
import base64
import json
import os
import re
import time

from common import Refused
from standin.expressions import UNDEFINED

NODE_USER = "cyclecloud"
SITE_NAME = "cyclecloud"
MINUTES = re.compile(r"(\d+)m(?:in(?:utes?)?)?")
KEY = "/opt/cycle_server/.ssh/cyclecloud.pem"


def group_id(account):
    return f"/subscriptions/{account['AzureRMSubscriptionId']}/resourceGroups/{account['AzureResourceGroup']}"


def given(node, name):
    """An attribute's value, or None."""
    value = node.get(name)
    return None if value in (UNDEFINED, "") else value


def tags(store, node, cluster, owner):
    """The template's tags and those that CycleCloud adds; the VMs of a scale set share theirs."""
    site = (store.one("Application.Setting", Name="site_id") or {}).get("Value", "")
    owner, place = f"{owner}@{SITE_NAME}:{site}", f"/sites/{site}/clusters/{cluster}"
    own = {"ClusterName": cluster, "CycleOwner": owner, "ClusterId": f"{cluster}({owner})", "CycleCloudCluster": place,
           "LaunchTime": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())}
    which = {"CycleCloudNodeArray": f"{place}/nodearrays/{node.name}"} if node.is_array else {"Name": node.name}
    return {**{name: str(value) for name, value in node.prefixed("Tags").items()}, **which, **own}


def subnet_id(node, account):
    """A full id from `group/network/subnet`."""
    subnet = node.get("SubnetId")
    if subnet.startswith("/"):
        return subnet
    group, network, name = subnet.split("/")
    return (f"/subscriptions/{account['AzureRMSubscriptionId']}/resourceGroups/{group}"
            f"/providers/Microsoft.Network/virtualNetworks/{network}/subnets/{name}")


def interface_body(node, account, labels):
    address = {"subnet": {"id": subnet_id(node, account)}, "privateIPAllocationMethod": "Dynamic", "primary": True}
    return {"location": node.get("Region"), "tags": labels,
            "properties": {"ipConfigurations": [{"name": "ipconfig", "properties": address}]}}


def machine_body(node, interface, access_key, labels):
    name = given(node, "ComputerName") or f"{node.cluster.name}-{node.name}".lower()
    properties = {
        "hardwareProfile": {"vmSize": node.get("MachineType")},
        "storageProfile": storage(node),
        "osProfile": {"computerName": name, **os_profile(access_key)},
        "networkProfile": {"networkInterfaces": [{"id": interface, "properties": {"primary": True}}]},
    }
    return body_of(node, labels, properties)


def scale_set_body(node, account, access_key, labels, capacity):
    """A uniform scale set of which every VM gets the same customData."""
    prefix = given(node, "ComputerNamePrefix") or f"{node.name}-"
    address = {"name": "ipconfig", "properties": {"subnet": {"id": subnet_id(node, account)}, "primary": True}}
    interface = {"name": "nic", "properties": {"primary": True, "ipConfigurations": [address]}}
    profile = {
        "storageProfile": storage(node),
        "osProfile": {"computerNamePrefix": prefix.lower(), **os_profile(access_key)},
        "networkProfile": {"networkInterfaceConfigurations": [interface]},
    }
    if given(node, "EnableTerminateNotification") is True:
        minutes = MINUTES.fullmatch(str(given(node, "TerminateNotificationTimeout") or "5m"))
        if not minutes:
            raise Refused(f"TerminateNotificationTimeout (on {node.name}) is no number of minutes such as 10m")
        notification = {"enable": True, "notBeforeTimeout": f"PT{minutes[1]}M"}
        profile["scheduledEventsProfile"] = {"terminateNotificationProfile": notification}
    properties = {"orchestrationMode": "Uniform", "overprovision": False, "upgradePolicy": {"mode": "Manual"},
                  "singlePlacementGroup": True, "virtualMachineProfile": profile}
    sku = {"name": node.get("MachineType"), "tier": "Standard", "capacity": capacity}
    return {**body_of(node, labels, properties), "sku": sku}


def body_of(node, labels, properties):
    body = {"location": node.get("Region"), "tags": labels, "properties": properties}
    identities = given(node, "Azure.Identities")
    if identities:
        names = identities if isinstance(identities, list) else [identities]
        body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {name: {} for name in names}}
    if given(node, "Zone"):
        body["zones"] = [str(node.get("Zone"))]
    return body


def storage(node):
    publisher, offer, sku, version = node.get("ImageName").split(":")
    boot = node.volume("boot")
    disk = {"createOption": "FromImage", "caching": "ReadWrite",
            "managedDisk": {"storageAccountType": boot.get("storageaccounttype", "Premium_LRS")}}
    if "size" in boot:
        disk["diskSizeGB"] = int(boot["size"])
    if not node.is_array:
        disk["deleteOption"] = "Delete"
    image = {"publisher": publisher, "offer": offer, "sku": sku, "version": version}
    return {"imageReference": image, "osDisk": disk}


def os_profile(access_key):
    """User and key of the node, and what its agent needs: where the server is and how to prove who it is."""
    with open(KEY + ".pub", encoding="utf-8") as file:
        key = {"path": f"/home/{NODE_USER}/.ssh/authorized_keys", "keyData": file.read().strip()}
    data = json.dumps({"webServer": web_server(), "accessKey": access_key})
    return {"adminUsername": NODE_USER, "customData": base64.b64encode(data.encode()).decode(),
            "linuxConfiguration": {"disablePasswordAuthentication": True, "ssh": {"publicKeys": [key]}}}


def web_server():
    return f"https://{own_address()}:9443"


def own_address():
    """This server's address, as its own /etc/hosts has it."""
    with open("/etc/hosts", encoding="utf-8") as file:
        for line in file:
            address, *names = line.split()
            if os.uname().nodename in names:
                return address
    raise Refused("this server's own address is not in /etc/hosts")
