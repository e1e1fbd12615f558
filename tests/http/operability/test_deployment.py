"""What deploy/ has for other machines: its example of settings and its roles work as they are."""

import re
import subprocess
import unittest

import database
from server import ROOT, Server

DEPLOY = ROOT / "deploy"


class Deployment(unittest.TestCase):
    def test_the_unit_starts_with_every_setting_of_the_example_at_its_default(self):
        unit = (DEPLOY / "unkey-http.service").read_text()
        self.assertIn("\nExecStart=/usr/local/bin/unkey-http\n", unit)  # so all of its settings are in the file
        example = (DEPLOY / "unkey-http.env.example").read_text()
        settings = dict(re.findall(r"^#?([A-Z_]+)=(.+)$", example, re.M))
        self.assertGreater(len(settings), 15)
        settings |= {"UNKEY_LISTEN": "127.0.0.1:0"}
        settings.pop("DATABASE_URL")
        with Server(database.URL, **settings) as server:
            self.assertEqual(server.get("/ready").status, 200)
            self.assertEqual(server.stop(), 0)

    def as_role(self, role, sql):
        return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", f"SET ROLE {role}", "-c", sql],
                              capture_output=True, text=True)

    def test_its_roles_may_do_their_work_and_nothing_else(self):
        status = "SELECT status FROM unkey_api('apis.listApis', 'Bearer x', '{}')"
        self.assertEqual(self.as_role("unkey_http", status).stdout, "401\n")
        self.assertEqual(self.as_role("unkey_keeper", "SELECT unkey.maintain() IS NOT NULL").stdout, "t\n")
        for role, sql in [("unkey_http", "SELECT unkey.maintain()"), ("unkey_http", "SELECT FROM unkey.keys"),
                          ("unkey_http", "SELECT unkey_create_root_key()"), ("unkey_keeper", "SELECT FROM unkey.keys"),
                          ("unkey_keeper", status)]:
            self.assertIn("permission denied", self.as_role(role, sql).stderr, (role, sql))

    def test_the_library_is_preloaded_as_in_the_images(self):
        self.assertEqual(database.query("SHOW shared_preload_libraries"), "unkey")
        self.assertIn('"-c", "shared_preload_libraries=unkey"', (DEPLOY / "Dockerfile.postgres").read_text())
