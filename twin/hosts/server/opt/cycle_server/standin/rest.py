"""The part of CycleCloud's REST API that its Slurm project uses: the status of a cluster, its nodes, and what can be
done to them."""
import re
import uuid

from common import Refused
from standin import machines, nodes, query, verbs

PLACEMENT_GROUP_SIZE = 40
ACTIONS = {"shutdown": nodes.terminate, "terminate": nodes.terminate, "remove": nodes.terminate}


def get(store, path, options):
    """Status and body of a GET."""
    match = re.fullmatch(r"/clusters/([^/]+)/(status|nodes)", path)
    if not match:
        return 404, {"error": f"GET {path} is not modelled"}
    cluster = verbs.loaded(store, match[1])
    if match[2] == "nodes":
        return 200, {"nodes": shown(store, cluster.name)}
    return 200, status(store, cluster, options.get("nodes") == "true")


def post(store, path, body, user):
    """Status and body of a POST."""
    match = re.fullmatch(r"/clusters/([^/]+)/nodes/(\w+)", path)
    if match and match[2] == "create":
        return 202, create(store, verbs.loaded(store, match[1]), body, user)
    if match and match[2] in ACTIONS:
        return 202, manage(store, verbs.loaded(store, match[1]), ACTIONS[match[2]], body)
    retry = re.fullmatch(r"/cloud/actions/retry/([^/]+)", path)
    if retry:
        nodes.retry(store, verbs.loaded(store, retry[1]).name)
        return 200, {}
    return 404, {"error": f"POST {path} is not modelled"}


def shown(store, cluster):
    """A cluster's nodes as records."""
    rows = [row for row in store.all("Cloud.Node") if row["ClusterName"] == cluster]
    return [{k: v for k, v in row.items() if k not in nodes.HIDDEN and v is not None} for row in rows]


def status(store, cluster, with_nodes):
    arrays = [array_status(store, array) for array in cluster.arrays.values()]
    started = any(row.get("TargetState") == "Started" for row in shown(store, cluster.name))
    state = "Started" if started else "Terminated"
    return {"state": state, "targetState": state, "nodearrays": arrays,
            "maxCount": sum(array["maxCount"] for array in arrays),
            "maxCoreCount": sum(array["maxCoreCount"] for array in arrays),
            **({"nodes": shown(store, cluster.name)} if with_nodes else {})}


def array_status(store, array):
    """A nodearray with its one bucket: all its nodes are of one size."""
    size = store.one("Azure.MachineType", Name=array.get("MachineType"), Location=str(array.get("Region")))
    rows = [row for row in shown(store, array.cluster.name) if row.get("Template") == array.name]
    cores, group_size = size["vcpuCount"], int(machines.given(array, "Azure.MaxScalesetSize") or PLACEMENT_GROUP_SIZE)
    most = capacity(array, cores)
    groups = sorted({row["PlacementGroupId"] for row in rows if row.get("PlacementGroupId")})
    count = lambda group: sum(row.get("PlacementGroupId") == group for row in rows)
    bucket = {
        "bucketId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{array.cluster.name}/{array.name}/{size['Name']}")),
        "definition": {"machineType": size["Name"]},
        "virtualMachine": {key: size[key] for key in ("vcpuCount", "pcpuCount", "gpuCount", "memory", "infiniband")},
        "valid": True, "maxCount": most, "maxCoreCount": most * cores,
        "activeCount": len(rows), "activeCoreCount": len(rows) * cores, "activeNodes": [row["Name"] for row in rows],
        "availableCount": max(0, most - len(rows)), "availableCoreCount": max(0, most - len(rows)) * cores,
        "maxPlacementGroupSize": group_size, "maxPlacementGroupCoreSize": group_size * cores,
        "placementGroups": [{"name": group, "activeCount": count(group), "activeCoreCount": count(group) * cores}
                            for group in groups],
    }
    described = {"MachineType": size["Name"], "Region": array.get("Region"), "SubnetId": array.get("SubnetId"),
                 "Configuration": array.configuration()}
    return {"name": array.name, "maxCount": most, "maxCoreCount": most * cores, "buckets": [bucket],
            "nodearray": described}


def capacity(array, cores):
    """The lower of MaxCount and what MaxCoreCount has room for."""
    limits = [machines.given(array, "MaxCount"), machines.given(array, "MaxCoreCount")]
    counts = [int(limit) // unit for limit, unit in zip(limits, (1, cores)) if limit is not None]
    return min(counts, default=0)


def create(store, cluster, body, user):
    """Makes the nodes of each set; those of one nodearray and placement group together."""
    wanted, together = body.get("sets") or [], {}
    if not wanted:
        raise Refused("at least one set is needed")
    for one in wanted:
        array = cluster.arrays.get(one["nodearray"])
        if array is None:
            raise Refused(f"nodearray {one['nodearray']} is not in {cluster.name}")
        form, offset = one.get("nameFormat", f"{array.name}-%d"), one.get("nameOffset", 1)
        names = [form % (offset + at) if "%" in form else form for at in range(one["count"])]
        key = (array.name, one.get("placementGroupId"), repr(one.get("nodeAttributes") or {}))
        together.setdefault(key, (array, one.get("nodeAttributes") or {}, []))[2].extend(names)
    with store.lock:
        check(store, cluster, together)
        for (_, group, _), (array, attributes, names) in together.items():
            nodes.create(store, array, names, group, attributes, user)
    return {"operationId": str(uuid.uuid4()), "sets": [{"added": one["count"]} for one in wanted]}


def check(store, cluster, together):
    """Refuses names that are taken and more nodes than a nodearray may have."""
    taken = {row["Name"] for row in shown(store, cluster.name)}
    for array, _, names in together.values():
        known = sorted(taken & set(names))
        if known:
            raise Refused(f"node {known[0]} exists already")
        available = array_status(store, array)["buckets"][0]["availableCount"]
        if len(names) > available:
            raise Refused(f"{array.name} has room for {available} more nodes, not {len(names)}")


def manage(store, cluster, action, body):
    """Does something to the nodes that are named in one of several ways."""
    keys = {"names": "Name", "ids": "NodeId", "hostnames": "Hostname", "ip_addresses": "PrivateIp"}
    rows = [row for row in store.all("Cloud.Node") if row["ClusterName"] == cluster.name]
    chosen = [row for row in rows if any(row.get(key) in (body.get(by) or []) for by, key in keys.items())]
    if body.get("filter"):
        chosen += [row for row in query.filtered(rows, body["filter"]) if row not in chosen]
    fixed = [row["Name"] for row in chosen if not row.get("Template")]
    if fixed:
        raise Refused(f"{', '.join(fixed)} is no member of a nodearray: the twin ends those only")
    acted = [row for row in chosen if row.get("TargetState") == "Started"]
    action(store, acted)
    return {"operationId": str(uuid.uuid4()),
            "nodes": [{"id": row["NodeId"], "name": row["Name"], "status": "OK"} for row in acted]}
