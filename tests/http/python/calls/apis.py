"""apis.*: each public function calls the method of its name; REFUSALS has a call of each that fails."""

import httpx
import pytest
from unkey.py import errors

from client import ROOT_KEY, URL, get_key, new_api, new_key, plain, restricted, unique, unkey

_apis = unkey.apis


def create_api():
    reply = _apis.create_api(name="payments")
    assert reply.data.api_id.startswith("api_")


def get_api():
    name = unique("py")
    api_id = _apis.create_api(name=name).data.api_id
    assert plain(_apis.get_api(api_id=api_id).data) == {"id": api_id, "name": name}


def list_keys():
    api_id = new_api()
    one, two = new_key(api_id, name="one", external_id="user_1"), new_key(api_id, name="two", external_id="user_2")
    result = _apis.list_keys(api_id=api_id).result
    assert plain(result.data) == [get_key(one.key_id), get_key(two.key_id)]
    assert plain(result.pagination) == {"hasMore": False}
    assert plain(_apis.list_keys(api_id=api_id, external_id="user_2").result.data) == [get_key(two.key_id)]


def delete_api():
    api_id = new_api()
    assert plain(_apis.delete_api(api_id=api_id).data) == {}
    with pytest.raises(errors.NotFoundErrorResponse):
        _apis.get_api(api_id=api_id)


def _delete_protected(unkey):
    body = {"name": unique("py"), "deleteProtection": True}
    made = httpx.post(f"{URL}/v2/apis.createApi", json=body, headers={"Authorization": f"Bearer {ROOT_KEY}"})
    return unkey.apis.delete_api(api_id=made.json()["data"]["apiId"])


def _no_api(call):
    return 404, errors.NotFoundErrorResponse, "unkey/data/api_not_found", call


REFUSALS = {
    "create_api": (
        403, errors.ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions",
        lambda unkey: unkey.apis.create_api(name="payments"), restricted,
    ),
    "get_api": _no_api(lambda unkey: unkey.apis.get_api(api_id="api_unknown")),
    "list_keys": _no_api(lambda unkey: unkey.apis.list_keys(api_id="api_unknown")),
    "delete_api": (412, errors.PreconditionFailedErrorResponse, "unkey/application/protected_resource", _delete_protected),
}
