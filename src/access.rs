//! Permissions and roles: their own life, and what keys and roles are given.

use std::collections::{BTreeSet, HashMap};

use unkey_core::document::{PermissionPatch, RolePatch};
use unkey_core::error::quoted;
use unkey_core::{Error, Kind, id, validate};

use crate::clock;
use crate::error::Outcome;
use crate::page::Page;
use crate::store::access::{self, Link, Permission, Role};
use crate::store::statement::View;

fn permission_not_found(reference: &str) -> Error {
    Error::new(Kind::PermissionNotFound, format!("permission {} was not found", quoted(reference)))
        .hint("SELECT * FROM unkey_list_permissions() shows the permissions there are.")
}

fn may_not_make(slug: &str) -> Error {
    Error::new(Kind::InsufficientPermissions, "Missing permission: 'rbac.*.create_permission'")
        .hint(format!("{} does not exist and would have to be made.", quoted(slug)))
}

fn role_not_found(reference: &str) -> Error {
    Error::new(Kind::RoleNotFound, format!("role {} was not found", quoted(reference)))
        .hint("SELECT * FROM unkey_list_roles() shows the roles there are; unkey_create_role makes one.")
}

/// The permission that a reference names: by slug first, then by id.
fn find_permission<'a>(found: &'a [Permission], reference: &str) -> Option<&'a Permission> {
    let by_slug = found.iter().find(|permission| permission.slug == reference);
    by_slug.or_else(|| found.iter().find(|permission| permission.id == reference))
}

/// The role that a reference names: by name first, then by id.
fn find_role<'a>(found: &'a [Role], reference: &str) -> Option<&'a Role> {
    let by_name = found.iter().find(|role| role.name == reference);
    by_name.or_else(|| found.iter().find(|role| role.id == reference))
}

/// A permission that exists, by slug or id, at the caller's snapshot.
pub fn get_permission(reference: &str) -> Outcome<Permission> {
    let found = access::permissions(View::Caller, &[reference.to_owned()])?;
    Ok(find_permission(&found, reference).cloned().ok_or_else(|| permission_not_found(reference))?)
}

/// A role that exists, by name or id, at the caller's snapshot.
pub fn get_role(reference: &str) -> Outcome<Role> {
    let found = access::roles(&[reference.to_owned()])?;
    Ok(find_role(&found, reference).cloned().ok_or_else(|| role_not_found(reference))?)
}

fn lock_permission(reference: &str) -> Outcome<Permission> {
    Ok(access::lock_permission(reference)?.ok_or_else(|| permission_not_found(reference))?)
}

fn lock_role(reference: &str) -> Outcome<Role> {
    Ok(access::lock_role(reference)?.ok_or_else(|| role_not_found(reference))?)
}

/// What to do about a name that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Make it.
    Made,
    /// Refuse the call.
    Refused,
    /// Refuse the call, because this caller may not make it.
    Forbidden,
}

/// Ids by reference.
pub type Ids = HashMap<String, String>;

/// The ids alone, each once.
pub fn distinct(ids: Ids) -> Vec<String> {
    let ids: BTreeSet<String> = ids.into_values().collect();
    ids.into_iter().collect()
}

/// Ids of permissions by slug or id.
pub fn permission_ids(references: &[String], missing: Missing, now: i64) -> Outcome<Ids> {
    if references.is_empty() {
        return Ok(Ids::new());
    }
    let found = access::hold_permissions(references)?;
    if missing == Missing::Made {
        let unknown =
            sorted(references.iter().filter(|reference| find_permission(&found, reference).is_none()));
        for slug in &unknown {
            let (id, slug) = (id::new("perm", now)?, (*slug).clone());
            access::insert_permission(&Permission { id, name: slug.clone(), slug, description: None }, now)?;
        }
        if !unknown.is_empty() {
            return permission_ids(references, Missing::Refused, now);
        }
    }
    let id = |reference: &String| match find_permission(&found, reference) {
        Some(permission) => Ok((reference.clone(), permission.id.clone())),
        None if missing == Missing::Forbidden => Err(may_not_make(reference).into()),
        None => Err(permission_not_found(reference).into()),
    };
    references.iter().map(id).collect()
}

/// Ids of roles by name or id. Only migrations make the missing ones.
pub fn role_ids(references: &[String], missing: Missing, now: i64) -> Outcome<Ids> {
    if references.is_empty() {
        return Ok(Ids::new());
    }
    let found = access::hold_roles(references)?;
    if missing == Missing::Made {
        let unknown = sorted(references.iter().filter(|reference| find_role(&found, reference).is_none()));
        for name in &unknown {
            let (id, name) = (id::new("role", now)?, (*name).clone());
            access::insert_role(&Role { id, name, description: None, permissions: Vec::new() }, now)?;
        }
        if !unknown.is_empty() {
            return role_ids(references, Missing::Refused, now);
        }
    }
    let id = |reference: &String| match find_role(&found, reference) {
        Some(role) => Ok((reference.clone(), role.id.clone())),
        None => Err(role_not_found(reference).into()),
    };
    references.iter().map(id).collect()
}

/// In one order and once each, so that two callers who make the same names wait for each other and never deadlock.
fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> BTreeSet<&'a String> {
    names.collect()
}

/// How a list of permissions or roles changes what an owner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Gives these too.
    Add,
    /// Takes these away; what the owner does not have is no mistake.
    Remove,
    /// Leaves exactly these.
    Set,
}

/// Gives an owner exactly these links.
pub fn set(link: Link, owner: &str, ids: &[String]) -> Outcome<()> {
    apply(link, owner, Change::Set, ids)
}

/// Changes the links of an owner.
pub fn apply(link: Link, owner: &str, change: Change, ids: &[String]) -> Outcome<()> {
    match change {
        Change::Add => access::attach(link, owner, ids),
        Change::Remove => access::detach(link, owner, ids),
        Change::Set => {
            access::retain(link, owner, ids)?;
            access::attach(link, owner, ids)
        }
    }
}

/// What a key has directly, by id.
#[derive(Debug)]
pub struct Links {
    pub permissions: Vec<String>,
    pub roles: Vec<String>,
}

/// The direct permissions and the roles of a key.
pub fn links_of_key(key_id: &str) -> Outcome<Links> {
    let permissions =
        access::permissions_of_key(key_id)?.into_iter().map(|permission| permission.id).collect();
    let roles = access::roles_of_key(key_id)?.into_iter().map(|role| role.id).collect();
    Ok(Links { permissions, roles })
}

/// Makes a permission and answers its id; the name is the slug unless given.
pub fn create_permission(slug: String, name: Option<String>, description: Option<String>) -> Outcome<String> {
    let now = clock::now();
    let new = Permission {
        id: id::new("perm", now)?,
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        description,
    };
    validate::permission_slug("slug", &new.slug)?;
    validate::permission_name("name", &new.name)?;
    validate::description("description", new.description.as_deref().unwrap_or_default())?;
    access::insert_permission(&new, now)?.ok_or_else(|| permission_exists(&new.slug))?;
    Ok(new.id)
}

fn permission_exists(slug: &str) -> Error {
    Error {
        argument: Some("slug".into()),
        ..Error::new(Kind::PermissionExists, format!("slug '{slug}' is taken"))
    }
    .hint("Slugs are unique; unkey_update_permission changes the one there is.")
}

/// A page of permissions by id.
pub fn list_permissions(limit: i64, cursor: Option<&str>, search: Option<&str>) -> Outcome<Page<Permission>> {
    validate::search(search)?;
    Page::load(limit, |limit| access::page_of_permissions(limit, cursor, search), |last| last.id.clone())
}

/// Changes a permission and answers it; its links stay whatever the slug.
pub fn update_permission(reference: &str, patch: PermissionPatch) -> Outcome<Permission> {
    let old = lock_permission(reference)?;
    let new = Permission {
        id: old.id,
        slug: patch.slug.unwrap_or(old.slug),
        name: patch.name.unwrap_or(old.name),
        description: patch.description.change().unwrap_or(old.description),
    };
    access::update_permission(&new, clock::now())?.ok_or_else(|| permission_exists(&new.slug))?;
    Ok(new)
}

/// Deletes a permission and takes it from everything that has it.
pub fn delete_permission(reference: &str) -> Outcome<()> {
    access::delete_permission(&lock_permission(reference)?.id)
}

/// Makes a role with permissions and answers its id.
pub fn create_role(
    name: String,
    description: Option<String>,
    permissions: &[String],
    missing: Missing,
) -> Outcome<String> {
    let now = clock::now();
    let new = Role { id: id::new("role", now)?, name, description, permissions: Vec::new() };
    validate::role_name("name", &new.name)?;
    validate::description("description", new.description.as_deref().unwrap_or_default())?;
    validate::permissions("permissions", permissions)?;
    // Permissions first, as everything that makes both does: else two calls could wait for each other.
    let ids = permission_ids(permissions, missing, now)?;
    access::insert_role(&new, now)?.ok_or_else(|| role_exists(&new.name))?;
    access::attach(Link::RolePermission, &new.id, &distinct(ids))?;
    Ok(new.id)
}

fn role_exists(name: &str) -> Error {
    Error { argument: Some("name".into()), ..Error::new(Kind::RoleExists, format!("name '{name}' is taken")) }
        .hint("Names of roles are unique; unkey_update_role changes the one there is.")
}

/// A page of roles by id.
pub fn list_roles(limit: i64, cursor: Option<&str>, search: Option<&str>) -> Outcome<Page<Role>> {
    validate::search(search)?;
    Page::load(limit, |limit| access::page_of_roles(limit, cursor, search), |last| last.id.clone())
}

/// Changes name and description of a role and answers it.
pub fn update_role(reference: &str, patch: RolePatch) -> Outcome<Role> {
    let old = lock_role(reference)?;
    let new = Role {
        name: patch.name.unwrap_or(old.name),
        description: patch.description.change().unwrap_or(old.description),
        id: old.id,
        permissions: old.permissions,
    };
    access::update_role(&new, clock::now())?.ok_or_else(|| role_exists(&new.name))?;
    Ok(new)
}

/// Deletes a role and takes it from every key.
pub fn delete_role(reference: &str) -> Outcome<()> {
    access::delete_role(&lock_role(reference)?.id)
}

/// Gives a role exactly these permissions and answers them by slug.
pub fn set_role_permissions(
    reference: &str,
    permissions: &[String],
    missing: Missing,
) -> Outcome<Vec<Permission>> {
    validate::permissions("permissions", permissions)?;
    let role = lock_role(reference)?;
    let ids = distinct(permission_ids(permissions, missing, clock::now())?);
    set(Link::RolePermission, &role.id, &ids)?;
    let mut now_held = access::permissions(View::Latest, &ids)?;
    now_held.sort_by(|a, b| a.slug.cmp(&b.slug));
    Ok(now_held)
}
