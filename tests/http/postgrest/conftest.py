"""What the tests share: callers with and without a token, and the tokens themselves."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time

import httpx
import pytest
from postgrest import SyncPostgrestClient

URL = os.environ["UNKEY_URL"]
SECRET = os.environ["UNKEY_JWT_SECRET"]


def sign(claims, secret=SECRET, header=None):
    """A token; HS256 unless the header says otherwise, and then without a signature that counts."""

    def part(value):
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    signed = part({"alg": "HS256", "typ": "JWT"} | (header or {})) + "." + part(claims)
    return signed + "." + part(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))


def token(role, **claims):
    return sign({"role": role, "exp": time.time() + 3600} | claims)


def caller(role=None):
    headers = {"Authorization": "Bearer " + token(role)} if role else {}
    return httpx.Client(base_url=URL + "/rpc", headers=headers, timeout=30)


@pytest.fixture(scope="session")
def anon():
    with caller() as client:
        yield client


@pytest.fixture(scope="session")
def manager():
    with caller("web_manager") as client:
        yield client


@pytest.fixture(scope="session")
def client():
    """The official client, as a manager."""
    with SyncPostgrestClient(URL, headers={"Authorization": "Bearer " + token("web_manager")}) as client:
        yield client


@pytest.fixture(scope="session")
def api(manager):
    return manager.post("/unkey_create_api", json={"name": "postgrest"}).json()


@pytest.fixture
def key(manager, api):
    """Id and text of a new key with ten credits."""
    return manager.post("/unkey_create_key", json={"api_id": api, "credits": 10}).json()


def sql(statement):
    """What a superuser's statement answers, as text."""
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, os.environ["DATABASE_URL"]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def error(response, status, code):
    """Checks that a call was refused so, and returns the refusal."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert set(body) == {"code", "message", "details", "hint"}
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["proxy-status"] == f"unkey-http; error={code}"
    return body
