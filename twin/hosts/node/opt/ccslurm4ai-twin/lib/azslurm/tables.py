"""Nodes and buckets as tables or JSON."""
import json

from azslurm import verbs
from azslurm.cyclecloud import CycleCloud

NODE_COLUMNS = ["nodearray", "name", "hostname", "private_ip", "status"]
BUCKET_COLUMNS = ["nodearray", "placement_group", "vm_size", "vcpu_count", "pcpu_count", "memory", "available_count"]
LIMIT_COLUMNS = ["nodearray", "placement_group", "vm_size", "vcpu_count", "available_count", "max_count", "active_count"]


def nodes(config, output_columns=None, output_format="table"):
    """Query nodes"""
    rows = []
    for node in CycleCloud(config).nodes().values():
        if node.get("Template"):
            hostname = node.get("Hostname") or node.get("PrivateIp") or "tbd"
            rows.append({"nodearray": node["Template"], "name": node["Name"], "hostname": hostname,
                         "private_ip": node.get("PrivateIp"), "status": node["Status"], "state": node["State"],
                         "vm_size": node["MachineType"], "node_id": node["NodeId"],
                         "placement_group": node.get("PlacementGroupId"), "target_state": node.get("TargetState")})
    show(rows, output_columns or NODE_COLUMNS, output_format)


def buckets(config, output_columns=None, output_format="table"):
    """Prints out autoscale bucket information, like limits etc"""
    show(described(config), output_columns or BUCKET_COLUMNS, output_format)


def limits(config, output_columns=None, output_format="json"):
    """Writes a detailed set of limits for each "bucket". Defaults to json due to number of fields."""
    show(described(config), output_columns or LIMIT_COLUMNS, output_format)


def described(config):
    return [{"nodearray": one.array, "placement_group": one.placement_group, "vm_size": one.size, "vcpu_count": one.cpus,
             "pcpu_count": one.cores, "memory": f"{one.bucket['virtualMachine']['memory']:.2f}g", "gpu_count": one.gpus,
             "available_count": one.bucket["availableCount"], "max_count": one.count,
             "active_count": one.bucket["activeCount"]} for one in verbs.fetched(config)]


def show(rows, columns, layout):
    """Rows as JSON, or as a table with or without its head."""
    if layout == "json":
        print(json.dumps([{column: row.get(column) for column in columns} for row in rows], indent=2))
        return
    cells = [[str(row.get(column) if row.get(column) is not None else "") for column in columns] for row in rows]
    head = [] if layout == "table_headerless" else [[column.upper() for column in columns]]
    widths = [max((len(line[at]) for line in [*head, *cells]), default=0) for at in range(len(columns))]
    for line in [*head, *cells]:
        print(" ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
