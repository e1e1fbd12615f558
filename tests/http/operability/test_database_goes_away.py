"""A database that stops, restarts or crashes: who is told what, and what was kept."""

import itertools
import threading
import unittest

import database
from server import Server, wait_for

CREDITS = 1_000_000


class Down(unittest.TestCase):
    def test_while_it_is_down_calls_are_503_and_afterwards_served_again(self):
        root_key = database.root_key()
        _, key = database.create_key(database.create_api())
        with Server(database.URL) as server:
            verify = lambda: server.call("keys.verifyKey", {"key": key}, root_key)
            create = lambda: server.call("apis.createApi", {"name": "after"}, root_key)
            self.assertEqual((server.get("/ready").status, server.get("/health").status), (200, 200))
            self.assertEqual((verify().status, create().status), (200, 200))
            database.stop()
            try:
                for call in (verify, create):
                    reply = call()
                    self.assertEqual((reply.status, reply.headers["Retry-After"]), (503, "1"), reply)
                    self.assertEqual(reply.headers["Content-Type"], "application/json")
                    self.assertRegex(reply.json()["meta"]["requestId"], "^req_")
                    self.assertEqual(reply.json()["error"]["status"], 503)
                    self.assertNotIn("refused", reply.json()["error"]["detail"])
                # An answer is good for a second.
                wait_for(lambda: server.get("/ready").status == 503, "the server not to be ready")
                self.assertEqual(server.get("/health").status, 200)
                self.assertIn("unkey_up 0\n", server.get("/metrics").body.decode())
            finally:
                database.start()
            self.assertEqual((verify().status, create().status), (200, 200))
            wait_for(lambda: server.get("/ready").status == 200, "the server to be ready")

    def test_it_starts_without_a_database(self):
        with Server("host=/nonexistent user=x dbname=x") as server:
            self.assertEqual((server.get("/ready").status, server.get("/health").status), (503, 200))

    def test_a_database_without_the_extension_is_not_ready(self):
        with Server(database.URL.replace("dbname=unkey", "dbname=postgres")) as server:
            self.assertEqual(server.get("/ready").status, 503)
            self.assertIn("no extension unkey", server.log())

    def test_a_role_that_may_not_call_is_not_ready(self):
        with Server(database.URL.replace("user=unkey_http", "user=unkey_keeper")) as server:
            self.assertEqual(server.get("/ready").status, 503)
            self.assertIn("unkey_grant", server.log())


class CutOff(unittest.TestCase):
    def test_a_commit_is_settled_although_every_connection_was_committing(self):
        """A trigger holds the commit, so that its session can be ended meanwhile."""
        database.query("""
            CREATE FUNCTION public.wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_catalog.pg_advisory_xact_lock_shared(1); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER wait_in_commit AFTER INSERT ON unkey.keys DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION public.wait_in_commit()""")
        self.addCleanup(database.query, "DROP FUNCTION public.wait_in_commit CASCADE")
        root_key, api, replies = database.root_key(), database.create_api(), []
        with Server(database.URL, UNKEY_POOL_SIZE=1) as server:
            def create():
                replies.append(server.call("keys.createKey", {"apiId": api, "name": "cut off"}, root_key))
            with database.Lock("SELECT pg_advisory_xact_lock(1)"):
                client = threading.Thread(target=create)
                client.start()
                wait_for(database.waiting, "the commit to wait")
                database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'unkey_http' AND query = 'COMMIT'")
                client.join()
            self.assertEqual((replies[0].status, replies[0].headers["Retry-After"]), (503, "1"), replies)
            self.assertEqual(database.query(f"SELECT name FROM unkey.keys WHERE api_id = '{api}'"), "")
            create()
            self.assertEqual(replies[1].status, 200, replies)


class Load:
    """Clients that verify metered keys and create keys, and write down what they were answered."""

    def __init__(self, server, clients=8):
        self.server, self.root_key, self.api = server, database.root_key(), database.create_api("load")
        self.keys = [database.create_key(self.api, f"credits => {CREDITS}") for _ in range(3)]
        self.spent = {key_id: 0 for key_id, _ in self.keys}
        self.created, self.others = set(), []
        # What was answered 408: nobody could tell whether it was done.
        self.maybe_spent, self.maybe_created = {key_id: 0 for key_id, _ in self.keys}, set()
        self.lock, self.over = threading.Lock(), threading.Event()
        self.clients = [threading.Thread(target=self.client, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for client in self.clients:
            client.join()

    def client(self, number):
        for turn in itertools.count():
            if self.over.is_set():
                return
            try:
                self.verify(*self.keys[turn % len(self.keys)])
                if turn % 4 == 0:
                    self.create(f"load-{number}-{turn}")
            except Exception as error:  # a thread's own exception would be lost
                self.note_other(error)
                return

    def verify(self, key_id, key):
        reply = self.server.call("keys.verifyKey", {"key": key}, self.root_key)
        with self.lock:
            if reply.status == 200:
                assert reply.json()["data"]["code"] == "VALID", reply
                self.spent[key_id] += 1
            elif reply.status == 408:
                self.maybe_spent[key_id] += 1
        self.note_other(reply)

    def create(self, name):
        reply = self.server.call("keys.createKey", {"apiId": self.api, "name": name}, self.root_key)
        with self.lock:
            if reply.status in (200, 408):
                (self.created if reply.status == 200 else self.maybe_created).add(name)
        self.note_other(reply)

    def note_other(self, reply):
        if isinstance(reply, Exception) or reply.status != 200:
            with self.lock:
                self.others.append(reply)

    def goes_on(self):
        """Waits until every key was verified and some were created since now."""
        before = dict(self.spent), len(self.created)
        wait_for(lambda: len(self.created) > before[1] + 5 and all(self.spent[id] > before[0][id] + 20 for id in self.spent)
                 or self.failed(), "load to be served")

    def failed(self):
        return [other for other in self.others if isinstance(other, Exception)]


class UnderLoad(unittest.TestCase):
    def check(self, interrupt, allowed):
        with Server(database.URL, UNKEY_POOL_SIZE=4) as server:
            with Load(server) as load:
                for _ in range(3):
                    load.goes_on()
                    interrupt()
                load.goes_on()
            self.assertEqual(load.failed(), [])
            self.assertLessEqual({other.status for other in load.others}, allowed, load.others)
            self.assertTrue(all(other.headers["Retry-After"] == "1" for other in load.others if other.status == 503))
        for key_id, spent in load.spent.items():
            gone = CREDITS - int(database.query(f"SELECT remaining FROM unkey.credits WHERE key_id = '{key_id}'"))
            self.assertIn(gone, range(spent, spent + load.maybe_spent[key_id] + 1), "credits spent and verifications answered")
        exist = set(database.query(f"SELECT name FROM unkey.keys WHERE api_id = '{load.api}' AND name IS NOT NULL").split())
        self.assertEqual(exist - load.maybe_created, load.created, "keys that exist and creations answered 200")
        in_doubt = sum(load.maybe_spent.values()) + len(load.maybe_created)
        print(f"{sum(load.spent.values())} verifications, {len(load.created)} keys, {len(load.others)} refusals, {in_doubt} in doubt",
              end=" ")

    def test_a_restart_loses_nothing_and_does_nothing_twice(self):
        def restart():
            database.stop()
            database.start()
        self.check(restart, {503})

    def test_a_crash_loses_nothing_and_does_nothing_twice(self):
        """The end of the log may be lost with the transactions in it, so of some commits nobody can tell."""
        self.check(database.crash, {503, 408})
