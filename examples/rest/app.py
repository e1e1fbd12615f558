"""Tables over HTTP, to read, for callers with a key: `GET /rest/v1/<table>`. The database says who may see what."""

import json
import os
from contextlib import asynccontextmanager

from psycopg import Error, errors, sql
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SCHEMA = os.environ.get("DB_SCHEMA", "api")
ROLE = os.environ.get("DB_ANON_ROLE", "web_anon")
PRE_REQUEST = os.environ.get("DB_PRE_REQUEST", "extensions.unkey_pre_request")

# Settings first, then the key, then the rows; what the key has to say to the client comes last.
SET = "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)"
AUTHENTICATE = sql.SQL("SELECT {}()").format(sql.Identifier(*PRE_REQUEST.split(".")))
READ = sql.SQL("SELECT coalesce(json_agg(row), '[]')::text, nullif(current_setting('response.headers', true), '') FROM {} AS row")


def described(request: Request) -> dict[str, str]:
    """The request as settings of its transaction. The address counts for allow-lists, so it is not taken from a header here."""
    return {
        "request.method": request.method,
        "request.path": request.url.path.removeprefix("/rest/v1"),
        "request.headers": json.dumps({name: value for name, value in request.headers.items() if name != "cookie"}),
        "request.client_address": request.client.host if request.client else "unknown",
        "request.jwt.claims": json.dumps({"role": ROLE}),
        "role": ROLE,
    }


async def rows(request: Request) -> Response:
    table = sql.Identifier(SCHEMA, request.path_params["table"])
    settings = described(request)
    async with pool.connection() as connection:
        await connection.execute(SET, [list(settings), list(settings.values())])
        await connection.execute(AUTHENTICATE)
        body, headers = await (await connection.execute(READ.format(table))).fetchone()
    response = Response(body, media_type="application/json")
    for header in json.loads(headers or "[]"):
        response.headers.update(header)
    return response


async def refused(_request: Request, error: Error) -> Response:
    """An error that says itself what to answer, or one of those that PostgREST knows what to make of."""
    if error.sqlstate == "PGRST":
        reply = json.loads(error.diag.message_detail)
        return JSONResponse(json.loads(error.diag.message_primary), reply["status"], reply["headers"])
    status = 404 if isinstance(error, errors.UndefinedTable) else 403 if isinstance(error, errors.InsufficientPrivilege) else 500
    message = error.diag.message_primary or "the database is away"
    return JSONResponse({"code": error.sqlstate, "message": message, "details": None, "hint": error.diag.message_hint}, status)


async def read_only(connection) -> None:
    await connection.set_read_only(True)


pool = AsyncConnectionPool(os.environ["DATABASE_URL"], configure=read_only, open=False)


@asynccontextmanager
async def lifespan(_app: Starlette):
    async with pool:
        yield


app = Starlette(routes=[Route("/rest/v1/{table}", rows)], exception_handlers={Error: refused}, lifespan=lifespan)
