"""Bastion's tunnel protocol: one token and one websocket for each accepted connection."""

import socket
import ssl
import threading

import requests
import websocket
from azure.cli.core._profile import Profile
from knack.log import get_logger
from knack.util import CLIError

logger = get_logger(__name__)
CHUNK = 4096
DEADLINE = 60  # seconds for a request


class Tunnel:
    """Listens on a local port and relays each connection to a port of the target."""

    def __init__(self, cli_ctx, endpoint, target, target_port, port):
        self._cli_ctx = cli_ctx
        self._endpoint = endpoint
        self._target = target
        self._target_port = target_port
        self._tokens = {}
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("localhost", port))
            self._socket.listen(100)
        except OSError as error:
            raise CLIError("Defined port is currently unavailable") from error
        self.port = self._socket.getsockname()[1]

    def serve(self):
        """Accepts connections until one of them gets no token."""
        while True:
            client, _ = self._socket.accept()
            token, node, websocket_token = self._new_token()
            threading.Thread(target=self._relay, args=(client, token, node, websocket_token), daemon=True).start()

    def revoke_all(self):
        """Gives back every token that is still in use."""
        with self._lock:
            tokens = dict(self._tokens)
        for token, node in tokens.items():
            self._revoke(token, node)

    def _new_token(self):
        # az hands out (kind, token, details) first
        arm_token = Profile(cli_ctx=self._cli_ctx).get_raw_token()[0][1]
        form = {
            "resourceId": self._target,
            "protocol": "tcptunnel",
            "workloadHostPort": self._target_port,
            "aztoken": arm_token,
            "token": None,
        }
        reply = requests.post(f"https://{self._endpoint}/api/tokens", data=form, timeout=DEADLINE)
        if reply.status_code != 200:
            raise CLIError(reply.json().get("message") or f"Bastion answered with status {reply.status_code}.")
        body = reply.json()
        with self._lock:
            self._tokens[body["authToken"]] = body["nodeId"]
        return body["authToken"], body["nodeId"], body["websocketToken"]

    def _revoke(self, token, node):
        with self._lock:
            if self._tokens.pop(token, None) is None:
                return
        address = f"https://{self._endpoint}/api/tokens/{token}"
        reply = requests.delete(address, headers={"X-Node-Id": node}, timeout=DEADLINE)
        if reply.status_code not in (200, 204, 404):
            logger.warning("Bastion did not take a session's token back: status %s", reply.status_code)

    def _relay(self, client, token, node, websocket_token):
        try:
            far = websocket.create_connection(
                f"wss://{self._endpoint}/webtunnelv2/{websocket_token}?X-Node-Id={node}",
                sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
                sslopt={"cert_reqs": ssl.CERT_REQUIRED},
                enable_multithread=True,
            )
            inward = threading.Thread(target=_to_client, args=(far, client), daemon=True)
            inward.start()
            _to_far(client, far)
            inward.join()
        except (OSError, websocket.WebSocketException) as error:
            logger.info("the tunnel broke: %s", error)
        finally:
            client.close()
            self._revoke(token, node)


def _to_far(client, far):
    try:
        while data := client.recv(CHUNK):
            far.send_binary(data)
    except (OSError, websocket.WebSocketException) as error:
        logger.info("the client's side ended: %s", error)
    finally:
        far.close()


def _to_client(far, client):
    try:
        while data := far.recv():
            client.sendall(data)
    except (OSError, websocket.WebSocketException) as error:
        logger.info("the far side ended: %s", error)
    finally:
        _shut(client)


def _shut(client):
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it had ended before
