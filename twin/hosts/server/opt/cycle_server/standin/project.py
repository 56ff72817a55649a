"""`cyclecloud project upload`: a project's folder as blobs of a locker."""
import configparser
import os
import urllib.parse

from common import Refused, azure


def upload(folder, locker_name, version, server):
    """Puts each spec's files, the listed blobs and project.ini into the locker, then tells the server."""
    name, version, blobs = read(folder, version)
    locker = server.call("locker_record", name=locker_name)
    if locker["State"] != "Created":
        raise Refused(f"Locker {locker_name} is not ready ({locker['State']})")
    specs = sorted(os.listdir(os.path.join(folder, "specs"))) if os.path.isdir(os.path.join(folder, "specs")) else []
    if not specs:
        raise Refused(f"project {name} has no spec; expected specs/default")
    account, container, target = locker["StorageAccount"], locker["Container"], f"projects/{name}/{version}"
    for spec in specs:
        put_folder(account, container, os.path.join(folder, "specs", spec), f"{target}/{spec}")
    for blob in blobs:
        path = os.path.join(folder, "blobs", blob)
        if not os.path.isfile(path):
            raise Refused(f"project.ini lists the blob {blob}, which is not in blobs/")
        put(account, container, path, f"projects/{name}/blobs/{blob}")
    put(account, container, os.path.join(folder, "project.ini"), f"{target}/project.ini")
    server.call("project_uploaded", record={"Name": name, "Version": version, "Locker": locker_name, "Specs": specs})
    lines = [f"Uploading to {locker['Url']}/{path} (100%)\n" for path in (target, f"projects/{name}/blobs")]
    return "".join(lines) + "Upload complete!\n"


def read(folder, version):
    """Name, version and listed blobs from project.ini."""
    config = configparser.ConfigParser(interpolation=None)
    try:
        if not config.read(os.path.join(folder, "project.ini"), encoding="utf-8"):
            raise Refused(f"no project.ini in {folder}: this is no project")
        values = config["project"]
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise Refused(f"project.ini cannot be read: {error}") from None
    if not values.get("name"):
        raise Refused("project.ini has no name in [project]")
    if values.get("type", "application") not in ("scheduler", "application", ""):
        raise Refused(f"project.ini: type is scheduler or application, not {values['type']}")
    version = version or values.get("version", "1.0.0")
    listed = config.get("blobs", "Files", fallback="")
    return values["name"], version, [part.strip() for part in listed.split(",") if part.strip()]


def put_folder(account, container, folder, target):
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(parent, name)
            put(account, container, path, f"{target}/{os.path.relpath(path, folder)}")


def put(account, container, path, target):
    with open(path, "rb") as file:
        data = file.read()
    azure.blob("PUT", account, f"{container}/{urllib.parse.quote(target)}", data, {"x-ms-blob-type": "BlockBlob"})
