"""ratelimit.*: each public function calls the method of its name; REFUSALS has a call of each that fails."""

from unkey.py import errors

from client import HOUR, assert_soon, new_namespace, plain, sql, unique, unkey

_ratelimit = unkey.ratelimit


def _overridden() -> tuple[str, str]:
    """A namespace with an override for `vip`, and the override's id."""
    namespace = new_namespace()
    return namespace, _ratelimit.set_override(namespace=namespace, identifier="vip", limit=50, duration=HOUR).data.override_id


def _without_reset(reply) -> dict:
    shown = plain(reply)
    assert_soon(shown.pop("reset"))
    return shown


def limit():
    request = {"namespace": unique("py"), "identifier": "user_1", "limit": 3, "duration": HOUR}
    assert _without_reset(_ratelimit.limit(**request, cost=2).data) == {"success": True, "limit": 3, "remaining": 1}
    assert _without_reset(_ratelimit.limit(**request, cost=2).data) == {"success": False, "limit": 3, "remaining": 0}


def multi_limit():
    namespace = unique("py")
    request = [{"namespace": namespace, "identifier": name, "limit": limit, "duration": HOUR} for name, limit in (("a", 1), ("b", 5))]
    # SD-13: the body is a bare array.
    first = _ratelimit.multi_limit(request=request).data
    assert first.passed is True
    assert [_without_reset(check) for check in first.limits] == [
        {"namespace": namespace, "identifier": "a", "passed": True, "limit": 1, "remaining": 0},
        {"namespace": namespace, "identifier": "b", "passed": True, "limit": 5, "remaining": 4},
    ]
    second = _ratelimit.multi_limit(request=request).data
    assert (second.passed, second.limits[0].passed) == (False, False)


def set_override():
    namespace, override_id = _overridden()
    assert override_id.startswith("rlor_")
    limited = _without_reset(_ratelimit.limit(namespace=namespace, identifier="vip", limit=1, duration=HOUR).data)
    assert limited == {"success": True, "limit": 50, "remaining": 49, "overrideId": override_id}


def get_override():
    namespace, override_id = _overridden()
    shown = plain(_ratelimit.get_override(namespace=namespace, identifier="vip").data)
    assert shown == {"overrideId": override_id, "identifier": "vip", "limit": 50, "duration": HOUR}


def list_overrides():
    namespace, override_id = _overridden()
    result = _ratelimit.list_overrides(namespace=namespace).result
    assert plain(result.data) == [{"overrideId": override_id, "identifier": "vip", "limit": 50, "duration": HOUR}]
    assert plain(result.pagination) == {"hasMore": False}


def delete_override():
    namespace, _ = _overridden()
    assert plain(_ratelimit.delete_override(namespace=namespace, identifier="vip").data) == {}
    assert _ratelimit.limit(namespace=namespace, identifier="vip", limit=9, duration=HOUR).data.limit == 9


def _in_deleted_namespace() -> dict:
    namespace = new_namespace()
    sql(f"SELECT unkey_delete_namespace('{namespace}')")
    return {"namespace": namespace, "identifier": "a", "limit": 1, "duration": HOUR}


def _gone(call):
    return 410, errors.GoneErrorResponse, "unkey/data/ratelimit_namespace_gone", call


def _no_namespace(call):
    return 404, errors.NotFoundErrorResponse, "unkey/data/ratelimit_namespace_not_found", call


REFUSALS = {
    "limit": _gone(lambda unkey: unkey.ratelimit.limit(**_in_deleted_namespace())),
    "multi_limit": _gone(lambda unkey: unkey.ratelimit.multi_limit(request=[_in_deleted_namespace()])),
    "set_override": _no_namespace(lambda unkey: unkey.ratelimit.set_override(namespace="py.unknown", identifier="vip", limit=1, duration=HOUR)),
    "get_override": (
        404, errors.NotFoundErrorResponse, "unkey/data/ratelimit_override_not_found",
        lambda unkey: unkey.ratelimit.get_override(namespace=new_namespace(), identifier="nobody"),
    ),
    "list_overrides": _no_namespace(lambda unkey: unkey.ratelimit.list_overrides(namespace="py.unknown")),
    "delete_override": _no_namespace(lambda unkey: unkey.ratelimit.delete_override(namespace="py.unknown", identifier="vip")),
}
