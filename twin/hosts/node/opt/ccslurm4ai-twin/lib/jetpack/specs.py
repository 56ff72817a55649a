"""Specs of projects: fetched from the locker, or for those of the platform from this host; their scripts run in order."""
import os
import shutil
import subprocess
import urllib.parse
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor

from common import azure
from jetpack import CLUSTER_INIT, HOME, LOGS, ConvergeError

PLATFORM = "/opt/ccslurm4ai-twin/platform"
PARALLEL = 8  # blobs fetched at once
SHOWN = 20  # lines of a failed script's output that the server shows


class Spec:
    """A spec of a project on this node."""

    def __init__(self, told):
        self.project, self.name, self.version = told["project"], told["spec"], told["version"]
        self.told = told
        self.parent = f"{CLUSTER_INIT}/{self.project}"
        self.path = f"{self.parent}/{self.name}"

    def fetch(self, identity):
        """Lays the spec's files down anew."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.told["builtIn"]:
            shutil.copytree(f"{PLATFORM}/{self.project}/{self.name}", self.path, symlinks=True)
        else:
            self.download(identity)
        for part in ("scripts", "files", "tests"):
            os.makedirs(f"{self.path}/{part}", exist_ok=True)

    def download(self, identity):
        account, container = self.told["account"], self.told["container"]
        folder = f"projects/{self.project}/{self.version}/{self.name}/cluster-init/"
        try:
            names = listed(account, container, folder, identity)
            if not names:
                raise ConvergeError(f"project {self.project} v{self.version} spec '{self.name}' is not in "
                                    f"az://{account}/{container}")
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(lambda name: self.get(account, container, folder, name, identity), names))
        except azure.AzureError as error:
            raise ConvergeError(f"cannot fetch project {self.project} v{self.version} from az://{account}/{container}: "
                                f"{error}") from None

    def get(self, account, container, folder, name, identity):
        path = os.path.join(self.path, name.removeprefix(folder))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        content = azure.blob("GET", account, f"{container}/{urllib.parse.quote(name)}", identity=identity)
        with open(path, "wb") as file:
            file.write(content)

    def scripts(self):
        """Names of the scripts in lexical order."""
        return sorted(name for name in os.listdir(f"{self.path}/scripts") if name.endswith(".sh"))

    def run(self, log):
        """Runs each script that has not run successfully yet."""
        log(f"Running cluster-init scripts for project '{self.project} v{self.version}' spec '{self.name}'")
        for script in self.scripts():
            done = f"{CLUSTER_INIT}/.run/{self.project}/{self.name}/{script}"
            if os.path.exists(done):
                log(f"Script {script} has already run successfully, skipping")
                continue
            self.run_script(script, log)
            os.makedirs(os.path.dirname(done), exist_ok=True)
            with open(done, "w", encoding="utf-8"):
                pass

    def run_script(self, script, log):
        path = f"{self.path}/scripts/{script}"
        output = f"{LOGS}/cluster-init/{self.project}/{self.name}/scripts/{script}.out"
        log(f"Executing cluster-init script: {path}, output written to {output}")
        os.makedirs(os.path.dirname(output), exist_ok=True)
        os.chmod(path, 0o755)
        with open(output, "wb") as file:
            try:
                code = subprocess.run([path], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                      env=self.environment(), cwd="/", check=False).returncode
            except OSError as error:
                file.write(f"{error}\n".encode())
                code = 126
        if code != 0:
            raise ConvergeError(f"Failed to execute cluster-init script '{path}' in project '{self.project}' "
                                f"(return code: {code})\nDetail:\nScript output:\n{tail(output)}")

    def environment(self):
        path = f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{HOME}/bin"
        own = {"CYCLECLOUD_PROJECT_NAME": self.project, "CYCLECLOUD_PROJECT_PATH": self.parent,
               "CYCLECLOUD_SPEC_NAME": self.name, "CYCLECLOUD_SPEC_PATH": self.path, "CYCLECLOUD_HOME": HOME,
               "JETPACK_HOME": HOME, "HOME": "/root", "USER": "root", "SHELL": "/bin/bash", "LANG": "C.UTF-8",
               "PATH": path}
        return {**os.environ, **own}


def listed(account, container, prefix, identity):
    """Names of the blobs below a prefix."""
    query = urllib.parse.urlencode({"restype": "container", "comp": "list", "prefix": prefix})
    reply = azure.blob("GET", account, f"{container}?{query}", identity=identity)
    return [name.text for name in xml.etree.ElementTree.fromstring(reply.decode("utf-8-sig")).iter("Name")]


def tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-SHOWN:])
