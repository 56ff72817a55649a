"""Reads calls from standard input as JSON and prints what each returned: used by tests/standins.rs."""
import json
import sys

from common import Refused
from standin import expressions, store
from standin.cluster import Cluster
from standin.expressions import UNDEFINED

KNOWN = {
    "accounts": {"azure"},
    "lockers": {"azure-storage"},
    "machine_types": {("eastus", size) for size in ("Standard_D8ads_v5", "Standard_F2s_v2", "Standard_ND96isr_H100_v5")},
    "projects": {("code_cli", "1.0.0"): {"default"}},
}


def cluster(template, parameters, section="Slurm"):
    """The nodes that a checked cluster has, with what matters of each."""
    found = Cluster(template, section, "slurmcluster", parameters)
    nodes = [*found.nodes.values(), *found.arrays.values()]
    for node in nodes:
        node.check(KNOWN)
    return {node.name: {"MachineType": node.get("MachineType"), "ComputerName": defined(node.get("ComputerName")),
                        "MaxCount": defined(node.get("MaxCount")), "Tags": node.prefixed("Tags"),
                        "specs": [":".join(part for part in spec[1:3]) for spec in node.specs()]} for node in nodes}


def expression(text, names):
    return defined(expressions.evaluate(expressions.parse(text), lambda name: names.get(name.lower(), UNDEFINED)))


def records(name, text):
    return store.from_json(text) if name.endswith(".json") else store.from_text(text)


def defined(value):
    return None if value is UNDEFINED else value


def main():
    verbs = {"cluster": cluster, "expression": expression, "records": records}
    for line in sys.stdin:
        call = json.loads(line)
        try:
            print(json.dumps({"ok": verbs[call.pop("verb")](**call)}))
        except Refused as refusal:
            print(json.dumps({"refused": str(refusal)}))


main()
