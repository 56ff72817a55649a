"""Reads a secret of the Key Vault with this VM's own identity.

The value is returned to the calling program and goes nowhere else: no argument, no file, no output.
"""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

from base import Problem

# Azure's own metadata service; the Azure SDKs look for another one in AUTHORITY.
METADATA = "http://169.254.169.254"
AUTHORITY = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
ANSWER_WITHIN = 30


class NotYet(Exception):
    """A refusal that ends by itself, such as a role assignment that has not arrived everywhere."""


def secret(vault, name, patience=900, pause=15):
    """The newest value of a secret; waits up to `patience` seconds for the identity and its rights."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return secret_value(vault, name, identity_token())
        except NotYet as why:
            if time.monotonic() + pause > deadline:
                raise Problem(
                    f"vault {vault} did not give {name} within {patience} s: {why}; "
                    "the server's identity needs the role Key Vault Secrets User on the vault"
                ) from None
        time.sleep(pause)


def metadata(path, **query):
    """A JSON answer of the metadata service, which is asked directly, never through a proxy."""
    base = os.environ.get(AUTHORITY) or METADATA
    url = f"{base.rstrip('/')}/metadata/{path}?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(url, headers={"Metadata": "true"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=ANSWER_WITHIN) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        # A young VM gets 400, 404 or 429 until its identity is known to the service.
        raise NotYet(f"the metadata service answers {error.code} for {path}") from None
    except (OSError, ValueError) as error:
        raise NotYet(f"the metadata service does not answer for {path}: {error}") from None


def identity_token():
    """An access token of the VM's system-assigned identity for Key Vault."""
    reply = metadata("identity/oauth2/token", **{"api-version": "2018-02-01", "resource": "https://vault.azure.net"})
    return reply["access_token"]


def secret_value(vault, name, token):
    """One attempt to read; tells what will pass from what needs a person."""
    url = f"https://{vault}.vault.azure.net/secrets/{urllib.parse.quote(name)}?api-version=7.4"
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_WITHIN) as reply:
            return json.load(reply)["value"]
    except urllib.error.HTTPError as error:
        why = f"{error.code} {reason(error)}".strip()
        if error.code == 404:
            raise Problem(f"vault {vault} has no secret {name}; run the install again, which makes it") from None
        if "ForbiddenByFirewall" in why or "ForbiddenByConnection" in why:
            raise Problem(f"vault {vault} refuses this server's network ({why}); allow it or its endpoint") from None
        raise NotYet(f"the vault answers {why}") from None
    except (OSError, ValueError) as error:
        raise NotYet(f"the vault cannot be reached: {error}") from None


def reason(error):
    """The code inside an error body of Key Vault, if there is one."""
    try:
        body = json.load(error)["error"]
        return (body.get("innererror") or {}).get("code") or body.get("code") or ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
