"""What the tests share: keys, made by SQL, and callers who bring them."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time

import httpx
import pytest

URL = os.environ["UNKEY_URL"]


def token(role, **claims):
    def part(value):
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    claims = {"role": role, "exp": int(time.time()) + 3600} | claims
    signed = part({"alg": "HS256", "typ": "JWT"}) + "." + part(claims)
    return signed + "." + part(hmac.digest(os.environ["UNKEY_JWT_SECRET"].encode(), signed.encode(), hashlib.sha256))


def sql(statement):
    """What a superuser's statement answers, as text."""
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, os.environ["DATABASE_URL"]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def soon(condition):
    """Whether it comes true within half a minute."""
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture(scope="session")
def api():
    return sql("SELECT unkey_create_api('requests')")


@pytest.fixture
def new_key(api):
    """Makes a key with these further arguments of unkey_create_key, as SQL."""

    def new_key(arguments="external_id => 'acme'", of=None):
        return sql(f"SELECT key FROM unkey_create_key('{of or api}', {arguments})")

    return new_key


@pytest.fixture
def call():
    """Calls a function: by POST if there are arguments for it."""

    def call(function, key=None, url=URL, method=None, arguments=None, prefix="/rpc", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        method = method or ("GET" if arguments is None else "POST")
        body = None if method in ("GET", "HEAD") else arguments or {}
        return httpx.request(method, f"{url}{prefix}/unkey_test_{function}", json=body, headers=headers, timeout=30)

    return call


def refused(response, status, code):
    """Checks that a request was refused so, and returns the refusal."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert set(body) == {"code", "message", "details", "hint"}
    return body
