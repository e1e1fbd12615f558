"""Attacks that have a name, each with the one answer it may get."""

import asyncio
import gzip
import json

import wire
from target import BODY_LIMIT, Hostile


class KnownAttacks(Hostile):
    def send(self, *pieces, half_close=None):
        """The replies until the server closes: after an error, or a while after it has answered."""
        pieces = [piece.encode("latin-1") if isinstance(piece, str) else piece for piece in pieces]
        received, reset = asyncio.run(wire.exchange(self.server.port, pieces, half_close))
        return wire.parse(received) if not reset else []

    def head(self, *headers, line="POST /v2/keys.verifyKey HTTP/1.1"):
        return "\r\n".join([line, "Host: localhost", f"Authorization: Bearer {self.root_key}", *headers, "", ""])

    def verify(self, *headers, body=None):
        """A good verification, with these headers instead of a length."""
        return self.head(*headers) + (body if body is not None else json.dumps({"key": self.key}))

    def statuses(self, *pieces, **options):
        responses = self.send(*pieces, **options)
        for response in responses:
            self.check(response, pieces[0][:200])
        return [response.status for response in responses]

    @property
    def body(self):
        return json.dumps({"key": self.key})

    def test_the_honest_request_is_answered(self):
        self.assertEqual(self.statuses(self.verify(f"Content-Length: {len(self.body)}")), [200])

    def test_only_one_reading_of_the_length_counts(self):
        length, inner = len(self.body), "GET /v2/liveness HTTP/1.1\r\nHost: x\r\n\r\n"
        chunks = f"{length:x}\r\n{self.body}\r\n0\r\n\r\n"
        for headers, body, expected in [
            # Both lengths: the chunks count, and nothing that follows on the connection does.
            ((f"Content-Length: {len(chunks + inner)}", "Transfer-Encoding: chunked"), chunks + inner, [200]),
            (("Transfer-Encoding: chunked", f"Content-Length: {len(chunks + inner)}"), chunks + inner, [200]),
            (("Transfer-Encoding: chunked", "Content-Length: 5"), chunks + inner, [200]),
            ((f"Content-Length: {length}", f"Content-Length: {length + 1}"), self.body, [400]),
            ((f"Content-Length: {length}, {length}"), self.body, [400]),
            (("Content-Length: -1",), self.body, [400]),
            ((f"Content-Length: +{length}",), self.body, [400]),
            ((f"Content-Length: 0x{length:x}",), self.body, [400]),
            (("Content-Length: 18446744073709551616",), self.body, [400]),
            (("Transfer-Encoding: gzip, identity",), self.body, [400]),
            (("Transfer-Encoding: chunked, identity",), chunks, [400]),
            (("Transfer-Encoding : chunked",), chunks, [400]),
            (("Transfer-Encoding: xchunked",), chunks, [400]),
            ((f"Content-Length : {length}",), self.body, [400]),
            ((f"Content-Length: {length}\r\n folded: x",), self.body, [400]),
        ]:
            headers = (headers,) if isinstance(headers, str) else headers
            with self.subTest(headers=headers):
                self.assertEqual(self.statuses(self.verify(*headers, body=body)), expected)

    def test_requests_behind_one_another_are_answered_in_order(self):
        one = self.verify(f"Content-Length: {len(self.body)}")
        other = "GET /v2/liveness HTTP/1.1\r\nHost: x\r\n\r\n"
        self.assertEqual(self.statuses((one + other) * 20 + "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"), [200] * 40 + [404])

    def test_what_is_no_http_gets_one_bare_answer_or_none(self):
        for sent, expected in [
            ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]), ("SSH-2.0-x\r\n", [400]), ("GET\r\n\r\n", [400]),
            ("GET / HTTP/1.1 x\r\n\r\n", [400]), ("GET / HTTP/9.9\r\n\r\n", [400]), ("GET  / HTTP/1.1\r\n\r\n", [400]), ("\x00" * 100, [400]),
            ("", []), ("GET / HT", []), (self.head()[:-2], []),
        ]:
            with self.subTest(sent=sent[:40]):
                self.assertEqual(self.statuses(sent, half_close=0), expected)

    def test_heads_are_bounded(self):
        self.assertEqual(self.statuses(self.head("X: " + "h" * 100_000)), [431])
        self.assertEqual(self.statuses(self.head(*(f"X-{n}: v" for n in range(200)))), [431])
        self.assertEqual(self.statuses(self.head(line="GET /" + "p" * 66_000 + " HTTP/1.1")), [431])

    def test_an_endless_head_is_cut_off(self):
        sent = 0

        async def send():
            nonlocal sent
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
            writer.write(b"POST / HTTP/1.1\r\n")
            try:
                while not reader.at_eof() and sent < 1 << 30:
                    writer.write(b"X: " + b"h" * 1000 + b"\r\n")
                    await writer.drain()
                    sent += 1005
            except ConnectionError:
                pass
            writer.close()
        asyncio.run(send())
        self.assertLess(sent, 1 << 24)

    def test_an_endless_body_is_cut_off(self):
        chunk = "10000\r\n" + "x" * 65536 + "\r\n"
        responses = self.statuses(self.head("Transfer-Encoding: chunked"), *[chunk] * (BODY_LIMIT // 65536 + 1))
        self.assertIn(responses, ([413], []))  # [] if the reset overtook it
        self.assertEqual(self.statuses(self.head(f"Content-Length: {BODY_LIMIT + 1}")), [413])

    def test_names_of_headers_and_values_are_checked(self):
        for header in ("X Y: v", ": v", "X\x00: v", "X: a\x00b", "no colon", "X: a\rb"):
            with self.subTest(header=header):
                self.assertEqual(self.statuses(self.head(header)), [400])

    def test_bodies_that_are_no_json_text_are_400(self):
        for body in (b"\xff\xfe", b'{"key": "\xc3\x28"}', b'{"key": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}", self.body.encode("utf-16"),
                     gzip.compress(self.body.encode()), b'{"key": "a\x00b"}', b'{"key": "\\u0000"}', b'{"key": "\\ud800"}', b"[" * 100_000,
                     b'{"a":' * 50_000, b'{"key": "a", "key": "b"}', b'{"cost": 1e999}', b'{"cost": ' + b"9" * 5000 + b"}", b"", b"null", b"{}x"):
            with self.subTest(body=body[:30]):
                self.assertEqual(self.statuses(self.head(f"Content-Length: {len(body)}"), body), [400])

    def test_expectations_and_upgrades(self):
        length = f"Content-Length: {len(self.body)}"
        received, _ = asyncio.run(wire.exchange(self.server.port, [self.verify(length, "Expect: 100-continue").encode()]))
        self.assertEqual([each.status for each in wire.parse(received)], [200])
        upgrade = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
        self.assertEqual(self.statuses(self.verify(length, *upgrade)), [200])
        self.assertEqual(self.statuses(self.verify(length, "Upgrade: websocket", "Connection: Upgrade")), [200])
        self.assertEqual(self.statuses(self.head(line="CONNECT other.example:443 HTTP/1.1")), [404])

    def test_a_body_nobody_wants_is_refused_before_it_is_sent(self):
        """No 100 for what would be refused: the client is spared sending it."""
        head = self.head("Expect: 100-continue", f"Content-Length: {BODY_LIMIT + 1}")
        received, _ = asyncio.run(wire.exchange(self.server.port, [head.encode()]))
        self.assertTrue(received.startswith(b"HTTP/1.1 413 "), received[:100])

    def test_http_1_0_is_answered_and_closed(self):
        sent = self.head(f"Content-Length: {len(self.body)}", line="POST /v2/keys.verifyKey HTTP/1.0") + self.body
        received, _ = asyncio.run(wire.exchange(self.server.port, [sent.encode()]))
        self.assertTrue(received.startswith(b"HTTP/1.0 200 "), received[:100])

    def test_paths_are_not_decoded_or_normalised(self):
        for path, expected in [("/v2/keys%2EverifyKey", 404), ("/v2%2Fkeys.verifyKey", 404), ("/v2/x/../keys.verifyKey", 404),
                               ("/v2/keys.verifyKey/", 404), ("/v2/keys.verifyKey%00", 404), ("//v2/keys.verifyKey", 200),
                               ("http://other.example/v2/keys.verifyKey", 200), ("/v2/keys.verifyKey?x=y", 200)]:
            with self.subTest(path=path):
                sent = self.head(f"Content-Length: {len(self.body)}", line=f"POST {path} HTTP/1.1") + self.body
                self.assertEqual(self.statuses(sent), [expected])

    def test_of_two_authorizations_none_counts(self):
        sent = self.verify(f"Content-Length: {len(self.body)}", "Authorization: Bearer other")
        self.assertEqual(self.statuses(sent), [400])
