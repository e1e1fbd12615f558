"""The apps of examples/, started as their READMEs say, against our server."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

EXAMPLES = Path(__file__).parents[3] / "examples"


def call(url, body=None, key=None):
    """Status, headers and JSON of one request."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        reply = urlopen(Request(url, None if body is None else json.dumps(body).encode(), headers), timeout=30)
    except HTTPError as error:
        reply = error
    with reply:
        return reply.status, reply.headers, json.load(reply)


def unkey(operation, **body):
    status, _, reply = call(f"{os.environ['UNKEY_URL']}/v2/{operation}", body, os.environ["UNKEY_ROOT_KEY"])
    assert status == 200, reply
    return reply["data"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Example:
    """What every example does."""

    @classmethod
    def setUpClass(cls):
        cls.api_id = unkey("apis.createApi", name="examples")["apiId"]
        cls.url, cls.app = cls.start(os.environ["UNKEY_URL"])

    @classmethod
    def tearDownClass(cls):
        cls.stop(cls.app)

    @classmethod
    def start(cls, unkey_url):
        """The app on a free port, once it listens: its address and its process."""
        port = free_port()
        command = [word.replace("PORT", str(port)) for word in cls.command]
        environment = {**os.environ, "UNKEY_URL": unkey_url, "PORT": str(port)}
        app = subprocess.Popen(command, cwd=EXAMPLES / cls.folder, env=environment, start_new_session=True)
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            if app.poll() is not None:
                raise RuntimeError(f"the example {cls.folder} ended")
            try:
                call(url)
                return url, app
            except URLError:
                time.sleep(0.1)
        cls.stop(app)
        raise RuntimeError(f"the example {cls.folder} does not listen")

    @staticmethod
    def stop(app):
        # Its whole group: npm does not hand the signal on.
        os.killpg(app.pid, signal.SIGTERM)
        app.wait(30)

    def get(self, path="/", key=None):
        return call(self.url + path, key=key)

    def key(self, **fields):
        return unkey("keys.createKey", apiId=self.api_id, **fields)["key"]

    def test_without_a_key_401(self):
        status, headers, _ = self.get()
        self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))

    def test_with_a_bad_key_401(self):
        for key in ("nobody_knows_this_one", "x" * 513, self.key(enabled=False)):
            status, headers, _ = self.get(key=key)
            self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))

    def test_with_a_good_key_200_and_its_owner(self):
        key = self.key(externalId="customer_17", credits={"remaining": 10})
        for remaining in (9, 8):
            status, _, body = self.get(key=key)
            self.assertEqual((status, body), (200, {"owner": "customer_17", "remaining": remaining}))

    def test_without_the_permission_403(self):
        self.assertEqual(self.get("/invoices", self.key())[0], 403)
        status, _, body = self.get("/invoices", self.key(permissions=["invoices.read"]))
        self.assertEqual((status, body), (200, {"invoices": []}))

    def test_when_limited_429_and_when_to_come_again(self):
        key = self.key(ratelimits=[{"name": "requests", "limit": 1, "duration": 3_600_000, "autoApply": True}])
        self.assertEqual(self.get(key=key)[0], 200)
        status, headers, _ = self.get(key=key)
        self.assertEqual(status, 429)
        self.assertRegex(headers["Retry-After"], re.compile(r"^[1-9][0-9]{0,3}$"))

    def test_when_out_of_credits_429(self):
        key = self.key(credits={"remaining": 1})
        self.assertEqual([self.get(key=key)[0] for _ in range(2)], [200, 429])

    def test_when_the_server_is_away_503(self):
        url, app = self.start(f"http://127.0.0.1:{free_port()}")
        self.addCleanup(self.stop, app)
        self.assertEqual(call(url, key=self.key())[0], 503)


class TypeScript(Example, unittest.TestCase):
    folder = "typescript"
    command = ["npm", "start"]


class Python(Example, unittest.TestCase):
    folder = "python"
    command = [os.environ["EXAMPLE_PYTHON"], "-m", "uvicorn", "app:app", "--port", "PORT"]


if __name__ == "__main__":
    unittest.main()
