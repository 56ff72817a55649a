"""The program `cycle_server`."""
import argparse
import json
import os
import socket
import subprocess
import sys
import time

from common import Refused
from standin.daemon import SOCKET
from common.record import record

STARTUP_DEADLINE = 300


def call(verb, **arguments):
    """Asks the running server and prints its answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(120)
        try:
            connection.connect(SOCKET)
        except PermissionError:
            raise Refused("cycle_server must be run as root") from None
        except OSError:
            raise Refused("CycleCloud is not running; start it with: cycle_server start") from None
        connection.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
        answer = json.loads(connection.makefile("rb").readline() or b"{}")
    if "output" not in answer:
        raise Refused(answer.get("error", "the server gave no answer; see /opt/cycle_server/logs"))
    print(answer["output"], end="")


def answers():
    try:
        call("execute", statement="select Name from Application.Setting limit 0")
        return True
    except Refused:
        return False


def await_startup(_):
    end = time.monotonic() + STARTUP_DEADLINE
    while not answers():
        if time.monotonic() > end:
            raise Refused(f"CycleCloud did not start within {STARTUP_DEADLINE} s")
        time.sleep(0.5)


def status(_):
    if not answers():
        raise Refused("CycleCloud is not running")
    print("CycleCloud is running")


def service(arguments):
    done = subprocess.run(["systemctl", arguments.command, "cycle_server"], check=False, timeout=STARTUP_DEADLINE)
    if done.returncode != 0:
        raise Refused(f"cannot {arguments.command} CycleCloud: systemctl exits with {done.returncode}")
    if getattr(arguments, "wait", False):
        await_startup(arguments)


def execute(arguments):
    call("execute", statement=arguments.query, layout=arguments.format)


def run_action(arguments):
    condition = arguments.filter
    if arguments.equal:
        condition = f'{arguments.equal[0]} == "{arguments.equal[1]}"'
    if not condition:
        raise Refused("run_action needs -f FILTER or -eq ATTRIBUTE VALUE")
    call("run_action", action=arguments.action, condition=condition)


def parser():
    top = argparse.ArgumentParser(prog="cycle_server", allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True)
    for name, work in (("start", service), ("stop", service), ("restart", service), ("status", status),
                       ("await_startup", await_startup)):
        command = commands.add_parser(name)
        command.set_defaults(work=work)
        if name == "start":
            command.add_argument("--wait", action="store_true")
    command = commands.add_parser("execute")
    command.add_argument("--format", "-format", choices=("text", "json", "csv"), default="text")
    command.add_argument("query")
    command.set_defaults(work=execute)
    command = commands.add_parser("run_action")
    command.add_argument("action")
    command.add_argument("-f", dest="filter")
    command.add_argument("-eq", dest="equal", nargs=2)
    command.set_defaults(work=run_action)
    return top


def main():
    record()
    arguments = parser().parse_args()
    if os.geteuid() != 0:
        sys.exit("cycle_server must be run as root")
    try:
        arguments.work(arguments)
    except Refused as refusal:
        sys.exit(f"Error: {refusal}")
