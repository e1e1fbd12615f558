"""Servers of their own settings for the suites:

    with Server(database_url, UNKEY_POOL_SIZE=1) as server:
        reply = server.call("apis.createApi", {"name": "payments"}, root_key)

The program is target/debug/unkey-http, or UNKEY_HTTP_PROGRAM."""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("UNKEY_HTTP_PROGRAM", str(ROOT / "target/debug/unkey-http"))
# How long anything may take before a test gives up, in seconds. Never what a test measures.
PATIENCE = 60


class Server:
    """One process on a free port of 127.0.0.1. It gets nothing of this environment but the settings given here."""

    def __init__(self, database_url, **settings):
        self.settings = {"DATABASE_URL": database_url, "UNKEY_LISTEN": "127.0.0.1:0"}
        self.settings |= {name: str(value) for name, value in settings.items()}

    def __enter__(self):
        self.log_file = tempfile.NamedTemporaryFile(prefix="unkey-http-", suffix=".log")
        self.process = subprocess.Popen([PROGRAM], env=self.settings, stdin=subprocess.DEVNULL,
                                        stdout=self.log_file, stderr=self.log_file, cwd="/")
        self.port = None
        try:
            wait_for(self.listens, "the server to listen")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log_file.close()

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}: {self.log()}")
        lines = [line for line in self.log().splitlines() if line.startswith("unkey-http listens on ")]
        if len(lines) < self.places():
            return False
        for line in lines:
            # Of several, the last TCP address is the one for clients.
            if "http://" in line:
                self.port = int(line.rsplit(":", 1)[1])
        return True

    def places(self):
        """On how many sockets it listens."""
        return sum((self.settings["UNKEY_LISTEN"] != "none", "UNKEY_UNIX_SOCKET" in self.settings,
                    "UNKEY_ADMIN_LISTEN" in self.settings))

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def log(self):
        return Path(self.log_file.name).read_text()

    def stop(self):
        """Tells it to stop, and answers the exit status."""
        self.terminate()
        return self.process.wait(PATIENCE)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def request(self, method, path, body=None, headers=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def call(self, operation, body, root_key, **headers):
        return self.request("POST", f"/v2/{operation}", json.dumps(body), {
            "Authorization": f"Bearer {root_key}", "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()}})

    def data(self, operation, body, root_key):
        """What a call answers that must go well."""
        reply = self.call(operation, body, root_key)
        assert reply.status == 200, f"{operation}: {reply}"
        return reply.json()["data"]


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


def wait_for(condition, what):
    """The first answer of `condition` that is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE} s for {what}")
