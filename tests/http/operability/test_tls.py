"""TLS to the database: sslmode and sslrootcert mean what they mean to libpq. The certificate is for localhost."""

import os
import unittest

import database
from server import Server

CERTIFICATES = os.environ["CERTIFICATES"]
# What is expected of a database that can't do TLS: whoever does not insist gets a plain connection.
WITHOUT_TLS = {"disable": "plain", "prefer": "plain"}


def url(host, options):
    return f"postgres://unkey_http:{os.environ['HTTP_PASSWORD']}@{host}:{os.environ['PORT']}/unkey?{options}"


class Tls(unittest.TestCase):
    def ready(self, host, mode, authority=None):
        options = f"sslmode={mode}" + (f"&sslrootcert={CERTIFICATES}/{authority}.crt" if authority else "")
        with Server(url(host, options)) as server:
            status = server.get("/ready").status
            encrypted = database.query("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                                       "WHERE usename = 'unkey_http' AND client_addr IS NOT NULL")
            self.assertNotIn(os.environ["HTTP_PASSWORD"], server.log())
        return {"t": "encrypted", "f": "plain", "": "refused"}[encrypted] if status == 200 else "refused"

    def test_modes(self):
        for host, mode, authority, expected in [
            ("localhost", "verify-full", "ours", "encrypted"),
            ("localhost", "verify-full", "another", "refused"),
            ("127.0.0.1", "verify-full", "ours", "refused"),  # not in the certificate
            ("127.0.0.1", "verify-ca", "ours", "encrypted"),
            ("localhost", "verify-ca", "another", "refused"),
            ("localhost", "verify-full", None, "refused"),  # no authority that the machine trusts
            ("localhost", "require", None, "encrypted"),
            ("localhost", "require", "another", "refused"),
            ("localhost", "prefer", None, "encrypted"),
            ("localhost", "disable", None, "plain"),
        ]:
            if os.environ["TLS"] == "off":
                expected = WITHOUT_TLS.get(mode, "refused")
            with self.subTest(host=host, mode=mode, authority=authority):
                self.assertEqual(self.ready(host, mode, authority), expected)
