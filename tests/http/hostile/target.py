"""The server under attack: short timeouts, and what must hold of it whatever it was sent."""

import json
import os
import resource
import unittest

from server import Server, wait_for

ALLOWED = {200, 400, 401, 403, 404, 405, 408, 411, 412, 413, 414, 415, 417, 422, 429, 431, 503}
# Sent by the protocol layer, before there is a request that could be answered in JSON.
BARE = {400, 408, 413, 414, 431}
BODY_LIMIT = 256 * 1024
DATABASE_CONNECTIONS = {"UNKEY_POOL_SIZE": 4, "UNKEY_VERIFY_CONNECTIONS": 2}
# Most that a debug build may use, in MiB; the mutations take it to about 64.
MEMORY = 192
# For a thousand connections at both ends; many systems begin with 1024.
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)


class Hostile(unittest.TestCase):
    """Starts a server for the class, and looks at it afterwards."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        settings = {"UNKEY_HEADER_TIMEOUT": "500ms", "UNKEY_REQUEST_TIMEOUT": "5s", "UNKEY_BODY_LIMIT": f"{BODY_LIMIT}B",
                    "UNKEY_LOG": "info,unkey_http=debug", **DATABASE_CONNECTIONS, **cls.settings}
        cls.server = Server(os.environ["HTTP_DATABASE_URL"], **settings)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.root_key = os.environ["UNKEY_ROOT_KEY"]
        cls.api_id = cls.server.data("apis.createApi", {"name": "hostile"}, cls.root_key)["apiId"]
        cls.key = cls.server.data("keys.createKey", {"apiId": cls.api_id}, cls.root_key)["key"]
        cls.files_at_first = cls.files()

    @classmethod
    def files(cls):
        return len(os.listdir(f"/proc/{cls.server.process.pid}/fd"))

    @classmethod
    def memory(cls):
        """The most memory it ever used, in MiB."""
        with open(f"/proc/{cls.server.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024

    def tearDown(self):
        self.assertIsNone(self.server.process.poll(), "the server ended")
        verified = self.server.data("keys.verifyKey", {"key": self.key}, self.root_key)
        self.assertEqual(verified["code"], "VALID")
        # Each verification connection has a spare one, and so have those for what is held up; /ready and /metrics have their own.
        databases = DATABASE_CONNECTIONS["UNKEY_POOL_SIZE"] + 4 * DATABASE_CONNECTIONS["UNKEY_VERIFY_CONNECTIONS"] + 2
        wait_for(lambda: self.files() <= self.files_at_first + databases, "its file descriptors to be closed")
        self.assertLess(self.memory(), MEMORY)
        log = self.server.log()
        self.assertNotIn("panicked", log)
        self.assertNotIn(self.key, log)
        self.assertNotIn(self.root_key, log)

    def check(self, response, what):
        """What holds of every reply, whatever was asked."""
        self.assertIn(response.status, ALLOWED, what)
        if response.status == 503:
            self.assertEqual(response.headers.get("retry-after"), "1", what)
        self.assertNotIn(self.root_key.encode(), response.body, what)
        if response.to_head:
            return
        if not response.body and response.status == 405:
            self.assertEqual(response.headers["allow"], "GET,HEAD", what)  # of /health and its like
        elif not response.body:
            self.assertIn(response.status, BARE, what)
        elif response.status != 200:
            self.check_refusal(response, what)

    def check_refusal(self, response, what):
        self.assertIn(response.headers.get("content-type"), ("application/json", "application/problem+json"), what)
        refusal = json.loads(response.body)
        self.assertEqual(set(refusal), {"meta", "error"}, what)
        self.assertEqual(refusal["error"]["status"], response.status, what)
        self.assertEqual(refusal["meta"]["requestId"], response.headers["x-request-id"], what)
