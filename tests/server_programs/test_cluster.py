"""Upload and import: evidence only after success, nothing left over, archives that depend on content alone."""

import base64
import glob
import io
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import types
import unittest
from unittest import mock

import base
import cluster
import ready
import vault

# The filter needs one name of ansible-core, which is not installed where these tests run.
errors = types.ModuleType("ansible.errors")
errors.AnsibleFilterError = type("AnsibleFilterError", (Exception,), {})
with mock.patch.dict(sys.modules, {"ansible": types.ModuleType("ansible"), "ansible.errors": errors}):
    import cc_projects


class Steps(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.seen, self.texts = {}, {}
        for name, value in {"EVIDENCE": self.folder + "/evidence.json", "WORK": self.folder + "/work"}.items():
            patch = mock.patch.object(cluster, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        patch = mock.patch.object(cluster, "marks", return_value={"parameter A": "1"})
        patch.start()
        self.addCleanup(patch.stop)
        patch = mock.patch.object(cluster, "run", side_effect=self.watch)
        self.run = patch.start()
        self.addCleanup(patch.stop)

    def watch(self, *command, cwd=None, timeout=None):
        """What a program finds when it is called."""
        for path in [*glob.glob(self.folder + "/work/*/*"), *glob.glob((cwd or "/nowhere") + "/**", recursive=True)]:
            if os.path.isfile(path):
                self.seen[os.path.basename(path)] = os.stat(path).st_mode & 0o777
                self.texts[os.path.basename(path)] = pathlib.Path(path).read_text(encoding="utf-8")
        return ""

    def import_it(self, scheduler=None, **more):
        os.umask(0o077)
        want = {"cluster": "slurm", "section": "Slurm", "evidence": "abc", "template": "[cluster Slurm]", **more}
        want = {"parameters": '{"A": 1}', "vault": "kv", "secrets": {}, "scheduler_patience": 0, **want}
        with mock.patch.object(cluster, "select", return_value=[scheduler] if scheduler else []):
            return cluster.import_cluster(want)

    def state(self, nodes):
        with mock.patch.object(cluster, "select", return_value=nodes):
            return cluster.state({"cluster": "slurm", "secrets": {}})

    def programs(self):
        """The programs that ran, with their arguments."""
        return [call[0] for call in self.run.call_args_list]

    def test_an_import_is_private_gone_and_remembered(self):
        self.import_it()
        self.assertEqual(self.seen, {"template.txt": 0o600, "parameters.json": 0o600})
        self.assertEqual(os.listdir(self.folder + "/work"), [])
        self.assertEqual(len(self.programs()), 1, "there is no scheduler to tell")
        failed = {"Name": "login2", "TargetState": "Started", "State": "Failed"}
        nodes = [{"Name": "scheduler", "TargetState": "Started"}, {"Name": "login1"}, failed]
        self.assertEqual(self.state(nodes), {"uploaded": {}, "imported": "abc", "edited": [], "started": ["scheduler"]})
        self.assertEqual(self.state([])["imported"], "", "a cluster that is gone must be imported")

    def test_a_failed_import_is_gone_and_not_remembered(self):
        self.run.side_effect = base.Problem("machine type unknown")
        with self.assertRaises(base.Problem):
            self.import_it()
        self.assertEqual(os.listdir(self.folder + "/work"), [])
        self.assertEqual(cluster.remembered()["imported"], {})

    def test_a_secret_reaches_the_parameters_and_nothing_else(self):
        with mock.patch.object(vault, "secret", return_value='canary-"pass') as secret:
            self.import_it(secrets={"AccountingPassword": "admin-MySqlPwd"})
            secret.assert_called_once_with("kv", "admin-MySqlPwd")
            self.assertIn("canary", self.texts["parameters.json"])
            self.assertNotIn("canary", str(self.programs()) + pathlib.Path(cluster.EVIDENCE).read_text(encoding="utf-8"))
            self.run.side_effect = base.Problem('line 3: "AccountingPassword": "canary-"pass"')
            with self.assertRaisesRegex(base.Problem, "secret") as caught:
                self.import_it(secrets={"AccountingPassword": "admin-MySqlPwd"})
        self.assertNotIn("canary", str(caught.exception))
        self.assertIsNone(caught.exception.__cause__)

    def test_a_running_scheduler_takes_the_change_in(self):
        running = {"Name": "scheduler", "State": "Started", "TargetState": "Started", "PrivateIp": "10.0.0.5", "NodeId": "f00"}
        self.import_it(running)
        command = self.programs()[-1]
        self.assertEqual((command[0], command[-2]), ("ssh", "cyclecloud@10.0.0.5"))
        self.assertEqual(shlex.split(command[-1]), ["sudo", "bash", "-lc", cluster.SCALE])
        self.assertIn("HostKeyAlias=f00", command)
        self.assertEqual(cluster.remembered()["imported"], {"slurm": "abc"})

    def test_nodes_that_a_restart_forgets_are_put_back_as_they_were(self):
        rows = ["n-hpc-1|10.0.0.7|n-hpc-1|mix|none", "n-hpc-2|10.0.0.8|n-hpc-2|drain|bad | GPU", "n-htc-1|a|b|idle|none"]
        folder = pathlib.Path(self.folder, "bin")
        folder.mkdir()
        programs = {
            "sinfo": f"[[ -e {self.folder}/scaled ]] && rows='{rows[2]}' || rows='{chr(10).join(rows)}'; echo \"$rows\"",
            "azslurm": f"[[ $1 == scale ]] && touch {self.folder}/scaled",
            "scontrol": f"[[ $1 == ping ]] && echo 'Slurmctld(primary) at s is UP' || printf '%s ' \"$@\" >>{self.folder}/told",
        }
        for name, body in programs.items():
            (folder / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
            (folder / name).chmod(0o755)
        environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
        subprocess.run(["bash", "-c", cluster.SCALE], env=environment, check=True, timeout=30)
        self.assertEqual(
            pathlib.Path(self.folder, "told").read_text(encoding="utf-8").split("update ")[1:],
            [
                "NodeName=n-hpc-1 NodeAddr=10.0.0.7 NodeHostName=n-hpc-1 State=RESUME ",
                "NodeName=n-hpc-2 NodeAddr=10.0.0.8 NodeHostName=n-hpc-2 State=RESUME ",
                "NodeName=n-hpc-2 State=DRAIN Reason=bad | GPU ",
            ],
        )

    def test_a_scheduler_that_does_not_take_it_in_is_told_again(self):
        running = {"Name": "scheduler", "State": "Started", "TargetState": "Started", "PrivateIp": "10.0.0.5", "NodeId": "f00"}
        self.run.side_effect = ["", base.Problem("ssh: connection refused")]
        with self.assertRaisesRegex(base.Problem, "refused"):
            self.import_it(running)
        self.assertEqual(self.state([running])["imported"], "")
        self.run.side_effect = None
        with self.assertRaisesRegex(base.Problem, "still starting after 0 s"):
            self.import_it({**running, "State": "Preparing"})

    def test_a_scheduler_that_is_off_or_failed_is_left_alone(self):
        for state in ({"State": "Off"}, {"State": "Failed", "TargetState": "Started"}):
            self.run.reset_mock()
            self.import_it(state)
            self.assertEqual(len(self.programs()), 1)

    def test_an_upload_unpacks_what_was_packed(self):
        project = self.project("echo one")
        cluster.upload({"name": "tool", "archive": project["archive"], "locker": "azure-storage", "evidence": "e"})
        self.assertEqual(self.seen, {"project.ini": 0o644, "10-tool.sh": 0o755})
        self.assertEqual(self.run.call_args[0][1:], ("project", "upload", "azure-storage"))
        self.assertEqual(cluster.remembered()["uploaded"], {"tool": "e"})

    def project(self, line):
        scripts = pathlib.Path(self.folder, "projects/tool/specs/default/cluster-init/scripts")
        scripts.mkdir(parents=True, exist_ok=True)
        (scripts / "10-tool.sh").write_text(f"#!/bin/sh\n{line}\n")
        (scripts / ".10-tool.sh.swp").write_text("left by an editor")
        pathlib.Path(self.folder, "projects/tool/project.ini").write_text("[project]\nname = tool\nversion = 1.2.0\n")
        return cc_projects.cc_projects(self.folder + "/projects")[0]

    def test_only_content_makes_another_archive(self):
        first = self.project("echo one")
        script = next(pathlib.Path(self.folder).rglob("10-tool.sh"))
        os.utime(script, (1, 1))
        script.chmod(0o777)
        self.assertEqual(cc_projects.cc_projects(self.folder + "/projects"), [first])
        self.assertNotEqual(self.project("echo two")["sha256"], first["sha256"])
        names = tarfile.open(fileobj=io.BytesIO(base64.b64decode(first["archive"]))).getnames()
        self.assertEqual(names, ["project.ini", "specs/default/cluster-init/scripts/10-tool.sh"])

    def test_a_project_that_is_not_its_folder_is_refused(self):
        self.project("echo one")
        os.rename(self.folder + "/projects/tool", self.folder + "/projects/other")
        with self.assertRaisesRegex(errors.AnsibleFilterError, "names the project tool"):
            cc_projects.cc_projects(self.folder + "/projects")


class Ready(unittest.TestCase):
    def test_a_locker_is_asked_again_at_most_every_two_minutes(self):
        now, asked, rows = [0.0], [], [{"Name": "azure-storage", "State": "Failed", "Message": "403 no right"}]
        with mock.patch.object(ready, "select", lambda query: rows), mock.patch.object(
            ready, "run", lambda *command: asked.append(now[0])
        ), mock.patch.object(base.time, "monotonic", lambda: now[0]), mock.patch.object(
            base.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds)
        ), self.assertRaisesRegex(base.Problem, "within 600 s .Failed: 403 no right."):
            ready.locker({"name": "azure-storage", "patience": 600})
        self.assertEqual(asked, [120, 240, 360, 480, 600])

    def test_known_machine_types_start_nothing(self):
        rows = [{"Name": "Standard_F2s_v2"}, {"Name": "Standard_D8ads_v5"}]
        with mock.patch.object(ready, "select", lambda query: rows), mock.patch.object(ready, "run") as run:
            wanted = {"region": "eastus", "sizes": ["Standard_F2s_v2"], "patience": 10}
            self.assertEqual(ready.machine_types(wanted), {"changed": False})
        run.assert_not_called()


if __name__ == "__main__":
    unittest.main()
