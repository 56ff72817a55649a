"""What `cyclecloud.mounts` and `cyclecloud.exports` ask for: entries of /etc/fstab and /etc/exports, made and mounted.

Folders that other hosts mount lie in the twin's shared folder; `mount -t nfs` is the stand-in in /usr/sbin.
"""
import json
import os
import subprocess
import time

from jetpack import ConvergeError
from jetpack.config import get, write

SHARES = "/var/lib/ccslurm4ai-twin/shares"
FIRST = 1000  # order of a mount that gives none
PATIENCE = 300  # seconds in which another node may come to export a folder


def enabled(records):
    """The records that are not disabled, in their order."""
    found = [(name, record) for name, record in (records or {}).items() if isinstance(record, dict)
             and str(record.get("disabled", False)).lower() != "true"]
    return sorted(found, key=lambda pair: int(pair[1].get("order", FIRST)))


def options(record):
    value = record.get("options") or "defaults"
    return ",".join(str(part) for part in value) if isinstance(value, list) else value


def export_all(configuration):
    """Folders that this node serves: their content moves to where other hosts find it."""
    address = get(configuration, "cyclecloud.instance.ipv4")
    exported = []
    for _, record in enabled(get(configuration, "cyclecloud.exports")):
        if record.get("type") != "nfs" or not record.get("export_path"):
            continue
        path = record["export_path"]
        folder = path.strip("/").replace("/", "_")
        source = f"{SHARES}/{address}/{folder}"
        os.makedirs(path, exist_ok=True)
        if not os.path.ismount(path):
            os.makedirs(source, exist_ok=True)
            run("mount", "--bind", source, path)
        exported.append({"path": path, "clients": ["0.0.0.0/0"], "versions": ["3", "4", "4.1", "4.2"], "folder": folder,
                         "options": f"rw,sync,{options(record)}".removesuffix(",defaults")})
    if exported:
        write("/etc/exports", 0o644, "".join(f"{one['path']} *({one['options']})\n" for one in exported))
        write(f"{SHARES}/{address}/exports.json", 0o644, json.dumps(exported))


def mount_all(configuration, log):
    """Writes the mounts into /etc/fstab and mounts them; a local volume is its folder."""
    for name, record in enabled(get(configuration, "cyclecloud.mounts")):
        point = record.get("mountpoint")
        if not point:
            continue
        os.makedirs(point, exist_ok=True)
        if record.get("type") == "nfs" and not os.path.ismount(point):
            mount(name, record, point, configuration, log)


def mount(name, record, point, configuration, log):
    server = record.get("address") or exporting_node(record, configuration, log)
    entry = f"{server}:{record.get('export_path') or point} {point} nfs {options(record)} 0 0\n"
    with open("/etc/fstab", "r+", encoding="utf-8") as file:
        if entry not in file.read():
            file.write(entry)
    done = subprocess.run(["mount", point], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise ConvergeError(f"Failed to mount {point} (cyclecloud.mounts.{name}): {done.stderr.strip()}")


def exporting_node(record, configuration, log):
    """A node of this cluster that exports the folder; it may still be on its way."""
    path, end, told = record.get("export_path") or record["mountpoint"], time.monotonic() + PATIENCE, False
    while True:
        for address in sorted(os.listdir(SHARES)):
            if any(one["path"] == path and "options" in one for one in exports(address)):
                return address
        if time.monotonic() > end:
            raise ConvergeError(f"no node of {get(configuration, 'cyclecloud.cluster.name')} exports {path}")
        if not told:
            log(f"waiting for a node that exports {path}")
            told = True
        time.sleep(0.2)


def exports(address):
    try:
        with open(f"{SHARES}/{address}/exports.json", encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return []


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
