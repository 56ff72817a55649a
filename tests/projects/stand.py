"""Scripts of projects, run with stand-in programs instead of a node's."""

import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROJECTS = ROOT / "ansible/playbooks/roles/cyclecloud_cluster/files/cc_projects"
RECORDED = ROOT / "tests/data/diagnostics"


class Node(unittest.TestCase):
    """A node with an agent that knows some settings, and the programs that a test gives it."""

    settings = {}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.bin = self.folder / "bin"
        (self.folder / "jetpack/bin").mkdir(parents=True)
        self.bin.mkdir()
        cases = "".join(f"{shlex.quote(key)}) echo {shlex.quote(value)} ;;\n" for key, value in self.settings.items())
        self.write(self.folder / "jetpack/bin/jetpack", f'#!/bin/bash\n[[ $1 == config ]] || exit 2\ncase $2 in\n{cases}*) echo None ;;\nesac\n')
        self.program("sudo", "exit 1")
        self.program("curl", "exit 7")

    def write(self, path, text):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def program(self, name, body):
        """Puts a stand-in program on the node's PATH."""
        self.write(self.bin / name, f"#!/bin/bash\n{body}\n")

    def replays(self, name, *recordings):
        """A program that prints what was recorded."""
        self.program(name, "".join(f"cat {shlex.quote(str(RECORDED / recording))}\n" for recording in recordings))

    def run_script(self, *command, **environment):
        """Exit status, standard output and standard error."""
        defaults = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "JETPACK_HOME": str(self.folder / "jetpack"),
            "HOME": str(self.folder),
        }
        done = subprocess.run(
            ["bash", *map(str, command)],
            env={**defaults, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr
