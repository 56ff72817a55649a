"""Packs CycleCloud projects, each as one archive that is the same wherever and whenever it is made."""

from __future__ import annotations

import base64
import configparser
import hashlib
import io
import pathlib
import tarfile

from ansible.errors import AnsibleFilterError


def cc_projects(folder):
    """Projects under `folder`, by name: version, archive (base64 of a tar) and the archive's SHA-256."""
    projects = [packed(one.parent) for one in sorted(pathlib.Path(folder).glob("*/project.ini"))]
    if not projects:
        raise AnsibleFilterError(f"{folder} holds no folder with a project.ini")
    return projects


def packed(folder):
    """One project; its folder's name must be the name that CycleCloud will give it."""
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read_string((folder / "project.ini").read_text(encoding="utf-8"))
        name, version = config["project"]["name"], config["project"]["version"]
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise AnsibleFilterError(f"{folder}/project.ini needs name and version in [project]: {error}") from error
    if name != folder.name:
        raise AnsibleFilterError(f"{folder}/project.ini names the project {name}; folder and name must be equal")
    archive = archive_of(folder)
    return {
        "name": name,
        "version": version,
        "sha256": hashlib.sha256(archive).hexdigest(),
        "archive": base64.b64encode(archive).decode("ascii"),
    }


def archive_of(folder):
    """A tar of the folder's files in order of their names; times, owners and the copy's own modes leave no trace."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if not path.is_file() or any(part.startswith(".") or part == "__pycache__" for part in inside.parts):
                continue
            content = path.read_bytes()
            entry = tarfile.TarInfo(inside.as_posix())
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class FilterModule:
    """What this file adds to Ansible."""

    def filters(self):
        """Names of the filters."""
        return {"cc_projects": cc_projects}
