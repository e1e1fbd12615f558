"""The official client pointed at our server, and what the tests need besides."""

import itertools
import os
import subprocess
import time

import httpx
from unkey.py import Unkey

URL = os.environ["UNKEY_URL"]
ROOT_KEY = os.environ["UNKEY_ROOT_KEY"]
HOUR = 3_600_000

#: Every reply that a client of `client` got.
replies: list[httpx.Response] = []


def _remember(response: httpx.Response) -> None:
    response.read()
    replies.append(response)


def client(root_key: str = ROOT_KEY, server_url: str = URL, before=None, **options) -> Unkey:
    """A client with this root key; `before` is called with each request, and with nothing after it."""
    hooks = {"request": [], "response": [_remember]}
    if before:
        hooks["request"].append(before)
        hooks["response"].append(lambda response: before(None))
    http = httpx.Client(event_hooks=hooks, timeout=30)
    return Unkey(root_key=root_key, server_url=server_url, client=http, **options)


unkey = client()


def sql(statement: str) -> str:
    """What one statement prints."""
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, os.environ["DATABASE_URL"]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _limit_workspace(request) -> None:
    limit = """{"limit": 0, "duration": 60000}""" if request else "null"
    sql(f"""SELECT unkey_update_workspace('{{"ratelimit": {limit}}}')""")


#: Each of its calls finds the limit of the workspace reached. Others are refused meanwhile, so nothing may run beside it.
at_limit = client(before=_limit_workspace)


def restricted(*permissions: str) -> Unkey:
    """A client whose root key may do these things only."""
    return client(unkey.root_keys.create_key(permissions=list(permissions)).data.key)


def plain(value):
    """A reply as JSON would show it, without what is absent."""
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


_made = itertools.count(1)


def unique(name: str) -> str:
    """A name that nobody else has."""
    return f"{name}.{os.getpid()}.{time.time_ns()}.{next(_made)}"


def now() -> int:
    return time.time_ns() // 1_000_000


def assert_soon(instant: int) -> None:
    assert now() < instant <= now() + HOUR


def new_api() -> str:
    return unkey.apis.create_api(name=unique("py")).data.api_id


def new_key(api_id: str | None = None, **fields):
    """A key, in a new API unless told otherwise: `key_id`, `key`."""
    return unkey.keys.create_key(api_id=api_id or new_api(), **fields).data


def new_identity(**fields) -> tuple[str, str]:
    """External id and id."""
    external_id = unique("py")
    return external_id, unkey.identities.create_identity(external_id=external_id, **fields).data.identity_id


def new_permission() -> dict:
    slug = unique("py")
    made = unkey.permissions.create_permission(name="Made by a test", slug=slug).data
    return {"id": made.permission_id, "name": "Made by a test", "slug": slug}


def new_role(**fields) -> dict:
    name = unique("py")
    return {"id": unkey.permissions.create_role(name=name, **fields).data.role_id, "name": name}


def new_namespace() -> str:
    """A namespace that exists: its name."""
    namespace = unique("py")
    unkey.ratelimit.limit(namespace=namespace, identifier="first", limit=1, duration=HOUR)
    return namespace


def get_key(key_id: str) -> dict:
    return plain(unkey.keys.get_key(key_id=key_id).data)


def verify(key: str, **fields) -> dict:
    return plain(unkey.keys.verify_key(key=key, **fields).data)
