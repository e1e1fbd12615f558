"""An API whose callers need a key. Notes are in the database of ../notes."""

import os
from contextlib import asynccontextmanager
from typing import Annotated

import psycopg
from fastapi import Body, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from unkey import Caller, require_key, with_key

pool = AsyncConnectionPool(os.environ["DATABASE_URL"], open=False, timeout=2, kwargs={"row_factory": dict_row})


@asynccontextmanager
async def lifespan(_app: FastAPI):
    async with pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def whose(caller: Annotated[Caller, require_key(pool)]):
    return {"owner": caller.external_id, "remaining": caller.credits}


@app.get("/invoices", dependencies=[require_key(pool, permissions="invoices.read")])
async def invoices():
    return {"invoices": []}


@app.get("/notes")
async def notes(caller: Annotated[Caller, with_key(pool, permissions="notes.read", cost=0)]):
    """Policies show everybody their own."""
    cursor = await caller.db.execute("SELECT customer, title FROM notes ORDER BY id")
    return await cursor.fetchall()


@app.post("/notes")
async def note(caller: Annotated[Caller, with_key(pool, permissions="notes.write", cost=5)], title: Annotated[str, Body(embed=True)]):
    """Costs 5 credits, unless it fails."""
    if not title.strip():
        raise HTTPException(400, "BAD_REQUEST")
    cursor = await caller.db.execute("INSERT INTO notes (title) VALUES (%s) RETURNING customer, title", [title])
    return await cursor.fetchone()


@app.exception_handler(psycopg.IntegrityError)
async def wrong(_request, _error) -> JSONResponse:
    """What a constraint refuses is the caller's mistake."""
    return JSONResponse({"detail": "BAD_REQUEST"}, 400)


@app.exception_handler(psycopg.OperationalError)
@app.exception_handler(PoolTimeout)
async def unavailable(_request, _error) -> JSONResponse:
    """No verdict, no entry: a caller is told to come again."""
    return JSONResponse({"detail": "UNAVAILABLE"}, 503)
