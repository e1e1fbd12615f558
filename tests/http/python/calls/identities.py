"""identities.*: each public function calls the method of its name; REFUSALS has a call of each that fails."""

import pytest
from unkey.py import errors

from client import new_identity, new_key, plain, restricted, unique, unkey, verify

_identities = unkey.identities
_LIMIT = {"name": "all", "limit": 100, "duration": 60000, "auto_apply": True}


def _get(identity: str) -> dict:
    return plain(_identities.get_identity(identity=identity).data)


def _without_id(ratelimits: list[dict]) -> list[dict]:
    return [{name: value for name, value in limit.items() if name != "id"} for limit in ratelimits]


def create_identity():
    external_id = unique("py")
    made = _identities.create_identity(external_id=external_id, meta={"plan": "pro"}, ratelimits=[_LIMIT]).data
    assert made.identity_id.startswith("id_")
    shown = _get(external_id)
    assert _without_id(shown.pop("ratelimits")) == [{"name": "all", "limit": 100, "duration": 60000, "autoApply": True}]
    assert shown == {"id": made.identity_id, "externalId": external_id, "meta": {"plan": "pro"}}


def get_identity():
    external_id, id = new_identity()
    assert _get(external_id) == _get(id) == {"id": id, "externalId": external_id}


def list_identities():
    external_id, id = new_identity(meta={"a": 1})
    result = _identities.list_identities(search=external_id).result
    assert plain(result.data) == [{"id": id, "externalId": external_id, "meta": {"a": 1}}]
    assert plain(result.pagination) == {"hasMore": False}


def update_identity():
    external_id, id = new_identity(meta={"a": 1}, ratelimits=[_LIMIT])
    changed = plain(_identities.update_identity(identity=external_id, meta={"b": 2}, ratelimits=[{**_LIMIT, "limit": 7}]).data)
    assert _without_id(changed.pop("ratelimits")) == [{"name": "all", "limit": 7, "duration": 60000, "autoApply": True}]
    assert changed == {"id": id, "externalId": external_id, "meta": {"b": 2}}


def delete_identity():
    external_id, _ = new_identity()
    made = new_key(external_id=external_id)
    assert _identities.delete_identity(identity=external_id).meta.request_id.startswith("req_")
    answer = verify(made.key)
    assert answer["code"] == "VALID" and "identity" not in answer
    with pytest.raises(errors.NotFoundErrorResponse):
        _get(external_id)


def _not_found(call):
    return 404, errors.NotFoundErrorResponse, "unkey/data/identity_not_found", call


REFUSALS = {
    "create_identity": (
        409, errors.ConflictErrorResponse, "unkey/data/identity_already_exists",
        lambda unkey: unkey.identities.create_identity(external_id=new_identity()[0]),
    ),
    "get_identity": _not_found(lambda unkey: unkey.identities.get_identity(identity="nobody.at.all")),
    "list_identities": (
        403, errors.ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions",
        lambda unkey: unkey.identities.list_identities(), restricted,
    ),
    "update_identity": _not_found(lambda unkey: unkey.identities.update_identity(identity="nobody.at.all", meta={})),
    "delete_identity": _not_found(lambda unkey: unkey.identities.delete_identity(identity="nobody.at.all")),
}
