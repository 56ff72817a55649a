"""The role's template and parameters as Ansible renders them, for values given here instead of by a driver."""

import json
import pathlib
import sys

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar, trust_as_template

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = ROOT / "ansible/playbooks/roles"
PLAYED = ("server/opt/cycle_server", "every/opt/ccslurm4ai-twin/lib", "node/opt/ccslurm4ai-twin/lib")
sys.path[:0] = [str(ROOT / "twin/hosts" / folder) for folder in PLAYED]

init_plugin_loader()
filter_loader.add_directory(str(ROLES / "cyclecloud_cluster/filter_plugins"))

GLOBAL_VARS = {
    "clusterSubnetName": "compute",
    "clusterSubnetResourceGroup": "net-rg",
    "lockerAccountName": "locker",
    "lockerIdentityId": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/l",
    "region": "eastus",
    "resourceGroup": "rg",
    "subscriptionId": "00000000-0000-0000-0000-000000000000",
    "cycleserverName": "server",
    "vnetName": "vnet",
    "anfSharedIP": "10.0.0.4",
    "anfSharedPath": "/shared-0123",
    "mySqlFqdn": "db.mysql.database.azure.com",
    "mySqlUser": "dbadmin",
    "monitorIdentityClientId": "00000000-0000-0000-0000-000000000001",
    "monitorMetricsIngestionEndpoint": "https://ingest.example/api/v1/write?api-version=2023-04-24",
}
IMAGE = "microsoft-dsvm:ubuntu-hpc:2404:latest"
CLUSTER = {
    "cluster_name": "slurmcluster",
    "admin_user": "cycleadmin",
    "region": "eastus",
    "resource_group": "rg",
    "hpc_sku": "Standard_ND96isr_H100_v5",
    "hpc_infiniband": True,
    "hpc_unreported_gpus": None,
    "force": False,
    "hpc_max_core_count": 192,
    "hpc_node_count": 2,
    "hpc_max_num_vms": 100,
    "htc_sku": "Standard_F2s_v2",
    "htc_max_core_count": 20,
    "scheduler_sku": "Standard_D8ads_v5",
    "login_sku": "Standard_D8ads_v5",
    "login_nodes": 3,
    "autoscale": False,
    "storage": {"type": "nfs", "size_gib": 100},
    "accounting": False,
    "monitoring": False,
    "node_tags": {"owner": "me & you"},
    "images": dict.fromkeys(["scheduler", "login", "htc", "hpc"], IMAGE),
    "zone": None,
    "ssh_public_key": "ssh-rsa AAAA",
}


class Variables:
    """The final values of roles' variables, for one configuration."""

    def __init__(self, role, files, **changes):
        loader = DataLoader()
        self._all = {
            "globalVars": GLOBAL_VARS,
            "ccslurm4ai": {**CLUSTER, **changes},
            "role_path": str(ROLES / role),
            "playbook_dir": str(ROLES.parent),
            "ansible_search_path": [str(ROLES / role)],
        }
        for file in files:
            self._all.update(loader.load_from_file(str(ROLES / file), trusted_as_template=True))
        self._templar = Templar(loader, self._all)

    def variable(self, name):
        """A variable's final value."""
        return self._templar.template(self._all[name])

    def file(self, name):
        """A template of the role, rendered."""
        return self._templar.evaluate_expression(trust_as_template(f"lookup('ansible.builtin.template', '{name}')"))


class Rendered(Variables):
    """What one configuration becomes: the cluster's template (text) and parameters (as read)."""

    def __init__(self, **changes):
        files = ["cyclecloud/defaults/main.yml", "cyclecloud_cluster/defaults/main.yml", "cyclecloud_cluster/vars/main.yml"]
        super().__init__("cyclecloud_cluster", files, **changes)
        self.template = self.variable("cyclecloud_cluster_template")
        self.parameters = json.loads(self.variable("cyclecloud_cluster_parameters"))


def agent_file(name):
    """A template of role prometheus_agent, rendered."""
    files = ["prometheus_agent/defaults/main.yml", "prometheus_agent/vars/main.yml"]
    return Variables("prometheus_agent", files, monitoring=True).file(name)
