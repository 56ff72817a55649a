"""Steps of bringing a cluster up: `state`, `upload`, `import`, `start`.

What was uploaded and imported is remembered in EVIDENCE, written only after the step succeeded.
"""

import base64
import io
import json
import os
import signal
import sys
import tarfile
import tempfile

from base import CLI, answer, run, select

EVIDENCE = "/opt/ccslurm4ai/evidence.json"
# Memory, not a disk: the parameters of a cluster are there for as long as its import takes.
WORK = "/run/ccslurm4ai"


def state(want):
    """What is there: evidence of earlier steps, and the cluster's nodes that run or were told to."""
    cluster = want["cluster"]
    nodes = select(f'select Name, State, TargetState from Cloud.Node where ClusterName == "{cluster}"')
    evidence = remembered()
    return {
        "uploaded": evidence["uploaded"],
        "imported": evidence["imported"].get(cluster, "") if nodes else "",
        "started": [node["Name"] for node in nodes if is_started(node)],
    }


def is_started(node):
    """Whether a node runs or is on its way; one that failed is worth another start."""
    return node.get("TargetState") == "Started" and node.get("State") != "Failed"


def upload(want):
    """Puts one project into the locker."""
    with tempfile.TemporaryDirectory(prefix="ccslurm4ai-") as folder:
        unpack(base64.b64decode(want["archive"]), folder)
        run(CLI, "project", "upload", want["locker"], cwd=folder, timeout=900)
    remember("uploaded", want["name"], want["evidence"])
    return {"changed": True}


def unpack(archive, folder):
    """Unpacks a tar without leaving the folder."""
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, **safe)


def import_cluster(want):
    """Imports template and parameters, which are on the server, for root alone, only meanwhile."""
    cluster = want["cluster"]
    os.makedirs(WORK, mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        for name in ("template.txt", "parameters.json"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(want[name])
        files = ["-f", os.path.join(folder, "template.txt"), "-p", os.path.join(folder, "parameters.json")]
        run(CLI, "import_cluster", cluster, "-c", want["section"], *files, "--force", timeout=600)
    remember("imported", cluster, want["evidence"])
    return {"changed": True}


def start(want):
    """Starts every node of the cluster that does not run."""
    run(CLI, "start_cluster", want["cluster"], timeout=900)
    return {"changed": True}


def remembered():
    """Evidence of earlier runs."""
    try:
        with open(EVIDENCE, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"uploaded": {}, "imported": {}}


def remember(kind, name, evidence):
    """Notes a step's success."""
    known = remembered()
    known[kind][name] = evidence
    with open(EVIDENCE + ".new", "w", encoding="utf-8") as file:
        json.dump(known, file, indent=2, sort_keys=True)
    os.rename(EVIDENCE + ".new", EVIDENCE)


if __name__ == "__main__":
    # A SIGTERM must leave no file behind either: as an exit it runs the clean-ups.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    answer({"state": state, "upload": upload, "import": import_cluster, "start": start}[sys.argv[1]])
