"""Requests to Azure with this VM's own identity."""
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

from common import Refused

ARM = "https://management.azure.com"
STORAGE = "https://storage.azure.com/"
METADATA = "http://169.254.169.254"
TIMEOUT = 60


class AzureError(Refused):
    """A refusal of Azure; `status` is its HTTP status, 0 when nothing answered."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def host_environment(path="/etc/environment"):
    """Proxy and certificates for every way this is started; a service does not read /etc/environment by itself."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, equals, value = line.strip().partition("=")
            if equals:
                os.environ.setdefault(name, value)


def metadata(path, body=None, **query):
    """What the metadata service answers to a GET, or to a POST of `body`."""
    base = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", METADATA).rstrip("/")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"{base}/metadata/{path}?{urllib.parse.urlencode(query)}"
    data = None if body is None else json.dumps(body).encode()
    reply = answer(direct.open, urllib.request.Request(url, data, {"Metadata": "true"}))
    return json.loads(reply) if reply else {}


def instance():
    """What the metadata service tells of this virtual machine."""
    return metadata("instance", **{"api-version": "2021-02-01"})


def token(resource, identity=None):
    """An access token of one of the VM's identities: the user-assigned one of this id, else its only or own one."""
    chosen = {"msi_res_id": identity} if identity else {}
    return metadata("identity/oauth2/token", **{"api-version": "2018-02-01", "resource": resource, **chosen})["access_token"]


def arm(method, path, version, body=None):
    """One request to Azure Resource Manager; `path` may have a query already."""
    url = ARM + path + ("&" if "?" in path else "?") + "api-version=" + version
    headers = {"Authorization": "Bearer " + token(ARM + "/"), "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    reply = answer(urllib.request.urlopen, urllib.request.Request(url, data, headers, method=method))
    return json.loads(reply) if reply else {}


def blob(method, account, path, data=None, headers=None, identity=None):
    """One request to a storage account's blobs."""
    url = f"https://{account}.blob.core.windows.net/{path}"
    headers = {"Authorization": "Bearer " + token(STORAGE, identity), "x-ms-version": "2021-12-02", **(headers or {})}
    return answer(urllib.request.urlopen, urllib.request.Request(url, data, headers, method=method))


def settled(path, version, deadline):
    """A resource once its provisioning has ended; AzureError when it failed or takes too long."""
    end = time.monotonic() + deadline
    while True:
        resource = arm("GET", path, version)
        state = resource.get("properties", {}).get("provisioningState")
        if state == "Succeeded":
            return resource
        if state in ("Failed", "Canceled"):
            raise AzureError(0, f"provisioning of {path.rsplit('/', 1)[1]} ended as {state}")
        if time.monotonic() > end:
            raise AzureError(0, f"{path.rsplit('/', 1)[1]} is still {state} after {deadline} s")
        time.sleep(1)


def answer(open_url, request):
    try:
        with open_url(request, timeout=TIMEOUT) as reply:
            return reply.read()
    except urllib.error.HTTPError as error:
        raise AzureError(error.code, reason(error)) from None
    except OSError as error:
        raise AzureError(0, f"{request.host} does not answer: {error}") from None


def reason(error):
    """Code and message of Azure's error body."""
    text = error.read().decode(errors="replace")
    try:
        body = json.loads(text)["error"]
        return f"{body['code']}: {body['message']}" if isinstance(body, dict) else f"{error.code} {body}"
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {text[:300]}".strip()
