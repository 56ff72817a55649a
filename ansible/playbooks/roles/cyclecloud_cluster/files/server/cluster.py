"""Steps of bringing a cluster up: `state`, `upload`, `import`, `start`.

What was uploaded and imported is remembered in EVIDENCE, written only after the step succeeded. It is kept here, so that
a run from any machine knows it.
"""

import base64
import io
import json
import os
import shlex
import signal
import sys
import tarfile
import tempfile

import vault
from base import CLI, Problem, answer, run, select, wait_until

EVIDENCE = "/opt/ccslurm4ai/evidence.json"
# How the server reaches its nodes, and the nodes' keys as they were at the first time.
NODE_USER, NODE_KEY = "cyclecloud", "/opt/cycle_server/.ssh/cyclecloud.pem"
KNOWN_HOSTS = "/opt/ccslurm4ai/known_hosts"
SCHEDULER = "scheduler"
# azslurm restarts slurmctld. Where nodes are started by hand they are FUTURE in its files, so that it forgets those that
# run (seen with slurmctld 24.11); their jobs go on, but they would take no new ones. So they are put back as they were.
SCALE = """set -euo pipefail
seen() { sinfo --noheader --Node --format='%N|%o|%n|%t|%E' | sort -u; }
before=$(seen)
azslurm scale
for attempt in $(seq 60); do
  ! scontrol ping | grep -q 'is UP' || break
  sleep 1
done
after=$(seen)
while IFS='|' read -r node address host state reason; do
  if [[ -z $node ]] || grep -q "^$node|" <<<"$after"; then continue; fi
  scontrol update NodeName="$node" NodeAddr="$address" NodeHostName="$host" State=RESUME
  if [[ $state == dr* ]]; then scontrol update NodeName="$node" State=DRAIN Reason="$reason"; fi
done <<<"$before"
"""
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
    """Imports the cluster, and has a scheduler that runs already take the change in. Nothing is stopped for it."""
    cluster = want["cluster"]
    secrets = {name: vault.secret(want["vault"], secret) for name, secret in want["secrets"].items()}
    parameters = {**json.loads(want["parameters"]), **secrets}
    try:
        import_files(cluster, want["section"], want["template"], json.dumps(parameters))
    except Problem as problem:
        raise Problem(without(secrets.values(), str(problem))) from None
    scale(cluster, want["scheduler_patience"])
    remember("imported", cluster, want["evidence"])
    return {"changed": True}


def import_files(cluster, section, template, parameters):
    """Imports template and parameters, which are on the server, for root alone, only meanwhile."""
    os.makedirs(WORK, mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        paths = {"-f": os.path.join(folder, "template.txt"), "-p": os.path.join(folder, "parameters.json")}
        for path, text in zip(paths.values(), (template, parameters)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        files = [part for pair in paths.items() for part in pair]
        run(CLI, "import_cluster", cluster, "-c", section, *files, "--force", timeout=600)


def without(secrets, text):
    """A text that may quote a file which holds secrets, without them."""
    for secret in secrets:
        text = text.replace(secret, "(secret)")
    return text


def scale(cluster, patience):
    """Has a scheduler that was started before make its partitions anew; one that is off does so at its start."""
    asked = f'ClusterName == "{cluster}" && Name == "{SCHEDULER}"'

    def scheduler():
        rows = select(f"select State, TargetState, PrivateIp, NodeId from Cloud.Node where {asked}")
        return rows[0] if rows and is_started(rows[0]) else {}

    def settled():
        state = scheduler().get("State")
        return True if state in (None, "Started") else None

    if not wait_until(settled, patience):
        raise Problem(
            f"the scheduler of {cluster} is still starting after {patience} s; look at it in CycleCloud and run again, "
            "so that it takes the change in"
        )
    node = scheduler()
    try:
        # As in root's own shell: azslurm is on root's path only.
        if node:
            run(*on_node(node), "sudo bash -lc " + shlex.quote(SCALE), timeout=600)
    except Problem as problem:
        raise Problem(f"the cluster is imported, but its scheduler did not take the change in: {problem}") from None


def on_node(node):
    """The command line that runs something on a node. The node's own id stands for its address in the list of known
    keys: a node that is made anew has both another key and another id."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": 20,
        "HostKeyAlias": node["NodeId"],
        "LogLevel": "ERROR",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": KNOWN_HOSTS,
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return ["ssh", "-i", NODE_KEY, *flags, f"{NODE_USER}@{node['PrivateIp']}"]


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
