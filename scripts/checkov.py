#!/usr/bin/env python3
"""Holds what the template deploys against checkov's rules for Azure.

checkov cannot read templates with symbolic names and finds nothing in them. It gets a flat template, made of what
`bicep snapshot` predicts, and must have seen each resource of it. Every failed check is in checkov-skips.json with its
reason, and every entry there still fails.

Usage: checkov.py CHECKOV SNAPSHOT
"""
import json
import pathlib
import subprocess
import sys
import tempfile

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
SKIPS = pathlib.Path(__file__).with_name("checkov-skips.json")


def report(checkov, resources):
    """What checkov says about resources."""
    template = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "flat.json")
        file.write_text(json.dumps(template, indent=1))
        arguments = ["--framework", "arm", "--file", str(file), "--skip-download", "--soft-fail", "--output", "json"]
        said = subprocess.run([checkov, *arguments], cwd=folder, stdout=subprocess.PIPE, timeout=300, check=True)
    return json.loads(said.stdout)


def faults(found, resources, skips):
    """Everything that is not as it should be, in words."""
    summary = found.get("summary", found)  # A report about nothing is the summary alone.
    if summary["resource_count"] != len(resources) or summary["parsing_errors"]:
        yield f"checkov saw {summary['resource_count']} of {len(resources)} resources"
    if not summary["passed"]:
        yield "no check passed: checkov has looked at nothing"
    reasons = {(skip["check"], skip["type"]): skip["reason"] for skip in skips}
    for (check, kind), reason in reasons.items():
        if not reason.strip():
            yield f"{SKIPS.name}: {check} of {kind} has no reason"
    failed = {}
    for result in found.get("results", {}).get("failed_checks", []):
        kind = ".".join(result["resource"].split(".")[:2])
        failed[(result["check_id"], kind)] = result["check_name"]
    for (check, kind), name in sorted(failed.items()):
        if (check, kind) not in reasons:
            yield f"{check} {name}: {kind}"
    for check, kind in sorted(reasons.keys() - failed.keys()):
        yield f"{SKIPS.name}: {check} of {kind} does not fail any more: remove it"


def main(checkov, snapshot):
    """Prints faults; fails if there are any."""
    resources = json.loads(pathlib.Path(snapshot).read_text())["predictedResources"]
    found = report(checkov, resources)
    skips = json.loads(SKIPS.read_text())
    problems = list(faults(found, resources, skips))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        passed = found["summary"]["passed"]
        print(f"{len(resources)} resources, {passed} checks passed, 0 failed, {len(skips)} skipped", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
