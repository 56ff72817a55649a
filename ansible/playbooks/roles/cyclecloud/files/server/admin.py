"""`account`: CycleCloud knows its administrator. `sign-in`: root's command line is signed in as that user."""

import configparser
import glob
import io
import json
import os
import shutil
import sys

import vault
from base import CLI, Problem, answer, run, select, wait_until

DATA = "/opt/cycle_server/config/data"
RECORDS = "ccslurm4ai-admin.json"
CONFIG = "/root/.cycle/config.ini"


def account(want):
    """Brings in the records that are missing or differ."""
    forget_handed_over()
    missing = missing_records(want)
    if not missing:
        return {"changed": False}
    for record in missing:
        if record["AdType"] == "AuthenticatedUser" and not user(want["name"]):
            record["RawPassword"] = vault.secret(want["vault"], want["secret"])
    hand_over(missing)
    try:
        imported = wait_until(lambda: user(want["name"]) and not os.path.exists(f"{DATA}/{RECORDS}"), 180, pause=3)
    finally:
        forget_handed_over()
    if not imported:
        raise Problem(f"CycleCloud did not take in the account {want['name']} within 180 s; see /opt/cycle_server/logs")
    return {"changed": True}


def missing_records(want):
    """Records as they must be, without those that CycleCloud has already."""
    name = want["name"]
    known = {row["Name"]: row.get("Value") for row in select("select Name, Value from Application.Setting")}
    missing = [record for record in settings(want) if known.get(record["Name"]) != record["Value"]]
    if not is_as_wanted(user(name) or {}, want):
        rights = {"Superuser": True, "Roles": want["roles"], "UID": want["uid"]}
        missing.append({"AdType": "AuthenticatedUser", "Name": name, **rights})
    stored = select(f'select Name, PublicKey from Credential where Name == "{name}/public"')
    if [row.get("PublicKey") for row in stored] != [want["public_key"]]:
        key = {"CredentialType": "PublicKey", "PublicKey": want["public_key"]}
        missing.append({"AdType": "Credential", "Name": f"{name}/public", **key})
    return missing


def settings(want):
    """Records that end the first-start assistant and name this installation."""
    pairs = {
        "cycleserver.installation.initial_user": want["name"],
        "cycleserver.installation.complete": True,
        "distribution_method": want["distribution_method"],
        "site_id": vm_id(),
    }
    return [{"AdType": "Application.Setting", "Name": name, "Value": value} for name, value in pairs.items()]


def vm_id():
    """This VM's unique id, which Microsoft's own set-up uses as the site id too."""
    try:
        return vault.metadata("instance", **{"api-version": "2021-02-01"})["compute"]["vmId"]
    except vault.NotYet as why:
        raise Problem(f"{why}; it must be reachable from this server") from None


def user(name):
    """The user's record, or None."""
    rows = select(f'select Name, Superuser, Roles, UID from AuthenticatedUser where Name == "{name}"')
    return rows[0] if rows else None


def is_as_wanted(known, want):
    """Whether rights and number are there; further roles are the administrators' business."""
    return (
        known.get("Superuser") is True
        and set(want["roles"]) <= set(known.get("Roles") or [])
        and str(known.get("UID")) == str(want["uid"])
    )


def hand_over(records):
    """Puts records where CycleCloud picks them up: complete at once, and readable by nobody else."""
    staged = os.path.join(os.path.dirname(DATA), "." + RECORDS)
    forget(staged)
    try:
        with open(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(records, file)
        shutil.chown(staged, "cycle_server", "cycle_server")
        os.rename(staged, f"{DATA}/{RECORDS}")
    finally:
        forget(staged)


def forget_handed_over():
    """Removes the file with the password: as it was, or under the name that CycleCloud gives it after the import."""
    for path in glob.glob(f"{DATA}/{RECORDS}*"):
        forget(path)


def forget(path):
    """Removes a file that may not be there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def sign_in(want):
    """Writes the CLI's configuration if it differs, and proves that the server accepts it."""
    password = vault.secret(want["vault"], want["secret"])
    changed = write_config({**want["cli"], "username": want["name"], "password": password})

    def accepted():
        try:
            run(CLI, "account", "list", timeout=60)
            return True
        except Problem:
            # What the CLI says is not passed on: about a malformed configuration it may quote the password.
            return False

    # Right after an import the server may need a moment to know the user.
    if not wait_until(accepted, 60 if changed else 0, pause=5):
        raise Problem(
            f"CycleCloud does not accept {want['name']} with the password in vault {want['vault']} (secret "
            f"{want['secret']}); was it changed on the server? Then store that one in the vault and run again"
        )
    return {"changed": changed}


def write_config(values):
    """Brings the section [cyclecloud] of root's CLI configuration up to date; other sections stay."""
    config = configparser.RawConfigParser()
    config.read(CONFIG)
    if not config.has_section("cyclecloud"):
        config.add_section("cyclecloud")
    for name, value in values.items():
        config.set("cyclecloud", name, str(value))
    text = io.StringIO()
    config.write(text)
    if os.path.exists(CONFIG) and os.stat(CONFIG).st_mode & 0o077 == 0:
        with open(CONFIG, encoding="utf-8") as file:
            if file.read() == text.getvalue():
                return False
    os.makedirs(os.path.dirname(CONFIG), mode=0o700, exist_ok=True)
    forget(CONFIG + ".new")
    with open(os.open(CONFIG + ".new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text.getvalue())
    os.rename(CONFIG + ".new", CONFIG)
    return True


if __name__ == "__main__":
    answer({"account": account, "sign-in": sign_in}[sys.argv[1]])
