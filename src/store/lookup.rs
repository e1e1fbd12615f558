//! The look-up of a verification: one key with everything static about it, a few index probes in all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::CStr;

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

/// The live keys with these hashes of their whole texts, all as of one moment. The outer `None`: tables can't be read
/// directly here.
pub fn by_hashes(hashes: &[Hash]) -> Outcome<Option<Vec<Option<Key>>>> {
    under_latest(|latest| {
        let mut reader = Reader { latest, apis: HashMap::new(), texts: HashMap::new() };
        hashes.iter().map(|hash| reader.by_hash(hash)).collect()
    })
}

/// Reads keys, and the few things that many of them share once.
struct Reader<'a> {
    latest: &'a Latest,
    apis: HashMap<String, Option<Api>>,
    /// Columns of catalogues by index and key.
    texts: HashMap<(&'static CStr, String), Vec<String>>,
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

impl Reader<'_> {
    fn by_hash(&mut self, hash: &Hash) -> Outcome<Option<Key>> {
        let found = self.latest.by_bytes(KEYS, hash.as_bytes(), key)?;
        first(found).map_or(Ok(None), |found| self.complete(found))
    }

    /// Adds what stands in other tables; `None` if the API is gone.
    fn complete(&mut self, Found { mut key, identity_id }: Found) -> Outcome<Option<Key>> {
        let Some(api) = self.api(&key.api.id)? else { return Ok(None) };
        key.api = api;
        key.balance = self.latest.by_text(CREDITS, &key.id, balance)?.into_iter().next();
        if let Some(identity_id) = identity_id {
            key.identity = first(self.latest.by_text(IDENTITIES, &identity_id, identity)?);
        }
        self.grants(&mut key)?;
        Ok(Some(key))
    }

    fn api(&mut self, id: &str) -> Outcome<Option<Api>> {
        if let Some(known) = self.apis.get(id) {
            return Ok(known.clone());
        }
        let found = first(self.latest.by_text(APIS, id, api)?);
        self.apis.insert(id.to_owned(), found.clone());
        Ok(found)
    }

    /// Roles and effective permissions, sorted and each once.
    fn grants(&mut self, key: &mut Key) -> Outcome<()> {
        let latest = self.latest;
        let mut permission_ids =
            latest.by_text(KEY_PERMISSIONS, &key.id, |row| Ok(row.text("permission_id")))?;
        for role_id in latest.by_text(KEY_ROLES, &key.id, |row| Ok(row.text("role_id")))? {
            key.roles.extend_from_slice(self.texts(ROLES, &role_id, "name")?);
            permission_ids.extend_from_slice(self.texts(ROLE_PERMISSIONS, &role_id, "permission_id")?);
        }
        permission_ids.sort();
        permission_ids.dedup();
        for permission_id in &permission_ids {
            key.permissions.extend_from_slice(self.texts(PERMISSIONS, permission_id, "slug")?);
        }
        key.roles.sort();
        key.permissions.sort();
        Ok(())
    }

    /// A column of a catalogue's rows; always the same one of each catalogue.
    fn texts(&mut self, table: Table, id: &str, column: &str) -> Outcome<&[String]> {
        match self.texts.entry((table.index, id.to_owned())) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                Ok(unknown.insert(self.latest.by_text(table, id, |row| Ok(row.text(column)))?))
            }
        }
    }
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
