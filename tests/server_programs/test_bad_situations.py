"""What goes wrong on the server, with the twin's CycleCloud: it refuses as the real one does, and our programs say what, and
leave everything as it was."""

import base64
import io
import json
import logging
import os
import pathlib
import tarfile
import tempfile
import time
import unittest
from unittest import mock

import admin
import base
import cluster
import ready
from common import Refused, azure
from standin import cli, daemon, query, rest, verbs, work
from standin import store as records

ACCOUNT = {
    "Name": "azure", "Provider": "azure", "Environment": "public", "AzureRMSubscriptionId": "s", "AzureRMTenantId": "t",
    "AzureResourceGroup": "rg", "Location": "eastus", "RMStorageAccount": "acct", "RMStorageContainer": "cyclecloud",
    "AzureRMUseManagedIdentity": True, "LockerAuthMode": "ManagedIdentity", "LockerIdentity": "/identity",
}
TEMPLATE = """[cluster Slurm]
    [[node defaults]]
    Credentials = azure
    Region = eastus
    SubnetId = rg/vnet/compute
    ImageName = microsoft-dsvm:ubuntu-hpc:2404:latest
    MachineType = $Size
        [[[cluster-init azure-storage/tool:default:1.0.0]]]
    [[node scheduler]]
        [[[configuration]]]
        slurm.accounting.password = $Password
    [[nodearray hpc]]
        [[[configuration]]]
        slurm.hpc = true
[parameters Main]
    [[parameter Size]]
    [[parameter Password]]
    ParameterType = Password
"""


class Clock:
    """Time as our programs see it; a moment of it passes really, for the server's threads."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        time.sleep(0.01)


class Server:
    """The server as the command line reaches it."""

    def __init__(self, store):
        self.store = store

    def call(self, verb, **arguments):
        answer = daemon.perform(daemon.CLI_VERBS, self.store, {"verb": verb, "arguments": arguments})
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["output"]


class BadSituations(unittest.TestCase):
    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.clock = pathlib.Path(folder.name), Clock()
        self.store = records.Store(str(self.folder / "store.json"))
        self.blobs, self.storage_says = [], lambda: None
        sizes = ["Standard_D8ads_v5", "Standard_D4ads_v5"]
        self.store.put_all("Azure.MachineType", [{"Name": size, "Location": "eastus", **work.hardware({})} for size in sizes])
        for module, names in {
            azure: {"arm": lambda *_: {}, "blob": self.blob},
            work: {"LOCKER_PATIENCE": 0},
            base: {"time": self.clock},
            ready: {"time": self.clock, "run": self.run_program, "select": self.select},
            admin: {"run": self.run_program, "CONFIG": str(self.folder / "cycle/config.ini")},
            cluster: {
                "run": self.run_program, "select": self.select, "status": self.status, "time": self.clock,
                "EVIDENCE": str(self.folder / "evidence.json"), "WORK": str(self.folder / "work"),
            },
        }.items():
            for name, value in names.items():
                patch = mock.patch.object(module, name, value)
                patch.start()
                self.addCleanup(patch.stop)

    def blob(self, method, account, path, data=None, headers=None):
        """Storage: refuses while `storage_says` raises."""
        self.storage_says()
        self.blobs.append(path)

    def select(self, statement):
        return json.loads(query.execute(self.store, statement, "json"))

    def status(self, name):
        return rest.get(self.store, f"/clusters/{name}/status", {})[1]

    def run_program(self, program, *words, cwd=None, timeout=None):
        """Runs one of CycleCloud's two programs, in this process."""
        before = os.getcwd()
        os.chdir(cwd or before)
        try:
            if program == base.CYCLE_SERVER:
                self.assertEqual((words[0], words[2]), ("run_action", "-f"))
                return verbs.run_action(self.store, words[1], words[3])
            arguments = cli.parser().parse_args(words)
            return arguments.work(arguments, self.reached())
        except Refused as refusal:
            said = f"{base.shown([program, *words])} failed with exit status 1: Error: {refusal}"
            raise base.Problem(said) from None
        finally:
            os.chdir(before)

    def reached(self):
        """The server, for a signed-in command line: with the password in its configuration, if there is one."""
        if os.path.exists(admin.CONFIG):
            reached = cli.configured(admin.CONFIG)
            name, _, password = base64.b64decode(reached.login).decode().partition(":")
            user = self.store.one("AuthenticatedUser", Name=name)
            if not records.matches(password, user["Password"]):
                raise Refused("Invalid username or password")
        return Server(self.store)

    def uploaded(self):
        """Makes the account, its locker and a project in it."""
        verbs.account_create(self.store, dict(ACCOUNT))
        ready.locker({"name": "azure-storage", "patience": 60})
        self.upload()

    def upload(self):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, text in {"project.ini": "[project]\nname = tool\nversion = 1.0.0\n", "specs/default/x.sh": "#!/bin/sh\n"}.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        text = base64.b64encode(packed.getvalue()).decode()
        return cluster.upload({"name": "tool", "archive": text, "locker": "azure-storage", "evidence": "e"})

    def import_it(self, template=TEMPLATE, parameters=None):
        parameters = json.dumps({"Size": "Standard_D8ads_v5"} if parameters is None else parameters)
        with mock.patch.object(cluster.vault, "secret", return_value="canary"):
            return cluster.import_cluster({
                "cluster": "slurm", "section": "Slurm", "template": template, "parameters": parameters, "vault": "kv",
                "secrets": {"Password": "admin-MySqlPwd"}, "scheduler_patience": 0, "evidence": "abc",
            })

    def edited(self):
        return cluster.state({"cluster": "slurm", "secrets": {"Password": "admin-MySqlPwd"}})["edited"]

    def test_a_stuck_locker_is_created_by_a_retry(self):
        def no_right_for_two_minutes():
            if self.clock.now < 100:
                raise azure.AzureError(403, "AuthorizationPermissionMismatch")

        self.storage_says = no_right_for_two_minutes
        verbs.account_create(self.store, dict(ACCOUNT))
        self.assertEqual(ready.locker({"name": "azure-storage", "patience": 600}), {"changed": True})
        self.assertGreaterEqual(self.clock.now, 120)
        self.assertEqual(ready.locker({"name": "azure-storage", "patience": 600}), {"changed": False})

    def test_a_locker_that_never_comes_says_what_storage_said(self):
        self.storage_says = mock.Mock(side_effect=azure.AzureError(403, "AuthorizationPermissionMismatch"))
        verbs.account_create(self.store, dict(ACCOUNT))
        with self.assertRaisesRegex(base.Problem, "within 300 s .*AuthorizationPermissionMismatch.*Storage Blob Data Contributor"):
            ready.locker({"name": "azure-storage", "patience": 300})

    def test_an_upload_that_fails_once_is_tried_again(self):
        self.uploaded()
        self.storage_says = mock.Mock(side_effect=[azure.AzureError(503, "ServerBusy"), *[None] * 9])
        self.blobs.clear()
        self.assertEqual(self.upload(), {"changed": True})
        self.assertEqual(len(self.blobs), 2, "every file, once it works")
        self.assertEqual(cluster.remembered()["uploaded"], {"tool": "e"})

    def test_an_upload_that_fails_again_and_again_is_said_and_not_remembered(self):
        self.uploaded()
        os.unlink(cluster.EVIDENCE)
        self.storage_says = mock.Mock(side_effect=azure.AzureError(503, "ServerBusy"))
        with self.assertRaisesRegex(base.Problem, "project upload azure-storage failed .*ServerBusy"):
            self.upload()
        self.assertEqual((self.storage_says.call_count, cluster.remembered()["uploaded"]), (cluster.UPLOADS, {}))

    def test_a_refused_import_says_why_and_changes_nothing(self):
        self.uploaded()
        self.import_it()
        before = (self.status("slurm"), cluster.remembered())
        cases = {
            "Parameter Colour is not known": {"parameters": {"Size": "Standard_D8ads_v5", "Colour": 1}},
            "MachineType Standard_X .on scheduler. is not known in eastus": {"parameters": {"Size": "Standard_X"}},
            "cluster-init other:default:1.0.0 .on scheduler. is not in the locker": {"template": TEMPLATE.replace("/tool:", "/other:")},
            "line 4: expected a section or .name = value.: Region eastus": {"template": TEMPLATE.replace("Region =", "Region")},
            "line 9: malformed section": {"template": TEMPLATE.replace("[[node scheduler]]", "[[node scheduler]")},
            "Parameter Sise is not known .referenced by node defaults.": {"template": TEMPLATE.replace("$Size", "$Sise")},
        }
        for words, wanted in cases.items():
            with self.subTest(words), self.assertRaisesRegex(base.Problem, words):
                self.import_it(**wanted)
            self.assertEqual((self.status("slurm"), cluster.remembered()), before)
            self.assertEqual(os.listdir(cluster.WORK), [])
        self.assertEqual(self.edited(), [])

    def test_what_was_edited_by_hand_is_told_until_it_is_overwritten(self):
        self.uploaded()
        self.import_it()
        self.assertEqual(self.edited(), [])
        given = {"Size": "Standard_D8ads_v5", "Password": "canary"}
        by_hand = lambda text, parameters: verbs.import_cluster(self.store, "slurm", "Slurm", text, parameters, True)
        by_hand(TEMPLATE.replace("slurm.hpc = true", "slurm.hpc = false"), given)
        self.assertEqual(self.edited(), ["partition hpc"])
        more = TEMPLATE + "    [[parameter More]]\n"
        by_hand(more, {**given, "Size": "Standard_D4ads_v5"})
        self.assertEqual(self.edited(), ["parameter More", "parameter Size", "partition hpc"])
        with self.assertRaises(base.Problem):
            self.import_it(parameters={"Size": "Standard_X"})
        self.assertEqual(len(self.edited()), 3, "a refused import forgets nothing")
        self.import_it()
        self.assertEqual(self.edited(), [])
        self.assertNotIn("canary", pathlib.Path(cluster.EVIDENCE).read_text(encoding="utf-8"))

    def test_a_run_that_is_ended_in_an_import_takes_its_own_change_for_no_edit(self):
        self.uploaded()
        self.import_it()
        with mock.patch.object(cluster, "import_files", side_effect=SystemExit("ended by SIGTERM")), self.assertRaises(SystemExit):
            self.import_it(TEMPLATE.replace("slurm.hpc = true", "slurm.hpc = false"))
        self.assertEqual(self.edited(), [])

    def test_a_password_that_the_server_does_not_accept_is_said(self):
        records.import_records(
            self.store, "a.json", json.dumps({"AdType": "AuthenticatedUser", "Name": "admin", "RawPassword": "of the server"})
        )
        want = {"name": "admin", "vault": "kv", "secret": "admin-CycleCloudPwd", "cli": {"url": "https://localhost"}}
        with mock.patch.object(admin.vault, "secret", return_value="canary of the vault"):
            with self.assertRaisesRegex(base.Problem, "does not accept admin with the password in vault kv") as caught:
                admin.sign_in(want)
        self.assertNotIn("canary", str(caught.exception))
        self.assertLessEqual(self.clock.now, 60)
        with mock.patch.object(admin.vault, "secret", return_value="of the server"):
            self.assertEqual(admin.sign_in(want), {"changed": True})

    def test_a_full_disk_is_said_in_one_sentence_and_damages_nothing(self):
        self.uploaded()
        before = cluster.remembered()
        full = OSError(28, "No space left on device", cluster.EVIDENCE + ".new")
        opened = mock.Mock(side_effect=full)
        with mock.patch("sys.stdin", io.StringIO('{"name": "tool"}')), mock.patch.object(base, "host_environment", dict):
            with mock.patch.object(cluster, "open", opened, create=True), self.assertRaises(SystemExit) as left:
                base.answer(lambda want: cluster.remember("uploaded", want["name"], "new"))
        self.assertRegex(left.exception.code, "cannot be read or written: .*No space left on device.*evidence.json")
        self.assertEqual(cluster.remembered(), before)


if __name__ == "__main__":
    unittest.main()
