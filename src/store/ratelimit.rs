//! Namespaces and overrides of the standalone limiter.

use serde::{Deserialize, Serialize};
use unkey_core::overrides::Override;

use super::statement::{View, arg, row, rows, run};
use crate::error::Outcome;

/// A live namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Namespace {
    #[serde(rename = "namespace_id")]
    pub id: String,
    pub name: String,
    /// Text of Postgres.
    pub created_at: String,
    /// Whether it has overrides to look for.
    #[serde(skip_serializing)]
    pub overridden: bool,
}

// The order makes the planner take the index: it reads a table of a single namespace's overrides whole otherwise,
// for every namespace that has none.
macro_rules! select_namespace {
    ($rest:literal) => {
        concat!(
            "SELECT json_build_object('namespace_id', namespace.id, 'name', namespace.name,
                'created_at', namespace.created_at, 'overridden', (
                    SELECT count(*) > 0 FROM (
                        SELECT FROM unkey.ratelimit_overrides WHERE namespace_id = namespace.id
                        ORDER BY identifier LIMIT 1) AS one))
            FROM unkey.ratelimit_namespaces AS namespace WHERE namespace.deleted_at IS NULL AND ",
            $rest
        )
    };
}

/// The live namespace with this name or else this id.
pub fn find(view: View, reference: &str) -> Outcome<Option<Namespace>> {
    match row(view, select_namespace!("namespace.name = $1"), &[arg(reference)])? {
        None => row(view, select_namespace!("namespace.id = $1"), &[arg(reference)]),
        by_name => Ok(by_name),
    }
}

/// Whether a namespace of this name or id was deleted.
pub fn was_deleted(view: View, reference: &str) -> Outcome<bool> {
    let found: Option<bool> = row(
        view,
        "SELECT to_json(EXISTS (SELECT FROM unkey.ratelimit_namespaces
            WHERE (name = $1 OR id = $1) AND deleted_at IS NOT NULL))",
        &[arg(reference)],
    )?;
    Ok(found.unwrap_or(false))
}

/// A page of live namespaces by id, after an id.
pub fn page(limit: i64, after: Option<&str>) -> Outcome<Vec<Namespace>> {
    rows(
        View::Caller,
        select_namespace!("($2 IS NULL OR namespace.id > $2) ORDER BY namespace.id LIMIT $1"),
        &[arg(limit), arg(after)],
    )
}

/// Makes a namespace unless a live one has the name.
pub fn insert(id: &str, name: &str, now: i64) -> Outcome<()> {
    run(
        "INSERT INTO unkey.ratelimit_namespaces (id, name, created_at) VALUES ($1, $2, unkey.from_ms($3))
        ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING",
        &[arg(id), arg(name), arg(now)],
    )
}

/// Marks a live namespace as deleted; `None` if it is not there any more.
pub fn soft_delete(id: &str, now: i64) -> Outcome<Option<i64>> {
    row(
        View::Latest,
        "UPDATE unkey.ratelimit_namespaces SET deleted_at = unkey.from_ms($2)
        WHERE id = $1 AND deleted_at IS NULL RETURNING 1",
        &[arg(id), arg(now)],
    )
}

/// The overrides that may be for an identifier, by creation: the exact one, and every pattern of the namespace.
pub fn candidates(namespace_id: &str, identifier: &str) -> Outcome<Vec<Override>> {
    rows(
        View::Latest,
        "SELECT json_build_object('id', id, 'identifier', identifier, 'limit', \"limit\", 'duration', duration)
        FROM (SELECT * FROM unkey.ratelimit_overrides WHERE namespace_id = $1 AND identifier = $2
            UNION ALL SELECT * FROM unkey.ratelimit_overrides
            WHERE namespace_id = $1 AND is_pattern AND identifier <> $2) AS candidate
        ORDER BY created_at, id",
        &[arg(namespace_id), arg(identifier)],
    )
}

/// An override as people see it.
#[derive(Debug, Deserialize)]
pub struct ShownOverride {
    #[serde(flatten)]
    pub rule: Override,
    /// Texts of Postgres.
    pub created_at: String,
    pub updated_at: Option<String>,
}

macro_rules! select_override {
    ($rest:literal) => {
        concat!(
            "SELECT json_build_object('id', id, 'identifier', identifier, 'limit', \"limit\", 'duration', duration,
                'created_at', created_at, 'updated_at', updated_at)
            FROM unkey.ratelimit_overrides WHERE namespace_id = $1 AND ",
            $rest
        )
    };
}

/// The override with exactly this identifier.
pub fn get_override(namespace_id: &str, identifier: &str) -> Outcome<Option<ShownOverride>> {
    row(View::Caller, select_override!("identifier = $2"), &[arg(namespace_id), arg(identifier)])
}

/// A page of a namespace's overrides by id, after an id.
pub fn page_of_overrides(namespace_id: &str, limit: i64, after: Option<&str>) -> Outcome<Vec<ShownOverride>> {
    rows(
        View::Caller,
        select_override!("($3 IS NULL OR id > $3) ORDER BY id LIMIT $2"),
        &[arg(namespace_id), arg(limit), arg(after)],
    )
}

/// Makes or changes an override and answers its id, which stays.
pub fn put_override(namespace_id: &str, new: &Override, now: i64) -> Outcome<Option<String>> {
    row(
        View::Latest,
        "INSERT INTO unkey.ratelimit_overrides (id, namespace_id, identifier, \"limit\", duration, created_at)
        VALUES ($1, $2, $3, $4, $5, unkey.from_ms($6))
        ON CONFLICT (namespace_id, identifier) DO UPDATE SET \"limit\" = EXCLUDED.\"limit\",
            duration = EXCLUDED.duration, updated_at = EXCLUDED.created_at
        RETURNING to_json(id)",
        &[
            arg(new.id.as_str()),
            arg(namespace_id),
            arg(new.identifier.as_str()),
            arg(new.limit),
            arg(new.duration),
            arg(now),
        ],
    )
}

/// Removes the override with exactly this identifier; `None` if there is none.
pub fn delete_override(namespace_id: &str, identifier: &str) -> Outcome<Option<i64>> {
    row(
        View::Latest,
        "DELETE FROM unkey.ratelimit_overrides WHERE namespace_id = $1 AND identifier = $2 RETURNING 1",
        &[arg(namespace_id), arg(identifier)],
    )
}
