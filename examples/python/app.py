"""An HTTP API whose callers need a key: `Authorization: Bearer <key>`."""

import math
import os
import time
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from httpx import HTTPError
from unkey.py import Unkey
from unkey.py.errors import UnkeyError
from unkey.py.models import V2KeysVerifyKeyResponseData as Verdict

app = FastAPI()
unkey = Unkey(server_url=os.environ["UNKEY_URL"], root_key=os.environ["UNKEY_ROOT_KEY"])


def refusal(verdict: Verdict) -> HTTPException:
    """What a caller whose key is not valid is told."""
    if verdict.code == "RATE_LIMITED":
        reset = max(limit.reset for limit in verdict.ratelimits or [] if limit.exceeded)
        seconds = max(1, math.ceil(reset / 1000 - time.time()))
        return HTTPException(429, verdict.code, {"Retry-After": str(seconds)})
    if verdict.code == "USAGE_EXCEEDED":
        return HTTPException(429, verdict.code)
    if verdict.code in ("INSUFFICIENT_PERMISSIONS", "FORBIDDEN"):
        return HTTPException(403, verdict.code)
    return HTTPException(401, verdict.code, {"WWW-Authenticate": "Bearer"})


def caller(permissions: str | None = None):
    """The verdict on the caller's key, for routes that need these permissions."""

    async def verified(bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]) -> Verdict:
        if bearer is None or not 1 <= len(bearer.credentials) <= 512:
            raise refusal(Verdict(valid=False, code="NOT_FOUND"))
        verdict = (await unkey.keys.verify_key_async(key=bearer.credentials, permissions=permissions)).data
        if not verdict.valid:
            raise refusal(verdict)
        return verdict

    return Depends(verified)


@app.exception_handler(UnkeyError)
@app.exception_handler(HTTPError)
async def unavailable(_request, _error) -> JSONResponse:
    """No verdict, no entry: a caller is told to come again."""
    return JSONResponse({"detail": "UNAVAILABLE"}, 503)


@app.get("/")
async def whose(verdict: Annotated[Verdict, caller()]):
    return {"owner": verdict.identity and verdict.identity.external_id, "remaining": verdict.credits}


@app.get("/invoices", dependencies=[caller("invoices.read")])
async def invoices():
    return {"invoices": []}
