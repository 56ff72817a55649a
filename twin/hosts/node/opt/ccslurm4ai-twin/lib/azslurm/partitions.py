"""Nodearrays as partitions, and what azure.conf and gres.conf say of them."""
import math
import re

from azslurm import AzureSlurmError, compact

DAMPENED = 5  # percent of the memory that Slurm does not get


class Partition:
    """One nodearray with its bucket."""

    def __init__(self, array, defaults):
        self.array, bucket = array["name"], array["buckets"][0]
        slurm = array["nodearray"]["Configuration"].get("slurm", {})
        machine, self.bucket = bucket["virtualMachine"], bucket
        self.name = slurm.get("partition", self.array)
        self.is_default, self.is_hpc = bool(slurm.get("default_partition")), truth(slurm.get("hpc", True))
        self.size, self.count = bucket["definition"]["machineType"], bucket["maxCount"]
        self.cpus, self.cores = machine["vcpuCount"], machine["pcpuCount"]
        self.threads = max(1, self.cpus // self.cores) if truth(slurm.get("use_pcpu", True)) else 1
        self.memory = dampened(int(machine["memory"] * 1024), slurm.get("dampen_memory"))
        own = array["nodearray"]["Configuration"].get("autoscale", {}).get("resources", {}).get("slurm_gpus")
        self.gpus = int(own) if own is not None else gpu_count(self.size, machine["gpuCount"], defaults)
        self.devices = slurm.get("gpu_device_config")
        self.scale_set = bucket["maxPlacementGroupSize"] if self.is_hpc else 2**31
        self.prefix = re.sub("[^a-zA-Z0-9-]", "-", slurm.get("node_prefix") or "")
        self.most = min(self.count, self.scale_set)

    def nodes(self):
        return [f"{self.prefix}{self.array}-{at}" for at in range(1, self.count + 1)]

    @property
    def placement_group(self):
        return f"{self.size}_pg0" if self.is_hpc else None


def truth(value):
    return str(value).lower() == "true"


def dampened(memory, percent):
    """Megabytes that are left when a part, at least a gigabyte, is held back."""
    part = int(percent if percent not in (None, "") else DAMPENED) / 100
    return int(memory - max(1024, memory * part))


def gpu_count(size, reported, defaults):
    """GPUs of a size: the first of `default_resources` that fits says it."""
    for entry in defaults:
        chosen = entry.get("select") or {}
        if entry.get("name") == "slurm_gpus" and chosen.get("node.vm_size", size) == size:
            return reported if entry["value"] == "node.gpu_count" else int(entry["value"])
    return reported


def fetch(status, defaults):
    """The partitions of a cluster's status, without nodearrays that do not scale."""
    found = []
    for array in status["nodearrays"]:
        slurm = array["nodearray"]["Configuration"].get("slurm", {})
        if truth(slurm.get("autoscale", True)) and array["buckets"]:
            found.append(Partition(array, defaults))
    return found


def azure_conf(partitions, autoscale):
    state, lines = "CLOUD" if autoscale else "FUTURE", [
        "# Slurm gets less memory than the size has, 5 % by default: slurm.dampen_memory in a nodearray's configuration,",
        "# or slurm_memory in /opt/azurehpc/slurm/autoscale.json, change that."]
    for one in partitions:
        off = "" if one.most > 0 else "# "
        if off:
            lines.append(f"# The following partition has no capacity! {one.name} - {one.array} - {one.size} ")
        nodes, memory = compact(one.nodes()) if one.count else "", max(1024, one.memory)
        lines.append(f"{off}PartitionName={one.name} Nodes={nodes} Default={'YES' if one.is_default else 'NO'} "
                     f"DefMemPerCPU={memory // one.cpus} MaxTime=INFINITE State=UP")
        gres = f" Gres=gpu:{one.gpus}" if one.gpus else ""
        lines.append(f"{off}Nodename={nodes} Feature=cloud STATE={state} CPUs={one.cpus} ThreadsPerCore={one.threads} "
                     f"RealMemory={memory}{gres}")
    return "\n".join(lines) + "\n"


def gres_conf(partitions):
    """The devices of each scale set's nodes."""
    lines = []
    for one in partitions:
        nodes = one.nodes()
        for at in range(math.ceil(one.count / one.scale_set)):
            part = nodes[at * one.scale_set:(at + 1) * one.scale_set]
            if one.gpus and part:
                lines.append(f"Nodename={compact(part)} Name=gpu Count={one.gpus} File={one.devices or devices(one)}")
    return "\n".join(lines) + "\n"


def devices(partition):
    """NVIDIA's device files, or AMD's of an MI300X."""
    if "mi300" in partition.size.lower():
        numbers = [str(128 + 8 * gpu) for gpu in range(partition.gpus)]
        return f"/dev/dri/renderD{numbers[0]}" if len(numbers) == 1 else f"/dev/dri/renderD[{','.join(numbers)}]"
    return "/dev/nvidia0" if partition.gpus == 1 else f"/dev/nvidia[0-{partition.gpus - 1}]"


def topology(partitions):
    """One switch for each placement group, one for the nodes without."""
    groups = {}
    for one in partitions:
        groups.setdefault(one.placement_group or "htc", []).extend(one.nodes())
    if not any(groups.values()):
        raise AzureSlurmError("No nodes found to create topology! Do you need to run create_nodes first?")
    return "".join(f"SwitchName={name} Nodes={','.join(nodes)}\n" for name, nodes in sorted(groups.items()) if nodes)
