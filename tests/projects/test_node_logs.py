"""The logs of a node that is about to go."""

import os
import tarfile
import unittest

from stand import PROJECTS, Node

SPEC = PROJECTS / "node_logs/specs/default/cluster-init"


class NodeLogs(Node):
    settings = {"cyclecloud.cluster.name": "Team A_1"}

    def install(self):
        return self.run_script(SPEC / "scripts/10-node-logs.sh", CYCLECLOUD_SPEC_PATH=str(SPEC))

    def terminate(self):
        self.program("hostname", "echo n-hpc-1")
        self.program("nvidia-smi", "echo eight GPUs")
        script = self.folder / "jetpack/scripts/onTerminate.sh"
        return self.run_script(script, SCHED_FOLDER=str(self.folder / "sched"))

    def archives(self):
        return sorted((self.folder / "sched/team-a-1/node-logs").iterdir())

    def test_logs_are_saved_and_private(self):
        self.assertEqual(self.install(), (0, "", ""))
        self.assertEqual(self.install()[0], 0)
        logs = self.folder / "jetpack/logs"
        logs.mkdir()
        (logs / "jetpack.log").write_text("converge failed", encoding="utf-8")
        status, said, complaints = self.terminate()
        self.assertEqual((status, complaints), (0, ""), complaints)
        [archive] = self.archives()
        self.assertIn(str(archive), said)
        self.assertEqual(os.stat(archive).st_mode & 0o777, 0o600)
        with tarfile.open(archive) as files:
            found = {name.split("/", 1)[-1]: files.extractfile(name) for name in files.getnames() if files.getmember(name).isfile()}
            self.assertEqual(found["nvidia-smi.txt"].read(), b"eight GPUs\n")
            self.assertEqual(found[f"{logs}/jetpack.log"[1:]].read(), b"converge failed")
            self.assertIn("dmesg.txt", found)

    def test_the_newest_hundred_are_kept(self):
        self.install()
        folder = self.folder / "sched/team-a-1/node-logs"
        folder.mkdir(parents=True)
        for number in range(105):
            path = folder / f"old-{number}.tar.gz"
            path.touch()
            os.utime(path, (number, number))
        self.terminate()
        names = [path.name for path in self.archives()]
        self.assertEqual((len(names), "old-5.tar.gz" in names, "old-6.tar.gz" in names), (100, False, True))

    def test_a_full_disk_delays_nothing(self):
        self.install()
        (self.folder / "sched").write_text("no folder", encoding="utf-8")
        status, _, complaints = self.terminate()
        self.assertEqual(status, 0)
        self.assertIn("warning: the logs of this node could not be saved", complaints)

    def test_a_script_of_somebody_else_stays(self):
        scripts = self.folder / "jetpack/scripts"
        scripts.mkdir()
        (scripts / "onTerminate.sh").write_text("#!/bin/sh\numount /lustre\n", encoding="utf-8")
        status, _, complaints = self.install()
        self.assertEqual((status, "is another's" in complaints), (0, True))
        self.assertIn("lustre", (scripts / "onTerminate.sh").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
