//! What a scan looks up, past the session's keys, which it would push out; and what keys look like.

use serde::Deserialize;
use unkey_core::key::Hash;
use unkey_core::key_format::KeyFormat;
use unkey_core::scanner_rules::ApiKeys;

use super::statement::{View, column, rows};
use crate::error::Outcome;

/// A live key or root key. Times in milliseconds.
#[derive(Debug, Deserialize)]
pub struct Known {
    /// Of those that were looked up, from 1.
    nth: usize,
    pub id: String,
    /// `None` for a root key.
    pub api_id: Option<String>,
    pub start: String,
    pub enabled: bool,
    pub expires: Option<i64>,
}

/// Hands out the live keys with these hashes, each with its place among them.
pub fn known(hashes: &[Hash], mut found: impl FnMut(usize, Known) -> Outcome<()>) -> Outcome<()> {
    in_memory_of_its_own(|| {
        let known: Vec<Known> = rows(
            View::Caller,
            "WITH sought AS MATERIALIZED (
                SELECT hash, nth FROM unnest($1) WITH ORDINALITY AS sought(hash, nth)
            ), known AS (
                SELECT nth, key.id, api.id AS api_id, key.start, key.enabled, key.expires
                FROM sought JOIN unkey.keys AS key ON key.hash = sought.hash AND key.deleted_at IS NULL
                JOIN unkey.apis AS api ON api.id = key.api_id AND api.deleted_at IS NULL
                UNION ALL
                SELECT nth, root.id, NULL, root.start, root.enabled, root.expires
                FROM sought JOIN unkey.root_keys AS root ON root.hash = sought.hash AND root.deleted_at IS NULL
            )
            SELECT json_build_object('nth', nth, 'id', id, 'api_id', api_id, 'start', start, 'enabled', enabled,
                'expires', unkey.to_ms(expires))
            FROM known ORDER BY nth",
            &[column(hashes, |hash| hash.as_bytes().as_slice())],
        )?;
        known.into_iter().try_for_each(|key| found(key.nth.saturating_sub(1), key))
    })
}

/// What a statement is given stays where it is made until the function ends; a large text has very many.
fn in_memory_of_its_own<T>(operation: impl FnOnce() -> T) -> T {
    let mut memory = pgrx::PgMemoryContexts::new("unkey scan");
    // SAFETY: nothing that the operation allocates is used after it; rows of a set are copied to their store.
    unsafe { memory.switch_to(|_| operation()) }
}

/// Live APIs by name, with the prefixes of their live keys and of those to come.
pub fn apis() -> Outcome<Vec<ApiKeys>> {
    let apis: Vec<(String, String, KeyFormat, Vec<String>)> = rows(
        View::Caller,
        "WITH prefixes AS (
            SELECT id AS api_id, default_prefix AS prefix FROM unkey.apis WHERE default_prefix IS NOT NULL
            UNION SELECT api_id, prefix FROM unkey.keys WHERE prefix <> '' AND deleted_at IS NULL
        )
        SELECT json_build_array(api.id, api.name, coalesce(to_jsonb(api)->>'key_format', 'plain'),
            ARRAY(SELECT prefix FROM prefixes WHERE prefixes.api_id = api.id ORDER BY prefix))
        FROM unkey.apis AS api WHERE api.deleted_at IS NULL ORDER BY api.name COLLATE \"C\", api.id",
        &[],
    )?;
    let named = |(api_id, name, format, prefixes)| ApiKeys { api_id, name, format, prefixes };
    Ok(apis.into_iter().map(named).collect())
}
