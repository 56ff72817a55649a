"""The cluster as CycleCloud's REST API tells it."""
import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

from azslurm import AzureSlurmError


class CycleCloud:
    """Requests to the server of an autoscale.json."""

    def __init__(self, config):
        self.base = f"{config['url'].rstrip('/')}/clusters/{urllib.parse.quote(config['cluster_name'])}"
        self.actions = f"{config['url'].rstrip('/')}/cloud/actions/retry/{urllib.parse.quote(config['cluster_name'])}"
        self.login = base64.b64encode(f"{config['username']}:{config['password']}".encode()).decode()

    def call(self, method, url, body=None):
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), method=method)
        request.add_header("Authorization", f"Basic {self.login}")
        trust = ssl._create_unverified_context()  # the server's certificate is its own, as in reality
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise AzureSlurmError(json.load(error).get("error", str(error))) from None
        except OSError as error:
            raise AzureSlurmError(f"Could not connect to {url}: {error}") from None

    def nodes(self):
        """Every node, by name."""
        return {node["Name"]: node for node in self.call("GET", f"{self.base}/nodes")["nodes"]}

    def status(self):
        return self.call("GET", f"{self.base}/status")

    def create(self, sets):
        return self.call("POST", f"{self.base}/nodes/create", {"sets": sets})

    def shutdown(self, ids):
        return self.call("POST", f"{self.base}/nodes/shutdown", {"ids": ids})

    def retry(self):
        return self.call("POST", self.actions, {})
