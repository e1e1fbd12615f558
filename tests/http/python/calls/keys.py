"""keys.*: each public function calls the method of its name; REFUSALS has a call of each that fails."""

import base64
import hashlib
import re

from unkey.py import errors

from client import HOUR, assert_soon, new_api, new_key, new_permission, new_role, now, plain, restricted, unique, unkey, verify
from client import get_key as shown_key

_keys = unkey.keys


def _slugs(permissions) -> list[str]:
    return sorted(permission.slug for permission in permissions)


def create_key():
    refill = {"interval": "monthly", "amount": 100, "refillDay": 3}
    limit = {"name": "requests", "limit": 5, "duration": 60000, "autoApply": True}
    fields = {
        "name": "first",
        "meta": {"plan": "pro", "nested": {"list": [1, "two"]}},
        "permissions": ["docs.read"],
        "expires": now() + HOUR,
        "enabled": False,
    }
    made = new_key(
        **fields, prefix="test", byte_length=32, external_id="user_1", credits={"remaining": 10, "refill": refill},
        ratelimits=[{"name": "requests", "limit": 5, "duration": 60000, "auto_apply": True}],
    )
    assert made.key_id.startswith("key_")
    assert re.fullmatch("test_[1-9A-HJ-NP-Za-km-z]{40,}", made.key)
    shown = shown_key(made.key_id)
    assert abs(shown.pop("createdAt") - now()) < 60_000
    start = shown.pop("start")
    assert start.startswith("test_") and made.key.startswith(start) and len(start) < 20
    assert shown.pop("identity")["externalId"] == "user_1"
    (ratelimit,) = shown.pop("ratelimits")
    assert ratelimit.pop("id") and ratelimit == limit
    assert shown == {"keyId": made.key_id, "credits": {"remaining": 10, "refill": refill}, **fields}


def verify_key():
    limit = {"name": "requests", "limit": 5, "duration": HOUR, "auto_apply": True}
    made = new_key(
        name="verified", external_id="user_1", meta={"plan": "pro"}, permissions=["docs.read"], credits={"remaining": 10}, ratelimits=[limit]
    )
    answer = verify(
        made.key,
        permissions="docs.read AND (docs.read OR docs.write)",
        credits={"cost": 4},
        tags=["path=/docs"],
        ratelimits=[{"name": "exports", "limit": 3, "duration": 1000, "cost": 2}],
    )
    assert answer.pop("identity")["externalId"] == "user_1"
    assert answer.pop("keyspaceId").startswith("ks_")
    limits = {limit["name"]: limit for limit in answer.pop("ratelimits")}
    assert [limits["exports"][member] for member in ("limit", "duration", "remaining", "exceeded", "autoApply")] == [3, 1000, 1, False, False]
    assert [limits["requests"][member] for member in ("limit", "duration", "remaining", "exceeded", "autoApply")] == [5, HOUR, 4, False, True]
    assert_soon(limits["requests"]["reset"])
    assert answer == {
        "valid": True, "code": "VALID", "keyId": made.key_id, "name": "verified", "meta": {"plan": "pro"},
        "credits": 6, "enabled": True, "permissions": ["docs.read"],
    }
    assert verify(made.key, permissions="docs.write")["code"] == "INSUFFICIENT_PERMISSIONS"
    assert verify(made.key, credits={"cost": 7})["code"] == "USAGE_EXCEEDED"
    assert verify(made.key, ratelimits=[{"name": "requests", "cost": 9}])["code"] == "RATE_LIMITED"
    _keys.update_key(key_id=made.key_id, enabled=False)
    assert verify(made.key)["code"] == "DISABLED"
    _keys.update_key(key_id=made.key_id, enabled=True, expires=now() - 1000)
    assert verify(made.key)["code"] == "EXPIRED"


def get_key():
    made = new_key(name="shown", prefix="shown")
    shown = plain(_keys.get_key(key_id=made.key_id).data)
    assert shown == {"keyId": made.key_id, "start": shown["start"], "enabled": True, "name": "shown", "createdAt": shown["createdAt"]}


def whoami():
    made = new_key(name="asked")
    assert plain(_keys.whoami(key=made.key).data) == shown_key(made.key_id)


def update_key():
    made = new_key(name="before", meta={"a": 1}, external_id="user_1")
    change = {
        "name": "after", "meta": {"b": [2]}, "expires": now() + HOUR, "enabled": False, "permissions": ["docs.write"],
        "credits": {"remaining": 3, "refill": {"interval": "daily", "amount": 5}},
    }
    assert plain(_keys.update_key(key_id=made.key_id, external_id=None, **change).data) == {}
    shown = shown_key(made.key_id)
    for member in ("createdAt", "updatedAt", "start"):
        del shown[member]
    assert shown == {"keyId": made.key_id, **change}


def delete_key():
    made = new_key()
    assert plain(_keys.delete_key(key_id=made.key_id).data) == {}
    assert verify(made.key) == {"valid": False, "code": "NOT_FOUND"}


def reroll_key():
    made = new_key(name="rolled", prefix="roll", credits={"remaining": 8})
    rolled = _keys.reroll_key(key_id=made.key_id, expiration=60_000).data
    assert rolled.key.startswith("roll_") and rolled.key_id != made.key_id
    answer = verify(rolled.key)
    assert (answer["name"], answer["credits"]) == ("rolled", 7)
    assert_soon(verify(made.key)["expires"])


def update_credits():
    made = new_key(credits={"remaining": 10, "refill": {"interval": "daily", "amount": 5}})

    def change(operation, value):
        return plain(_keys.update_credits(key_id=made.key_id, operation=operation, value=value).data)

    assert change("increment", 5) == {"remaining": 15, "refill": {"interval": "daily", "amount": 5}}
    assert change("decrement", 12)["remaining"] == 3
    assert change("set", 7)["remaining"] == 7


def add_permissions():
    made = new_key(permissions=["docs.read"])
    permissions = _keys.add_permissions(key_id=made.key_id, permissions=["docs.write"]).data
    assert _slugs(permissions) == ["docs.read", "docs.write"]
    assert all(permission.id.startswith("perm_") and permission.name == permission.slug for permission in permissions)


def remove_permissions():
    made = new_key(permissions=["docs.read", "docs.write"])
    assert _slugs(_keys.remove_permissions(key_id=made.key_id, permissions=["docs.read"]).data) == ["docs.write"]


def set_permissions():
    made = new_key(permissions=["docs.read"])
    permission = new_permission()
    assert plain(_keys.set_permissions(key_id=made.key_id, permissions=[permission["slug"]]).data) == [permission]
    assert shown_key(made.key_id)["permissions"] == [permission["slug"]]
    assert _keys.set_permissions(key_id=made.key_id, permissions=[]).data == []


def add_roles():
    made = new_key()
    role = new_role(description="Reads", permissions=["docs.read"])
    (added,) = _keys.add_roles(key_id=made.key_id, roles=[role["name"]]).data
    assert (added.id, added.name, added.description, _slugs(added.permissions)) == (role["id"], role["name"], "Reads", ["docs.read"])
    assert shown_key(made.key_id)["roles"] == [role["name"]]


def remove_roles():
    kept, gone = new_role(), new_role()
    made = new_key(roles=[kept["name"], gone["name"]])
    assert plain(_keys.remove_roles(key_id=made.key_id, roles=[gone["name"]]).data) == [kept]


def set_roles():
    before, after = new_role(), new_role()
    made = new_key(roles=[before["name"]])
    assert plain(_keys.set_roles(key_id=made.key_id, roles=[after["name"]]).data) == [after]
    assert _keys.set_roles(key_id=made.key_id, roles=[]).data == []


def migrate_keys():
    key = unique("old")
    digest = base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()
    request = {"api_id": new_api(), "migration_id": "migration_py", "keys": [{"hash": digest, "name": "imported", "credits": {"remaining": 2}}]}
    imported = _keys.migrate_keys(**request).data
    assert [entry.hash for entry in imported.migrated] == [digest] and imported.failed == []
    answer = verify(key)
    assert (answer["valid"], answer["keyId"], answer["name"], answer["credits"]) == (True, imported.migrated[0].key_id, "imported", 1)
    again = _keys.migrate_keys(**request).data
    assert (again.migrated, again.failed) == ([], [digest])


_UNKNOWN = {"key_id": "key_unknown"}


def _no_key(call):
    return 404, errors.NotFoundErrorResponse, "unkey/data/key_not_found", call


def _no_api(call):
    return 404, errors.NotFoundErrorResponse, "unkey/data/api_not_found", call


REFUSALS = {
    "create_key": _no_api(lambda unkey: unkey.keys.create_key(api_id="api_unknown")),
    "verify_key": (
        403, errors.ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions",
        lambda unkey: unkey.keys.verify_key(key="any"), restricted,
    ),
    "get_key": _no_key(lambda unkey: unkey.keys.get_key(**_UNKNOWN)),
    "whoami": _no_key(lambda unkey: unkey.keys.whoami(key="nobody")),
    "update_key": _no_key(lambda unkey: unkey.keys.update_key(**_UNKNOWN, name="x")),
    "delete_key": _no_key(lambda unkey: unkey.keys.delete_key(**_UNKNOWN)),
    "reroll_key": _no_key(lambda unkey: unkey.keys.reroll_key(**_UNKNOWN, expiration=0)),
    "update_credits": _no_key(lambda unkey: unkey.keys.update_credits(**_UNKNOWN, operation="set", value=1)),
    "add_permissions": _no_key(lambda unkey: unkey.keys.add_permissions(**_UNKNOWN, permissions=["docs.read"])),
    "remove_permissions": _no_key(lambda unkey: unkey.keys.remove_permissions(**_UNKNOWN, permissions=["docs.read"])),
    "set_permissions": _no_key(lambda unkey: unkey.keys.set_permissions(**_UNKNOWN, permissions=["docs.read"])),
    "add_roles": _no_key(lambda unkey: unkey.keys.add_roles(**_UNKNOWN, roles=["reader"])),
    "remove_roles": _no_key(lambda unkey: unkey.keys.remove_roles(**_UNKNOWN, roles=["reader"])),
    "set_roles": _no_key(lambda unkey: unkey.keys.set_roles(**_UNKNOWN, roles=["reader"])),
    "migrate_keys": _no_api(lambda unkey: unkey.keys.migrate_keys(api_id="api_unknown", migration_id="m_py", keys=[{"hash": "x"}])),
}
