"""Who calls and from where: proxies, browsers, Unix sockets, ports; and how a call is found again."""

import http.client
import json
import socket
import subprocess
import tempfile
import unittest

import database
from server import PROGRAM, Server, wait_for


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root_key = database.root_key()

    def code(self, server, key, **headers):
        return server.call("keys.verifyKey", {"key": key}, self.root_key, **headers).json()["data"]["code"]

    def test_forwarded_addresses_are_believed_from_trusted_proxies_only(self):
        api = database.create_api(patch={"ipWhitelist": ["203.0.113.0/24"]})
        _, key = database.create_key(api)
        inside, outside = "203.0.113.9", "198.51.100.1"
        with Server(database.URL) as server:
            self.assertEqual(self.code(server, key, X_Forwarded_For=inside), "FORBIDDEN")
        with Server(database.URL, UNKEY_TRUSTED_PROXIES="10.0.0.0/8") as server:
            self.assertEqual(self.code(server, key, X_Forwarded_For=inside), "FORBIDDEN")
        with Server(database.URL, UNKEY_TRUSTED_PROXIES="127.0.0.1/32,10.0.0.0/8") as server:
            for forwarded, code in [(inside, "VALID"), (outside, "FORBIDDEN"), (f"{inside}, {outside}", "FORBIDDEN"),
                                    (f"{outside}, {inside}", "VALID"), (f"{inside}, 10.1.2.3", "VALID"),
                                    ("nonsense", "FORBIDDEN"), ("", "FORBIDDEN")]:
                self.assertEqual(self.code(server, key, X_Forwarded_For=forwarded), code, forwarded)
            self.assertEqual(self.code(server, key), "FORBIDDEN")

    def test_nobody_passes_for_the_proxy_that_the_list_allows(self):
        _, key = database.create_key(database.create_api(patch={"ipWhitelist": ["127.0.0.1", "203.0.113.9", "2001:db8::1"]}))
        with Server(database.URL, UNKEY_TRUSTED_PROXIES="127.0.0.1/32") as server:
            self.assertEqual(self.code(server, key), "VALID")
            for forwarded, code in [("198.51.100.1:4711", "FORBIDDEN"), ("unknown", "FORBIDDEN"), ("", "FORBIDDEN"),
                                    ('"203.0.113.9"', "FORBIDDEN"), ("203.0.113.9:4711", "VALID"), ("[2001:db8::1]:80", "VALID")]:
                self.assertEqual(self.code(server, key, X_Forwarded_For=forwarded), code, forwarded)

    def test_browsers_may_call_from_configured_origins_only(self):
        ours, another = "https://dashboard.example.com", "https://evil.example.com"
        ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        allowed = lambda reply: reply.headers["Access-Control-Allow-Origin"]
        preflight = lambda server, origin: server.request("OPTIONS", "/v2/keys.verifyKey", None, {"Origin": origin, **ask})
        with Server(database.URL) as server:
            self.assertIsNone(allowed(server.call("apis.listApis", {}, self.root_key, Origin=ours)))
            reply = preflight(server, ours)
            self.assertEqual((reply.status, allowed(reply)), (405, None))
        with Server(database.URL, UNKEY_CORS_ORIGINS=ours) as server:
            reply = server.call("apis.listApis", {}, self.root_key, Origin=ours)
            self.assertEqual((reply.status, allowed(reply)), (200, ours))
            self.assertIn("x-request-id", reply.headers["Access-Control-Expose-Headers"])
            reply = preflight(server, ours)
            self.assertEqual((reply.status, allowed(reply)), (200, ours))
            self.assertEqual(reply.headers["Access-Control-Allow-Headers"], "authorization")
            self.assertIsNone(allowed(preflight(server, another)))
            self.assertIsNone(allowed(server.call("apis.listApis", {}, self.root_key, Origin=another)))

    def test_it_listens_on_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as directory:
            path = f"{directory}/socket"
            for _ in range(2):  # the second finds what the first, killed, left behind
                with Server(database.URL, UNKEY_LISTEN="none", UNKEY_UNIX_SOCKET=path):
                    connection = UnixConnection(path)
                    connection.request("POST", "/v2/apis.listApis", "{}", {"Authorization": f"Bearer {self.root_key}"})
                    self.assertEqual(connection.getresponse().status, 200)
                    connection.close()
                    second = subprocess.run([PROGRAM], env={"DATABASE_URL": database.URL, "UNKEY_LISTEN": "none",
                                                            "UNKEY_UNIX_SOCKET": path}, capture_output=True, text=True)
                    self.assertEqual((second.returncode, "another process listens there" in second.stderr), (1, True))

    def test_an_admin_port_takes_the_figures_away_from_clients(self):
        with Server(database.URL) as server:
            self.assertEqual([server.get(path).status for path in ("/health", "/ready", "/metrics")], [200, 200, 200])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with Server(database.URL, UNKEY_ADMIN_LISTEN=f"127.0.0.1:{port}") as server:
            for path in ("/health", "/ready", "/metrics"):
                self.assertEqual(server.get(path).status, 404, path)
                self.assertEqual(server.request("GET", path, port=port).status, 200, path)
            self.assertEqual(server.request("POST", "/v2/apis.listApis", "{}", port=port).status, 404)

    def test_a_client_that_gives_up_is_logged_and_counted_though_its_call_is_done(self):
        with Server(database.URL, UNKEY_LOG="unkey_http::access=debug", UNKEY_LOG_FORMAT="json") as server:
            with database.Lock("LOCK TABLE unkey.apis IN ACCESS EXCLUSIVE MODE"):
                client = http.client.HTTPConnection(*server.address, timeout=60)
                client.request("POST", "/v2/apis.createApi", '{"name": "left-early"}', {"Authorization": f"Bearer {self.root_key}"})
                wait_for(lambda: database.waiting() == 1, "the call to reach the database")
                client.close()
                line = json.loads(wait_for(lambda: [line for line in server.log().splitlines() if line.startswith("{")], "a line")[0])
            self.assertEqual((line["operation"], line["status"]), ("apis.createApi", 499))
            self.assertIn(b'unkey_http_requests_total{operation="apis.createApi",status="499"} 1', server.get("/metrics").body)
            done = f"SELECT event FROM unkey.audit_log WHERE correlation_id = '{line['request_id']}'"
            wait_for(lambda: database.query(done) == "api.create", "the call to be done")

    def test_sd_14_a_reply_its_log_line_and_its_audit_entry_have_one_id(self):
        with Server(database.URL, UNKEY_LOG="unkey_http::access=debug", UNKEY_LOG_FORMAT="json") as server:
            reply = server.call("apis.createApi", {"name": "traced"}, self.root_key)
            refusal = server.call("apis.getApi", {"apiId": "api_unknown"}, self.root_key)
            elsewhere = server.get("/nowhere")
            ids = [each.headers["X-Request-Id"] for each in (reply, refusal, elsewhere)]
            self.assertEqual([each.json()["meta"]["requestId"] for each in (reply, refusal, elsewhere)], ids)
            self.assertEqual(len(set(ids)), 3)
            self.assertTrue(all(each.startswith("req_") for each in ids))
            lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
            logged = {line["request_id"]: line["status"] for line in lines}
            self.assertEqual(logged, dict(zip(ids, (200, 404, 404))))
        self.assertEqual(database.query(f"SELECT event FROM unkey.audit_log WHERE correlation_id = '{ids[0]}'"), "api.create")
