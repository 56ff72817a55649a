"""Players of recorded outputs, for programs of a GPU node. Which nodes are bad, and how, the twin's scenario says."""
import json
import os

RECORDINGS = "/opt/ccslurm4ai-twin/recordings"
BAD = "/etc/ccslurm4ai-twin/bad-nodes.json"


def recorded(name):
    """Text of a recording."""
    with open(f"{RECORDINGS}/{name}", encoding="utf-8") as file:
        return file.read()


def flaws(nodes):
    """What is wrong with each of these nodes that is bad; Slurm may spell a host name with capitals."""
    with open(BAD, encoding="utf-8") as file:
        bad = {name.lower(): flaw for name, flaw in json.load(file).items()}
    return [bad[node.lower()] for node in nodes if node.lower() in bad]


def own_flaws():
    return next(iter(flaws([os.uname().nodename])), {})
