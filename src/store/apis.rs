//! APIs.

use serde::{Deserialize, Serialize};
use unkey_core::key_format::KeyFormat;

use super::statement::{View, arg, row, rows, run};
use crate::error::Outcome;

/// A live API.
#[derive(Debug, Serialize, Deserialize)]
pub struct Api {
    pub api_id: String,
    pub name: String,
    pub keyspace_id: String,
    pub enabled: bool,
    pub default_prefix: Option<String>,
    pub default_bytes: usize,
    pub ip_allowlist: Option<Vec<String>>,
    pub delete_protection: bool,
    pub store_encrypted_keys: bool,
    pub key_format: KeyFormat,
    /// Texts of Postgres.
    pub created_at: String,
    pub updated_at: Option<String>,
}

// The tables of 0.1.0 have no key_format, so it is named only where it is in a document, or where one is given.
macro_rules! select_api {
    ($rest:literal) => {
        concat!(
            "SELECT json_build_object('api_id', id, 'name', name, 'keyspace_id', keyspace_id, 'enabled', enabled,
                'default_prefix', default_prefix, 'default_bytes', default_bytes, 'ip_allowlist', ip_allowlist,
                'delete_protection', delete_protection, 'store_encrypted_keys', store_encrypted_keys,
                'key_format', coalesce(to_jsonb(apis)->>'key_format', 'plain'),
                'created_at', created_at, 'updated_at', updated_at)
            FROM unkey.apis WHERE deleted_at IS NULL AND ",
            $rest
        )
    };
}

/// The live API with this id.
pub fn by_id(view: View, api_id: &str) -> Outcome<Option<Api>> {
    row(view, select_api!("id = $1"), &[arg(api_id)])
}

/// A page of live APIs by id, after an id.
pub fn page(limit: i64, after: Option<&str>) -> Outcome<Vec<Api>> {
    rows(View::Caller, select_api!("($2 IS NULL OR id > $2) ORDER BY id LIMIT $1"), &[arg(limit), arg(after)])
}

/// Keyspaces of APIs, deleted ones too.
pub fn keyspaces(api_ids: &[String]) -> Outcome<Vec<String>> {
    rows(
        View::Caller,
        "SELECT to_json(keyspace_id) FROM unkey.apis WHERE id = ANY($1)",
        &[arg(api_ids.to_vec())],
    )
}

/// An API to insert.
#[derive(Debug, Serialize)]
pub struct NewApi<'a> {
    pub id: &'a str,
    pub keyspace_id: &'a str,
    pub name: &'a str,
    pub default_prefix: Option<&'a str>,
    pub default_bytes: usize,
    pub ip_allowlist: Option<&'a [String]>,
    pub delete_protection: bool,
    pub store_encrypted_keys: bool,
    pub key_format: KeyFormat,
}

macro_rules! insert_api {
    ($more:literal) => {
        concat!(
            "INSERT INTO unkey.apis (id, keyspace_id, name, default_prefix, default_bytes, ip_allowlist,
                delete_protection, store_encrypted_keys, created_at",
            $more,
            ") SELECT id, keyspace_id, name, default_prefix, default_bytes, ip_allowlist, delete_protection,
                store_encrypted_keys, unkey.from_ms($2)",
            $more,
            " FROM json_populate_record(NULL::unkey.apis, $1::json)"
        )
    };
}

/// Inserts an API.
pub fn insert(api: &NewApi, now: i64) -> Outcome<()> {
    let statement = match api.key_format {
        KeyFormat::Plain => insert_api!(""),
        KeyFormat::Checksum => insert_api!(", key_format"),
    };
    run(statement, &[arg(serde_json::to_string(api)?), arg(now)])
}

/// Columns of an API to change: absent keeps, null clears.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_prefix: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_allowlist: Option<Option<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_protection: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_encrypted_keys: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_format: Option<KeyFormat>,
}

macro_rules! update_api {
    ($more:literal) => {
        concat!(
            "UPDATE unkey.apis AS api
            SET (name, default_prefix, default_bytes, ip_allowlist, enabled, delete_protection, store_encrypted_keys) = (
                    SELECT new.name, new.default_prefix, new.default_bytes, new.ip_allowlist, new.enabled,
                        new.delete_protection, new.store_encrypted_keys
                    FROM jsonb_populate_record(api, $2::jsonb) AS new),
                updated_at = unkey.from_ms($3)",
            $more,
            " WHERE id = $1 AND deleted_at IS NULL
            RETURNING 1"
        )
    };
}

/// Changes columns of a live API; `None` if there is none.
pub fn update(api_id: &str, changes: &Changes, now: i64) -> Outcome<Option<i64>> {
    let statement = match changes.key_format {
        None => update_api!(""),
        Some(_) => update_api!(", key_format = $2::jsonb->>'key_format'"),
    };
    row(View::Latest, statement, &[arg(api_id), arg(serde_json::to_string(changes)?), arg(now)])
}

/// Marks an API as deleted unless it is protected; `None` if nothing was.
pub fn soft_delete(api_id: &str, now: i64) -> Outcome<Option<i64>> {
    row(
        View::Latest,
        "UPDATE unkey.apis SET deleted_at = unkey.from_ms($2)
        WHERE id = $1 AND deleted_at IS NULL AND NOT delete_protection RETURNING 1",
        &[arg(api_id), arg(now)],
    )
}

/// The first of these keyspaces that never belonged to an API.
pub fn unknown_keyspace(keyspaces: &[String]) -> Outcome<Option<String>> {
    row(
        View::Caller,
        "SELECT to_json(wanted.id) FROM unnest($1) AS wanted(id)
        WHERE NOT EXISTS (SELECT FROM unkey.apis AS api WHERE api.keyspace_id = wanted.id)
        ORDER BY wanted.id COLLATE \"C\" LIMIT 1",
        &[arg(keyspaces.to_vec())],
    )
}
