"""The client's retries, against a stand-in that is not available at first."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from unkey.py import errors
from unkey.py.utils import BackoffStrategy, RetryConfig

from client import URL, client, new_api, unkey

UNAVAILABLE = json.dumps({
    "meta": {"requestId": "req_standin"},
    "error": {"title": "Service Unavailable", "detail": "Try again.", "status": 503, "type": "https://unkey.com/docs/errors/unkey/application/service_unavailable"},
})


class StandIn(ThreadingHTTPServer):
    """Answers 503 to the first `failures` requests and hands the rest to our server; counts both."""

    def __init__(self, failures):
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures, self.refused, self.forwarded = failures, 0, 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refused < self.server.failures:
            self.server.refused += 1
            self._answer(503, "application/json", UNAVAILABLE.encode())
        else:
            self.server.forwarded += 1
            reply = httpx.post(URL + self.path, content=body, headers={"Authorization": self.headers["Authorization"]})
            self._answer(reply.status_code, reply.headers["content-type"], reply.content)

    def _answer(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_503_is_tried_again_and_the_key_is_made_once():
    api_id = new_api()
    with StandIn(failures=2) as stand_in:
        made = client(server_url=stand_in.url).keys.create_key(api_id=api_id, name="once").data
        assert (stand_in.refused, stand_in.forwarded) == (2, 1)
    assert [(key.key_id, key.name) for key in unkey.apis.list_keys(api_id=api_id).result.data] == [(made.key_id, "once")]


def test_without_retries_a_503_is_an_api_error_with_its_body():
    never = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), False)
    with StandIn(failures=1) as stand_in:
        with pytest.raises(errors.APIError) as raised:
            client(server_url=stand_in.url).keys.verify_key(key="any", retries=never)
        assert (stand_in.refused, stand_in.forwarded) == (1, 0)
    assert (raised.value.status_code, raised.value.body) == (503, UNAVAILABLE)
