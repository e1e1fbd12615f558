"""What is too much: bodies, calls that wait for the database, verifications that wait."""

import json
import socket
import time
import unittest
from concurrent.futures import ThreadPoolExecutor, as_completed

import database
from server import Server, wait_for
from test_figures import figures

EVERYTHING_WAITS = "LOCK TABLE unkey.apis IN ACCESS EXCLUSIVE MODE"


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root_key = database.root_key()

    def assert_unavailable(self, reply):
        self.assertEqual(reply.status, 503, reply)
        self.assertEqual(reply.headers["Retry-After"], "1")
        self.assertEqual(reply.headers["Content-Type"], "application/json")
        error = reply.json()["error"]
        self.assertEqual((error["status"], error["title"]), (503, "Service Unavailable"))
        self.assertEqual(error["type"], "https://unkey.com/docs/errors/unkey/application/service_unavailable")

    def test_a_call_beyond_the_limit_of_the_workspace_is_told_when_to_come_again(self):
        day = 86_400_000
        database.query(f"SELECT unkey_update_workspace('{{\"ratelimit\": {{\"limit\": 0, \"duration\": {day}}}}}')")
        self.addCleanup(database.query, "SELECT unkey_update_workspace('{\"ratelimit\": null}')")
        with Server(database.URL) as server:
            for operation, body in [("apis.listApis", {}), ("keys.verifyKey", {"key": "x"})]:
                reply = server.call(operation, body, self.root_key)
                self.assertEqual((reply.status, reply.headers["RateLimit-Policy"]), (429, '"workspace";q=0;w=86400'), reply)
                self.assertRegex(reply.headers["RateLimit"], '^"workspace";r=0;t=[0-9]+$')
                # Never, and so soon enough to look whether it was lifted.
                self.assertEqual(reply.headers["Retry-After"], "1")
            database.query(f"SELECT unkey_update_workspace('{{\"ratelimit\": {{\"limit\": 1, \"duration\": {day}}}}}')")
            replies = [server.call("keys.verifyKey", {"key": "x"}, self.root_key) for _ in range(2)]
            self.assertGreater(int(replies[1].headers["Retry-After"]), 1, replies)

    def test_a_body_may_be_as_long_as_the_limit_and_no_longer(self):
        with Server(database.URL, UNKEY_BODY_LIMIT="1KiB") as server:
            body = '{"name": "limits"}'
            headers = {"Authorization": f"Bearer {self.root_key}", "Content-Type": "application/json"}
            for length, chunked, status in [(1024, False, 200), (1025, False, 413), (1024, True, 200), (1025, True, 413)]:
                text = body.ljust(length).encode()
                # http.client sends what it can iterate over in chunks.
                sent = iter([text[:500], text[500:]]) if chunked else text
                reply = server.request("POST", "/v2/apis.createApi", sent, headers)
                self.assertEqual(reply.status, status, (length, chunked, reply))
            error = reply.json()["error"]
            self.assertEqual(error["title"], "Request Entity Too Large")
            self.assertEqual(error["type"], "https://unkey.com/docs/errors/user/bad_request/request_body_too_large")
            self.assertRegex(reply.json()["meta"]["requestId"], "^req_")

    def test_a_body_that_does_not_arrive_in_time_is_408(self):
        with Server(database.URL, UNKEY_REQUEST_TIMEOUT="200ms") as server:
            headers = {"Authorization": f"Bearer {self.root_key}", "Content-Length": "100"}
            reply = server.request("POST", "/v2/apis.createApi", b"{", headers)
            self.assertEqual(reply.status, 408, reply)
            self.assertEqual(reply.json()["error"]["type"], "https://unkey.com/docs/errors/user/bad_request/request_timeout")

    def answers_of_those_with_room(self, lock, call, settled=0):
        """While `lock` holds up what `call` does, one more is made and then three for which there are two places to wait:
        one of them is refused at once. What the other three get when the lock is gone."""
        with ThreadPoolExecutor() as threads:
            with lock:
                first = threads.submit(call)
                wait_for(lambda: database.waiting() == 1, "the first call to reach the database")
                time.sleep(settled)
                more = [threads.submit(call) for _ in range(3)]
                refused = next(as_completed(more))
                self.assert_unavailable(refused.result())
            return [each.result() for each in (first, *more) if each is not refused]

    def test_one_call_more_than_may_wait_is_503_and_the_others_are_answered(self):
        with Server(database.URL, UNKEY_POOL_SIZE=1, UNKEY_POOL_WAITING=2, UNKEY_POOL_TIMEOUT="50s") as server:
            call = lambda: server.call("apis.listApis", {}, self.root_key)
            answered = self.answers_of_those_with_room(database.Lock(EVERYTHING_WAITS), call)
            self.assertEqual([reply.status for reply in (*answered, call())], [200] * 4)

    def test_one_verification_more_than_may_wait_is_503_and_the_others_are_answered(self):
        key_id, key = database.create_key(database.create_api(), "credits => 100")
        row = f"SELECT FROM unkey.credits WHERE key_id = '{key_id}'"
        with Server(database.URL, UNKEY_VERIFY_CONNECTIONS=1, UNKEY_VERIFY_WAITING=2) as server:
            verify = lambda: server.call("keys.verifyKey", {"key": key}, self.root_key)
            # Until it waits with those that are held up.
            answered = self.answers_of_those_with_room(database.Lock(f"{row} FOR UPDATE"), verify, settled=1)
            self.assertEqual([reply.json()["data"]["code"] for reply in (*answered, verify())], ["VALID"] * 4)
        self.assertEqual(database.query(f"SELECT remaining FROM unkey.credits WHERE key_id = '{key_id}'"), "96")

    def test_one_is_answered_while_another_is_held_up(self):
        api = database.create_api()
        key_id, held_up = database.create_key(api, "credits => 100")
        _, free = database.create_key(api)
        row = f"SELECT FROM unkey.credits WHERE key_id = '{key_id}'"
        with Server(database.URL, UNKEY_VERIFY_CONNECTIONS=2) as server:
            code = lambda key: server.call("keys.verifyKey", {"key": key}, self.root_key).json()["data"]["code"]
            with ThreadPoolExecutor(max_workers=41) as threads:
                with database.Lock(f"{row} FOR UPDATE"):
                    waiting = [threads.submit(code, held_up)]
                    wait_for(lambda: database.waiting() == 1, "the first to be held up")
                    # Neither company nor the end of what is held up is waited for.
                    self.assertEqual([code(free) for _ in range(3)], ["VALID"] * 3)
                    waiting += [threads.submit(code, held_up) for _ in range(40)]
                    wait_for(lambda: database.waiting() == 2, "both connections to be held up")
                self.assertEqual({each.result() for each in waiting}, {"VALID"})
        self.assertEqual(database.query(f"SELECT remaining FROM unkey.credits WHERE key_id = '{key_id}'"), "59")

    def test_a_key_that_is_held_up_holds_up_no_other(self):
        api = database.create_api()
        key_id, held_up = database.create_key(api, "credits => 100")
        others = [database.create_key(api, "credits => 100")[1] for _ in range(4)]
        row = f"SELECT FROM unkey.credits WHERE key_id = '{key_id}'"
        with Server(database.URL, UNKEY_VERIFY_CONNECTIONS=2) as server:
            code = lambda key: server.call("keys.verifyKey", {"key": key}, self.root_key).json()["data"]["code"]
            with ThreadPoolExecutor(max_workers=80) as threads:
                with database.Lock(f"{row} FOR UPDATE"):
                    # More than have connections, and again and again together with others.
                    waiting = [threads.submit(code, held_up) for _ in range(20)]
                    for _ in range(3):
                        waiting += [threads.submit(code, held_up) for _ in range(5)]
                        free = [threads.submit(code, key) for key in others * 5]
                        self.assertEqual({each.result(timeout=10) for each in free}, {"VALID"})
                    self.assertEqual(server.call("apis.listApis", {}, self.root_key).status, 200)
                    self.assertFalse(any(each.done() for each in waiting))
                self.assertEqual({each.result() for each in waiting}, {"VALID"})
        self.assertEqual(database.query(f"SELECT remaining FROM unkey.credits WHERE key_id = '{key_id}'"), "65")

    def test_a_verification_that_fails_fails_by_itself(self):
        api = database.create_api()
        key_id, broken = database.create_key(api, "credits => 100")
        others = [database.create_key(api, "credits => 100")[1] for _ in range(10)]
        database.query(f"""CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF new.key_id = '{key_id}' THEN RAISE 'refused'; END IF; RETURN new; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON unkey.credits FOR EACH ROW EXECUTE FUNCTION public.refuse()""")
        self.addCleanup(database.query, "DROP FUNCTION public.refuse() CASCADE")
        # Asked one by one, most would find no room.
        with Server(database.URL, UNKEY_VERIFY_CONNECTIONS=1, UNKEY_POOL_SIZE=1, UNKEY_POOL_WAITING=1) as server:
            verify = lambda key: server.call("keys.verifyKey", {"key": key}, self.root_key)
            with ThreadPoolExecutor(max_workers=101) as threads:
                free = [threads.submit(verify, key) for key in others * 5]
                refused = threads.submit(verify, broken)
                free += [threads.submit(verify, key) for key in others * 5]
                replies = [each.result() for each in free]
            self.assertEqual(refused.result().status, 500)
            self.assertEqual({(reply.status, reply.json().get("data", {}).get("code")) for reply in replies}, {(200, "VALID")})

    def test_a_long_body_is_answered_like_a_short_one_and_shares_no_statement(self):
        _, key = database.create_key(database.create_api())
        with Server(database.URL) as server:
            headers = {"Authorization": f"Bearer {self.root_key}", "Content-Type": "application/json"}
            for length, shared in [(0, 1), (16 * 1024, 2), (16 * 1024 + 1, 2), (1024 * 1024, 2)]:
                body = json.dumps({"key": key}).ljust(length)
                reply = server.request("POST", "/v2/keys.verifyKey", body.encode(), headers)
                self.assertEqual((reply.status, reply.json()["data"]["code"]), (200, "VALID"), length)
                self.assertEqual(figures(server)["unkey_http_verify_batch_count",], shared, length)

    def test_who_waits_too_long_is_503(self):
        with Server(database.URL, UNKEY_POOL_SIZE=1, UNKEY_POOL_TIMEOUT="100ms") as server:
            call = lambda: server.call("apis.listApis", {}, self.root_key)
            with ThreadPoolExecutor() as threads:
                with database.Lock(EVERYTHING_WAITS):
                    first = threads.submit(call)
                    wait_for(lambda: database.waiting() == 1, "the first call to reach the database")
                    self.assert_unavailable(call())
                    # Full is not broken: whoever asks has a connection apart.
                    self.assertEqual(server.get("/ready").status, 200)
                self.assertEqual(first.result().status, 200)

    def test_whoever_asks_for_readiness_waits_neither_for_figures_nor_in_a_queue(self):
        with Server(database.URL, UNKEY_REQUEST_TIMEOUT="10min") as server:
            with ThreadPoolExecutor(max_workers=60) as threads:
                with database.Lock("LOCK TABLE unkey.audit_log IN ACCESS EXCLUSIVE MODE"):
                    figures = [threads.submit(server.get, "/metrics") for _ in range(30)]
                    wait_for(lambda: database.waiting() == 1, "the figures to be held up")
                    ready = [threads.submit(server.get, "/ready") for _ in range(30)]
                    self.assertEqual({each.result().status for each in ready}, {200})
                    self.assertEqual(server.call("keys.verifyKey", {"key": "unknown"}, self.root_key).status, 200)
                    self.assertEqual({b"unkey_up 0\n" in each.result().body for each in figures}, {True})
                    # Nothing is left behind on a connection that is asked again.
                    wait_for(lambda: database.waiting() == 0, "what nobody waits for to be over")
                wait_for(lambda: b"unkey_up 1\n" in server.get("/metrics").body, "the figures to be there")

    def test_a_statement_that_takes_too_long_is_503_and_nothing_is_kept(self):
        with Server(database.URL, UNKEY_REQUEST_TIMEOUT="500ms") as server:
            with database.Lock(EVERYTHING_WAITS):
                self.assert_unavailable(server.call("apis.createApi", {"name": "never-made"}, self.root_key))
            self.assertEqual(server.call("apis.createApi", {"name": "made"}, self.root_key).status, 200)
        self.assertEqual(database.query("SELECT count(*) FROM unkey.apis WHERE name = 'never-made'"), "0")

    def test_one_connection_more_than_may_be_open_waits_until_another_is_closed(self):
        with Server(database.URL, UNKEY_MAX_CONNECTIONS=1) as server:
            with socket.create_connection(server.address) as first, socket.create_connection(server.address) as second:
                request = b"GET /v2/liveness HTTP/1.1\r\nHost: x\r\n\r\n"
                first.sendall(request)
                self.assertTrue(first.recv(12).endswith(b"200"))
                second.sendall(request)
                second.settimeout(0.3)
                self.assertRaises(TimeoutError, second.recv, 12)
                first.close()
                second.settimeout(60)
                self.assertTrue(second.recv(12).endswith(b"200"))

