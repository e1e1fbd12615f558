//! Root keys.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use unkey_core::key::Hash;
use unkey_core::root_permission::Grants;

use super::probe::{Table, under_latest};
use super::row::Row;
use super::statement::{View, arg, row, rows, run};
use super::{cache, relations};
use crate::error::Outcome;

/// A live root key, without its hash. Times in milliseconds.
#[derive(Debug, Default, Deserialize)]
pub struct RootKey {
    pub id: String,
    pub name: Option<String>,
    pub start: String,
    pub permissions: Grants,
    pub enabled: bool,
    pub expires: Option<i64>,
    pub created_at: i64,
    pub updated_at: Option<i64>,
}

const ROOT_KEYS: Table = Table { name: c"root_keys", index: c"root_keys_hash_key" };

macro_rules! select_root_key {
    ($rest:literal) => {
        concat!(
            "SELECT json_build_object('id', id, 'name', name, 'start', start, 'permissions', permissions,
                'enabled', enabled, 'expires', unkey.to_ms(expires), 'created_at', unkey.to_ms(created_at),
                'updated_at', unkey.to_ms(updated_at))
            FROM unkey.root_keys WHERE deleted_at IS NULL AND ",
            $rest
        )
    };
}

impl RootKey {
    /// Memory that it takes, more or less.
    pub fn bytes(&self) -> usize {
        let texts: usize = self.permissions.texts().iter().map(|text| 2 * text.len() + 128).sum();
        512 + self.name.as_ref().map_or(0, String::len) + texts
    }
}

/// The root key with this hash of its text, as it is now.
pub fn by_hash(hash: &Hash) -> Outcome<Option<Rc<RootKey>>> {
    if let Some(known) = cache::root_key(hash)? {
        return Ok(Some(known));
    }
    let generation = relations::generation()?;
    let found = under_latest(|latest| {
        let found = latest.by_bytes(ROOT_KEYS, hash.as_bytes(), read)?;
        let found = found.into_iter().flatten().next().map(Rc::new);
        if let Some(root_key) = &found
            && latest.may_be_kept()
        {
            cache::put_root_key(generation, hash, root_key);
        }
        Ok(found)
    })?;
    if let Some(found) = found {
        return Ok(found);
    }
    let found = row(View::Latest, select_root_key!("hash = $1"), &[arg(hash.as_bytes().as_slice())])?;
    Ok(found.map(Rc::new))
}

/// Reads a row; `None` if it is deleted.
fn read(row: &Row) -> Outcome<Option<RootKey>> {
    let mut root_key = RootKey::default();
    for (name, column) in row.columns() {
        match name {
            "id" => root_key.id = column.text(),
            "name" => root_key.name = Some(column.text()),
            "start" => root_key.start = column.text(),
            "permissions" => root_key.permissions = Grants::try_from(column.array::<String>()?)?,
            "enabled" => root_key.enabled = column.boolean(),
            "expires" => root_key.expires = Some(column.milliseconds()),
            "created_at" => root_key.created_at = column.milliseconds(),
            "updated_at" => root_key.updated_at = Some(column.milliseconds()),
            "deleted_at" => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(root_key))
}

/// The root key with this id.
pub fn by_id(view: View, key_id: &str) -> Outcome<Option<RootKey>> {
    row(view, select_root_key!("id = $1"), &[arg(key_id)])
}

/// The root key with this id, locked until the transaction ends.
pub fn lock(key_id: &str) -> Outcome<Option<RootKey>> {
    row(View::Latest, select_root_key!("id = $1 FOR NO KEY UPDATE"), &[arg(key_id)])
}

/// A page of root keys by id, after an id.
pub fn page(limit: i64, after: Option<&str>) -> Outcome<Vec<RootKey>> {
    rows(
        View::Caller,
        select_root_key!("($2 IS NULL OR id > $2) ORDER BY id LIMIT $1"),
        &[arg(limit), arg(after)],
    )
}

/// A root key to insert. Times in milliseconds.
#[derive(Debug, Default)]
pub struct NewRow {
    pub id: String,
    /// Base64.
    pub hash: String,
    pub name: Option<String>,
    pub start: String,
    pub permissions: Grants,
    pub enabled: bool,
    pub expires: Option<i64>,
}

/// Inserts a root key; `None` if its hash or id exists already.
pub fn insert(new: &NewRow, now: i64) -> Outcome<Option<i64>> {
    row(
        View::Latest,
        "INSERT INTO unkey.root_keys (id, hash, name, start, permissions, enabled, expires, created_at)
        VALUES ($1, decode($2, 'base64'), $3, $4, $5, $6, unkey.from_ms($7), unkey.from_ms($8))
        ON CONFLICT DO NOTHING RETURNING 1",
        &[
            arg(new.id.as_str()),
            arg(new.hash.as_str()),
            arg(new.name.as_deref()),
            arg(new.start.as_str()),
            arg(new.permissions.texts()),
            arg(new.enabled),
            arg(new.expires),
            arg(now),
        ],
    )
}

/// Columns of a root key to change: absent keeps, null clears. Times in milliseconds.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Grants>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Changes columns of a root key.
pub fn update(key_id: &str, changes: &Changes, now: i64) -> Outcome<()> {
    run(
        "UPDATE unkey.root_keys AS root_key
        SET (name, permissions, enabled) = (
                SELECT new.name, new.permissions, new.enabled
                FROM jsonb_populate_record(root_key, $2::jsonb) AS new),
            expires = CASE WHEN $2::jsonb ? 'expires_ms' THEN unkey.from_ms(($2::jsonb->>'expires_ms')::bigint)
                ELSE root_key.expires END,
            updated_at = unkey.from_ms($3)
        WHERE root_key.id = $1",
        &[arg(key_id), arg(serde_json::to_string(changes)?), arg(now)],
    )
}

/// Marks a root key as deleted; its hash stays reserved.
pub fn soft_delete(key_id: &str, now: i64) -> Outcome<()> {
    run("UPDATE unkey.root_keys SET deleted_at = unkey.from_ms($2) WHERE id = $1", &[arg(key_id), arg(now)])
}
