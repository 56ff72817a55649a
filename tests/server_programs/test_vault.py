"""Reading a secret with the VM's identity: what is asked again, what is not, and what a failure tells."""

import http.server
import io
import json
import os
import threading
import unittest
import urllib.error
from unittest import mock

import vault
from base import Problem


class Metadata(http.server.BaseHTTPRequestHandler):
    """A metadata service whose identity appears only at the second request."""

    asked = []

    def do_GET(self):
        self.asked.append((self.path, self.headers["Metadata"]))
        self.send_response(200 if len(self.asked) > 1 else 400)
        self.end_headers()
        self.wfile.write(b'{"access_token": "token"}')

    def log_message(self, *_):
        """No noise in the tests' output."""


def refusal(status, code):
    body = io.BytesIO(json.dumps({"error": {"code": "Forbidden", "innererror": {"code": code}}}).encode())
    return urllib.error.HTTPError("https://kv.vault.azure.net", status, "", {}, body)


class Secret(unittest.TestCase):
    def read(self, *replies):
        """Reads a secret from a vault that gives these replies; returns value and number of requests."""
        replies = [io.BytesIO(json.dumps(one).encode()) if isinstance(one, dict) else one for one in replies]
        with mock.patch.object(vault, "identity_token", return_value="token"), mock.patch.object(
            vault.urllib.request, "urlopen", side_effect=replies
        ) as asked:
            return vault.secret("kv", "admin-CycleCloudPwd", patience=0.2, pause=0.01), asked.call_count

    def test_a_right_that_arrives_late_is_waited_for(self):
        value, requests = self.read(refusal(403, "ForbiddenByRbac"), refusal(429, ""), {"value": "canary"})
        self.assertEqual((value, requests), ("canary", 3))

    def test_a_right_that_never_comes_is_named(self):
        with self.assertRaisesRegex(Problem, "403 ForbiddenByRbac.*Key Vault Secrets User"):
            self.read(*[refusal(403, "ForbiddenByRbac") for _ in range(100)])

    def test_what_no_waiting_cures_stops_at_once(self):
        for status, code, words in [
            (404, "SecretNotFound", "has no secret admin-CycleCloudPwd"),
            (403, "ForbiddenByFirewall", "refuses this server's network"),
        ]:
            with self.subTest(code), self.assertRaisesRegex(Problem, words):
                self.read(refusal(status, code))

    def test_an_identity_that_appears_late_is_waited_for(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), Metadata)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        # A proxy that would refuse everything: the metadata service must not be asked through it.
        variables = {vault.AUTHORITY: f"http://127.0.0.1:{server.server_port}/", "http_proxy": "http://127.0.0.1:9"}
        reply = io.BytesIO(b'{"value": "canary"}')
        with mock.patch.dict(os.environ, variables), mock.patch.object(
            vault.urllib.request, "urlopen", return_value=reply
        ) as asked:
            self.assertEqual(vault.secret("kv", "name", patience=5, pause=0.01), "canary")
        self.assertEqual(asked.call_args[0][0].headers, {"Authorization": "Bearer token"})
        path, header = Metadata.asked[-1]
        self.assertEqual(header, "true")
        self.assertTrue(path.startswith("/metadata/identity/oauth2/token?"), path)


if __name__ == "__main__":
    unittest.main()
