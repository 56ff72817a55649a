"""Stand-in for azslurm 4.0.9 of Azure/cyclecloud-slurm: starts and ends Slurm's nodes through CycleCloud's REST API."""
import subprocess

VERSION = "4.0.9"
HOME = "/opt/azurehpc/slurm"
CONFIG = f"{HOME}/autoscale.json"


class AzureSlurmError(Exception):
    """What azslurm refuses; its text is upstream's."""


def scontrol(*arguments):
    """The output of one scontrol call."""
    done = subprocess.run(["scontrol", *arguments], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise AzureSlurmError(f"Command '{['scontrol', *arguments]}' returned non-zero exit status {done.returncode}. "
                              f"{done.stderr.strip()}".strip())
    return done.stdout


def hostlist(expression):
    """Names of a node list in Slurm's notation; `*` is every node that sinfo shows."""
    if expression == "*":
        done = subprocess.run(["sinfo", "-O", "nodelist", "-h", "-N"], capture_output=True, text=True, check=True, timeout=120)
        return done.stdout.split()
    return scontrol("show", "hostnames", expression).split()


def compact(names):
    """A node list in Slurm's notation."""
    return scontrol("show", "hostlist", ",".join(names)).strip()


def autoscale():
    """Whether Slurm starts and ends nodes: the last SuspendTime of slurm.conf itself is not negative."""
    enabled = True
    with open("/etc/slurm/slurm.conf", encoding="utf-8") as file:
        for line in file:
            key, equals, value = line.partition("=")
            if equals and key.strip() == "SuspendTime":
                word = value.split()[0]
                enabled = word not in ("NONE", "INFINITE") and int(word) >= 0
    return enabled
