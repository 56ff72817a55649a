"""`az network bastion tunnel`: a local port that leads to a port of a VM."""

import signal
import sys
import threading
import time

from azure.cli.core.azclierror import ClientRequestError, InvalidArgumentValueError
from azure.cli.core.commands.client_factory import get_subscription_id
from azure.cli.core.util import send_raw_request
from azure.mgmt.core.tools import is_valid_resource_id
from knack.log import get_logger

from .tunnel import Tunnel

logger = get_logger(__name__)
API_VERSION = "2025-05-01"
SKUS = ("Standard", "Premium")


def create_bastion_tunnel(
    cmd, resource_group_name, bastion_host_name, target_resource_id, resource_port, port, timeout=None
):
    """Opens the tunnel and keeps it open until interrupted, or until `timeout` seconds have passed."""
    bastion = _bastion(cmd, resource_group_name, bastion_host_name)
    properties = bastion["properties"]
    if bastion["sku"]["name"] not in SKUS or properties["enableTunneling"] is not True:
        raise ClientRequestError("Bastion Host SKU must be Standard or Premium and Native Client must be enabled.")
    if not is_valid_resource_id(target_resource_id):
        raise InvalidArgumentValueError("Please enter a valid resource ID.")
    tunnel = Tunnel(cmd.cli_ctx, properties["dnsName"], target_resource_id, resource_port, port)
    listener = threading.Thread(target=tunnel.serve, daemon=True)
    listener.start()
    logger.warning("Opening tunnel on port: %s", tunnel.port)
    logger.warning("Tunnel is ready, connect on port %s", tunnel.port)
    logger.warning("Ctrl + C to close")
    signal.signal(signal.SIGINT, lambda *_: _close(tunnel))
    if timeout:
        time.sleep(timeout)
    else:
        while listener.is_alive():
            time.sleep(1)


def _bastion(cmd, group, name):
    subscription = get_subscription_id(cmd.cli_ctx)
    path = (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/bastionHosts/{name}"
        f"?api-version={API_VERSION}"
    )
    return send_raw_request(cmd.cli_ctx, "GET", path).json()


def _close(tunnel):
    tunnel.revoke_all()
    sys.exit()
