//! Permissions and roles.

use pgrx::prelude::*;
use serde::Serialize;
use unkey_core::document::{PermissionPatch, RolePatch};
use unkey_core::validate::required;

use super::types::{Composite, Document, List, composite, many, one, strings};
use crate::access::{self, Change, Missing};
use crate::error::{Outcome, raise};
use crate::grants;
use crate::store::access::Role;

type Permissions = SetOfIterator<'static, Composite>;
type Roles = SetOfIterator<'static, Composite>;

fn permissions<T: Serialize>(list: &[T]) -> Outcome<Permissions> {
    Ok(SetOfIterator::new(many(composite!("permission_details"), list)?))
}

/// A role as `unkey.role_details`.
#[derive(Serialize)]
struct RoleDetails<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    permissions: Option<Vec<&'a str>>,
}

fn role_details(role: &Role) -> RoleDetails<'_> {
    let slugs: Vec<&str> = role.permissions.iter().map(|permission| permission.slug.as_str()).collect();
    RoleDetails {
        id: &role.id,
        name: &role.name,
        description: role.description.as_deref(),
        permissions: (!slugs.is_empty()).then_some(slugs),
    }
}

fn roles(list: &[Role]) -> Outcome<Roles> {
    let rows: Vec<RoleDetails> = list.iter().map(role_details).collect();
    Ok(SetOfIterator::new(many(composite!("role_details"), &rows)?))
}

fn change_permissions(key_id: Option<&str>, change: Change, list: Option<List>) -> Outcome<Permissions> {
    let references = required("permissions", list)?.strings("permissions")?;
    let missing = if change == Change::Remove { Missing::Refused } else { Missing::Made };
    permissions(&grants::change_permissions(required("key_id", key_id)?, change, &references, missing)?)
}

fn change_roles(key_id: Option<&str>, change: Change, list: Option<List>) -> Outcome<Roles> {
    let references = required("roles", list)?.strings("roles")?;
    roles(&grants::change_roles(required("key_id", key_id)?, change, &references)?)
}

#[pg_extern(sql = false)]
fn unkey_add_permissions(key_id: Option<&str>, permissions: Option<List>) -> Permissions {
    raise(|| change_permissions(key_id, Change::Add, permissions))
}

#[pg_extern(sql = false)]
fn unkey_remove_permissions(key_id: Option<&str>, permissions: Option<List>) -> Permissions {
    raise(|| change_permissions(key_id, Change::Remove, permissions))
}

#[pg_extern(sql = false)]
fn unkey_set_permissions(key_id: Option<&str>, permissions: Option<List>) -> Permissions {
    raise(|| change_permissions(key_id, Change::Set, permissions))
}

#[pg_extern(sql = false)]
fn unkey_add_roles(key_id: Option<&str>, roles: Option<List>) -> Roles {
    raise(|| change_roles(key_id, Change::Add, roles))
}

#[pg_extern(sql = false)]
fn unkey_remove_roles(key_id: Option<&str>, roles: Option<List>) -> Roles {
    raise(|| change_roles(key_id, Change::Remove, roles))
}

#[pg_extern(sql = false)]
fn unkey_set_roles(key_id: Option<&str>, roles: Option<List>) -> Roles {
    raise(|| change_roles(key_id, Change::Set, roles))
}

#[pg_extern(sql = false)]
fn unkey_create_permission(
    slug: Option<String>,
    name: Option<String>,
    description: Option<String>,
) -> String {
    raise(|| access::create_permission(required("slug", slug)?, name, description))
}

#[pg_extern(sql = false)]
fn unkey_get_permission(permission: Option<&str>) -> Composite {
    raise(|| {
        let found = access::get_permission(required("permission", permission)?)?;
        one(composite!("permission_details"), &found)
    })
}

#[pg_extern(sql = false)]
fn unkey_list_permissions(limit: Option<i32>, cursor: Option<&str>, search: Option<&str>) -> Permissions {
    raise(|| permissions(&access::list_permissions(i64::from(limit.unwrap_or(100)), cursor, search)?.rows))
}

#[pg_extern(sql = false)]
fn unkey_update_permission(permission: Option<&str>, patch: Option<Document>) {
    raise(|| {
        access::update_permission(
            required("permission", permission)?,
            PermissionPatch::read(required("patch", patch)?.text())?,
        )?;
        Ok(())
    })
}

#[pg_extern(sql = false)]
fn unkey_delete_permission(permission: Option<&str>) {
    raise(|| access::delete_permission(required("permission", permission)?))
}

#[pg_extern(sql = false)]
fn unkey_create_role(name: Option<String>, description: Option<String>, permissions: Option<List>) -> String {
    raise(|| {
        let slugs = strings("permissions", permissions)?;
        access::create_role(required("name", name)?, description, &slugs, Missing::Made)
    })
}

#[pg_extern(sql = false)]
fn unkey_get_role(role: Option<&str>) -> Composite {
    raise(|| one(composite!("role_details"), &role_details(&access::get_role(required("role", role)?)?)))
}

#[pg_extern(sql = false)]
fn unkey_list_roles(limit: Option<i32>, cursor: Option<&str>, search: Option<&str>) -> Roles {
    raise(|| roles(&access::list_roles(i64::from(limit.unwrap_or(100)), cursor, search)?.rows))
}

#[pg_extern(sql = false)]
fn unkey_update_role(role: Option<&str>, patch: Option<Document>) {
    raise(|| {
        access::update_role(required("role", role)?, RolePatch::read(required("patch", patch)?.text())?)?;
        Ok(())
    })
}

#[pg_extern(sql = false)]
fn unkey_delete_role(role: Option<&str>) {
    raise(|| access::delete_role(required("role", role)?))
}

#[pg_extern(sql = false)]
fn unkey_set_role_permissions(role: Option<&str>, permissions: Option<List>) -> Permissions {
    raise(|| {
        let references = required("permissions", permissions)?.strings("permissions")?;
        self::permissions(&access::set_role_permissions(required("role", role)?, &references, Missing::Made)?)
    })
}
