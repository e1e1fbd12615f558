"""Requests that no honest client sends, made from honest ones by a seeded generator."""

import gzip
import json
from dataclasses import dataclass, field

EOL = b"\r\n"
# After so many seconds without an answer, most say that they are done.
QUIET = 0.1


@dataclass
class Request:
    """A request before it is written down; mutations change one thing each."""

    method: bytes = b"POST"
    target: bytes = b"/v2/keys.verifyKey"
    version: bytes = b"HTTP/1.1"
    headers: list = field(default_factory=list)
    body: bytes = b""
    # Whether to say how long the body is.
    framed: bool = True
    eol: bytes = EOL
    before: bytes = b""
    after: bytes = b""

    def written(self):
        headers = list(self.headers)
        if self.framed and self.method not in (b"GET", b"HEAD"):
            headers.append((b"Content-Length", b"%d" % len(self.body)))
        lines = [b" ".join((self.method, self.target, self.version)), *(b": ".join(header) for header in headers), b"", b""]
        return self.before + self.eol.join(lines) + self.body + self.after

    def set(self, name, *values):
        self.headers = [header for header in self.headers if header[0].lower() != name.lower()]
        self.headers += [(name, value) for value in values]


@dataclass
class Attack:
    """What is sent; `names` says what was done to it, `heads` which replies have no body."""

    names: tuple
    written: bytes
    half_close: float | None
    heads: tuple


class Generator:
    """The same seed makes the same attacks."""

    def __init__(self, random, root_key, key, api_id):
        self.random = random
        self.honest = [
            (b"POST", b"/v2/keys.verifyKey", {"key": key}),
            (b"POST", b"/prefix/v2/keys.verifyKey", {"key": key, "tags": ["a=b"], "permissions": "a AND b"}),
            (b"POST", b"/v2/keys.createKey", {"apiId": api_id, "meta": {"a": [1, {"b": None}]}, "name": "made"}),
            (b"POST", b"/v2/keys.whoami", {"key": key}),
            (b"POST", b"/v2/ratelimit.limit", {"namespace": "hostile", "identifier": "x", "limit": 10, "duration": 60000}),
            (b"GET", b"/v2/liveness", None),
            (b"GET", b"/health", None),
            (b"GET", b"/openapi.json", None),
            (b"POST", b"/rpc/unkey_verify_key", {"key": key}),
        ]
        self.authorization = b"Bearer " + root_key.encode()
        self.mutations = [mutation for group in (REQUEST_LINE, HEADERS, FRAMING, BODY) for mutation in group]

    def request(self):
        method, target, body = self.random.choice(self.honest)
        headers = [(b"Host", b"localhost"), (b"Authorization", self.authorization), (b"Content-Type", b"application/json")]
        return Request(method, target, headers=headers, body=b"" if body is None else json.dumps(body).encode())

    def attack(self):
        request = self.request()
        mutations = self.random.sample(self.mutations, self.random.choice((1, 1, 1, 2, 3)))
        for mutation in mutations:
            mutation(self.random, request)
        # A mutated request can be two, so of replies to HEAD only the first can be told.
        heads = (0,) if request.method == b"HEAD" and not request.before else ()
        names = [mutation.__name__ for mutation in mutations]
        written = request.written()
        if self.random.random() < 0.2:
            written, name = self.damaged(written)
            names.append(name)
        return Attack(tuple(names), written, QUIET if self.random.random() < 0.95 else None, heads)

    def damaged(self, written):
        at = self.random.randrange(len(written))
        some = self.random.randbytes(self.random.randint(1, 8))
        return self.random.choice([
            (written[:at], "cut_off"),
            (written[:at] + some + written[at:], "bytes_inserted"),
            (written[:at] + some + written[at + len(some):], "bytes_replaced"),
            (written[:at] + written[at + 1:], "byte_removed"),
            (written + written, "twice"),
            (written * self.random.randint(3, 20), "pipelined"),
        ])


# ---- the request line -----------------------------------------------------------------------------------------------


def another_method(random, request):
    request.method = random.choice([b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PATCH", b"post", b"",
                                    b"P OST", b"PO\x00ST", b"\xff\xfe", b"M" * 5000, b"PRI", b"QUERY", b"{}"])


def another_target(random, request):
    request.target = random.choice([
        b"/v2/keys%2EverifyKey", b"/v2%2Fkeys.verifyKey", b"/v2/../v2/keys.verifyKey", b"/v2/keys.verifyKey/..", b"//v2//keys.verifyKey",
        b"/v2/keys.verifyKey%00", b"/v2/keys.verifyKey?" + b"a=b&" * 500, b"/v2/keys.verifyKey#fragment", b"/v2/keys.verifyKey;a=b",
        b"http://other.example/v2/keys.verifyKey", b"https://u:p@other.example:99999/", b"other.example:443", b"*", b"", b"/",
        b"/\xff\xfe", b"/v2/\xc3\xa4", b"/v2/\x00", b"/v2/" + b"x" * 70000, b"/" + b"a/" * 3000 + b"v2/keys.verifyKey", b"/v2/%",
        b"/v2/%zz", b"/v2/'; DROP TABLE unkey.keys; --", b"/v2/${jndi:ldap://x}", b"/rpc/", b"/rpc/pg_sleep", b"/metrics/../v2",
        b"\\v2\\keys.verifyKey", b"/v2/ keys.verifyKey"])


def another_version(random, request):
    request.version = random.choice([b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3", b"http/1.1", b"HTTP/1.1 x", b"",
                                     b"HTTP/9999999999.1", b"HTTPS/1.1", b"HTTP/1.1\x00", b"ICY/1.1"])


def another_line_end(random, request):
    request.eol = random.choice([b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n ", b"\x0b", b"\x85", b"\r\n\x00"])


def something_before(random, request):
    request.before = random.choice([b"\r\n", b"\r\n" * 50, b"\n", b" ", b"\x00", b"\xef\xbb\xbf", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
                                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100, b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n"])


REQUEST_LINE = [another_method, another_target, another_version, another_line_end, something_before]

# ---- headers --------------------------------------------------------------------------------------------------------


def huge_header(random, request):
    request.headers.append((b"X-Huge", b"h" * random.choice([8000, 60000, 70000, 500000])))


def many_headers(random, request):
    request.headers += [(b"X-%d" % number, b"v") for number in range(random.choice([90, 101, 500, 5000]))]


def doubled_header(random, request):
    name, value = random.choice(request.headers)
    request.headers.append((name, random.choice([value, b"other", b""])))


def missing_header(random, request):
    request.headers.remove(random.choice(request.headers))


def broken_header(random, request):
    at = random.randrange(len(request.headers) + 1)
    request.headers.insert(at, random.choice([
        (b"", b"no name"), (b"X Y", b"space"), (b"X-N\x00ul", b"v"), (b"X-Nul", b"a\x00b"), (b"X-Cr", b"a\rb"), (b"X-Lf", b"a\nb"),
        (b"X-\xc3\xa4", b"v"), (b"X-Latin", b"\xe4\xff"), (b"X-Fold", b"a\r\n b\r\n\tc"), (b" Leading", b"v"), (b"Space-Before ", b"v"),
        (b"X-Control", b"\x01\x7f"), (b"N" * 70000, b"v"), (b"X-Split", b"a\r\nContent-Length: 0"), (b"(comment)", b"v")]))


def another_authorization(random, request):
    request.set(b"Authorization", *random.choice([
        [b""], [b"Bearer"], [b"Bearer "], [b"Basic dXNlcjpwYXNz"], [b"bearer x"], [b"Bearer x y"], [b"Bearer \xff\xfe"],
        [b"Bearer " + b"k" * 50000], [b"Bearer unkey_unknown"], [b"Bearer a", b"Bearer b"], [b"Bearer '; --"], [b"\t Bearer\tx"]]))


def about_the_connection(random, request):
    request.headers += random.choice([
        [(b"Connection", b"close")], [(b"Connection", b"keep-alive, close, Authorization")], [(b"Connection", b"\xff")],
        [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Key", b"x"), (b"Sec-WebSocket-Version", b"13")],
        [(b"Upgrade", b"h2c"), (b"Connection", b"Upgrade, HTTP2-Settings"), (b"HTTP2-Settings", b"AAMAAABkAARAAAAAAAIAAAAA")],
        [(b"Expect", b"100-continue")], [(b"Expect", b"200-ok")], [(b"Expect", b"100-continue"), (b"Expect", b"100-continue")],
        [(b"TE", b"trailers, deflate;q=0.5")], [(b"Keep-Alive", b"timeout=99999999999999999999")], [(b"Trailer", b"Authorization")]])


def about_the_body(random, request):
    name, value = random.choice([
        (b"Content-Type", b"text/plain"), (b"Content-Type", b"application/json; charset=utf-16"), (b"Content-Type", b"multipart/form-data"),
        (b"Content-Type", b""), (b"Content-Type", b"\xff"), (b"Content-Encoding", b"gzip"), (b"Content-Encoding", b"br, gzip, identity"),
        (b"Accept", b"text/html;q=x"), (b"Accept-Encoding", b"*;q=0"), (b"Range", b"bytes=0-0,5-1"), (b"If-Match", b"*")])
    request.set(name, value)


def about_the_client(random, request):
    request.headers.append(random.choice([
        (b"X-Forwarded-For", b"not an address"), (b"X-Forwarded-For", b"1.2.3.4," * 2000), (b"X-Forwarded-For", b"\xff"),
        (b"X-Forwarded-For", b"::1%eth0, [::1]:80"), (b"Forwarded", b"for=_x"), (b"User-Agent", b"\xf0\x9f\x98\x80\xff"),
        (b"User-Agent", b"u" * 60000), (b"X-Request-Id", b"req_mine"), (b"X-HTTP-Method-Override", b"DELETE"), (b"Origin", b"null"),
        (b"X-Unkey-Metrics", b"disabled\x80"), (b"Host", b"a\x00b"), (b"Host", b"..//"), (b"Cookie", b"; ;=" * 5000)]))


HEADERS = [huge_header, many_headers, doubled_header, missing_header, broken_header, another_authorization, about_the_connection,
           about_the_body, about_the_client]

# ---- how long the body is -------------------------------------------------------------------------------------------


def another_length(random, request):
    length = b"%d" % len(request.body)
    request.framed = False
    request.set(b"Content-Length", *random.choice([
        [b"-1"], [b"+" + length], [b"0x10"], [b""], [b" "], [b"1e3"], [b"9" * 30], [b"18446744073709551615"], [b"18446744073709551616"],
        [b"99999999"], [length, length], [length, b"1"], [length + b", " + length], [b"1"], [b"0"], [b"00" + length], [length + b"\x00"],
        [b"%d" % (len(request.body) + 1)], [b"%d" % max(0, len(request.body) - 1)], [b"\xb2"], []]))


def chunked(request, body):
    request.framed = False
    request.headers.append((b"Transfer-Encoding", b"chunked"))
    request.body = body


def good_chunks(random, request):
    size, chunks = random.choice([1, 7, 1000]), []
    for at in range(0, len(request.body), size):
        part = request.body[at:at + size]
        chunks.append(b"%x\r\n%s\r\n" % (len(part), part))
    chunked(request, b"".join(chunks) + random.choice([b"0\r\n\r\n", b"0\r\nX-Trailer: v\r\n\r\n", b"000\r\n\r\n", b"0;ext=1\r\n\r\n"]))


def bad_chunks(random, request):
    body = request.body or b"{}"
    chunked(request, random.choice([
        b"", b"\r\n", b"-1\r\n%s\r\n0\r\n\r\n" % body, b"xyz\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"7fffffffffffffff\r\n{}", b"5\r\n{}",
        b"2\r\n{}0\r\n\r\n", b"2\n{}\n0\n\n", b"2\r\n{}\r\n", b"2;" + b"e" * 40000 + b"\r\n{}\r\n0\r\n\r\n", b"0\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"2 \r\n{}\r\n0\r\n\r\n", b"0x2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\nContent-Length: 100\r\nAuthorization: Bearer x\r\n\r\n",
        (b"1;" + b"a" * 200 + b"\r\n \r\n") * 500 + b"0\r\n\r\n", b"2\r\n{}\r\n0\r\nno colon\r\n\r\n", b"\xff\r\n"]))


def another_transfer_encoding(random, request):
    request.headers.append(random.choice([
        (b"Transfer-Encoding", b"gzip"), (b"Transfer-Encoding", b"chunked, identity"), (b"Transfer-Encoding", b"identity"),
        (b"Transfer-Encoding", b"xchunked"), (b"Transfer-Encoding ", b"chunked"), (b"Transfer-Encoding", b"\x0bchunked"),
        (b"Transfer-Encoding", b"chunked\r\nTransfer-Encoding: identity"), (b"Transfer-Encoding", b"chunked, chunked"),
        (b"Transfer_Encoding", b"chunked"), (b"Transfer-Encoding", b"CHUNKED"), (b"Transfer-Encoding", b""), (b"Transfer-Encoding", b"\"chunked\"")]))


def smuggled(random, request):
    """A second request where one reading of the lengths ends, in the middle of the other."""
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    body = b"0\r\n\r\n" + inner
    request.body, request.framed = body, False
    both = [(b"Content-Length", b"%d" % len(body)), (b"Transfer-Encoding", b"chunked")]
    request.headers += random.choice([both, both[::-1], [both[0], (b"Transfer-Encoding", b" chunked")], [(b"Content-Length", b"5"), both[1]]])


def wrong_end(random, request):
    if random.random() < 0.5:
        request.after = random.choice([b"x", b"\r\n", b"\x00" * 1000, b"GET / HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 5])
    else:
        request.headers.append((b"Content-Length", b"%d" % (len(request.body) + random.randint(1, 100000))))
        request.framed = False


FRAMING = [another_length, good_chunks, bad_chunks, another_transfer_encoding, smuggled, wrong_end]

# ---- the body -------------------------------------------------------------------------------------------------------


def another_body(random, request):
    body = request.body or b'{"key": "x"}'
    request.method = b"POST"
    request.body = random.choice([
        b"", b" ", b"null", b"0", b"[]", b'""', b"{", b"}", b"{]", b"\x00", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf" + body, body[:-1], body + b"x",
        body + body, body.replace(b'"', b"'"), body.replace(b"key", b"k\\u0000ey"), body.decode().encode("utf-16"), b"\x80" + body,
        body.replace(b'": "', b'": "\xc3\x28'), body.replace(b'": "', b'": "\xed\xa0\x80'), body.replace(b'": "', b'": "\\ud800'),
        b'{"key": "\\u0000"}', b'{"key": "' + b"k" * 200000 + b'"}', b'{"key": "' + b"k" * 300000 + b'"}', gzip.compress(body), b"a=b&c=d",
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", random.randbytes(random.randint(1, 3000))])


def deep_body(random, request):
    depth = random.choice([100, 127, 128, 129, 1000, 100000])
    request.method = b"POST"
    request.body = random.choice([b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth,
                                  b'{"apiId": "x", "meta": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"])[:250000]


def odd_values(random, request):
    request.method = b"POST"
    value = random.choice([
        "1e999999", "-0", "1" * 5000, "0." + "1" * 5000, "1e-999", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "NaN",
        "Infinity", "0x10", "01", "1.0", "1.", ".5", "true", "null", "[]", "{}", '"\\ud83d"', '"\\uDE00\\uD83D"', '"' + "\u0080" * 100 + '"',
        '"\t"', '"\\x"', '{"a": 1, "a": 2}', "[[[[[[]]]]]]", '"' + "é" * 600 + '"', "//comment", "1,", '"unclosed'])
    member = random.choice(["key", "apiId", "credits", "expires", "ratelimits", "meta", "tags", "permissions", "limit", "duration", "", "__proto__"])
    request.body = f'{{"key": "x", "{member}": {value}}}'.encode()


BODY = [another_body, deep_body, odd_values]
