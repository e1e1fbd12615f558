"""permissions.*: each public function calls the method of its name; REFUSALS has a call of each that fails."""

import pytest
from unkey.py import errors

from client import new_key, new_permission, new_role, plain, restricted, unique, unkey, verify

_permissions = unkey.permissions


def _get_role(role: str) -> dict:
    return plain(_permissions.get_role(role=role).data)


def create_permission():
    slug = unique("py")
    made = _permissions.create_permission(name="Read", slug=slug, description="Reads").data
    assert made.permission_id.startswith("perm_")
    shown = plain(_permissions.get_permission(permission=slug).data)
    assert shown == {"id": made.permission_id, "name": "Read", "slug": slug, "description": "Reads"}


def get_permission():
    permission = new_permission()
    for reference in (permission["id"], permission["slug"]):
        assert plain(_permissions.get_permission(permission=reference).data) == permission


def list_permissions():
    permission = new_permission()
    result = _permissions.list_permissions(search=permission["slug"]).result
    assert plain(result.data) == [permission]
    assert plain(result.pagination) == {"hasMore": False}


def update_permission():
    permission = new_permission()
    made = new_key(permissions=[permission["slug"]])
    slug = unique("py")
    changed = plain(_permissions.update_permission(permission=permission["slug"], slug=slug, description="Changed").data)
    assert changed == {**permission, "slug": slug, "description": "Changed"}
    assert verify(made.key, permissions=slug)["code"] == "VALID"
    cleared = _permissions.update_permission(permission=slug, description=None).data
    assert plain(cleared) == {**permission, "slug": slug}


def delete_permission():
    slug = new_permission()["slug"]
    made = new_key(permissions=[slug])
    assert plain(_permissions.delete_permission(permission=slug).data) == {}
    assert verify(made.key, permissions=slug)["code"] == "INSUFFICIENT_PERMISSIONS"


def create_role():
    name, permission = unique("py"), new_permission()
    made = _permissions.create_role(name=name, description="Reads", permissions=[permission["slug"]]).data
    assert made.role_id.startswith("role_")
    assert _get_role(name) == {"id": made.role_id, "name": name, "description": "Reads", "permissions": [permission]}


def get_role():
    role = new_role()
    assert _get_role(role["id"]) == _get_role(role["name"]) == role


def list_roles():
    role = new_role(description="Listed")
    result = _permissions.list_roles(search=role["name"]).result
    assert plain(result.data) == [{**role, "description": "Listed"}]
    assert plain(result.pagination) == {"hasMore": False}


def update_role():
    role = new_role(description="Before", permissions=["docs.read"])
    name = unique("py")
    changed = plain(_permissions.update_role(role=role["name"], name=name, description=None).data)
    assert changed == {"id": role["id"], "name": name}
    assert [permission["slug"] for permission in _get_role(name)["permissions"]] == ["docs.read"]
    with pytest.raises(errors.NotFoundErrorResponse):
        _get_role(role["name"])


def set_role_permissions():
    role, permission = new_role(permissions=["docs.read"]), new_permission()
    granted = _permissions.set_role_permissions(request={"role": role["name"], "permissions": [permission["slug"]]}).data
    assert plain(granted) == [permission]
    made = new_key(roles=[role["name"]])
    assert verify(made.key, permissions=permission["slug"])["code"] == "VALID"
    # The older name of the member.
    assert _permissions.set_role_permissions(request={"role_id": role["id"], "permissions": []}).data == []
    assert _get_role(role["id"]) == role


def delete_role():
    role = new_role(permissions=["docs.read"])
    made = new_key(roles=[role["name"]])
    assert plain(_permissions.delete_role(role=role["name"]).data) == {}
    assert verify(made.key, permissions="docs.read")["code"] == "INSUFFICIENT_PERMISSIONS"


def _no_permission(call):
    return 404, errors.NotFoundErrorResponse, "unkey/data/permission_not_found", call


def _no_role(call, error=errors.NotFoundErrorResponse):
    return 404, error, "unkey/data/role_not_found", call


def _forbidden(call):
    return 403, errors.ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions", call, restricted


def _taken(what, call):
    return 409, errors.ConflictErrorResponse, f"unkey/data/{what}_already_exists", call


def _rename_permission(unkey):
    return unkey.permissions.update_permission(permission=new_permission()["id"], slug=new_permission()["slug"])


def _rename_role(unkey):
    return unkey.permissions.update_role(role=new_role()["id"], name=new_role()["name"])


REFUSALS = {
    "create_permission": _taken("permission", lambda unkey: unkey.permissions.create_permission(name="x", slug=new_permission()["slug"])),
    "get_permission": _no_permission(lambda unkey: unkey.permissions.get_permission(permission="perm.unknown")),
    "list_permissions": _forbidden(lambda unkey: unkey.permissions.list_permissions()),
    "update_permission": _taken("permission", _rename_permission),
    "delete_permission": _no_permission(lambda unkey: unkey.permissions.delete_permission(permission="perm.unknown")),
    "create_role": _taken("role", lambda unkey: unkey.permissions.create_role(name=new_role()["name"])),
    "get_role": _no_role(lambda unkey: unkey.permissions.get_role(role="role.unknown")),
    "list_roles": _forbidden(lambda unkey: unkey.permissions.list_roles()),
    "update_role": _taken("role", _rename_role),
    "set_role_permissions": _no_role(lambda unkey: unkey.permissions.set_role_permissions(request={"role": "role.unknown", "permissions": []})),
    # The client's document declares no 404 here.
    "delete_role": _no_role(lambda unkey: unkey.permissions.delete_role(role="role.unknown"), errors.APIError),
}
