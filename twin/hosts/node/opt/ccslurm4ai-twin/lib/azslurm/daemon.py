"""azslurmd: keeps Slurm's view of nodes in step with CycleCloud's."""
import logging
import time

from azslurm import CONFIG, AzureSlurmError, autoscale, cli, partitions, scontrol
from azslurm.cyclecloud import CycleCloud

NO_NODE, ZOMBIE = "cyclecloud_no_node", "cyclecloud_zombie_node"
OFF = {"POWERED_DOWN", "POWERING_DOWN", "POWERING_UP", "FUTURE"}


def main():
    config = cli.read_config(CONFIG)
    cli.open_log("azslurmd")
    while True:
        try:
            synchronize(CycleCloud(config).nodes(), slurm_nodes())
        except AzureSlurmError as error:
            logging.error("%s", error)
        time.sleep(config["azslurmd"]["sleep_time"])


def slurm_nodes():
    """States, reason of every node, by name."""
    more = () if autoscale() else ("--future",)
    found = {}
    for line in scontrol("show", "nodes", "-o", *more).splitlines():
        told = dict(pair.split("=", 1) for pair in line.split() if "=" in pair)
        if "NodeName" in told:
            found[told["NodeName"]] = (set(told["State"].split("+")), told.get("Reason", ""))
    return found


def synchronize(known, slurm):
    for name, (states, reason) in slurm.items():
        node, joined = known.get(name), not states & OFF
        ours = reason in (NO_NODE, ZOMBIE)
        if node is None:
            if joined and not ours:
                mark_down(name, NO_NODE)
            continue
        keep_alive(name, partitions.truth(node.get("KeepAlive")))
        if node["Status"] == "Ready" and not joined and "POWERING_UP" not in states and not ours:
            mark_down(name, ZOMBIE)
        elif "DOWN" in states and ours and node["Status"] != "Failed":
            scontrol("update", f"NodeName={name}", "State=idle", "Reason=(null)")


def mark_down(name, reason):
    logging.warning("Marking node %s down in slurm: %s", name, reason)
    scontrol("update", f"NodeName={name}", f"NodeAddr={name}", f"NodeHostName={name}", "State=down", f"Reason={reason}")


KEPT = set()


def keep_alive(name, wanted):
    """What CycleCloud keeps, Slurm does not suspend; what others have excepted stays."""
    if wanted and name not in KEPT:
        scontrol("update", f"suspendexcnodes+={name}")
        KEPT.add(name)
    elif not wanted and name in KEPT:
        scontrol("update", f"suspendexcnodes-={name}")
        KEPT.remove(name)
