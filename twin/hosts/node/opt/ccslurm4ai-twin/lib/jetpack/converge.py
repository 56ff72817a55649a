"""Setting a node up: configuration, mounts, users, specs in the template's order, and only then its services."""
import grp
import logging
import os
import subprocess

from common import azure
from jetpack import HOME, LOGS, ConvergeError, config, mounts, server, specs, users

LOG = f"{LOGS}/jetpack.log"
DEFERRED = "/opt/ccslurm4ai-twin/platform/deferred"


def open_log():
    os.makedirs(LOGS, exist_ok=True)
    logging.basicConfig(filename=LOG, level=logging.INFO, format="%(asctime)s %(levelname)s: %(message)s", force=True)


def join():
    """Asks the server what this node is and keeps the answer; what the agent needs of it."""
    told = server.join(logging.info)
    configuration = told.pop("configuration")
    if not any(group.gr_name == config.GROUP for group in grp.getgrall()):
        subprocess.run(["groupadd", "--system", config.GROUP], check=True, timeout=60)
    config.save(described(configuration), told)
    return told


def described(configuration):
    """The configuration with what the node finds out about itself."""
    metadata = azure.instance()
    name, address = os.uname().nodename, configuration["cyclecloud"]["instance"]["ipv4"]
    configuration["cyclecloud"]["instance"]["hostname"] = name
    configuration.update(hostname=name, ipaddress=address, platform="ubuntu", platform_family="debian")
    configuration.setdefault("azure", {})["metadata"] = metadata
    return configuration


def converge():
    """One attempt to set the node up; the server hears how it ended. Whether it succeeded."""
    state = config.state()
    try:
        set_up(config.load(), state)
    except (ConvergeError, OSError, subprocess.SubprocessError) as error:
        message = str(getattr(error, "stderr", None) or error)
        logging.error("converge failed: %s", message)
        server.report(state, "failed", message, logging.info)
        return False
    logging.info("converge done")
    server.report(state, "ready", "", logging.info)
    return True


def set_up(configuration, state):
    os.makedirs(f"{HOME}/system/bootstrap", exist_ok=True)
    mounts.export_all(configuration)
    mounts.mount_all(configuration, logging.info)
    users.apply(state["users"])
    run_specs(state)
    deferred(configuration)


def run_specs(state):
    """Fetches all specs, then runs their scripts, spec by spec."""
    found = [specs.Spec(told) for told in state["specs"]]
    for spec in found:
        spec.fetch(state["lockerIdentity"])
    for spec in found:
        spec.run(logging.info)


def deferred(configuration):
    """What waits until all specs are done: the start of Slurm's services."""
    role = config.get(configuration, "slurm.role")
    if not role:
        return
    done = subprocess.run([DEFERRED, role], capture_output=True, text=True, check=False, timeout=4000)
    if done.returncode != 0:
        raise ConvergeError(f"Delayed start of services failed (return code: {done.returncode})\nDetail:\n"
                            f"{(done.stdout + done.stderr)[-2000:]}")
