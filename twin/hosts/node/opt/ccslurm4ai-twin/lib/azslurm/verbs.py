"""What azslurm does. Each verb takes the configuration and its own arguments."""
import json
import logging
import os
import shutil
import subprocess
import sys
import time

from azslurm import VERSION, AzureSlurmError, autoscale, compact, partitions, scontrol
from azslurm.cyclecloud import CycleCloud

TERMINATION = 1800  # seconds that nodes may take to end before they start again
SLURM = "/etc/slurm"


def fetched(config):
    return partitions.fetch(CycleCloud(config).status(), config.get("default_resources", []))


def resume(config, node_list, no_wait=False):
    """Equivalent to ResumeProgram, starts a set of nodes."""
    server = CycleCloud(config)
    await_termination(server, node_list)
    by_node = {name: one for one in fetched(config) for name in one.nodes()}
    unknown = [name for name in node_list if name not in by_node]
    if unknown:
        raise AzureSlurmError(f"Unknown node name(s): {','.join(unknown)}")
    existing = server.nodes()
    wanted = [name for name in node_list if name not in existing]
    for name in (name for name in node_list if name in existing):
        logging.info("%s already exists.", name)
    check_capacity(wanted, by_node)
    if wanted:
        server.create([{"count": 1, "nodearray": by_node[name].array, "nameFormat": name,
                        "definition": {"machineType": by_node[name].size},
                        **({"placementGroupId": by_node[name].placement_group} if by_node[name].is_hpc else {})}
                       for name in wanted])


def check_capacity(names, by_node):
    """Refuses the first node that a bucket has no room for."""
    left = {}
    for name in names:
        one = by_node[name]
        left.setdefault(one.array, one.bucket["availableCount"])
        if left[one.array] <= 0:
            bucket = one.bucket["bucketId"]
            raise AzureSlurmError(
                f"Failed to allocate node {name} in bucket {bucket} (partition={one.name}): expected 1 node, got 0. "
                f"Reasons: Bucket NodeBucket({one.array}, available=0, size={one.size}, id={bucket}) does not have "
                "capacity: Required=1 Available=0")
        left[one.array] -= 1


def await_termination(server, node_list):
    """Waits until nodes that are ending have ended."""
    end = time.monotonic() + TERMINATION
    while True:
        known = server.nodes()
        ending = [name for name in node_list if name in known and known[name].get("TargetState") != "Started"]
        if not ending:
            logging.info("All nodes are available to be started.")
            return
        if time.monotonic() > end:
            raise AzureSlurmError(f"Timed out waiting for nodes to terminate: {ending}")
        time.sleep(1)


def wait_for_resume(config, node_list):
    """Wait for a set of nodes to converge."""
    server, end = CycleCloud(config), time.monotonic() + TERMINATION
    while True:
        known = server.nodes()
        failed = [name for name in node_list if known.get(name, {}).get("Status") == "Failed"]
        if failed:
            raise AzureSlurmError(f"Failed nodes: {','.join(failed)}")
        if all(known.get(name, {}).get("Status") == "Ready" for name in node_list):
            return
        if time.monotonic() > end:
            raise AzureSlurmError("Timed out waiting for nodes to be ready")
        time.sleep(1)


def suspend(config, node_list):
    """Equivalent to SuspendProgram, shutsdown nodes"""
    server = CycleCloud(config)
    known = server.nodes()
    present = [name for name in node_list if name in known]
    kept = [name for name in present if partitions.truth(known[name].get("KeepAlive"))]
    for name in (name for name in node_list if name not in known):
        logging.info("%s does not exist. Skipping.", name)
    if kept:
        logging.warning("Nodes %s have KeepAlive=true in CycleCloud. Cannot terminate.", kept)
        scontrol("update", f"nodename={compact(kept)}", "state=down", "reason=keep_alive")
    ending = [known[name]["NodeId"] for name in present if name not in kept]
    if ending:
        server.shutdown(ending)
    if autoscale():
        for name in node_list:
            reset(name)
    else:
        future_states(server, node_list)


def future_states(server, node_list=None):
    """Nodes that are ending are none of Slurm's any more; only without autoscale."""
    if autoscale():
        return
    for name, node in server.nodes().items():
        if node.get("Template") and node.get("TargetState") != "Started" and (node_list is None or name in node_list):
            reset(name, "state=FUTURE")


def reset(name, *more):
    try:
        scontrol("update", f"NodeName={name}", f"NodeAddr={name}", f"NodeHostName={name}", *more)
    except AzureSlurmError as error:
        logging.warning("Could not reset %s: %s", name, error)


def scale(config, no_restart=False):
    """Create or update slurm partition and/or gres information"""
    directory = config["config_dir"]
    backup = f"{SLURM}/.backups/{time.time()}"
    os.makedirs(backup)
    warn_about_link(f"{SLURM}/gres.conf", f"{directory}/gres.conf")
    found = fetched(config)
    replace(f"{directory}/azure.conf", partitions.azure_conf(found, autoscale()), backup)
    future_states(CycleCloud(config))
    replace(f"{directory}/gres.conf", partitions.gres_conf(found), backup)
    if not no_restart:
        logging.info("Restarting slurmctld...")
        subprocess.run(["systemctl", "restart", "slurmctld"], check=True, timeout=120)
    logging.info("Re-scaling cluster complete.")


def warn_about_link(path, target):
    if os.path.isfile(path) and not os.path.islink(path):
        print(f"WARNING: {path} should be a symlink to {target}! Changes will not take effect locally.", file=sys.stderr)
    if not os.path.exists(path):
        print(f"WARNING: please run 'ln -fs {target} {path} && chown slurm:slurm {path}'", file=sys.stderr)


def replace(path, content, backup):
    """Writes a file anew with the owner and permissions that it has, and keeps the old one."""
    shutil.copyfile(path, os.path.join(backup, os.path.basename(path)))
    state = os.stat(path)
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        file.write(content)
    os.chmod(f"{path}.tmp", state.st_mode)
    os.chown(f"{path}.tmp", state.st_uid, state.st_gid)
    os.replace(f"{path}.tmp", path)


def show_partitions(config, allow_empty=False):
    """Generates partition configuration"""
    sys.stdout.write(partitions.azure_conf(fetched(config), autoscale()))


def show_topology(config, output=None):
    """Generates Topology Plugin Configuration"""
    text = partitions.topology(fetched(config))
    if not output:
        sys.stdout.write(text)
        return
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)


def accounting_info(config, node_name):
    """What is told of a node in the comment of a job."""
    node = CycleCloud(config).nodes().get(node_name)
    found = [one for one in fetched(config) if node_name in one.nodes()]
    if not node or not found:
        print("[]", end="")
        return
    told = dict(pair.split("=", 1) for pair in scontrol("show", "node", node_name).split() if "=" in pair)
    one = found[0]
    json.dump([{"name": node_name, "location": config.get("location", ""), "vm_size": one.size, "spot": False,
                "nodearray": one.array, "cpus": int(told["CPUTot"]), "pcpu_count": one.cores, "vcpu_count": one.cpus,
                "gpu_count": one.gpus, "memgb": one.bucket["virtualMachine"]["memory"]}], sys.stdout)


def keep_alive(config, node_list, remove=False, set_nodes=False):
    """Add, remove or set which nodes should be prevented from being shutdown."""
    sign = "-=" if remove else "=" if set_nodes else "+="
    scontrol("update", f"suspendexcnodes{sign}{','.join(node_list)}")


def retry_failed_nodes(config):
    """Retries all nodes in a failed state."""
    CycleCloud(config).retry()


def connect(config):
    """Tests connection to CycleCloud"""
    CycleCloud(config).status()


def show_config(config):
    """Writes the effective autoscale config, after any preprocessing, to stdout"""
    json.dump(config, sys.stdout, indent=2)


def show_version(config):
    """Print azslurm version"""
    print(f"azslurm {VERSION}")


def return_to_idle(config, terminate_zombie_nodes=False):
    """Sets nodes that failed to resume back to idle; without autoscale there is nothing to do."""
    if not autoscale():
        return
    known, off = CycleCloud(config).nodes(), []
    for block in scontrol("show", "nodes", "-o").splitlines():
        told = dict(pair.split("=", 1) for pair in block.split() if "=" in pair)
        states = set(told.get("State", "").split("+"))
        if {"CLOUD", "POWERED_DOWN", "DOWN"} <= states and told["NodeName"] not in known:
            off.append(told["NodeName"])
    if off:
        scontrol("update", f"nodename={compact(off)}", "state=idle")
