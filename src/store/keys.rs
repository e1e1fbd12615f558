//! Keys: what every reader loads, and what writers change.

use std::collections::HashMap;
use std::rc::Rc;

use serde::Serialize;
use serde_json::value::RawValue;
use unkey_core::credits::Refill;
use unkey_core::key::Hash;
use unkey_core::limits::StoredLimit;

use super::key::Key;
use super::record::Record;
use super::statement::{Arg, View, arg, row, rows, run};
use super::{cache, changes, lookup};
use crate::actor::{Doing, while_doing};
use crate::error::Outcome;

/// `SELECT` of the key document, with or without what only people look at; the last argument continues it.
macro_rules! select_key {
    (bare, $rest:literal) => {
        select_key!("", $rest)
    };
    (shown, $rest:literal) => {
        select_key!(
            ", 'shown', json_build_object('created_ms', unkey.to_ms(key.created_at),
                'updated_ms', unkey.to_ms(key.updated_at), 'created_at', key.created_at, 'updated_at', key.updated_at,
                'last_refill_at', credits.last_refill_at,
                'last_used_ms', (SELECT unkey.to_ms(usage.last_used_at) FROM unkey.key_usage AS usage
                    WHERE usage.key_id = key.id),
                'last_used_at', (SELECT usage.last_used_at FROM unkey.key_usage AS usage WHERE usage.key_id = key.id),
                'recoverable', EXISTS (SELECT FROM unkey.encrypted_keys AS text WHERE text.key_id = key.id),
                'cursor', (extract(epoch FROM key.created_at) * 1000000)::bigint || ':' || key.id)",
            $rest
        )
    };
    ($shown:literal, $rest:literal) => {
        concat!(
            "SELECT json_build_object(
                'id', key.id,
                'api', json_build_object('id', api.id, 'keyspace_id', api.keyspace_id, 'enabled', api.enabled,
                    'allowlist', api.ip_allowlist),
                'enabled', key.enabled,
                'expires', unkey.to_ms(key.expires),
                'refill', CASE WHEN key.refill_amount IS NOT NULL THEN
                    json_build_object('amount', key.refill_amount, 'day', key.refill_day,
                        'since', unkey.to_ms(key.refill_since)) END,
                'balance', CASE WHEN credits.key_id IS NOT NULL THEN
                    json_build_object('remaining', credits.remaining, 'settled_at', unkey.to_ms(credits.settled_at),
                        'last_refill_at', unkey.to_ms(credits.last_refill_at)) END,
                'prefix', key.prefix, 'start', key.start, 'name', key.name, 'meta', NULLIF(key.meta, '{}'),
                'ratelimits', key.ratelimits, 'allowlist', key.ip_allowlist,
                'identity', CASE WHEN identity.id IS NOT NULL THEN
                    json_build_object('id', identity.id, 'external_id', identity.external_id,
                        'meta', NULLIF(identity.meta, '{}'), 'ratelimits', identity.ratelimits) END,
                'linked', EXISTS (SELECT FROM unkey.key_roles AS link WHERE link.key_id = key.id)
                    OR EXISTS (SELECT FROM unkey.key_permissions AS link WHERE link.key_id = key.id)",
            $shown,
            ") FROM unkey.keys AS key
            JOIN unkey.apis AS api ON api.id = key.api_id AND api.deleted_at IS NULL
            LEFT JOIN unkey.credits AS credits ON credits.key_id = key.id
            LEFT JOIN unkey.identities AS identity ON identity.id = key.identity_id AND identity.deleted_at IS NULL
            WHERE key.deleted_at IS NULL AND ",
            $rest
        )
    };
}

/// Executes a statement of [`select_key!`] and loads the roles and permissions of what it finds.
fn load(view: View, statement: &'static str, args: &[Arg]) -> Outcome<Vec<Key>> {
    let mut keys: Vec<Key> = rows(view, statement, args)?;
    let linked: Vec<&str> = keys.iter().filter(|key| key.linked).map(|key| key.id.as_str()).collect();
    if linked.is_empty() {
        return Ok(keys);
    }
    let grants: Vec<(String, Vec<String>, Vec<String>)> = rows(
        view,
        "SELECT json_build_array(linked.key_id,
            ARRAY(SELECT role.name FROM unkey.key_roles AS link
                JOIN unkey.roles AS role ON role.id = link.role_id
                WHERE link.key_id = linked.key_id ORDER BY role.name),
            ARRAY(SELECT effective.slug FROM unkey.effective_permissions AS effective
                WHERE effective.key_id = linked.key_id ORDER BY effective.slug))
        FROM unnest($1) AS linked(key_id)",
        &[arg(linked)],
    )?;
    let mut grants: HashMap<String, _> =
        grants.into_iter().map(|(id, roles, slugs)| (id, (roles, slugs))).collect();
    for key in &mut keys {
        (key.roles, key.permissions) = grants.remove(&key.id).unwrap_or_default();
    }
    Ok(keys)
}

fn first(keys: Vec<Key>) -> Option<Key> {
    keys.into_iter().next()
}

/// The records of the keys with these hashes of their whole texts, each as of now: from the session's cache if nothing
/// about any key has changed since, else from tables.
pub fn by_hashes(hashes: &[Hash]) -> Outcome<Vec<Option<Rc<Record>>>> {
    let mut found = cache::keys(hashes)?;
    let missing: Vec<usize> =
        (0..hashes.len()).filter(|&at| found.get(at).is_some_and(Option::is_none)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let sought: Vec<Hash> = missing.iter().filter_map(|&at| hashes.get(at).copied()).collect();
    for (at, record) in missing.into_iter().zip(load_by_hashes(&sought)?) {
        if let Some(place) = found.get_mut(at) {
            *place = record;
        }
    }
    Ok(found)
}

/// The record of the key with this hash of its whole text.
pub fn by_hash(hash: &Hash) -> Outcome<Option<Rc<Record>>> {
    match cache::key(hash)? {
        None => Ok(load_by_hashes(std::slice::from_ref(hash))?.into_iter().next().flatten()),
        known => Ok(known),
    }
}

/// Makes the figures of the cache exact as far as this session goes.
pub fn flush_figures() {
    cache::flush();
}

/// Tells all sessions, when this transaction commits, that these keys or identities changed; of none that any may have.
pub fn announce_change(ids: &[String]) -> Outcome<()> {
    if ids.is_empty() {
        return changes::announce();
    }
    ids.iter().try_for_each(|id| changes::announce_one(id))
}

/// Tells that keys got something of their own. Of a key that this transaction made, nobody else knows anything yet, and
/// this session keeps nothing.
pub fn announce_link(key_ids: &[String]) -> Outcome<()> {
    if key_ids.is_empty() {
        return changes::announce();
    }
    key_ids.iter().try_for_each(|id| if lookup::is_new(id)? { Ok(()) } else { changes::announce_one(id) })
}

fn load_by_hashes(hashes: &[Hash]) -> Outcome<Vec<Option<Rc<Record>>>> {
    match lookup::by_hashes(hashes)? {
        Some(found) => Ok(found),
        None => {
            let query = |hash| query_by_hash(hash)?.map(|key| Record::try_from(key).map(Rc::new)).transpose();
            hashes.iter().map(query).collect()
        }
    }
}

fn query_by_hash(hash: &Hash) -> Outcome<Option<Key>> {
    let args = [arg(hash.as_bytes().as_slice())];
    load(View::Latest, select_key!(bare, "key.hash = $1 AND key.pending_migration_id IS NULL"), &args)
        .map(first)
}

/// The key that a migration brought in with this hash of a part of its text.
pub fn by_pending_hash(hash: &Hash, migration_id: &str) -> Outcome<Option<Key>> {
    let args = [arg(hash.as_bytes().as_slice()), arg(migration_id)];
    load(View::Latest, select_key!(bare, "key.hash = $1 AND key.pending_migration_id = $2"), &args).map(first)
}

/// The key with this id as it is now.
pub fn by_id(key_id: &str) -> Outcome<Option<Key>> {
    load(View::Latest, select_key!(bare, "key.id = $1"), &[arg(key_id)]).map(first)
}

/// The key with this hash of its whole text, at the caller's snapshot and with what people look at.
pub fn show_by_hash(hash: &Hash) -> Outcome<Option<Key>> {
    let args = [arg(hash.as_bytes().as_slice())];
    load(View::Caller, select_key!(shown, "key.hash = $1 AND key.pending_migration_id IS NULL"), &args)
        .map(first)
}

/// The key with this id, at the caller's snapshot and with what people look at.
pub fn show(key_id: &str) -> Outcome<Option<Key>> {
    load(View::Caller, select_key!(shown, "key.id = $1"), &[arg(key_id)]).map(first)
}

/// A page of an API's keys by creation, after the position (microseconds, id); of one identity if given.
pub fn page(
    api_id: &str,
    external_id: Option<&str>,
    limit: i64,
    after: Option<(i64, &str)>,
) -> Outcome<Vec<Key>> {
    let (microseconds, id) = after.unzip();
    load(
        View::Caller,
        select_key!(
            shown,
            "key.api_id = $1 AND ($2 IS NULL OR identity.external_id = $2)
            AND ($3 IS NULL OR (key.created_at, key.id) > ('epoch'::timestamptz + $3 * interval '1 microsecond', $4))
            ORDER BY key.created_at, key.id LIMIT $5"
        ),
        &[arg(api_id), arg(external_id), arg(microseconds), arg(id), arg(limit)],
    )
}

/// Locks the key until the transaction ends, so that its configuration and balance change one call at a time.
pub fn lock(key_id: &str) -> Outcome<Option<Key>> {
    let locked: Option<i64> =
        row(View::Latest, "SELECT 1 FROM unkey.keys WHERE id = $1 FOR NO KEY UPDATE", &[arg(key_id)])?;
    match locked {
        Some(_) => by_id(key_id),
        None => Ok(None),
    }
}

/// A key to insert, with its links and balance. Times in milliseconds.
#[derive(Debug, Default, Serialize)]
pub struct NewRow {
    pub id: String,
    pub api_id: String,
    /// Base64.
    pub hash: String,
    pub identity_id: Option<String>,
    pub enabled: bool,
    pub expires: Option<i64>,
    pub refill_amount: Option<i64>,
    pub refill_day: Option<u8>,
    pub remaining: Option<i64>,
    pub prefix: Option<String>,
    pub start: String,
    pub name: Option<String>,
    pub meta: Option<Box<RawValue>>,
    pub ratelimits: Vec<StoredLimit>,
    pub ip_allowlist: Option<Vec<String>>,
    pub pending_migration_id: Option<String>,
    pub permission_ids: Vec<String>,
    pub role_ids: Vec<String>,
}

/// Inserts keys with everything that belongs to them, in one statement. Answers the ids that were inserted; a key
/// whose hash exists already is left out. The audit log tells of a balance with its key.
pub fn insert(keys: &[NewRow], now: i64) -> Outcome<Vec<String>> {
    while_doing(Doing::Detail, || insert_rows(keys, now))
}

/// A text is a key or a root key, never both.
fn insert_rows(keys: &[NewRow], now: i64) -> Outcome<Vec<String>> {
    rows(
        View::Latest,
        "WITH new AS MATERIALIZED (
            SELECT * FROM json_to_recordset($1::json) AS new(
                id text, api_id text, hash text, identity_id text, enabled boolean, expires bigint,
                refill_amount bigint, refill_day smallint, remaining bigint, prefix text, start text, name text,
                meta jsonb, ratelimits jsonb, ip_allowlist cidr[], pending_migration_id text,
                permission_ids text[], role_ids text[])
        ), made AS (
            INSERT INTO unkey.keys (id, api_id, hash, identity_id, enabled, expires, refill_amount, refill_day,
                prefix, start, name, meta, ratelimits, ip_allowlist, pending_migration_id, created_at)
            SELECT id, api_id, decode(hash, 'base64'), identity_id, enabled, unkey.from_ms(expires), refill_amount,
                refill_day, prefix, start, name, meta, ratelimits, ip_allowlist, pending_migration_id,
                unkey.from_ms($2)
            FROM new
            WHERE NOT EXISTS (SELECT FROM unkey.root_keys AS root WHERE root.hash = decode(new.hash, 'base64'))
            ORDER BY id COLLATE \"C\"
            ON CONFLICT DO NOTHING
            RETURNING id
        ), permissions AS (
            INSERT INTO unkey.key_permissions (key_id, permission_id)
            SELECT id, unnest(permission_ids) FROM made JOIN new USING (id)
        ), roles AS (
            INSERT INTO unkey.key_roles (key_id, role_id)
            SELECT id, unnest(role_ids) FROM made JOIN new USING (id)
        ), credits AS (
            INSERT INTO unkey.credits (key_id, remaining, settled_at)
            SELECT id, remaining, unkey.from_ms($2) FROM made JOIN new USING (id) WHERE remaining IS NOT NULL
        )
        SELECT to_json(id) FROM made",
        &[arg(serde_json::to_string(keys)?), arg(now)],
    )
}

/// Columns of a key to change: absent keeps, null clears. Times in milliseconds.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Option<Box<RawValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refill_amount: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refill_day: Option<Option<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_allowlist: Option<Option<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratelimits: Option<Vec<StoredLimit>>,
}

impl Changes {
    /// Sets or clears the refill.
    pub fn set_refill(&mut self, refill: Option<Refill>) {
        self.refill_amount = Some(refill.map(|refill| refill.amount));
        self.refill_day = Some(refill.and_then(|refill| refill.day));
    }
}

/// Changes columns of a key.
pub fn update(key_id: &str, changes: &Changes, now: i64) -> Outcome<()> {
    run(
        "UPDATE unkey.keys AS key
        SET (name, identity_id, meta, refill_amount, refill_day, ip_allowlist, enabled, ratelimits) = (
                SELECT new.name, new.identity_id, new.meta, new.refill_amount, new.refill_day, new.ip_allowlist,
                    new.enabled, new.ratelimits
                FROM jsonb_populate_record(key, $2::jsonb) AS new),
            expires = CASE WHEN $2::jsonb ? 'expires_ms' THEN unkey.from_ms(($2::jsonb->>'expires_ms')::bigint)
                ELSE key.expires END,
            updated_at = unkey.from_ms($3)
        WHERE key.id = $1",
        &[arg(key_id), arg(serde_json::to_string(changes)?), arg(now)],
    )
}

/// Gives an imported key its final hash, unless another key has it.
pub fn finish_migration(key_id: &str, hash: &Hash, start: &str, now: i64) -> Outcome<()> {
    run(
        "UPDATE unkey.keys
        SET hash = $2, start = $3, pending_migration_id = NULL, updated_at = unkey.from_ms($4)
        WHERE id = $1 AND pending_migration_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM unkey.keys AS other WHERE other.hash = $2 AND other.id <> $1)",
        &[arg(key_id), arg(hash.as_bytes().as_slice()), arg(start), arg(now)],
    )
}

/// Marks a key as deleted; its hash stays reserved.
pub fn soft_delete(key_id: &str, now: i64) -> Outcome<()> {
    run("UPDATE unkey.keys SET deleted_at = unkey.from_ms($2) WHERE id = $1", &[arg(key_id), arg(now)])
}

/// Removes a key with its links and balance.
pub fn delete(key_id: &str) -> Outcome<()> {
    run("DELETE FROM unkey.keys WHERE id = $1", &[arg(key_id)])
}
