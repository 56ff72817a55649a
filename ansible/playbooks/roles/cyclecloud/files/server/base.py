"""What the programs of this folder share: children with the host's environment, queries, waiting, the answer.

A program reads what it needs as JSON on standard input, prints one JSON object on success, and one sentence on
standard error when it fails.
"""

import json
import os
import subprocess
import sys
import time

CYCLE_SERVER = "/opt/cycle_server/cycle_server"
CLI = "/usr/local/bin/cyclecloud"


class Problem(Exception):
    """Something a person must look at; its text names the thing and what to do next."""


def answer(work):
    """Runs `work` on the input, prints what it returns, and turns a Problem into a failed exit."""
    os.umask(0o077)
    os.environ.update(host_environment())
    try:
        print(json.dumps(work(json.load(sys.stdin))))
    except Problem as problem:
        sys.exit(str(problem))
    except OSError as error:
        sys.exit(f"a file cannot be read or written: {error}")


def host_environment(path="/etc/environment"):
    """Variables of /etc/environment (proxy, certificates): sudo and non-login shells drop them."""
    found = {}
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                name, equals, value = line.strip().partition("=")
                name = name[len("export ") :].strip() if name.startswith("export ") else name.strip()
                if equals and name and not name.startswith("#"):
                    found[name] = value.strip().strip("\"'")
    except FileNotFoundError:
        pass
    return found


def run(*command, cwd=None, timeout=300):
    """Runs a program to its end and returns what it printed; a non-zero exit is a Problem with its last words."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"{shown(command)} gave no answer within {timeout} s") from None
    except OSError as error:
        raise Problem(f"{shown(command)} cannot be started: {error.strerror}") from None
    if done.returncode != 0:
        said = " ".join((done.stderr.strip() or done.stdout.strip()).split())[-400:]
        raise Problem(f"{shown(command)} failed with exit status {done.returncode}: {said}")
    return done.stdout


def shown(command):
    """A command's first words, enough to know it by."""
    return " ".join([os.path.basename(command[0]), *command[1:4]])


def select(query):
    """Rows of CycleCloud's data store."""
    output = run(CYCLE_SERVER, "execute", "--format", "json", query)
    try:
        return json.loads(output) if output.strip() else []
    except ValueError:
        raise Problem(f"cycle_server execute printed no JSON for: {query}") from None


def wait_until(probe, seconds, pause=10):
    """Calls `probe` until it returns something true, and returns that; None after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() + pause > deadline:
            return None
        time.sleep(pause)
