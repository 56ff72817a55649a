"""Steps of bringing a cluster up: `state`, `upload`, `import`, `start`.

What was uploaded and imported is remembered in EVIDENCE, written only after the step succeeded, with marks of what the
server then said of the cluster: another mark later is an edit made by hand. It is kept here, so that a run from any
machine knows it.
"""

import base64
import configparser
import hashlib
import io
import json
import os
import shlex
import signal
import ssl
import sys
import tarfile
import tempfile
import time
import urllib.parse
import urllib.request

import vault
from base import CLI, Problem, answer, run, select, wait_until

EVIDENCE = "/opt/ccslurm4ai/evidence.json"
# Signs root's command line in; written by admin.py.
CONFIG = "/root/.cycle/config.ini"
# Storage may refuse or drop a request of an upload; each attempt writes all files anew.
UPLOADS, PAUSE = 3, 10
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
        "edited": edited(cluster, evidence["marks"].get(cluster), want["secrets"]) if nodes else [],
        "started": [node["Name"] for node in nodes if is_started(node)],
    }


def edited(cluster, before, secrets):
    """What differs from the cluster as it was imported last; nothing when that is not known."""
    if not before:
        return []
    now = marks(cluster, secrets)
    return sorted(name for name in {*before, *now} if now.get(name) != before.get(name))


def marks(cluster, secrets):
    """A hash of everything that the server says of a cluster's definition: each parameter but secrets, each partition."""
    try:
        parameters = json.loads(run(CLI, "export_parameters", cluster))
    except ValueError:
        raise Problem(f"cyclecloud export_parameters printed no JSON for {cluster}") from None
    known = {f"parameter {name}": value for name, value in parameters.items() if name not in secrets}
    for array in status(cluster)["nodearrays"]:
        defined = array["nodearray"]
        known[f"partition {array['name']}"] = [defined.get(name) for name in ("MachineType", "Configuration")]
    hashed = {name: json.dumps(value, sort_keys=True).encode() for name, value in known.items()}
    return {name: hashlib.sha256(value).hexdigest() for name, value in hashed.items()}


def status(cluster):
    """A cluster's status by the server's REST API; Problem when there is none."""
    config = configparser.RawConfigParser()
    config.read(CONFIG)
    server = config["cyclecloud"]
    login = base64.b64encode(f"{server['username']}:{server['password']}".encode()).decode()
    path = f"/clusters/{urllib.parse.quote(cluster)}/status"
    request = urllib.request.Request(server["url"].rstrip("/") + path, headers={"Authorization": f"Basic {login}"})
    # On this machine, whose certificate is its own: as root's command line does.
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    try:
        with opener.open(request, timeout=60) as reply:
            return json.load(reply)
    except (OSError, ValueError) as error:
        raise Problem(f"CycleCloud does not answer GET {path}: {error}") from None


def is_started(node):
    """Whether a node runs or is on its way; one that failed is worth another start."""
    return node.get("TargetState") == "Started" and node.get("State") != "Failed"


def upload(want):
    """Puts one project into the locker."""
    with tempfile.TemporaryDirectory(prefix="ccslurm4ai-") as folder:
        unpack(base64.b64decode(want["archive"]), folder)
        put(folder, want["locker"])
    remember("uploaded", want["name"], want["evidence"])
    return {"changed": True}


def put(folder, locker):
    """Uploads a folder; the last attempt's refusal is the caller's."""
    for attempt in range(1, UPLOADS + 1):
        try:
            return run(CLI, "project", "upload", locker, cwd=folder, timeout=900)
        except Problem:
            if attempt == UPLOADS:
                raise
            time.sleep(PAUSE)


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
    before = remembered()["marks"].get(cluster, {})
    # Should this run be ended before the new marks are known, nothing is taken for an edit.
    remember("marks", cluster, {})
    try:
        import_files(cluster, want["section"], want["template"], json.dumps(parameters))
    except Problem as problem:
        remember("marks", cluster, before)
        raise Problem(without(secrets.values(), str(problem))) from None
    try:
        remember("marks", cluster, marks(cluster, secrets))
    except Problem as problem:
        # Not to be able to tell edits later is no reason to fail.
        print(f"edits of {cluster} will not be told: {problem}", file=sys.stderr)
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
            known = json.load(file)
    except FileNotFoundError:
        known = {}
    return {"uploaded": {}, "imported": {}, "marks": {}, **known}


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
