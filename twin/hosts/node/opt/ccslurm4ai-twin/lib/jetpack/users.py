"""The users that the server wants on this node, with homes that all nodes share."""
import fcntl
import os
import pwd
import shutil
import subprocess

from jetpack.config import write

HOMES = "/shared/home"
GROUP = "cyclecloud"
SUDOERS = "/etc/sudoers.d/cyclecloud"
# Programs of the platform that `sudo` finds.
SECURE_PATH = ("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/cycle/jetpack/bin:/root/bin")


def apply(users):
    """Makes users, and takes away the keys and rights of those that are not wanted any more."""
    os.makedirs(HOMES, exist_ok=True)
    for user in users:
        make(user)
    admins = [user["name"] for user in users if user["isAdmin"]]
    lines = [f"Defaults secure_path={SECURE_PATH}\n", *(f"{name} ALL=(ALL) NOPASSWD: ALL\n" for name in admins)]
    write(SUDOERS, 0o440, "".join(lines))
    wanted = {user["name"] for user in users}
    for entry in pwd.getpwall():
        if entry.pw_dir == f"{HOMES}/{entry.pw_name}" and entry.pw_name not in wanted:
            write(f"{entry.pw_dir}/.ssh/authorized_keys", 0o600, "")


def make(user):
    name, uid = user["name"], str(user["uid"])
    try:
        pwd.getpwnam(name)
    except KeyError:
        run("groupadd", "--gid", uid, "--", name)
        run("useradd", "--no-create-home", "--home-dir", f"{HOMES}/{name}", "--shell", "/bin/bash", "--password", "*",
            "--uid", uid, "--gid", uid, "--", name)
    if user["isAdmin"]:
        run("usermod", "--append", "--groups", GROUP, name)
    entry = pwd.getpwnam(name)
    with open(f"{HOMES}/.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other nodes may be making it too
        make_home(entry)
        with open(f"{entry.pw_dir}/.ssh/id_rsa.pub", encoding="utf-8") as file:
            own = file.read().strip()
        path = f"{entry.pw_dir}/.ssh/authorized_keys"
        write(path, 0o600, "".join(f"{key}\n" for key in [own, *user["publicKeys"]]))
        os.chown(path, entry.pw_uid, entry.pw_gid)


def make_home(entry):
    """A home with a key pair that leads from node to node, unless there is one."""
    if os.path.exists(f"{entry.pw_dir}/.ssh/id_rsa.pub"):
        return
    shutil.copytree("/etc/skel", entry.pw_dir, dirs_exist_ok=True)
    os.makedirs(f"{entry.pw_dir}/.ssh", 0o700, exist_ok=True)
    key = f"{entry.pw_dir}/.ssh/id_rsa"
    run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", entry.pw_name, "-f", key)
    write(f"{entry.pw_dir}/.ssh/config", 0o600, "Host *\n    StrictHostKeyChecking accept-new\n")
    run("chown", "-R", f"{entry.pw_uid}:{entry.pw_gid}", entry.pw_dir)


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
