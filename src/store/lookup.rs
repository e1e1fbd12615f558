//! The look-up of a verification: one key with everything static about it, a few index probes in all.

use serde_json::value::RawValue;
use unkey_core::key::Hash;

use super::key::{Api, Identity, Key, Refilling, Stored};
use super::probe::{Column, Latest, Row, Table, under_latest};
use crate::error::Outcome;

const KEYS: Table = Table { name: c"keys", index: c"keys_hash_key" };
const APIS: Table = Table { name: c"apis", index: c"apis_pkey" };
const CREDITS: Table = Table { name: c"credits", index: c"credits_pkey" };
const IDENTITIES: Table = Table { name: c"identities", index: c"identities_pkey" };
const KEY_ROLES: Table = Table { name: c"key_roles", index: c"key_roles_pkey" };
const KEY_PERMISSIONS: Table = Table { name: c"key_permissions", index: c"key_permissions_pkey" };
const ROLES: Table = Table { name: c"roles", index: c"roles_pkey" };
const ROLE_PERMISSIONS: Table = Table { name: c"role_permissions", index: c"role_permissions_pkey" };
const PERMISSIONS: Table = Table { name: c"permissions", index: c"permissions_pkey" };

/// The live key with this hash of its whole text. The outer `None`: tables can't be read directly here.
pub fn by_hash(hash: &Hash) -> Outcome<Option<Option<Key>>> {
    under_latest(|latest| {
        let found = latest.by_bytes(KEYS, hash.as_bytes(), key)?.into_iter().flatten().next();
        found.map_or(Ok(None), |found| complete(latest, found))
    })
}

/// A key row and what it refers to.
struct Found {
    key: Key,
    identity_id: Option<String>,
}

/// Reads a row of `keys`; `None` if it is deleted or not yet finished.
fn key(row: &Row) -> Outcome<Option<Found>> {
    let mut found = Found { key: Key::default(), identity_id: None };
    let Found { key, identity_id } = &mut found;
    let (mut amount, mut day, mut since) = (None, None, None);
    for (name, column) in row.columns() {
        match name {
            "id" => key.id = column.text(),
            "api_id" => key.api.id = column.text(),
            "identity_id" => *identity_id = Some(column.text()),
            "enabled" => key.enabled = column.boolean(),
            "expires" => key.expires = Some(column.milliseconds()),
            "refill_amount" => amount = Some(column.integer()),
            "refill_day" => day = u8::try_from(column.integer()).ok(),
            "refill_since" => since = Some(column.milliseconds()),
            "prefix" => key.prefix = Some(column.text()),
            "start" => key.start = column.text(),
            "name" => key.name = Some(column.text()),
            "meta" => key.meta = meta(column)?,
            "ratelimits" => key.ratelimits = serde_json::from_str(&column.json())?,
            "ip_allowlist" => key.allowlist = Some(column.array()?),
            "deleted_at" | "pending_migration_id" => return Ok(None),
            _ => {}
        }
    }
    key.refill = amount.map(|amount| Refilling { amount, day, since });
    Ok(Some(found))
}

/// `meta` as it is shown: an empty object is none.
fn meta(column: Column) -> Outcome<Option<Box<RawValue>>> {
    let json = column.json();
    if json == "{}" { Ok(None) } else { Ok(Some(RawValue::from_string(json)?)) }
}

/// Adds what stands in other tables; `None` if the API is gone.
fn complete(latest: &Latest, Found { mut key, identity_id }: Found) -> Outcome<Option<Key>> {
    let Some(api) = first(latest.by_text(APIS, &key.api.id, api)?) else { return Ok(None) };
    key.api = api;
    key.balance = latest.by_text(CREDITS, &key.id, balance)?.into_iter().next();
    if let Some(identity_id) = identity_id {
        key.identity = first(latest.by_text(IDENTITIES, &identity_id, identity)?);
    }
    grants(latest, &mut key)?;
    Ok(Some(key))
}

fn first<T>(rows: Vec<Option<T>>) -> Option<T> {
    rows.into_iter().flatten().next()
}

fn api(row: &Row) -> Outcome<Option<Api>> {
    let mut api = Api::default();
    for (name, column) in row.columns() {
        match name {
            "id" => api.id = column.text(),
            "keyspace_id" => api.keyspace_id = column.text(),
            "enabled" => api.enabled = column.boolean(),
            "default_bytes" => api.default_bytes = usize::try_from(column.integer()).unwrap_or_default(),
            "ip_allowlist" => api.allowlist = Some(column.array()?),
            "deleted_at" => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(api))
}

fn balance(row: &Row) -> Outcome<Stored> {
    let mut stored = Stored::default();
    for (name, column) in row.columns() {
        match name {
            "remaining" => stored.remaining = column.integer(),
            "settled_at" => stored.settled_at = column.milliseconds(),
            "last_refill_at" => stored.last_refill_at = Some(column.milliseconds()),
            _ => {}
        }
    }
    Ok(stored)
}

fn identity(row: &Row) -> Outcome<Option<Identity>> {
    let mut identity = Identity::default();
    for (name, column) in row.columns() {
        match name {
            "id" => identity.id = column.text(),
            "external_id" => identity.external_id = column.text(),
            "meta" => identity.meta = meta(column)?,
            "ratelimits" => identity.ratelimits = serde_json::from_str(&column.json())?,
            "deleted_at" => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(identity))
}

/// Roles and effective permissions, sorted and each once.
fn grants(latest: &Latest, key: &mut Key) -> Outcome<()> {
    let text = |name: &'static str| move |row: &Row| Ok(row.text(name));
    let mut permission_ids = latest.by_text(KEY_PERMISSIONS, &key.id, text("permission_id"))?;
    for role_id in latest.by_text(KEY_ROLES, &key.id, text("role_id"))? {
        key.roles.extend(latest.by_text(ROLES, &role_id, text("name"))?);
        permission_ids.extend(latest.by_text(ROLE_PERMISSIONS, &role_id, text("permission_id"))?);
    }
    permission_ids.sort();
    permission_ids.dedup();
    for permission_id in &permission_ids {
        key.permissions.extend(latest.by_text(PERMISSIONS, permission_id, text("slug"))?);
    }
    key.roles.sort();
    key.permissions.sort();
    Ok(())
}
