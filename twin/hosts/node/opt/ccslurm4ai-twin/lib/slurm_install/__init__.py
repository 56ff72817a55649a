"""Stand-in for the installer of Azure/cyclecloud-slurm: sets up the Slurm that this host has already, with the
platform's users, folders, links and configuration."""
import os
import re
import shutil

from jetpack import config
from jetpack.config import get

SLURM, MUNGE, RESTD = "slurm", "munge", "slurmrestd"
AUTOSCALE = "/opt/azurehpc/slurm"
LOG = "/var/log/azure-slurm-install.log"
CERTIFICATES = "AzureCA_4.0.9.pem"
# Of this many slurm.conf keys the twin's differ: the machine's kernel has no cgroups to give away, and its hardware is
# not what the simulated VM size promises.
TWIN = {"ProctrackType": "proctrack/linuxproc", "TaskPlugin": "task/none", "SlurmdParameters": "config_overrides"}


class Settings:
    """What the installer reads from node.json."""

    def __init__(self, role):
        self.role, self.node = role, config.load()
        self.cluster = re.sub("[^a-zA-Z0-9-]", "-", self.get("cyclecloud.cluster.name")).lower()
        self.directory = f"/sched/{self.cluster}"
        self.name = self.get("cyclecloud.node.name")
        self.address = self.get("ipaddress")
        self.prefix = re.sub("[^a-zA-Z0-9-]", "-", self.get("slurm.node_prefix") or "").lower()

    def get(self, key, default=None):
        return get(self.node, key, default)

    def true(self, key, default=False):
        return str(self.get(key, default)).lower() == "true"

    @property
    def hostname(self):
        return os.uname().nodename


def folder(path, owner="root", mode=0o755):
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)
    shutil.chown(path, owner, owner)


def file(path, content, owner="root", mode=0o644, keep=False):
    """Writes a file, or with `keep` only an absent one."""
    if not keep or not os.path.exists(path):
        config.write(path, mode, content)
        shutil.chown(path, owner, owner)


def copy(source, target, owner="root", mode=0o755):
    shutil.copyfile(source, target)
    os.chmod(target, mode)
    shutil.chown(target, owner, owner)


def link(target, path):
    if not os.path.islink(path):
        os.symlink(target, path)
