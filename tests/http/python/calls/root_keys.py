"""rootKeys.*: each public function calls the method of its name; REFUSALS has a call of each that fails."""

import pytest
from unkey.py import errors

from client import HOUR, assert_soon, client, now, plain, restricted, unique, unkey

_root_keys = unkey.root_keys
_MAY = "api.*.read_api"


def _new_root_key(**fields):
    return _root_keys.create_key(permissions=[_MAY], **fields).data


def _listed(key_id: str) -> dict:
    """The root key as the list shows it."""
    page = _root_keys.list_keys()
    while page is not None:
        for row in page.result.data:
            if row.key_id == key_id:
                return plain(row)
        page = page.next()
    raise AssertionError(f"{key_id} is not listed")


def _works(root_key: str) -> None:
    with pytest.raises(errors.NotFoundErrorResponse):
        client(root_key).apis.get_api(api_id="api_unknown")


def create_key():
    name = unique("py")
    made = _new_root_key(name=name, expires=now() + HOUR)
    assert made.key_id.startswith("key_") and made.key.startswith("unkey_")
    _works(made.key)
    shown = _listed(made.key_id)
    assert_soon(shown["expires"])
    assert (shown["name"], shown["enabled"], shown["permissions"]) == (name, True, [_MAY])
    assert made.key.startswith(shown["start"]) and abs(shown["createdAt"] - now()) < 60_000


def list_keys():
    name = unique("py")
    made = _new_root_key(name=name)
    shown = _listed(made.key_id)
    assert (shown["name"], shown["expires"], shown["permissions"]) == (name, None, [_MAY])
    # One that may read APIs does not see those that may do more.
    weak = client(made.key).root_keys.list_keys().result.data
    assert made.key_id in [row.key_id for row in weak]
    assert all(permission.endswith(".read_api") for row in weak for permission in row.permissions)


def update_key():
    made = _new_root_key(name=unique("py"))
    assert plain(_root_keys.update_key(key_id=made.key_id, name=None, permissions=[], enabled=False).data) == {}
    shown = _listed(made.key_id)
    assert (shown["name"], shown["permissions"], shown["enabled"]) == (None, [], False)
    with pytest.raises(errors.ForbiddenErrorResponse):
        client(made.key).apis.get_api(api_id="api_unknown")


def reroll_key():
    made = _new_root_key()
    rolled = _root_keys.reroll_key(key_id=made.key_id, expiration=0).data
    assert rolled.key_id != made.key_id
    _works(rolled.key)
    with pytest.raises((errors.UnauthorizedErrorResponse, errors.ForbiddenErrorResponse)):
        client(made.key).apis.get_api(api_id="api_unknown")


def delete_key():
    made = _new_root_key()
    assert plain(_root_keys.delete_key(key_id=made.key_id).data) == {}
    with pytest.raises(errors.UnauthorizedErrorResponse):
        client(made.key).apis.get_api(api_id="api_unknown")


def _not_found(call):
    return 404, errors.NotFoundErrorResponse, "unkey/data/key_not_found", call


def _forbidden(call):
    return 403, errors.ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions", call, restricted


REFUSALS = {
    "create_key": _forbidden(lambda unkey: unkey.root_keys.create_key(permissions=[_MAY])),
    "list_keys": (401, errors.UnauthorizedErrorResponse, "unkey/authentication/key_not_found", lambda unkey: unkey.root_keys.list_keys(), lambda: client("unkey_nobody")),
    "update_key": _not_found(lambda unkey: unkey.root_keys.update_key(key_id="key_unknown", name="x")),
    "reroll_key": _not_found(lambda unkey: unkey.root_keys.reroll_key(key_id="key_unknown", expiration=0)),
    "delete_key": _not_found(lambda unkey: unkey.root_keys.delete_key(key_id="key_unknown")),
}
