"""Callers of a FastAPI app by their API keys, `Authorization: Bearer <key>`, verified by the database."""

import math
import time
from typing import Any, NamedTuple

from fastapi import Depends, HTTPException, Request, Response
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool


class Caller(NamedTuple):
    key_id: str
    external_id: str | None
    credits: int | None
    """What is left; None for unlimited."""
    db: AsyncConnection | None = None
    """The transaction that knows the caller, of a route `with_key`."""


def require_key(pool: AsyncConnectionPool, **question: Any):
    """The caller, for routes that need a key good for this question: permissions, cost and ratelimits of unkey_verify_key."""

    async def caller(request: Request, response: Response) -> Caller:
        async with pool.connection() as db:
            verdict = await ask(db, "unkey_verify_key", request, question)
        admit(verdict, response)
        return Caller(verdict["key_id"], verdict["external_id"], verdict["credits"])

    return Depends(caller)


def with_key(pool: AsyncConnectionPool, **question: Any):
    """The same in one transaction with the route, on `caller.db`. Row-level security knows who is calling, and what a route
    that raises has spent comes back."""

    async def caller(request: Request, response: Response):
        async with pool.connection() as db:
            verdict = await ask(db, "unkey_authenticate", request, question)
            if verdict["code"] != "VALID":
                await db.commit()
            admit(verdict, response)
            yield Caller(verdict["key_id"], verdict["external_id"], verdict["credits"], db)

    # Commits before the response is sent, so that nobody is told of what did not happen.
    return Depends(caller, scope="function")


async def ask(db: AsyncConnection, verify: str, request: Request, question: dict[str, Any]) -> dict[str, Any]:
    """The verdict on the key of a request, which is NOT_FOUND without one."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    parameters = {"permissions": None, "cost": None, "ratelimits": None, **question}
    parameters["key"] = key if scheme.lower() == "bearer" else None
    parameters["ip"] = request.client and request.client.host
    parameters["ratelimits"] = parameters["ratelimits"] and Jsonb(parameters["ratelimits"])
    cursor = await db.execute(
        f"""SELECT code, key_id, identity ->> 'externalId' AS external_id, credits, coalesce(ratelimits, '[]') AS ratelimits
        FROM {verify}(key => %(key)s, permissions => %(permissions)s, cost => %(cost)s, ratelimits => %(ratelimits)s, ip => %(ip)s)""",
        parameters,
    )
    return await cursor.fetchone()


STATUSES = {
    "VALID": 200,
    "FORBIDDEN": 403,
    "INSUFFICIENT_PERMISSIONS": 403,
    "RATE_LIMITED": 429,
    "USAGE_EXCEEDED": 429,
}


def admit(verdict: dict[str, Any], response: Response) -> None:
    """Tells about limits, and refuses the request if its key is refused."""
    limits, now, headers = verdict["ratelimits"], time.time(), {}
    if limits:
        policies = (f"{quoted(limit)};q={limit['limit']};w={math.ceil(limit['duration'] / 1000)}" for limit in limits)
        states = (f"{quoted(limit)};r={limit['remaining']};t={seconds(limit, now)}" for limit in limits)
        headers |= {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}
    status = STATUSES.get(verdict["code"], 401)
    if status == 200:
        response.headers.update(headers)
        return
    exceeded = [seconds(limit, now) for limit in limits if limit["exceeded"]]
    if exceeded:
        headers["Retry-After"] = str(max(exceeded))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    raise HTTPException(status, verdict["code"], headers)


def seconds(limit: dict[str, Any], now: float) -> int:
    """Until a limit has room again."""
    return max(1, math.ceil(limit["reset"] / 1000 - now))


def quoted(limit: dict[str, Any]) -> str:
    """Its name as a string of HTTP's structured fields, which are ASCII."""
    name = "".join(character if " " <= character <= "~" else "?" for character in limit["name"])
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
