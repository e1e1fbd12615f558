"""HTTP/1.1 as bytes: sends anything, and reads replies more strictly than any client would."""

import asyncio
import re
from dataclasses import dataclass, field

from server import PATIENCE

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) [\x20-\x7e]*")
HEADER_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\x20-\x7e\t]*)")
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]+")


class Malformed(Exception):
    """What came is not a sequence of whole replies."""


@dataclass
class Response:
    status: int
    headers: dict = field(repr=False)
    body: bytes = b""
    to_head: bool = False


def parse(stream, heads=()):
    """Every reply in what came; `heads` has the places of replies to HEAD, which end with their head."""
    responses = []
    while stream:
        response, stream = parse_one(stream, len(responses) in heads)
        if response.status >= 200:
            responses.append(response)
    return responses


def parse_one(stream, to_head):
    head, end, rest = stream.partition(b"\r\n\r\n")
    if not end:
        raise Malformed(f"no end of a head: {stream[:200]!r}")
    line, *lines = head.split(b"\r\n")
    status = STATUS_LINE.fullmatch(line)
    if not status:
        raise Malformed(f"no status line: {line!r}")
    headers = parse_headers(lines)
    response = Response(int(status[1]), headers, to_head=to_head)
    if to_head or response.status < 200 or response.status in (204, 304):
        return response, rest
    response.body, rest = parse_body(headers, rest)
    return response, rest


def parse_headers(lines):
    headers = {}
    for line in lines:
        match = HEADER_LINE.fullmatch(line)
        if not match:
            raise Malformed(f"no header: {line!r}")
        name = match[1].decode().lower()
        if name in headers and name != "vary":
            raise Malformed(f"two headers {name}")
        headers[name] = match[2].decode()
    return headers


def parse_body(headers, rest):
    if "content-length" in headers and "transfer-encoding" not in headers:
        length = int(headers["content-length"])
        if len(rest) < length:
            raise Malformed(f"{len(rest)} bytes of a body of {length}")
        return rest[:length], rest[length:]
    if headers.get("transfer-encoding") == "chunked" and "content-length" not in headers:
        return parse_chunks(rest)
    raise Malformed(f"no length, or two: {headers}")


def parse_chunks(rest):
    body = b""
    while True:
        size, end, rest = rest.partition(b"\r\n")
        if not end or not CHUNK_SIZE.fullmatch(size):
            raise Malformed(f"no chunk size: {size[:50]!r}")
        length = int(size, 16)
        if rest[length:length + 2] != b"\r\n":
            raise Malformed("a chunk does not end where it says")
        if length == 0:
            return body, rest[2:]
        body, rest = body + rest[:length], rest[length + 2:]


async def exchange(port, pieces, half_close=None, pause=0.0):
    """Sends the pieces and reads until the server closes. With `half_close`, tells the server that nothing more will be sent as
    soon as it has been quiet for that many seconds; it need not answer after that. Answers what came, and whether the
    connection was reset, in which case the end of what the server sent may have been lost on the way."""
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE)
    received, reset = bytearray(), False

    async def send():
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if half_close is not None:
            before = None
            while before != len(received):
                before = len(received)
                await asyncio.sleep(half_close)
            writer.write_eof()

    async def receive():
        while chunk := await reader.read(1 << 16):
            received.extend(chunk)

    sending = asyncio.ensure_future(send())
    try:
        await asyncio.wait_for(receive(), PATIENCE)
    except ConnectionError:
        reset = True
    finally:
        sending.cancel()
        # What could not be sent does not matter: the server had seen enough.
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()
    return bytes(received), reset
