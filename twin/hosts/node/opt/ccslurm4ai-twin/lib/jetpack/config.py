"""The node's configuration: node.json, and how `jetpack config` shows its values."""
import json
import os
import shutil

from jetpack import NODE_JSON, STATE

GROUP = "cyclecloud"


class NoValue(Exception):
    """The configuration has no such key."""


def write(path, mode, content, group=None):
    """Writes a file whole, with its permissions from the beginning."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.new"
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(content)
    os.chmod(part, mode)
    if group:
        shutil.chown(part, group=group)
    os.replace(part, path)


def save(configuration, state):
    """Keeps what the server told: the configuration for root and the agent's group, the agent's own part for root."""
    write(NODE_JSON, 0o640, json.dumps(configuration, indent=2), GROUP)
    write(STATE, 0o600, json.dumps(state))


def load():
    with open(NODE_JSON, encoding="utf-8") as file:
        return json.load(file)


def state():
    """Node id, key and server, for requests of the agent."""
    with open(STATE, encoding="utf-8") as file:
        return json.load(file)


def lookup(configuration, key):
    """The value of a dotted key."""
    value = configuration
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise NoValue(key)
        value = value[part]
    return value


def get(configuration, key, default=None):
    """The value of a dotted key, or the default."""
    try:
        return lookup(configuration, key)
    except NoValue:
        return default


def shown(value):
    """As Python prints it: True and False; records and lists as JSON."""
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)
