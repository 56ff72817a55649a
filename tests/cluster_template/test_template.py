"""Every option and size renders to a template that CycleCloud takes, with the vocabulary of cyclecloud-slurm 4."""

import itertools
import json
import re
import unittest

import rendering
from rendering import CLUSTER, IMAGE, ROOT, Rendered
from azslurm import partitions
from common import Refused
from standin import cluster as cyclecloud
from standin import expressions, template

STORAGE = {
    "nfs": {"type": "nfs", "size_gib": 512},
    "anf": {"type": "anf", "service_level": "Premium", "size_tib": 4},
    "existing": {"type": "existing", "address": "10.1.2.3", "export_path": "/export/x", "mount_options": "vers=4.1,hard"},
    "existing, no options": {"type": "existing", "address": "nfs.corp", "export_path": "/", "mount_options": ""},
}
# Specs that a server of CycleCloud 8.9 carries: Azure/cyclecloud-slurm 4.0.9, templates/slurm.txt.
PLATFORM = {
    "scheduler": ["healthagent:default", "monitoring:default", "slurm:default", "slurm:scheduler"],
    "login": ["healthagent:default", "monitoring:default", "slurm:default", "slurm:login"],
    "execute": ["healthagent:default", "monitoring:default", "slurm:default", "slurm:execute"],
}
OURS = {
    "scheduler": ["node_logs", "code_cli", "diagnostics"],
    "login": ["node_logs", "code_cli", "diagnostics"],
    "execute": ["node_logs"],
}


def sizes():
    """Names in src/sizes.yaml; those with GPUs and the others."""
    lines = (ROOT / "src/sizes.yaml").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("- {name:")]
    names = [(re.search(r"name: (\w+)", row).group(1), "gpus:" in row) for row in rows]
    return [name for name, gpus in names if gpus], [name for name, gpus in names if not gpus]


def cases():
    """Changes of the configuration, by what they try."""
    yield from ((f"storage {name}", {"storage": storage}) for name, storage in STORAGE.items())
    for name, accounting, monitoring, autoscale in itertools.product(STORAGE, *[[False, True]] * 3):
        switches = {"accounting": accounting, "monitoring": monitoring, "autoscale": autoscale}
        yield f"{name} {switches}", {"storage": STORAGE[name], **switches}
    yield from ((f"{count} login nodes", {"login_nodes": count}) for count in (0, 1, 10))
    yield from ((f"zone {zone}", {"zone": zone}) for zone in ("1", "3"))
    for sku in ("2204", "2404", "2404-rocm"):
        yield f"image {sku}", {"images": dict.fromkeys(CLUSTER["images"], f"microsoft-dsvm:ubuntu-hpc:{sku}:latest")}
    gpu, general = sizes()
    yield from ((size, {"hpc_sku": size}) for size in gpu)
    yield from ((size, {"scheduler_sku": size, "login_sku": size, "htc_sku": size}) for size in general)
    yield "size unknown to Azure's list", {"hpc_sku": "Standard_ND96isr_MI300X_v5", "hpc_unreported_gpus": 8}
    yield "size without InfiniBand", {"hpc_sku": "Standard_NC24ads_A100_v4", "hpc_infiniband": False}
    yield "odd names", {"cluster_name": "Team-A 1", "node_tags": {"a'b\"c": "x\\y ${z} $w"}}


def imported(rendered):
    """The cluster as the stand-in of CycleCloud imports it; Refused when it would not."""
    projects = rendered.variable("cyclecloud_cluster_projects")
    ours = rendered.variable("ccslurm4ai")
    secrets = dict.fromkeys(rendered.variable("cyclecloud_cluster_secrets"), "a-password")
    cluster = cyclecloud.Cluster(
        rendered.template, "Slurm", ours["cluster_name"], {**rendered.parameters, **secrets}
    )
    known = {
        "accounts": {"azure"},
        "lockers": {"azure-storage"},
        "machine_types": {("eastus", ours[key]) for key in ("hpc_sku", "htc_sku", "login_sku", "scheduler_sku")},
        "projects": {(project["name"], project["version"]): {"default"} for project in projects},
    }
    for node in [*cluster.nodes.values(), *cluster.arrays.values()]:
        node.check(known)
    return cluster


def configuration(node):
    """A node's settings under [[[configuration NAME]]], flat, with later sections over earlier ones."""
    found = {}
    for part in node.chain:
        for section in part.sections:
            if section.kind == "configuration":
                for name, (operator, source) in section.attributes.items():
                    key = f"{section.name}.{name}" if section.name else name
                    found[key] = template.value(operator, source, node.cluster.lookup)
    return found


def status_of(array):
    """A nodearray with one bucket, as the server's status tells azslurm."""
    machine = {"vcpuCount": 96, "pcpuCount": 96, "memory": 1900, "gpuCount": 8}
    definition = {"machineType": array.get("MachineType")}
    bucket = {"virtualMachine": machine, "definition": definition, "maxCount": 2, "maxPlacementGroupSize": 100}
    return {"name": array.name, "nodearray": {"Configuration": array.configuration()}, "buckets": [bucket]}


def disk(node, volume):
    """A volume's attributes."""
    found = {}
    for part in node.chain:
        for section in part.sections:
            if (section.kind, section.name) == ("volume", volume):
                found.update(
                    {name: template.value(*how, node.cluster.lookup) for name, how in section.attributes.items()}
                )
    return found


class EveryCase(unittest.TestCase):
    def test_cyclecloud_takes_it_and_every_parameter_is_declared_used_and_given(self):
        for name, changes in cases():
            with self.subTest(name):
                rendered = Rendered(**changes)
                cluster = imported(rendered)
                root = template.parse(rendered.template)
                declared = {section.name for section in root.all("parameter")}
                used = set()
                for section in root.all(*template.PARENTS):
                    if section.kind != "parameter":
                        for operator, source in section.attributes.values():
                            used |= template.references(operator, source)
                given = set(rendered.parameters) | set(rendered.variable("cyclecloud_cluster_secrets"))
                self.assertEqual(used, declared, "used, but not declared, or the other way round")
                self.assertEqual(given, declared, "given, but not declared, or the other way round")
                self.assert_shape(cluster, {**CLUSTER, **changes})

    def assert_shape(self, cluster, ours):
        logins = [f"login{number + 1}" for number in range(ours["login_nodes"])]
        self.assertEqual(list(cluster.nodes), ["scheduler", *logins])
        self.assertEqual(list(cluster.arrays), ["hpc", "htc"])
        kinds = {"scheduler": "scheduler", **dict.fromkeys(logins, "login"), "hpc": "execute", "htc": "execute"}
        for name, node in {**cluster.nodes, **cluster.arrays}.items():
            kind = kinds[name]
            specs = node.specs()
            platform = [f"{project}:{spec}" for locker, project, spec, _ in specs if locker == "cyclecloud"]
            own = [project for locker, project, _, _ in specs if locker == "azure-storage"]
            self.assertEqual((platform, own), (PLATFORM[kind], OURS[kind]), name)
            self.assertEqual(specs[0][1], "node_logs", "the logs of a node that fails early are kept too")
            settings = configuration(node)
            self.assertEqual(settings["slurm.role"], kind)
            self.assertEqual(settings["ccslurm4ai.admin"], "cycleadmin")
            self.assert_storage(settings, kind, ours["storage"])
            self.assert_switches(node, settings, kind, ours)

    def assert_storage(self, settings, kind, storage):
        mount = "cyclecloud.mounts.nfs_shared"
        builtin = storage["type"] == "nfs"
        self.assertEqual(settings.get(f"{mount}.disabled", False), builtin and kind == "scheduler")
        self.assertEqual("cyclecloud.exports.builtinshared.export_path" in settings, builtin and kind == "scheduler")
        expected = {
            "nfs": (None, "/shared", expressions.UNDEFINED),
            "anf": ("10.0.0.4", "/shared-0123", "rw,hard,rsize=262144,wsize=262144,nconnect=8,sec=sys,vers=4.1,tcp"),
            "existing": (
                storage.get("address"), storage.get("export_path"), storage.get("mount_options") or expressions.UNDEFINED
            ),
        }[storage["type"]]
        found = tuple(settings.get(f"{mount}.{key}") for key in ("address", "export_path", "options"))
        self.assertEqual(found, expected)

    def assert_switches(self, node, settings, kind, ours):
        self.assertEqual(settings["slurm.enable_healthchecks"], True)
        self.assertEqual(settings["cyclecloud.healthagent.disable"], False)
        self.assertEqual(settings["cyclecloud.healthagent.disabled"], False)
        self.assertEqual(node.get("EnableTerminateNotification"), True)
        self.assertEqual(node.get("AssociatePublicIpAddress"), expressions.UNDEFINED)
        self.assertEqual(settings["cyclecloud.monitoring.enabled"], ours["monitoring"])
        self.assertEqual("cyclecloud.monitoring.ingestion_endpoint" in settings, ours["monitoring"])
        password = settings.get("slurm.accounting.password")
        self.assertEqual(password, "a-password" if ours["accounting"] and kind == "scheduler" else None)
        lines = settings["slurm.additional.config"].splitlines()
        self.assertEqual("SuspendTime=-1" in lines, not ours["autoscale"])
        self.assertIn("JobAcctGatherType=jobacct_gather/linux", lines)


class SomeCases(unittest.TestCase):
    def test_gpu_nodes(self):
        cluster = imported(Rendered(zone="2", hpc_node_count=7, hpc_max_num_vms=5))
        hpc = cluster.arrays["hpc"]
        self.assertEqual([hpc.get(name) for name in ("MaxCount", "Azure.MaxScalesetSize", "Zone")], [7, 5, "2"])
        self.assertEqual(hpc.get("Azure.Overprovision"), False)
        self.assertEqual(disk(hpc, "boot"), {"SSD": True, "Size": 64, "StorageAccountType": "Premium_LRS"})
        settings = configuration(hpc)
        self.assertEqual((settings["slurm.dampen_memory"], settings["slurm.default_partition"]), (2, True))
        self.assertNotIn("slurm.dampen_memory", configuration(cluster.arrays["htc"]))

    def test_gpus_are_counted_only_where_azure_does_not(self):
        for gpus in (None, 8):
            settings = configuration(imported(Rendered(hpc_unreported_gpus=gpus)).arrays["hpc"])
            self.assertEqual(settings.get("autoscale.resources.slurm_gpus"), gpus)

    def test_only_nodes_with_infiniband_are_placed_together(self):
        for infiniband in (True, False):
            arrays = imported(Rendered(hpc_infiniband=infiniband)).arrays
            self.assertIs(configuration(arrays["hpc"])["slurm.hpc"], infiniband)
            self.assertIs(configuration(arrays["htc"])["slurm.hpc"], False)
            group = partitions.Partition(status_of(arrays["hpc"]), []).placement_group
            self.assertEqual(group, "Standard_ND96isr_H100_v5_pg0" if infiniband else None)

    def test_the_scheduler_serves_what_it_stores(self):
        scheduler = imported(Rendered(storage=STORAGE["nfs"])).nodes["scheduler"]
        self.assertEqual(disk(scheduler, "shared")["Size"], 512)
        self.assertEqual(disk(scheduler, "sched")["Size"], 30)
        scheduler = imported(Rendered(storage=STORAGE["anf"])).nodes["scheduler"]
        self.assertEqual((disk(scheduler, "shared"), disk(scheduler, "sched")["Size"]), ({}, 30))

    def test_the_subnet_is_that_of_its_own_group(self):
        self.assertEqual(Rendered().parameters["SubnetId"], "net-rg/vnet/compute")

    def test_odd_characters_stay_what_they_are(self):
        tags = {"a'b\"c": "x\\y ${z} $w"}
        self.assertEqual(imported(Rendered(node_tags=tags)).nodes["scheduler"].prefixed("Tags"), tags)

    def test_the_password_is_a_name_only(self):
        rendered = Rendered(accounting=True)
        self.assertEqual(rendered.variable("cyclecloud_cluster_secrets"), {"AccountingPassword": "cycleadmin-MySqlPwd"})
        self.assertNotIn("AccountingPassword", rendered.parameters)
        self.assertEqual(Rendered().variable("cyclecloud_cluster_secrets"), {})

    def test_what_decides_about_an_import_is_stable_and_complete(self):
        first = Rendered().variable("cyclecloud_cluster_import")
        self.assertEqual(first, Rendered().variable("cyclecloud_cluster_import"))
        for change in ({"login_nodes": 2}, {"accounting": True}, {"autoscale": True}, {"node_tags": {}}):
            self.assertNotEqual(first, Rendered(**change).variable("cyclecloud_cluster_import"), change)

    def test_a_template_with_a_mistake_is_refused(self):
        rendered = Rendered()
        for spoilt in ("$SchedulerMachineTyp\n", "$SlurmVersion\n        slurm.version = 1\n"):
            rendered.template = Rendered().template.replace("$SchedulerMachineType\n", spoilt, 1)
            with self.assertRaises(Refused):
                imported(rendered)

    def test_versions_and_images_are_those_given(self):
        versions = json.loads((ROOT / "bicep/versions.json").read_text(encoding="utf-8"))
        rendered = Rendered()
        self.assertEqual(rendered.parameters["SlurmVersion"], versions["slurm"])
        self.assertEqual(imported(rendered).arrays["hpc"].get("ImageName"), IMAGE)


class Metrics(unittest.TestCase):
    def test_the_agent_is_configured_like_the_nodes(self):
        text = rendering.agent_file("prometheus.yml.j2")
        for line in ("scrape_interval: 15s", '"cluster": "rg/slurmcluster"', "managed_identity: {}", "node_load1"):
            self.assertIn(line, text)
        self.assertIn("/prometheus-3.", rendering.agent_file("prometheus.service.j2"))
        self.assertIn("--collector.cpu --collector.cpufreq", rendering.agent_file("node_exporter.service.j2"))


if __name__ == "__main__":
    unittest.main()
