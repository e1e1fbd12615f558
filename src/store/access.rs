//! Permissions, roles, and their links to each other and to keys.

use serde::{Deserialize, Serialize};

use super::statement::{View, arg, row, rows, run, unless_taken};
use crate::error::Outcome;

/// A permission.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Permission {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
}

/// A role with its permissions by slug.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Role {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub permissions: Vec<Permission>,
}

macro_rules! select_permission {
    ($rest:literal) => {
        concat!(
            "SELECT json_build_object('id', permission.id, 'slug', permission.slug, 'name', permission.name,
                'description', permission.description)
            FROM unkey.permissions AS permission ",
            $rest
        )
    };
}

macro_rules! select_role {
    ($rest:literal) => {
        concat!(
            "SELECT json_build_object('id', role.id, 'name', role.name, 'description', role.description,
                'permissions', (SELECT coalesce(json_agg(json_build_object('id', permission.id,
                    'slug', permission.slug, 'name', permission.name, 'description', permission.description)
                    ORDER BY permission.slug), '[]')
                    FROM unkey.role_permissions AS link
                    JOIN unkey.permissions AS permission ON permission.id = link.permission_id
                    WHERE link.role_id = role.id))
            FROM unkey.roles AS role ",
            $rest
        )
    };
}

/// Permissions with one of these slugs or ids.
pub fn permissions(view: View, references: &[String]) -> Outcome<Vec<Permission>> {
    rows(
        view,
        select_permission!("WHERE permission.slug = ANY($1) OR permission.id = ANY($1)"),
        &[arg(references.to_vec())],
    )
}

/// The same, kept from being deleted or renamed until the transaction ends.
pub fn hold_permissions(references: &[String]) -> Outcome<Vec<Permission>> {
    rows(
        View::Latest,
        select_permission!(
            "WHERE permission.slug = ANY($1) OR permission.id = ANY($1) ORDER BY permission.id FOR KEY SHARE"
        ),
        &[arg(references.to_vec())],
    )
}

/// The permission with this slug or else this id, locked to be changed.
pub fn lock_permission(reference: &str) -> Outcome<Option<Permission>> {
    row(
        View::Latest,
        select_permission!(
            "WHERE permission.slug = $1 OR permission.id = $1
            ORDER BY permission.slug = $1 DESC LIMIT 1 FOR UPDATE"
        ),
        &[arg(reference)],
    )
}

/// Roles with one of these names or ids, at the caller's snapshot.
pub fn roles(references: &[String]) -> Outcome<Vec<Role>> {
    rows(
        View::Caller,
        select_role!("WHERE role.name = ANY($1) OR role.id = ANY($1)"),
        &[arg(references.to_vec())],
    )
}

/// The same, kept from being deleted or renamed until the transaction ends.
pub fn hold_roles(references: &[String]) -> Outcome<Vec<Role>> {
    rows(
        View::Latest,
        select_role!("WHERE role.name = ANY($1) OR role.id = ANY($1) ORDER BY role.id FOR KEY SHARE OF role"),
        &[arg(references.to_vec())],
    )
}

/// The role with this name or else this id, locked to be changed.
pub fn lock_role(reference: &str) -> Outcome<Option<Role>> {
    row(
        View::Latest,
        select_role!(
            "WHERE role.name = $1 OR role.id = $1 ORDER BY role.name = $1 DESC LIMIT 1 FOR UPDATE OF role"
        ),
        &[arg(reference)],
    )
}

/// A page of permissions by id, after an id; with a text in slug, name or description if given.
pub fn page_of_permissions(
    limit: i64,
    after: Option<&str>,
    search: Option<&str>,
) -> Outcome<Vec<Permission>> {
    rows(
        View::Caller,
        select_permission!(
            "WHERE ($2 IS NULL OR permission.id > $2)
            AND ($3 IS NULL OR strpos(lower(concat_ws(chr(10), permission.slug, permission.name,
                permission.description)), lower($3)) > 0)
            ORDER BY permission.id LIMIT $1"
        ),
        &[arg(limit), arg(after), arg(search)],
    )
}

/// A page of roles by id, after an id; with a text in name or description if given.
pub fn page_of_roles(limit: i64, after: Option<&str>, search: Option<&str>) -> Outcome<Vec<Role>> {
    rows(
        View::Caller,
        select_role!(
            "WHERE ($2 IS NULL OR role.id > $2)
            AND ($3 IS NULL OR strpos(lower(concat_ws(chr(10), role.name, role.description)), lower($3)) > 0)
            ORDER BY role.id LIMIT $1"
        ),
        &[arg(limit), arg(after), arg(search)],
    )
}

/// Inserts a permission; `None` if the slug is taken.
pub fn insert_permission(new: &Permission, now: i64) -> Outcome<Option<i64>> {
    row(
        View::Latest,
        "INSERT INTO unkey.permissions (id, slug, name, description, created_at)
        VALUES ($1, $2, $3, $4, unkey.from_ms($5)) ON CONFLICT (slug) DO NOTHING RETURNING 1",
        &[
            arg(new.id.as_str()),
            arg(new.slug.as_str()),
            arg(new.name.as_str()),
            arg(new.description.as_deref()),
            arg(now),
        ],
    )
}

/// Inserts a role without permissions; `None` if the name is taken.
pub fn insert_role(new: &Role, now: i64) -> Outcome<Option<i64>> {
    row(
        View::Latest,
        "INSERT INTO unkey.roles (id, name, description, created_at)
        VALUES ($1, $2, $3, unkey.from_ms($4)) ON CONFLICT (name) DO NOTHING RETURNING 1",
        &[arg(new.id.as_str()), arg(new.name.as_str()), arg(new.description.as_deref()), arg(now)],
    )
}

/// Changes a permission; `None` if the slug is taken, after which nothing but an error may follow.
pub fn update_permission(new: &Permission, now: i64) -> Outcome<Option<()>> {
    unless_taken(|| {
        run(
            "UPDATE unkey.permissions SET slug = $2, name = $3, description = $4, updated_at = unkey.from_ms($5)
            WHERE id = $1",
            &[
                arg(new.id.as_str()),
                arg(new.slug.as_str()),
                arg(new.name.as_str()),
                arg(new.description.as_deref()),
                arg(now),
            ],
        )
    })
}

/// Changes a role; `None` if the name is taken, after which nothing but an error may follow.
pub fn update_role(new: &Role, now: i64) -> Outcome<Option<()>> {
    unless_taken(|| {
        run(
            "UPDATE unkey.roles SET name = $2, description = $3, updated_at = unkey.from_ms($4) WHERE id = $1",
            &[arg(new.id.as_str()), arg(new.name.as_str()), arg(new.description.as_deref()), arg(now)],
        )
    })
}

/// Removes a permission from everything that has it.
pub fn delete_permission(id: &str) -> Outcome<()> {
    run("DELETE FROM unkey.permissions WHERE id = $1", &[arg(id)])
}

/// Removes a role from every key that has it.
pub fn delete_role(id: &str) -> Outcome<()> {
    run("DELETE FROM unkey.roles WHERE id = $1", &[arg(id)])
}

/// Which links of an owner to replace, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Permissions of a key.
    KeyPermission,
    /// Roles of a key.
    KeyRole,
    /// Permissions of a role.
    RolePermission,
}

/// Adds links; those that exist stay.
pub fn attach(link: Link, owner: &str, ids: &[String]) -> Outcome<()> {
    let statement = match link {
        Link::KeyPermission => {
            "INSERT INTO unkey.key_permissions (key_id, permission_id)
            SELECT $1, id FROM unnest($2) AS id ORDER BY id COLLATE \"C\" ON CONFLICT DO NOTHING"
        }
        Link::KeyRole => {
            "INSERT INTO unkey.key_roles (key_id, role_id)
            SELECT $1, id FROM unnest($2) AS id ORDER BY id COLLATE \"C\" ON CONFLICT DO NOTHING"
        }
        Link::RolePermission => {
            "INSERT INTO unkey.role_permissions (role_id, permission_id)
            SELECT $1, id FROM unnest($2) AS id ORDER BY id COLLATE \"C\" ON CONFLICT DO NOTHING"
        }
    };
    run(statement, &[arg(owner), arg(ids.to_vec())])
}

/// Removes these links.
pub fn detach(link: Link, owner: &str, ids: &[String]) -> Outcome<()> {
    let statement = match link {
        Link::KeyPermission => {
            "DELETE FROM unkey.key_permissions WHERE key_id = $1 AND permission_id = ANY($2)"
        }
        Link::KeyRole => "DELETE FROM unkey.key_roles WHERE key_id = $1 AND role_id = ANY($2)",
        Link::RolePermission => {
            "DELETE FROM unkey.role_permissions WHERE role_id = $1 AND permission_id = ANY($2)"
        }
    };
    run(statement, &[arg(owner), arg(ids.to_vec())])
}

/// Removes all links but these.
pub fn retain(link: Link, owner: &str, ids: &[String]) -> Outcome<()> {
    let statement = match link {
        Link::KeyPermission => {
            "DELETE FROM unkey.key_permissions WHERE key_id = $1 AND permission_id <> ALL($2)"
        }
        Link::KeyRole => "DELETE FROM unkey.key_roles WHERE key_id = $1 AND role_id <> ALL($2)",
        Link::RolePermission => {
            "DELETE FROM unkey.role_permissions WHERE role_id = $1 AND permission_id <> ALL($2)"
        }
    };
    run(statement, &[arg(owner), arg(ids.to_vec())])
}

/// Direct permissions of a key, by slug.
pub fn permissions_of_key(key_id: &str) -> Outcome<Vec<Permission>> {
    rows(
        View::Latest,
        select_permission!(
            "JOIN unkey.key_permissions AS link ON link.permission_id = permission.id
            WHERE link.key_id = $1 ORDER BY permission.slug"
        ),
        &[arg(key_id)],
    )
}

/// Roles of a key, by name.
pub fn roles_of_key(key_id: &str) -> Outcome<Vec<Role>> {
    rows(
        View::Latest,
        select_role!(
            "JOIN unkey.key_roles AS link ON link.role_id = role.id
            WHERE link.key_id = $1 ORDER BY role.name"
        ),
        &[arg(key_id)],
    )
}
