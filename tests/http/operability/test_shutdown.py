"""What happens on SIGTERM and SIGINT."""

import signal
import socket
import unittest
from concurrent.futures import ThreadPoolExecutor

import database
from server import PATIENCE, Server, wait_for
from test_limits import EVERYTHING_WAITS


def refused(server):
    try:
        socket.create_connection(server.address).close()
    except ConnectionRefusedError:
        return True
    return False


class Shutdown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root_key = database.root_key()

    def test_accepted_calls_are_answered_and_new_ones_refused(self):
        key_id, key = database.create_key(database.create_api(), "credits => 100")
        with Server(database.URL) as server, ThreadPoolExecutor() as threads:
            with database.Lock(EVERYTHING_WAITS), \
                    database.Lock(f"SELECT FROM unkey.credits WHERE key_id = '{key_id}' FOR UPDATE"):
                call = threads.submit(server.call, "apis.createApi", {"name": "in-flight"}, self.root_key)
                verification = threads.submit(server.call, "keys.verifyKey", {"key": key}, self.root_key)
                wait_for(lambda: database.waiting() == 2, "both to reach the database")
                server.terminate()
                wait_for(lambda: refused(server), "new connections to be refused")
                self.assertIsNone(server.process.poll())
            self.assertEqual(call.result().status, 200)
            self.assertEqual(verification.result().json()["data"]["code"], "VALID")
            self.assertEqual(server.process.wait(PATIENCE), 0)
        self.assertEqual(database.query("SELECT count(*) FROM unkey.apis WHERE name = 'in-flight'"), "1")
        self.assertEqual(database.query(f"SELECT remaining FROM unkey.credits WHERE key_id = '{key_id}'"), "99")

    def test_idle_connections_do_not_hold_it_up(self):
        with Server(database.URL, UNKEY_SHUTDOWN_GRACE="50s") as server:
            with socket.create_connection(server.address) as unused, socket.create_connection(server.address) as used:
                used.sendall(b"GET /v2/liveness HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertTrue(used.recv(12).endswith(b"200"))
                self.assertEqual(server.stop(), 0)
                self.assertEqual(unused.recv(1), b"")

    def test_ctrl_c_is_as_good(self):
        with Server(database.URL) as server:
            server.process.send_signal(signal.SIGINT)
            self.assertEqual(server.process.wait(PATIENCE), 0)

    def test_what_cannot_be_finished_in_time_is_given_up(self):
        with Server(database.URL, UNKEY_SHUTDOWN_GRACE="100ms") as server, ThreadPoolExecutor() as threads:
            with database.Lock(EVERYTHING_WAITS):
                call = threads.submit(server.call, "apis.createApi", {"name": "given-up"}, self.root_key)
                wait_for(lambda: database.waiting() == 1, "the call to reach the database")
                self.assertEqual(server.stop(), 1)
                self.assertRaises(OSError, call.result)
                self.assertIn("could not be finished in time", server.log())
        self.assertEqual(database.query("SELECT count(*) FROM unkey.apis WHERE name = 'given-up'"), "0")
