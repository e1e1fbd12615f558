"""Every method of the client: one call that goes well and one that is refused. The client itself says which there are."""

import inspect
import json

import pytest
from unkey.py import Unkey, errors

from calls import analytics, apis, identities, keys, permissions, ratelimit, root_keys
from client import at_limit, client, replies, unkey

CALLS = {
    "analytics": analytics, "apis": apis, "identities": identities, "keys": keys, "permissions": permissions,
    "ratelimit": ratelimit, "root_keys": root_keys,
}

# Of Unkey's hosting and its own limits; an API key server has nothing to answer.
FAMILIES_NOT_SERVED = {"apps", "deployments", "domains", "environments", "gateway", "github", "internal", "portal", "projects", "workspace"}
METHODS_NOT_SERVED = {("analytics", "get_gateway_requests"), ("analytics", "get_runtime_logs")}

# Declare no 429: it arrives as an APIError.
NO_429 = {("root_keys", "create_key")}


def _methods(family: str) -> set[str]:
    """The methods of a family; each also exists as METHOD_async, which sends the same."""
    own = {name for name, member in vars(type(getattr(unkey, family))).items() if inspect.isfunction(member) and not name.startswith("_")}
    assert {f"{name}_async" for name in own if not name.endswith("_async")} == {name for name in own if name.endswith("_async")}
    return {name for name in own if not name.endswith("_async")}


METHODS = sorted({(family, method) for family in CALLS for method in _methods(family)} - METHODS_NOT_SERVED)
each_method = pytest.mark.parametrize(("family", "method"), METHODS, ids=map(".".join, METHODS))


def test_every_family_of_the_client_is_either_served_or_known_not_to_be():
    assert set(Unkey.__annotations__) == set(CALLS) | FAMILIES_NOT_SERVED


def test_every_call_written_down_is_a_method_of_the_client():
    for family, calls in CALLS.items():
        written = {name for name, member in vars(calls).items() if inspect.isfunction(member) and member.__module__ == calls.__name__}
        methods = {method for of, method in METHODS if of == family}
        assert {name for name in written if not name.startswith("_")} == methods
        assert set(calls.REFUSALS) == methods


def _assert_refused(call, status, error_class, type):
    """Asserts that the call fails with exactly this class, status and type."""
    with pytest.raises(errors.UnkeyError) as raised:
        call()
    assert raised.type is error_class, raised.value.body
    assert raised.value.status_code == status
    error = json.loads(raised.value.body)["error"]
    assert (error["type"], error["status"]) == (f"https://unkey.com/docs/errors/{type}", status)
    assert ("errors" in error) == (status == 400)


@each_method
def test_answers(family, method):
    getattr(CALLS[family], method)()


@each_method
def test_is_refused(family, method):
    status, error_class, type, call, *restricted = CALLS[family].REFUSALS[method]
    asking = restricted[0]() if restricted else unkey
    _assert_refused(lambda: call(asking), status, error_class, type)


@each_method
def test_is_refused_to_an_unknown_root_key(family, method):
    call = CALLS[family].REFUSALS[method][3]
    _assert_refused(lambda: call(client("unkey_nobody")), 401, errors.UnauthorizedErrorResponse, "unkey/authentication/key_not_found")


@each_method
def test_sd_04_is_refused_when_the_limit_of_the_workspace_is_reached(family, method):
    call = CALLS[family].REFUSALS[method][3]
    error_class = errors.APIError if (family, method) in NO_429 else errors.TooManyRequestsErrorResponse
    _assert_refused(lambda: call(at_limit), 429, error_class, "user/too_many_requests/workspace_rate_limited")


@pytest.mark.parametrize(("family", "method"), sorted(METHODS_NOT_SERVED))
def test_is_not_served(family, method):
    call = getattr(getattr(unkey, family), method)
    _assert_refused(lambda: call(query="SELECT 1"), 404, errors.APIError, "unkey/application/not_found")


def test_sd_14_every_reply_carries_the_id_of_its_request():
    assert sum(reply.status_code == 200 for reply in replies) > len(METHODS)
    ids = [reply.json()["meta"]["requestId"] for reply in replies]
    assert all(id.startswith("req_") and len(id) >= 16 for id in ids)
    assert ids == [reply.headers["X-Request-Id"] for reply in replies]
    assert len(set(ids)) == len(ids)
