"""The server itself: imports dropped records, answers its command lines, and hears from its nodes.

The command line `cyclecloud` comes over HTTPS with a user's name and password, `cycle_server` over a socket that only
root can open, nodes over the cluster port with their own key.
"""
import base64
import json
import logging
import os
import socketserver
import ssl
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common import Refused, azure
from standin import agent, machines, nodes, rest, verbs, work
from standin.store import Store, matches

WORK = "/opt/cycle_server/work"
SOCKET = WORK + "/control.sock"
PROPERTIES = "/opt/cycle_server/config/cycle_server.properties"
LOG = "/opt/cycle_server/logs/cycle_server.log"
STARTUP = 3  # seconds; the real server takes a minute or more
CLI_VERBS = {name: getattr(verbs, name) for name in (
    "account_list", "account_show", "account_create", "locker_list", "locker_show", "locker_record",
    "project_uploaded", "import_cluster", "export_parameters", "start_cluster", "show_cluster", "show_nodes")}
CONTROL_VERBS = {"execute": verbs.execute, "run_action": verbs.run_action}


def perform(known, store, call):
    """Runs one call and returns its answer: the output, or why it was refused."""
    try:
        return {"output": known[call["verb"]](store, **call.get("arguments", {}))}
    except Refused as refusal:
        return {"error": str(refusal)}


def heard(store, verb, body, key):
    """Status and body of the answer to a node's agent."""
    if verb == "join":
        return 200, agent.joined(store, nodes.joined(store, key, body["vmId"]))
    if verb == "poll":
        return 200, agent.polled(store, nodes.proven(store, body["nodeId"], key))
    if verb == "log":
        row = nodes.proven(store, body["nodeId"], key)
        logging.info("node %s: %s: %s", row["Name"], body["level"], body["message"])
        return 200, {}
    nodes.reported(store, body["nodeId"], key, body["status"], body["message"], body["hostname"])
    return 200, {}


class Control(socketserver.StreamRequestHandler):
    """One line with a call, one line with its answer."""

    def handle(self):
        answer = perform(CONTROL_VERBS, self.server.store, json.loads(self.rfile.readline()))
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class Web(BaseHTTPRequestHandler):
    """What users and nodes ask for."""

    timeout = 60

    def do_GET(self):
        path, options = self.asked()
        if path in ("/", "/health_monitor"):
            self.reply(200, {})
        elif self.user():
            self.guarded(rest.get, path, options)
        else:
            self.reply(401, {"error": "Invalid username or password"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        path, _ = self.asked()
        kind, _, key = self.headers.get("Authorization", "").partition(" ")
        if path.startswith("/jetpack/") and kind == "Bearer":
            self.guarded(heard, path.removeprefix("/jetpack/"), body, key)
        elif not (user := self.user()):
            self.reply(401, {"error": "Invalid username or password"})
        elif path == "/standin":
            if body["verb"] == "start_cluster":
                body["arguments"]["user"] = user
            self.reply(200, perform(CLI_VERBS, self.server.store, body))
        else:
            self.guarded(rest.post, path, body, user)

    def asked(self):
        """Path and options of the request."""
        parts = urllib.parse.urlsplit(self.path)
        return urllib.parse.unquote(parts.path), dict(urllib.parse.parse_qsl(parts.query))

    def guarded(self, work, *arguments):
        """Replies with what `work` gives, or 409 with its refusal."""
        try:
            self.reply(*work(self.server.store, *arguments))
        except Refused as refusal:
            self.reply(409, {"error": str(refusal)})

    def user(self):
        """Name of the user or cluster whose name and password came along, or None."""
        kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return None
        name, _, password = base64.b64decode(encoded).decode().partition(":")
        if name == agent.CLUSTER_USER:
            clusters = self.server.store.all("Cloud.Cluster")
            return name if any(nodes.same(cluster.get("AccessKey"), password) for cluster in clusters) else None
        user = self.server.store.one("AuthenticatedUser", Name=name)
        return name if user and matches(password, user.get("Password")) else None

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        logging.info("web: " + format, *args)


def certificate():
    """The server's own certificate, made at its first start."""
    path = WORK + "/server.pem"
    if not os.path.exists(path):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "3650", "-subj", "/CN=cyclecloud", "-keyout", path + ".key", "-out",
                        path], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, path + ".key")
    return context


def node_key():
    """The key that CycleCloud puts on its nodes."""
    os.makedirs(os.path.dirname(machines.KEY), mode=0o700, exist_ok=True)
    if not os.path.exists(machines.KEY):
        subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-C", "cyclecloud", "-f", machines.KEY], check=True,
                       timeout=60)


def properties():
    with open(PROPERTIES, encoding="utf-8") as file:
        pairs = (line.strip().split("=", 1) for line in file if "=" in line and not line.startswith("#"))
        return dict(pairs)


def serve(server, store):
    server.store, server.daemon_threads = store, True
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    os.umask(0o077)
    os.makedirs(os.path.dirname(LOG), exist_ok=True)
    logging.basicConfig(filename=LOG, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    azure.host_environment()
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    store = Store(WORK + "/store.json")
    context, ports = certificate(), properties()
    node_key()
    time.sleep(STARTUP)
    for port in (ports["webServerSslPort"], ports["webServerClusterPort"]):
        server = ThreadingHTTPServer(("", int(port)), Web)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        serve(server, store)
    serve(socketserver.ThreadingUnixStreamServer(SOCKET, Control), store)
    verbs.resume(store)
    logging.info("ready")
    work.watch_data_folder(store)


if __name__ == "__main__":
    main()
