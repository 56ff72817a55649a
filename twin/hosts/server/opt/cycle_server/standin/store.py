"""The server's records by kind (AdType), kept in one file that only root can read, and the import of dropped files."""
import hashlib
import json
import os
import re
import secrets
import threading

from common import Refused
from standin import expressions
from standin.expressions import UNDEFINED

# What tells records of a kind apart; all others have their Name.
KEYS = {"azure.machinetype": ("Name", "Location"), "cloud.cluster": ("ClusterName",),
        "cloud.node": ("ClusterName", "Name"), "cloud.project": ("Name", "Version")}
KINDS = {kind.lower(): kind for kind in (
    "Application.Setting", "Application.Timer", "AuthenticatedUser", "Credential", "Azure.MachineType",
    "Cloud.MachineType", "Cloud.Account", "Cloud.Locker", "Cloud.Project", "Cloud.Cluster", "Cloud.Node",
    "Cloud.ScaleSet")}


class Store:
    """Records; every change is on disk when the call returns. Safe to use from several threads."""

    def __init__(self, path):
        self.path, self.lock, self.records = path, threading.RLock(), {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.records = json.load(file)

    def all(self, kind):
        """Copies of all records of a kind."""
        with self.lock:
            return [dict(record) for record in self.records.get(kind_name(kind), [])]

    def one(self, kind, **wanted):
        """The record with these values, or None."""
        return next((r for r in self.all(kind) if all(r.get(k) == v for k, v in wanted.items())), None)

    def put(self, kind, record):
        """Adds a record, or changes the one with the same key; what it does not mention stays."""
        self.put_all(kind, [record])

    def put_all(self, kind, records):
        """`put` for many, written once."""
        kind = kind_name(kind)
        keys = KEYS.get(kind.lower(), ("Name",))
        with self.lock:
            rows = self.records.setdefault(kind, [])
            index = {tuple(row.get(key) for key in keys): row for row in rows}
            for record in records:
                identity = tuple(record.get(key) for key in keys)
                if None in identity:
                    raise Refused(f"a record of {kind} has no {' and '.join(keys)}")
                if identity not in index:
                    index[identity] = {}
                    rows.append(index[identity])
                index[identity].update(record)
            self.save()

    def remove(self, kind, record):
        """Removes a record that `all` gave."""
        with self.lock:
            self.records[kind_name(kind)].remove(record)
            self.save()

    def save(self):
        part = self.path + ".new"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(self.records, file)
        os.replace(part, self.path)


def kind_name(kind):
    if kind.lower() not in KINDS:
        raise Refused(f"type {kind} is not known to the twin's CycleCloud")
    return KINDS[kind.lower()]


def import_records(store, name, text):
    """Takes in the records of one dropped file; Refused when it is none."""
    records = from_json(text) if name.endswith(".json") else from_text(text)
    for record in records:
        kind = kind_name(str(record.pop("AdType", "")))
        if "RawPassword" in record:
            record["Password"] = hashed(str(record.pop("RawPassword")))
        store.put(kind, record)
    return len(records)


def from_json(text):
    try:
        records = json.loads(text)
    except ValueError as error:
        raise Refused(f"no JSON: {error}") from None
    records = records if isinstance(records, list) else [records]
    if not all(isinstance(record, dict) for record in records):
        raise Refused("expected records")
    return records


def from_text(text):
    """Blocks of `Name = expression`, parted by empty lines."""
    records = []
    for block in re.split(r"\n\s*\n", text.strip()):
        record = {}
        for line in block.splitlines():
            name, equals, source = line.partition("=")
            if not equals:
                raise Refused(f"expected Name = value: {line[:40]}")
            value = expressions.evaluate(expressions.parse(source), lambda _: UNDEFINED)
            if value is not UNDEFINED:
                record[name.strip()] = value
        records.append(record)
    return records


def hashed(password, salt=None):
    """A password as it is kept."""
    salt = salt or secrets.token_hex(16)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), 100_000).hex()
    return f"{salt}${digest}"


def matches(password, kept):
    """Whether a password is the kept one."""
    return bool(kept) and secrets.compare_digest(hashed(password, kept.split("$")[0]), kept)
