"""The administrator's account and sign-in, against a CycleCloud that is played by a few functions."""

import contextlib
import io
import json
import os
import tempfile
import unittest
from unittest import mock

import admin
import base
import vault

WANT = {
    "name": "cycleadmin",
    "uid": 20001,
    "roles": ["Administrator", "Global Node Admin"],
    "public_key": "ssh-rsa AAAA",
    "vault": "kv",
    "secret": "cycleadmin-CycleCloudPwd",
    "distribution_method": "manual",
    "cli": {"url": "https://localhost", "verify_certificates": False},
}


class CycleCloud:
    """Records, and an import of whatever lies in the data folder."""

    def __init__(self, folder):
        self.folder, self.records, self.imports = folder, {}, []

    def select(self, query):
        for name in os.listdir(self.folder):
            if name.endswith(".json"):
                path = os.path.join(self.folder, name)
                with open(path, encoding="utf-8") as file:
                    records = json.load(file)
                self.imports.append((os.stat(path).st_mode & 0o777, records))
                for record in records:
                    self.records.setdefault((record["AdType"], record["Name"]), {}).update(record)
                os.rename(path, path + ".imported")
        kind = query.split(" from ")[1].split()[0]
        name = query.split('"')[1] if '"' in query else None
        return [row for (of, named), row in self.records.items() if of == kind and name in (None, named)]


class Admin(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.data, self.config = os.path.join(folder, "config/data"), os.path.join(folder, "root/.cycle/config.ini")
        os.makedirs(self.data)
        self.cyclecloud = CycleCloud(self.data)
        for name, value in {
            "DATA": self.data,
            "CONFIG": self.config,
            "select": self.cyclecloud.select,
            "vm_id": lambda: "id",
        }.items():
            self.enterContext(mock.patch.object(admin, name, value))
        self.enterContext(mock.patch.object(admin.shutil, "chown"))
        self.secret = self.enterContext(mock.patch.object(vault, "secret", return_value="canary-password"))
        self.run = self.enterContext(mock.patch.object(admin, "run", return_value=""))

    def enterContext(self, context):
        """The same as in newer Pythons."""
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def test_the_second_time_nothing_changes_and_no_password_is_read(self):
        self.assertEqual(admin.account(WANT), {"changed": True})
        self.assertEqual([mode for mode, _ in self.cyclecloud.imports], [0o600])
        self.assertEqual(os.listdir(self.data), [])
        self.assertEqual(admin.account(WANT), {"changed": False})
        self.secret.assert_called_once()

    def test_missing_rights_are_given_without_touching_the_password(self):
        admin.account(WANT)
        self.cyclecloud.records[("AuthenticatedUser", "cycleadmin")]["Roles"] = ["Administrator", "Users' own"]
        self.assertEqual(admin.account(WANT), {"changed": True})
        _, records = self.cyclecloud.imports[-1]
        self.assertEqual([record["AdType"] for record in records], ["AuthenticatedUser"])
        self.assertNotIn("RawPassword", records[0])

    def test_an_import_that_never_happens_leaves_no_password_behind(self):
        with mock.patch.object(admin, "select", lambda query: []), mock.patch.object(
            admin, "wait_until", lambda probe, *_, **__: probe() or None
        ), self.assertRaisesRegex(base.Problem, "did not take in the account cycleadmin"):
            admin.account(WANT)
        self.assertEqual(os.listdir(self.data), [])

    def test_signing_in_writes_a_private_file_once(self):
        self.assertEqual(admin.sign_in(WANT), {"changed": True})
        self.assertEqual(os.stat(self.config).st_mode & 0o777, 0o600)
        with open(self.config, "a", encoding="utf-8") as file:
            file.write("[project]\ndefault_target = azure-storage\n\n")
        self.assertEqual(admin.sign_in(WANT), {"changed": False})
        self.assertNotIn("canary-password", str(self.run.call_args_list))

    def test_a_file_that_others_can_read_is_made_private_again(self):
        admin.sign_in(WANT)
        os.chmod(self.config, 0o644)
        self.assertEqual(admin.sign_in(WANT), {"changed": True})
        self.assertEqual(os.stat(self.config).st_mode & 0o777, 0o600)

    def test_a_refused_password_is_said_without_it(self):
        self.run.side_effect = base.Problem("bad syntax in: canary-password")
        with mock.patch.object(admin, "wait_until", lambda probe, *_, **__: probe() or None):
            with self.assertRaisesRegex(base.Problem, "vault kv .secret cycleadmin-CycleCloudPwd") as caught:
                admin.sign_in(WANT)
        self.assertNotIn("canary", str(caught.exception))


class Base(unittest.TestCase):
    def test_the_environment_file_is_read_as_pam_does(self):
        with tempfile.NamedTemporaryFile("w", suffix="environment") as file:
            file.write("# proxy\nHTTPS_PROXY=\"http://10.0.0.1:3128\"\nexport NO_PROXY='localhost'\n\nbroken\n")
            file.flush()
            found = base.host_environment(file.name)
        self.assertEqual(found, {"HTTPS_PROXY": "http://10.0.0.1:3128", "NO_PROXY": "localhost"})

    def test_a_failed_program_says_its_last_words(self):
        with self.assertRaisesRegex(base.Problem, "sh -c .* failed with exit status 3: no such locker"):
            base.run("/bin/sh", "-c", "echo no such locker >&2; exit 3")

    def test_a_program_that_hangs_is_ended(self):
        with self.assertRaisesRegex(base.Problem, "sleep 60 gave no answer within 0.1 s"):
            base.run("/bin/sleep", "60", timeout=0.1)

    def test_a_problem_is_a_sentence_on_standard_error(self):
        with mock.patch("sys.stdin", io.StringIO("{}")), mock.patch.object(
            base, "host_environment", dict
        ), contextlib.redirect_stdout(io.StringIO()) as said:
            with self.assertRaises(SystemExit) as left:
                base.answer(mock.Mock(side_effect=base.Problem("the locker is missing")))
        self.assertEqual((left.exception.code, said.getvalue()), ("the locker is missing", ""))


if __name__ == "__main__":
    unittest.main()
