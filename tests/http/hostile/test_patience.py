"""Clients that are slow, stop halfway, vanish, or only sit there."""

import asyncio
import contextlib
import json
import re
import socket
import struct
import time

import wire
from server import PATIENCE, wait_for
from target import Hostile

IDLE = 1000


class Patience(Hostile):
    # The idle connections of one test must outlive it.
    settings = {"UNKEY_HEADER_TIMEOUT": "20s", "UNKEY_REQUEST_TIMEOUT": "1s"}

    def head(self, length):
        return (f"POST /v2/keys.verifyKey HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.root_key}\r\n"
                f"Content-Length: {length}\r\n\r\n").encode()

    @property
    def request(self):
        body = json.dumps({"key": self.key}).encode()
        return self.head(len(body)) + body

    def test_a_thousand_idle_connections_keep_nobody_from_being_served(self):
        idle = []
        try:
            for number in range(IDLE):
                client = socket.create_connection(self.server.address)
                # A third never say anything, a third stop in the middle of a head, a third have been served.
                client.sendall([b"", b"POST /v2/keys.ver", b"GET /v2/liveness HTTP/1.1\r\nHost: x\r\n\r\n"][number % 3])
                idle.append(client)
            for _ in range(50):
                self.assertEqual(self.server.data("keys.verifyKey", {"key": self.key}, self.root_key)["code"], "VALID")
            self.assertGreater(self.files(), IDLE)
        finally:
            for client in idle:
                client.close()

    def test_a_body_that_stops_is_408(self):
        for sent in (self.head(100), self.head(100) + b'{"key"', self.head(100).replace(b"Content-Length: 100", b"Transfer-Encoding: chunked")):
            received, _ = asyncio.run(wire.exchange(self.server.port, [sent]))
            response, = wire.parse(received)
            self.assertEqual(response.status, 408)
            self.check(response, "a body that stops")

    def test_a_body_byte_by_byte_is_408(self):
        received, reset = asyncio.run(wire.exchange(self.server.port, [self.head(10_000), *[b" "] * 10_000], pause=0.05))
        self.assertIn([each.status for each in wire.parse(received)], ([408], []) if reset else ([408],))

    def test_who_says_that_nothing_more_comes_may_have_left(self):
        """As most proxies, the server takes a half-closed connection for one that nobody reads; what it answers is whole."""
        received, _ = asyncio.run(wire.exchange(self.server.port, [self.request * 3], half_close=0))
        self.assertIn([each.status for each in wire.parse(received)], ([200] * answered for answered in range(4)))

    def test_clients_that_vanish_leave_nothing_behind(self):
        """In the middle of a head, of a body, before and in the middle of the answer; with and without a reset."""
        description = self.request.replace(b"/v2/keys.verifyKey", b"/openapi.json").replace(b"POST", b"GET")
        for turn in range(300):
            sent = [self.request[:30], self.request[:-5], self.request, self.request * 10, description * 10][turn % 5]
            client = socket.create_connection(self.server.address)
            client.sendall(sent)
            if turn % 5 > 1 and turn % 3 == 0:
                client.recv(20)
            if turn % 2 == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
            client.close()

    def test_clients_that_do_not_read_hold_up_nobody(self):
        """Requests without end, whose answers pile up: the server stops reading them, and goes on with others."""
        deaf = []
        try:
            for _ in range(20):
                client = socket.create_connection(self.server.address)
                client.setblocking(False)
                deaf.append(client)
                try:
                    for _ in range(10_000):
                        client.send(b"GET /v2/liveness HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
                except BlockingIOError:
                    continue
                self.fail("the server takes requests without end from a client that reads no answer")
            self.assertEqual(self.server.data("keys.verifyKey", {"key": self.key}, self.root_key)["code"], "VALID")
        finally:
            for client in deaf:
                client.close()


class HeaderPatience(Hostile):
    """With the short time for heads that Hostile sets."""

    def test_a_head_that_does_not_end_is_dropped(self):
        for pieces, pause in ([b"POST /v2/keys"], 0), ([b"G"], 0), ([b"X"] * 2000, 0.05), ([b"GET / HTTP/1.1\r\n"] + [b"X: y\r\n"] * 2000, 0.05):
            received, _ = asyncio.run(wire.exchange(self.server.port, pieces, pause=pause))
            self.assertIn([each.status for each in wire.parse(received)], ([], [400], [408]))

    def test_connections_that_say_nothing_are_dropped(self):
        for sent in (b"", b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", b"GET /v2/liveness HTTP/1.1\r\nHost: x\r\n\r\n"):
            with self.subTest(sent=sent), socket.create_connection(self.server.address, timeout=PATIENCE) as client:
                client.sendall(sent)
                while client.recv(1000):
                    pass

    def test_connections_that_read_nothing_are_dropped(self):
        deaf = [socket.create_connection(self.server.address) for _ in range(20)]
        try:
            for client in deaf:
                client.setblocking(False)
                # The first may be dropped before the last has come so far.
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    for _ in range(10_000):
                        client.send(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
                    self.fail("the server takes requests without end from a client that reads no answer")
            wait_for(lambda: self.open() == 1, "all connections but its own to be dropped")
        finally:
            for client in deaf:
                client.close()

    def open(self):
        """How many connections the server has."""
        line, = re.findall(r"^unkey_http_connections (\d+)$", self.server.get("/metrics").body.decode(), re.MULTILINE)
        return int(line)

    def test_an_http2_connection_without_a_stream_is_dropped(self):
        """Although its client says that it is there."""
        settings, ping, acknowledged = 4, 6, 1
        deadline = time.monotonic() + PATIENCE
        frame = lambda kind, flags, payload=b"": struct.pack("!I", len(payload))[1:] + bytes([kind, flags, 0, 0, 0, 0]) + payload
        with socket.create_connection(self.server.address, timeout=PATIENCE) as client, client.makefile("rb") as received:
            client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(settings, 0))
            with contextlib.suppress(ConnectionError):
                while head := received.read(9):
                    self.assertLess(time.monotonic(), deadline, "it is open still")
                    payload = received.read(int.from_bytes(head[:3], "big"))
                    if head[3] in (settings, ping) and not head[4] & acknowledged:
                        client.sendall(frame(head[3], acknowledged, payload if head[3] == ping else b""))
