//! `permissions.*`: permissions and roles.

use unkey_core::reply::{CreatedPermission, CreatedRole, PermissionReply, RoleReply};
use unkey_core::request::{
    CreatePermission, CreateRole, PermissionName, RoleName, Search, SetRolePermissions, UpdatePermission,
    UpdateRole,
};
use unkey_core::root_permission::Wanted;

use super::caller::Caller;
use super::reply::Reply;
use crate::access::{self, Missing};
use crate::error::Outcome;
use crate::store::access::{Permission, Role};

impl<'a> From<&'a Permission> for PermissionReply<'a> {
    fn from(permission: &'a Permission) -> Self {
        Self {
            id: &permission.id,
            name: &permission.name,
            slug: &permission.slug,
            description: permission.description.as_deref().filter(|text| !text.is_empty()),
        }
    }
}

impl<'a> From<&'a Role> for RoleReply<'a> {
    fn from(role: &'a Role) -> Self {
        Self {
            id: &role.id,
            name: &role.name,
            description: role.description.as_deref().filter(|text| !text.is_empty()),
            permissions: role.permissions.iter().map(PermissionReply::from).collect(),
        }
    }
}

/// What becomes of slugs that do not exist: made, if the root key may.
pub fn missing(caller: &Caller) -> Missing {
    if caller.may("rbac", "create_permission") { Missing::Made } else { Missing::Forbidden }
}

fn require(caller: &Caller, action: &str) -> Outcome<()> {
    caller.require(&[Wanted::All("rbac", action)])
}

pub fn create_permission(caller: &Caller, request: CreatePermission) -> Outcome<Reply> {
    require(caller, "create_permission")?;
    let permission_id = access::create_permission(request.slug, Some(request.name), request.description)?;
    Reply::data(&CreatedPermission { permission_id })
}

pub fn get_permission(caller: &Caller, request: PermissionName) -> Outcome<Reply> {
    require(caller, "read_permission")?;
    Reply::data(&PermissionReply::from(&access::get_permission(&request.permission)?))
}

pub fn list_permissions(caller: &Caller, request: Search) -> Outcome<Reply> {
    require(caller, "read_permission")?;
    let (limit, cursor) = (request.limit.unwrap_or(100), request.cursor.as_deref());
    let page = access::list_permissions(limit, cursor, request.search.as_deref())?;
    Reply::page(&page, PermissionReply::from)
}

pub fn update_permission(caller: &Caller, request: UpdatePermission) -> Outcome<Reply> {
    require(caller, "update_permission")?;
    Reply::data(&PermissionReply::from(&access::update_permission(&request.permission, request.patch)?))
}

pub fn delete_permission(caller: &Caller, request: PermissionName) -> Outcome<Reply> {
    require(caller, "delete_permission")?;
    access::delete_permission(&request.permission)?;
    Reply::empty()
}

pub fn create_role(caller: &Caller, request: CreateRole) -> Outcome<Reply> {
    require(caller, "create_role")?;
    let permissions = request.permissions.unwrap_or_default();
    if !permissions.is_empty() {
        require(caller, "add_permission_to_role")?;
    }
    let role_id = access::create_role(request.name, request.description, &permissions, missing(caller))?;
    Reply::data(&CreatedRole { role_id })
}

pub fn get_role(caller: &Caller, request: RoleName) -> Outcome<Reply> {
    require(caller, "read_role")?;
    Reply::data(&RoleReply::from(&access::get_role(&request.role)?))
}

pub fn list_roles(caller: &Caller, request: Search) -> Outcome<Reply> {
    require(caller, "read_role")?;
    let (limit, cursor) = (request.limit.unwrap_or(100), request.cursor.as_deref());
    Reply::page(&access::list_roles(limit, cursor, request.search.as_deref())?, RoleReply::from)
}

pub fn update_role(caller: &Caller, request: UpdateRole) -> Outcome<Reply> {
    require(caller, "update_role")?;
    Reply::data(&RoleReply::from(&access::update_role(&request.role, request.patch)?))
}

pub fn delete_role(caller: &Caller, request: RoleName) -> Outcome<Reply> {
    require(caller, "delete_role")?;
    access::delete_role(&request.role)?;
    Reply::empty()
}

pub fn set_role_permissions(caller: &Caller, request: SetRolePermissions) -> Outcome<Reply> {
    require(caller, "add_permission_to_role")?;
    require(caller, "remove_permission_from_role")?;
    let held = access::set_role_permissions(&request.role_id, &request.permissions, missing(caller))?;
    Reply::data(&held.iter().map(PermissionReply::from).collect::<Vec<_>>())
}
