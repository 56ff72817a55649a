"""The program `azslurm`."""
import argparse
import json
import logging
import os
import sys

from azslurm import CONFIG, HOME, AzureSlurmError, hostlist, tables, verbs

COLUMNS = ((("-o", "--output-columns"), {"type": lambda text: [part.strip() for part in text.split(",")]}),
           (("-F", "--output-format"), {"choices": ("json", "table", "table_headerless")}))
NODE_LIST = (("--node-list",), {"type": hostlist, "required": True})
# Verbs of the real program that the twin does not play.
UNPLAYED = ("cost", "default_output_columns", "refresh_autocomplete", "reimage", "remove_nodes", "restart", "shell")


def flag(*names, **options):
    return names, {"action": "store_true", **options}


VERBS = {
    "accounting_info": (verbs.accounting_info, [(("--node-name",), {"required": True})]),
    "buckets": (tables.buckets, COLUMNS),
    "config": (verbs.show_config, ()),
    "connect": (verbs.connect, ()),
    "keep_alive": (verbs.keep_alive, [NODE_LIST, flag("--remove", "-r"), flag("--set", "-s", dest="set_nodes")]),
    "limits": (tables.limits, COLUMNS),
    "nodes": (tables.nodes, COLUMNS),
    "partitions": (verbs.show_partitions, [flag("--allow-empty")]),
    "resume": (verbs.resume, [NODE_LIST, flag("--no-wait", help="DEPRECATED")]),
    "resume_fail": (verbs.suspend, [NODE_LIST]),
    "retry_failed_nodes": (verbs.retry_failed_nodes, ()),
    "return_to_idle": (verbs.return_to_idle, [flag("--terminate-zombie-nodes")]),
    "scale": (verbs.scale, [flag("--no-restart", help="Don't restart slurm controller")]),
    "suspend": (verbs.suspend, [NODE_LIST]),
    "topology": (verbs.show_topology, [(("-o", "--output"), {"help": "Specify slurm topology file output"})]),
    "version": (verbs.show_version, ()),
    "wait_for_resume": (verbs.wait_for_resume, [NODE_LIST]),
}


def initconfig(arguments):
    """Creates an initial autoscale config. Writes to stdout"""
    kept = ("cluster_name", "username", "password", "url", "config_dir", "default_resources")
    config = {name: getattr(arguments, name) for name in kept}
    config.update(lock_file=f"{HOME}/scalelib.lock", logging={"config_file": f"{HOME}/logging.conf"}, idle_timeout=300,
                  boot_timeout=1800, disable_default_resources=False, azslurmd={"sleep_time": 15},
                  accounting={"subscription_id": arguments.accounting_subscription_id},
                  cost={"cache_root": arguments.cost_cache_root})
    json.dump(config, sys.stdout, indent=2)


def parser():
    usage = "".join(f"\n    {name:20} - {' '.join((work.__doc__ or '').split())}" for name, (work, _) in VERBS.items())
    top = argparse.ArgumentParser(prog="azslurm", usage=usage)
    commands = top.add_subparsers(dest="command")
    for name, (_, arguments) in VERBS.items():
        command = commands.add_parser(name)
        command.add_argument("--config", "-c", default=CONFIG)
        for names, options in arguments:
            command.add_argument(*names, **options)
    for name in UNPLAYED:
        commands.add_parser(name)
    command = commands.add_parser("initconfig")
    for name in ("--cluster-name", "--username", "--password", "--url", "--config-dir", "--accounting-subscription-id",
                 "--cost-cache-root"):
        command.add_argument(name, required=name in ("--cluster-name", "--username", "--url", "--config-dir"))
    command.add_argument("--default-resource", type=json.loads, action="append", default=[], dest="default_resources")
    return top


def read_config(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise AzureSlurmError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def open_log(command):
    """The log of all verbs and, of those that Slurm calls, one of their own."""
    names = ["autoscale.log"] + [f"{command}.log"] * (command in ("resume", "suspend", "resume_fail", "return_to_idle"))
    handlers = []
    for name in names:
        try:
            handlers.append(logging.FileHandler(f"{HOME}/logs/{name}"))
        except OSError:
            pass  # as for users who may not write there
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s: %(message)s", handlers=handlers)


def main():
    try:
        run(sys.argv[1:])
    except AzureSlurmError as error:
        logging.error("%s", error)
        sys.exit(f"Error '{error}': See the rest in the log file")


def run(argv):
    arguments = vars(parser().parse_args(argv))
    command = arguments.pop("command")
    if command is None:
        parser().print_help()
        sys.exit(1)
    if command == "initconfig":
        return initconfig(argparse.Namespace(**arguments))
    if command in UNPLAYED:
        raise AzureSlurmError(f"the twin's azslurm does not play {command}")
    os.umask(0o022)
    config = read_config(arguments.pop("config"))
    open_log(command)
    VERBS[command][0](config, **{name: value for name, value in arguments.items() if value is not None})


if __name__ == "__main__":
    main()
