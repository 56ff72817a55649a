"""What a node's agent is told: its configuration in the shape of node.json, its specs, its users."""
import secrets

from standin import machines, verbs
from standin.cluster import BUILT_IN_VERSIONS

CLUSTER_USER = "cyclecloud_access"


def joined(store, row):
    """Everything that a node needs to know of itself."""
    cluster = verbs.loaded(store, row["ClusterName"])
    node = cluster.nodes.get(row["Name"]) or cluster.arrays[row["Template"]]
    account = store.one("Cloud.Account", Name=node.get("Credentials"))
    return {"nodeId": row["NodeId"], "accessKey": row["AccessKey"], "retries": row.get("Retries", 0),
            "lockerIdentity": account.get("LockerIdentity"), "configuration": configuration(store, node, row),
            "specs": specs(store, node, account), "users": users(store)}


def configuration(store, node, row):
    """The template's `[[[configuration]]]` and what CycleCloud lays over it."""
    found = node.configuration()
    cyclecloud = found.setdefault("cyclecloud", {})
    cyclecloud.setdefault("cluster", {}).update(name=row["ClusterName"], id=row["ClusterName"])
    cyclecloud["node"] = {"name": row["Name"], "template": row.get("Template") or row["Name"]}
    cyclecloud["instance"] = {"id": row["VmId"], "ipv4": row["PrivateIp"]}
    cyclecloud["config"] = {"web_server": machines.web_server(), "username": CLUSTER_USER,
                            "password": cluster_password(store, row["ClusterName"])}
    return found


def cluster_password(store, name):
    """Password with which a cluster's own programs use the REST API; azslurm gets it as an argument of its own, which must
    not look like an option."""
    cluster = store.one("Cloud.Cluster", ClusterName=name)
    if not cluster.get("AccessKey"):
        cluster["AccessKey"] = secrets.token_hex(24)
        store.put("Cloud.Cluster", {"ClusterName": name, "AccessKey": cluster["AccessKey"]})
    return cluster["AccessKey"]


def specs(store, node, account):
    """Its cluster-init specs in order, each with the place that its files are fetched from."""
    own = {"account": account["RMStorageAccount"], "container": account["RMStorageContainer"]}
    found = []
    for locker, project, spec, version in node.specs():
        record = store.one("Cloud.Locker", Name=locker) if locker != "cyclecloud" else None
        place = {"account": record["StorageAccount"], "container": record["Container"]} if record else own
        built_in = locker == "cyclecloud"
        found.append({"project": project, "spec": spec, "builtIn": built_in,
                      "version": BUILT_IN_VERSIONS[project] if built_in else version, **place})
    return found


def users(store):
    """Users whose role lets them sign in on nodes."""
    found = []
    for user in store.all("AuthenticatedUser"):
        roles = user.get("Roles") or []
        if {"Global Node Admin", "Global Node User"} & set(roles) and user.get("UID") is not None:
            key = store.one("Credential", Name=f"{user['Name']}/public")
            found.append({"name": user["Name"], "uid": int(user["UID"]), "isAdmin": "Global Node Admin" in roles,
                          "publicKeys": [key["PublicKey"].strip()] if key else []})
    return found


def polled(store, row):
    """What may have changed since the agent asked last."""
    return {"users": users(store), "retries": row.get("Retries", 0)}
