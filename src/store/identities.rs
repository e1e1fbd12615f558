//! Identities.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use unkey_core::limits::StoredLimit;

use super::statement::{View, arg, row, rows, run};
use crate::error::{Failure, Outcome};

/// A live identity.
#[derive(Debug, Serialize, Deserialize)]
pub struct Identity {
    pub identity_id: String,
    pub external_id: String,
    /// None if empty.
    pub meta: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ratelimits: Vec<StoredLimit>,
    /// Texts of Postgres.
    pub created_at: String,
    pub updated_at: Option<String>,
}

macro_rules! document {
    () => {
        "json_build_object('identity_id', id, 'external_id', external_id, 'meta', nullif(meta, '{}'),
            'ratelimits', ratelimits, 'created_at', created_at, 'updated_at', updated_at)"
    };
}

macro_rules! select_identity {
    ($rest:literal) => {
        concat!("SELECT ", document!(), " FROM unkey.identities WHERE deleted_at IS NULL AND ", $rest)
    };
}

/// The live identity with this external id or else this id, at the caller's snapshot.
pub fn find(reference: &str) -> Outcome<Option<Identity>> {
    row(
        View::Caller,
        select_identity!("(external_id = $1 OR id = $1) ORDER BY external_id = $1 DESC LIMIT 1"),
        &[arg(reference)],
    )
}

/// The same, locked to be changed; keys can be given to it meanwhile.
pub fn lock_to_change(reference: &str) -> Outcome<Option<Identity>> {
    row(
        View::Latest,
        select_identity!(
            "(external_id = $1 OR id = $1) ORDER BY external_id = $1 DESC LIMIT 1 FOR NO KEY UPDATE"
        ),
        &[arg(reference)],
    )
}

/// The same, locked against keys too that are just being given to it.
pub fn lock_to_delete(reference: &str) -> Outcome<Option<Identity>> {
    row(
        View::Latest,
        select_identity!("(external_id = $1 OR id = $1) ORDER BY external_id = $1 DESC LIMIT 1 FOR UPDATE"),
        &[arg(reference)],
    )
}

/// A page of live identities by id, after an id; with a text in external id or id if given.
pub fn page(limit: i64, after: Option<&str>, search: Option<&str>) -> Outcome<Vec<Identity>> {
    rows(
        View::Caller,
        select_identity!(
            "($2 IS NULL OR id > $2)
            AND ($3 IS NULL OR strpos(lower(concat_ws(chr(10), external_id, id)), lower($3)) > 0)
            ORDER BY id LIMIT $1"
        ),
        &[arg(limit), arg(after), arg(search)],
    )
}

/// Bytes of a document as it would be stored.
pub fn stored_size(document: &RawValue) -> Outcome<usize> {
    let size = row(View::Caller, "SELECT octet_length($1::jsonb::text)", &[arg(document.get())])?;
    size.ok_or_else(|| Failure::Internal("a document has no size".into()))
}

/// Inserts an identity; `None` if the external id is taken.
pub fn insert(
    id: &str,
    external_id: &str,
    meta: Option<&RawValue>,
    ratelimits: &[StoredLimit],
    now: i64,
) -> Outcome<Option<i64>> {
    row(
        View::Latest,
        "INSERT INTO unkey.identities (id, external_id, meta, ratelimits, created_at)
        VALUES ($1, $2, $3::jsonb, $4::jsonb, unkey.from_ms($5))
        ON CONFLICT (external_id) WHERE deleted_at IS NULL DO NOTHING RETURNING 1",
        &[
            arg(id),
            arg(external_id),
            arg(meta.map(RawValue::get)),
            arg(serde_json::to_string(ratelimits)?),
            arg(now),
        ],
    )
}

/// Changes a live identity and reads it.
pub fn update(
    id: &str,
    meta: Option<&RawValue>,
    ratelimits: &[StoredLimit],
    now: i64,
) -> Outcome<Option<Identity>> {
    row(
        View::Latest,
        concat!(
            "UPDATE unkey.identities
            SET meta = $2::jsonb, ratelimits = $3::jsonb, updated_at = unkey.from_ms($4)
            WHERE id = $1 AND deleted_at IS NULL RETURNING ",
            document!()
        ),
        &[arg(id), arg(meta.map(RawValue::get)), arg(serde_json::to_string(ratelimits)?), arg(now)],
    )
}

/// Marks an identity as deleted.
pub fn soft_delete(id: &str, now: i64) -> Outcome<()> {
    run("UPDATE unkey.identities SET deleted_at = unkey.from_ms($2) WHERE id = $1", &[arg(id), arg(now)])
}

/// Ids of the live identities with these external ids, kept from being removed until the transaction ends.
pub fn ids(external_ids: &[&str]) -> Outcome<HashMap<String, String>> {
    let found: Vec<(String, String)> = rows(
        View::Latest,
        "SELECT json_build_array(external_id, id) FROM unkey.identities
        WHERE external_id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR KEY SHARE",
        &[arg(external_ids.to_vec())],
    )?;
    Ok(found.into_iter().collect())
}

/// Makes identities that do not exist yet; (external id, id), sorted so that two callers can't deadlock.
pub fn insert_missing(new: &[(&str, String)], now: i64) -> Outcome<()> {
    let (external_ids, ids): (Vec<&str>, Vec<&str>) =
        new.iter().map(|(external, id)| (*external, id.as_str())).unzip();
    run(
        "INSERT INTO unkey.identities (external_id, id, created_at)
        SELECT external_id, id, unkey.from_ms($3) FROM unnest($1, $2) AS new(external_id, id) ORDER BY external_id COLLATE \"C\"
        ON CONFLICT (external_id) WHERE deleted_at IS NULL DO NOTHING",
        &[arg(external_ids), arg(ids), arg(now)],
    )
}
