"""The program `jetpack`."""
import argparse
import json
import os
import sys
import urllib.parse

from common import azure
from common.record import record
from jetpack import config, converge, server


def show_config(arguments):
    configuration = config.load()
    if arguments.json:
        print(json.dumps(configuration, indent=2))
        return 0
    try:
        print(config.shown(config.lookup(configuration, arguments.key)))
    except config.NoValue:
        if arguments.default is None:
            print(f"Configuration '{arguments.key}' not found.", file=sys.stderr)
            return 1
        print(arguments.default)
    return 0


def run_converge(arguments):
    converge.open_log()
    state = converge.join()
    if arguments.cluster_init:
        converge.run_specs(state)
        return 0
    return 0 if converge.converge() else 1


def download(arguments):
    """A blob of a project, one that the user staged before one that came with the project."""
    azure.host_environment()
    state = config.state()
    project = arguments.project or os.environ.get("CYCLECLOUD_PROJECT_NAME")
    spec = next((one for one in state["specs"] if one["project"] == project), None)
    if spec is None:
        print(f"project {project} is not on this node; name one with --project", file=sys.stderr)
        return 1
    target = arguments.target
    if os.path.isdir(target):
        target = os.path.join(target, os.path.basename(arguments.blob))
    for folder in (f"blobs/{project}", f"projects/{project}/blobs"):
        path = f"{spec['container']}/{urllib.parse.quote(f'{folder}/{arguments.blob}')}"
        try:
            content = azure.blob("GET", spec["account"], path, identity=state["lockerIdentity"])
        except azure.AzureError as error:
            if error.status == 404:
                continue
            raise
        with open(target, "wb") as file:
            file.write(content)
        return 0
    print(f"blob {arguments.blob} of project {project} is not in the locker", file=sys.stderr)
    return 1


def log(arguments):
    state = config.state()
    body = {"nodeId": state["nodeId"], "message": arguments.message, "level": arguments.level}
    server.call(state["webServer"], "log", state["accessKey"], body)
    return 0


def show_users(arguments):
    found = [{"fullName": "", **user, "isOwner": user["isAdmin"]} for user in config.state()["users"]]
    if arguments.json:
        print(json.dumps(found, indent=4, sort_keys=True))
        return 0
    for user in found:
        print(f"Username: {user['name']}\nFull Name: {user['fullName']}\nUID: {user['uid']}\n"
              f"Is Admin: {user['isAdmin']}\nIs Owner: {user['isOwner']}\n")
    return 0


def parser():
    top = argparse.ArgumentParser(prog="jetpack", allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True)

    def add(name, work, *arguments):
        command = commands.add_parser(name, allow_abbrev=False)
        command.set_defaults(work=work)
        for names, options in arguments:
            command.add_argument(*names, **options)

    def arg(*names, **options):
        return names, options

    add("config", show_config, arg("key", nargs="?"), arg("default", nargs="?"), arg("--json", action="store_true"))
    add("converge", run_converge, arg("--cluster-init", action="store_true"))
    add("download", download, arg("blob"), arg("target", nargs="?", default="."), arg("--project"))
    add("log", log, arg("message"), arg("--level", choices=("info", "warn", "error"), default="info"),
        arg("--priority", choices=("low", "medium", "high")))
    add("users", show_users, arg("--json", action="store_true"))
    return top


def main():
    record()
    arguments = parser().parse_args()
    if arguments.command == "config" and not arguments.json and arguments.key is None:
        parser().error("config needs a KEY or --json")
    try:
        return arguments.work(arguments)
    except (PermissionError, FileNotFoundError) as error:
        print(f"jetpack: {error}", file=sys.stderr)
        return 1
