"""The program `cyclecloud`."""
import argparse
import base64
import configparser
import json
import os
import ssl
import sys
import urllib.error
import urllib.request

from common import Refused, azure
from standin import project
from common.record import record

CONFIG = "~/.cycle/config.ini"
SECTION = "cyclecloud"
UNINITIALIZED = "CycleCloud is not initialized. Please run \"cyclecloud initialize\""


class Server:
    """The server as one user's configuration reaches it."""

    def __init__(self, url, username, password, verify):
        self.url = url.rstrip("/") + "/standin"
        self.login = base64.b64encode(f"{username}:{password}".encode()).decode()
        self.trust = ssl.create_default_context() if verify else ssl._create_unverified_context()

    def call(self, verb, **arguments):
        """The answer to one call."""
        data = json.dumps({"verb": verb, "arguments": arguments}).encode()
        request = urllib.request.Request(self.url, data, {"Authorization": "Basic " + self.login})
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.trust))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=120) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error)["error"]) from None
        except OSError as error:
            raise Refused(f"Could not connect to {self.url[:-8]}: {getattr(error, 'reason', error)}") from None
        if "output" not in answer:
            raise Refused(answer["error"])
        return answer["output"]


def configured(path):
    """The server of a configuration file."""
    config = configparser.RawConfigParser()
    if not config.read(path) or not config.has_section(SECTION):
        raise Refused(UNINITIALIZED)
    values = config[SECTION]
    missing = [name for name in ("url", "username", "password") if not values.get(name)]
    if missing:
        raise Refused(f"{path} has no {', '.join(missing)} in [{SECTION}]")
    return Server(values["url"], values["username"], values["password"],
                  values.getboolean("verify_certificates", fallback=True))


def initialize(arguments, path):
    """Proves the login, then writes the configuration."""
    if not arguments.batch:
        raise Refused("initialize asks questions without --batch, which the twin does not model")
    missing = [f"--{name}" for name in ("url", "username", "password") if not getattr(arguments, name)]
    if missing:
        raise Refused(f"--batch needs {', '.join(missing)}")
    if os.path.exists(path) and not arguments.force:
        raise Refused(f"{path} exists already; use --force to initialize again")
    Server(arguments.url, arguments.username, arguments.password, arguments.verify_ssl == "true").call("account_list")
    config = configparser.RawConfigParser()
    config[SECTION] = {"config_version": "1", "url": arguments.url, "username": arguments.username,
                       "password": arguments.password, "timeout": "60",
                       "verify_certificates": arguments.verify_ssl}
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        config.write(file)
    return f"CycleCloud configuration stored in {path}\n"


def account(arguments, server):
    if arguments.verb == "list":
        return server.call("account_list")
    if arguments.verb == "show":
        return server.call("account_show", name=arguments.name)
    return server.call("account_create", record=json_file(arguments.file))


def locker(arguments, server):
    if arguments.verb == "list":
        return server.call("locker_list")
    return server.call("locker_show", name=arguments.name)


def upload(arguments, server):
    return project.upload(os.getcwd(), arguments.locker, arguments.project_version, server)


def import_cluster(arguments, server):
    parameters = json_file(arguments.parameters) if arguments.parameters else {}
    for override in arguments.override:
        name, equals, value = override.partition("=")
        if not equals:
            raise Refused(f"-P takes NAME=VALUE, not {override}")
        parameters[name] = value
    wanted = arguments.template or arguments.cluster
    return server.call("import_cluster", name=arguments.cluster, wanted=wanted, text=text_file(arguments.file),
                       parameters=parameters, force=arguments.force)


def export_parameters(arguments, server):
    output = server.call("export_parameters", name=arguments.cluster)
    if not arguments.output:
        return output
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.write(output)
    return ""


def start_cluster(arguments, server):
    return server.call("start_cluster", name=arguments.cluster)


def show_cluster(arguments, server):
    return server.call("show_cluster", name=arguments.cluster)


def show_nodes(arguments, server):
    split = lambda text: [part.strip() for part in text.split(",")] if text else []
    output = server.call("show_nodes", name=arguments.name, cluster=arguments.cluster, states=split(arguments.states),
                         attributes=split(arguments.attrs), output=arguments.output, layout=arguments.format)
    return output


def text_file(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"cannot read {path}: {error}") from None


def json_file(path):
    try:
        found = json.loads(text_file(path))
    except ValueError as error:
        raise Refused(f"{path} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refused(f"{path} does not hold names with values")
    return found


def parser():
    top = argparse.ArgumentParser(prog="cyclecloud", allow_abbrev=False)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", default=os.path.expanduser(CONFIG))
    shared.add_argument("--loglevel")
    commands = top.add_subparsers(dest="command", required=True)

    def add(parent, name, work, *arguments):
        command = parent.add_parser(name, parents=[shared], allow_abbrev=False)
        command.set_defaults(work=work)
        for names, options in arguments:
            command.add_argument(*names, **options)

    def arg(*names, **options):
        return names, options

    add(commands, "initialize", initialize, arg("--batch", action="store_true"), arg("--force", action="store_true"),
        arg("--url"), arg("--username"), arg("--password"),
        arg("--verify-ssl", choices=("true", "false"), default="true"))
    verbs = commands.add_parser("account").add_subparsers(dest="verb", required=True)
    add(verbs, "list", account)
    add(verbs, "show", account, arg("name"))
    add(verbs, "create", account, arg("-f", dest="file", required=True))
    verbs = commands.add_parser("locker").add_subparsers(dest="verb", required=True)
    add(verbs, "list", locker)
    add(verbs, "show", locker, arg("name"))
    verbs = commands.add_parser("project").add_subparsers(dest="verb", required=True)
    add(verbs, "upload", upload, arg("locker"), arg("--project-version"))
    add(commands, "import_cluster", import_cluster, arg("cluster"), arg("-c", dest="template"),
        arg("-f", "--file", required=True), arg("-p", "--parameters"),
        arg("-P", "--parameter-override", dest="override", action="append", default=[]),
        arg("--force", action="store_true"))
    add(commands, "export_parameters", export_parameters, arg("cluster"), arg("-o", dest="output"),
        arg("--format", choices=("json",), default="json"))
    add(commands, "start_cluster", start_cluster, arg("cluster"))
    add(commands, "show_cluster", show_cluster, arg("cluster", nargs="?"), arg("-l", "--long", action="store_true"))
    add(commands, "show_nodes", show_nodes, arg("name", nargs="?"), arg("-c", "--cluster"), arg("--states"),
        arg("-a", "--attrs"), arg("--output"), arg("-l", "--long", action="store_true"),
        arg("--format", choices=("json", "text"), default="text"))
    return top


def main():
    record()
    arguments = parser().parse_args()
    azure.host_environment()
    try:
        if arguments.work is initialize:
            output = initialize(arguments, arguments.config)
        else:
            output = arguments.work(arguments, configured(arguments.config))
    except Refused as refusal:
        sys.exit(f"Error: {refusal}")
    print(output, end="")
