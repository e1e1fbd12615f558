"""Section 14 of the cases that is not about one method or one error."""

import asyncio
import json

import pytest
from unkey.py import Unkey, errors

from client import ROOT_KEY, URL, client, get_key, new_api, new_key, replies, unkey, verify


def test_sd_02_an_unknown_key_id_is_a_not_found_error_response():
    with pytest.raises(errors.NotFoundErrorResponse) as raised:
        unkey.keys.get_key(key_id="key_unknown")
    assert raised.value.headers["content-type"] == "application/json"
    assert raised.value.data.error.title == "Not Found"
    assert raised.value.data.meta.request_id.startswith("req_")


def test_sd_05_an_invalid_body_is_a_bad_request_that_says_where():
    with pytest.raises(errors.BadRequestErrorResponse) as raised:
        unkey.keys.create_key(api_id=new_api(), byte_length=8)
    error = raised.value.data.error
    assert [place.location for place in error.errors] == ["body.byteLength"]
    assert error.errors[0].message == error.detail


def test_sd_07_what_a_key_does_not_have_is_left_out():
    made = new_key()
    for call in (lambda: unkey.keys.get_key(key_id=made.key_id), lambda: unkey.keys.whoami(key=made.key)):
        call()
        assert set(replies[-1].json()["data"]) == {"keyId", "start", "enabled", "createdAt"}


def test_sd_08_unlimited_credits_are_null():
    made = new_key(credits={"remaining": 5})
    assert unkey.keys.update_credits(key_id=made.key_id, operation="set", value=None).data.remaining is None
    assert replies[-1].json()["data"] == {"remaining": None}


def test_sd_10_null_clears_absent_keeps():
    made = new_key(name="named", meta={"a": 1})
    unkey.keys.update_key(key_id=made.key_id, enabled=False)
    assert get_key(made.key_id)["name"] == "named"
    unkey.keys.update_key(key_id=made.key_id, name=None)
    shown = get_key(made.key_id)
    assert "name" not in shown and shown["meta"] == {"a": 1}


@pytest.mark.parametrize("suffix", ["/", "/prefix", "/any/prefix/"])
def test_sd_11_served_under_a_prefix(suffix):
    assert client(server_url=URL + suffix).keys.verify_key(key="nobody").data.code == "NOT_FOUND"


def test_sd_13_multi_limit_posts_a_bare_array():
    checks = [{"namespace": "py.sd13", "identifier": "a", "limit": 5, "duration": 60000}]
    reply = unkey.ratelimit.multi_limit(request=checks)
    assert isinstance(json.loads(replies[-1].request.content), list)
    assert reply.data.passed is True and len(reply.data.limits) == 1


def test_the_asynchronous_methods_work():
    async def verify_all():
        async with Unkey(root_key=ROOT_KEY, server_url=URL) as own:
            return await asyncio.gather(*(own.keys.verify_key_async(key=key) for key in [made.key] * 9))

    made = new_key(credits={"remaining": 5})
    codes = [reply.data.code for reply in asyncio.run(verify_all())]
    assert sorted(codes) == ["USAGE_EXCEEDED"] * 4 + ["VALID"] * 5


def test_sd_01_an_unknown_key_is_an_answer():
    assert verify("nobody_knows_this_one") == {"valid": False, "code": "NOT_FOUND"}
