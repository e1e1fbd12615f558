"""The apps of examples/ that ask the database themselves, started as their READMEs say."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

EXAMPLES = Path(__file__).parents[3] / "examples"
SUPERUSER = os.environ["DATABASE_URL"]
APP = SUPERUSER.replace("//postgres@", "//notes_web@")


def sql(statement):
    command = ["psql", "-XAtqv", "ON_ERROR_STOP=1", "-d", SUPERUSER, "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def new_key(arguments=""):
    """The id and the text of a key."""
    api = sql("SELECT unkey_create_api('middleware')")
    return sql(f"SELECT key_id, key FROM unkey_create_key('{api}'{arguments and ', '}{arguments})").split("|")


def key(arguments=""):
    return new_key(arguments)[1]


def remaining(key_id):
    return int(sql(f"SELECT remaining FROM unkey.credits WHERE key_id = '{key_id}'"))


def call(url, key=None, body=None, scheme="Bearer"):
    """Status, headers and JSON of one request."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"{scheme} {key}"} if key else {})
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        reply = urlopen(Request(url, data, headers), timeout=30)
    except HTTPError as error:
        reply = error
    with reply:
        return reply.status, reply.headers, json.load(reply)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class App:
    """What every app does."""

    @classmethod
    def setUpClass(cls):
        cls.url, cls.app = cls.start(APP)

    @classmethod
    def tearDownClass(cls):
        cls.stop(cls.app)

    @classmethod
    def start(cls, database_url, command=None):
        """The app on a free port, once it listens: its address and its process."""
        port = free_port()
        command = [word.replace("PORT", str(port)) for word in command or cls.command]
        environment = {**os.environ, "DATABASE_URL": database_url, "PORT": str(port)}
        app = subprocess.Popen(command, cwd=EXAMPLES / cls.folder, env=environment, start_new_session=True)
        for _ in range(600):
            if app.poll() is not None:
                raise RuntimeError(f"the example {cls.folder} ended")
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return f"http://127.0.0.1:{port}", app
            except OSError:
                time.sleep(0.1)
        cls.stop(app)
        raise RuntimeError(f"the example {cls.folder} does not listen")

    @staticmethod
    def stop(app):
        # Its whole group: npm does not hand the signal on.
        os.killpg(app.pid, signal.SIGTERM)
        app.wait(30)

    def get(self, path="/", key=None, **more):
        return call(self.url + path, key, **more)

    def post(self, key, body):
        return call(self.url + "/notes", key, body)

    def test_without_a_key_401(self):
        for path in ("/", "/notes"):
            status, headers, _ = self.get(path)
            self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))
        self.assertEqual(self.get(key=key(), scheme="Basic")[0], 401)

    def test_with_a_bad_key_401(self):
        for bad in ("nobody_knows_this_one", "x" * 513, "'--", key("enabled => false")):
            for path in ("/", "/notes"):
                status, headers, _ = self.get(path, bad)
                self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))

    def test_with_a_good_key_200_and_its_owner(self):
        good = key("external_id => 'customer_17', credits => 10")
        for left in (9, 8):
            status, headers, body = self.get(key=good)
            self.assertEqual((status, body), (200, {"owner": "customer_17", "remaining": left}))
            self.assertIsNone(headers["RateLimit"])
        self.assertEqual(self.get(key=good, scheme="bearer")[2]["remaining"], 7)

    def test_without_the_permission_403(self):
        for path in ("/invoices", "/notes"):
            self.assertEqual(self.get(path, key())[0], 403)
        status, _, body = self.get("/invoices", key("permissions => '{invoices.read}'"))
        self.assertEqual((status, body), (200, {"invoices": []}))

    def test_from_another_address_403(self):
        self.assertEqual(self.get(key=key("ip_allowlist => '{10.0.0.0/8}'"))[0], 403)
        self.assertEqual(self.get(key=key("ip_allowlist => '{127.0.0.1}'"))[0], 200)

    def limited(self, path, permissions):
        limit = """ratelimits => '[{"name": "re\\"ads", "limit": 2, "duration": 3600000, "autoApply": true}]'"""
        limited = key(f"{limit}, permissions => '{permissions}'")
        for left in (1, 0):
            status, headers, _ = self.get(path, limited)
            self.assertEqual((status, headers["RateLimit-Policy"]), (200, r'"re\"ads";q=2;w=3600'))
            self.assertRegex(headers["RateLimit"], re.compile(rf'^"re\\"ads";r={left};t=[1-9][0-9]{{0,3}}$'))
            self.assertIsNone(headers["Retry-After"])
        status, headers, _ = self.get(path, limited)
        self.assertEqual((status, headers["RateLimit-Policy"]), (429, r'"re\"ads";q=2;w=3600'))
        self.assertIn(";r=0;", headers["RateLimit"])
        self.assertRegex(headers["Retry-After"], re.compile(r"^[1-9][0-9]{0,3}$"))
        self.assertTrue(headers["RateLimit"].endswith(f";t={headers['Retry-After']}"))

    def test_when_limited_429_and_when_to_come_again(self):
        self.limited("/", "{}")

    def test_when_limited_in_a_transaction(self):
        self.limited("/notes", "{notes.read}")

    def test_when_out_of_credits_429(self):
        poor = key("credits => 1")
        self.assertEqual([self.get(key=poor)[0] for _ in range(2)], [200, 429])
        self.assertIsNone(self.get(key=poor)[1]["Retry-After"])

    def test_everybody_sees_their_own(self):
        customers = [f"{self.folder}_{name}" for name in ("acme", "globex")]
        acme, globex = (key(f"external_id => '{name}', permissions => '{{notes.read,notes.write}}'") for name in customers)
        note = {"customer": customers[0], "title": "the plan"}
        status, _, body = self.post(acme, {"title": "the plan"})
        self.assertEqual((status, body), (200, note))
        # More requests than there are connections.
        for _ in range(12):
            self.assertEqual(self.get("/notes", acme)[2], [note])
            self.assertEqual(self.get("/notes", globex)[2], [])

    def test_a_handler_that_fails_has_spent_nothing(self):
        key_id, payer = new_key("external_id => 'payer', permissions => '{notes.write}', credits => 12")
        for wrong in ({"title": " "}, {"title": "x" * 201}):  # by the handler, by the database
            self.assertEqual(self.post(payer, wrong)[0], 400)
            self.assertEqual(remaining(key_id), 12)
        self.assertIn(self.post(payer, b"{")[0], (400, 422))
        self.assertEqual(remaining(key_id), 12)
        self.assertEqual(self.post(payer, {"title": f"of {self.folder}"})[0], 200)
        self.assertEqual(remaining(key_id), 7)
        self.assertEqual(sql(f"SELECT count(*) FROM notes WHERE title = 'of {self.folder}'"), "1")
        self.assertEqual([self.post(payer, {"title": "more"})[0] for _ in range(2)], [200, 429])
        self.assertEqual(remaining(key_id), 2)

    def test_a_refusal_is_recorded(self):
        key_id, refused = new_key()
        self.assertEqual(self.get("/notes", refused)[0], 403)
        recorded = f"SELECT count(*) FROM unkey.key_verifications_v1 WHERE key_id = '{key_id}'"
        for _ in range(100):
            if sql(recorded) == "1":
                break
            time.sleep(0.1)
        self.assertEqual(sql(recorded), "1")

    def test_when_the_database_is_away_503(self):
        url, app = self.start(f"postgres://notes_web@127.0.0.1:{free_port()}/http", self.built)
        self.addCleanup(self.stop, app)
        for path in ("/", "/notes"):
            self.assertEqual(call(url + path, "any")[0], 503)


class Express(App, unittest.TestCase):
    folder = "express"
    command, built = ["npm", "start"], ["node", "build/server.js"]


class Hono(App, unittest.TestCase):
    folder = "hono"
    command, built = ["npm", "start"], ["node", "build/server.js"]


class FastAPI(App, unittest.TestCase):
    folder = "fastapi"
    command = built = [os.environ["EXAMPLE_PYTHON"], "-m", "uvicorn", "app:app", "--port", "PORT"]


if __name__ == "__main__":
    unittest.main()
