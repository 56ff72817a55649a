"""What the agent tells and asks its CycleCloud server."""
import base64
import json
import os
import ssl
import time
import urllib.error
import urllib.request

from common import azure

CUSTOM_DATA = "/var/lib/waagent/CustomData"
PATIENCE = 120  # seconds in which the server may be restarting, or not know this machine yet


def call(server, verb, key, body):
    """One request; its answer, or an OSError."""
    data = json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/jetpack/{verb}", data, headers)
    trust = ssl._create_unverified_context()  # the server's certificate is its own, as in reality
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    with urllib.request.build_opener(*handlers).open(request, timeout=30) as reply:
        return json.load(reply)


def patient(server, verb, key, body, log):
    """`call`, repeated for a while."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return call(server, verb, key, body)
        except OSError as error:
            if time.monotonic() > end:
                raise
            log(f"{verb}: {error}")
            time.sleep(0.5)


def join(log):
    """What the server tells this virtual machine, with where the server is."""
    with open(CUSTOM_DATA, encoding="utf-8") as file:
        given = json.loads(base64.b64decode(file.read()))
    told = patient(given["webServer"], "join", given["accessKey"], {"vmId": azure.instance()["compute"]["vmId"]}, log)
    return {**told, "webServer": given["webServer"]}


def report(state, status, message, log):
    body = {"nodeId": state["nodeId"], "status": status, "message": message, "hostname": os.uname().nodename}
    patient(state["webServer"], "status", state["accessKey"], body, log)
