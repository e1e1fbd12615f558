//! The look-up of a verification: one key with everything static about it, a few index probes in all.

use std::ffi::CStr;
use std::rc::Rc;

use unkey_core::key::Hash;
use unkey_core::limits::StoredLimit;

use super::cache::{self, Shared};
use super::changes::{self, Generation, Topic, Topics};
use super::key::Refilling;
use super::probe::{Latest, Table, under_latest};
use super::record::{Api, Identity, Record, networks};
use super::relations;
use super::row::{Column, Row};
use super::value::Json;
use crate::error::Outcome;

const KEYS: Table = Table { name: c"keys", index: c"keys_hash_key" };
const KEYS_BY_ID: Table = Table { name: c"keys", index: c"keys_pkey" };
const APIS: Table = Table { name: c"apis", index: c"apis_pkey" };
const CREDITS: Table = Table { name: c"credits", index: c"credits_pkey" };
const IDENTITIES: Table = Table { name: c"identities", index: c"identities_pkey" };
const KEY_ROLES: Table = Table { name: c"key_roles", index: c"key_roles_pkey" };
const KEY_PERMISSIONS: Table = Table { name: c"key_permissions", index: c"key_permissions_pkey" };
const ROLES: Table = Table { name: c"roles", index: c"roles_pkey" };
const ROLE_PERMISSIONS: Table = Table { name: c"role_permissions", index: c"role_permissions_pkey" };
const PERMISSIONS: Table = Table { name: c"permissions", index: c"permissions_pkey" };
/// All of which a record is made.
const TABLES: [Table; 9] =
    [KEYS, APIS, CREDITS, IDENTITIES, KEY_ROLES, KEY_PERMISSIONS, ROLES, ROLE_PERMISSIONS, PERMISSIONS];

/// The live keys with these hashes of their whole texts. The outer `None`: tables can't be read directly here.
///
/// What has been read is kept in the session, unless this transaction made it, or it may have changed meanwhile: a
/// commit is seen by a snapshot a moment before its message arrives, so messages that arrive while rows are read leave a
/// doubt about all of them.
pub fn by_hashes(hashes: &[Hash]) -> Outcome<Option<Vec<Option<Rc<Record>>>>> {
    relations::generation()?;
    relations::know(TABLES.iter().flat_map(|table| [table.name, table.index]))?;
    let generation = changes::last_generation();
    under_latest(|latest| {
        let find = |hash: &Hash| {
            let found = Reader { latest, generation }.by_hash(hash)?.map(Rc::new);
            if let Some(record) = &found
                && latest.may_be_kept()
            {
                cache::put_key(generation, hash, record);
            }
            Ok(found)
        };
        hashes.iter().map(find).collect()
    })
}

/// Whether the key with this id was made by this transaction, so that nobody else knows anything about it.
pub fn is_new(key_id: &str) -> Outcome<bool> {
    let found = under_latest(|latest| latest.by_text(KEYS_BY_ID, key_id, |row| Ok(row.is_own())))?;
    Ok(found.unwrap_or_default().into_iter().any(|own| own))
}

/// Reads keys, and the few things that many of them share once in a session.
struct Reader<'a> {
    latest: &'a Latest,
    generation: Generation,
}

/// A key row and what it refers to.
#[derive(Default)]
struct Found {
    key: Record,
    api_id: String,
    identity_id: Option<String>,
}

/// Reads a row of `keys`; `None` if it is deleted or not yet finished.
fn key(row: &Row) -> Outcome<Option<Found>> {
    let mut found = Found::default();
    let Found { key, api_id, identity_id } = &mut found;
    let (mut amount, mut day, mut since) = (None, None, None);
    for (name, column) in row.columns() {
        match name {
            "id" => key.id = column.text(),
            "api_id" => *api_id = column.text(),
            "identity_id" => *identity_id = Some(column.text()),
            "enabled" => key.enabled = column.boolean(),
            "expires" => key.expires = Some(column.milliseconds()),
            "refill_amount" => amount = Some(column.integer()),
            "refill_day" => day = u8::try_from(column.integer()).ok(),
            "refill_since" => since = Some(column.milliseconds()),
            "name" => key.name = Some(column.text()),
            "meta" => key.meta = column.json(),
            "ratelimits" => key.ratelimits = limits(column)?,
            "ip_allowlist" => key.allowlist = networks(Some(column.array()?))?,
            "deleted_at" | "pending_migration_id" => return Ok(None),
            _ => {}
        }
    }
    key.refill = amount.map(|amount| Refilling { amount, day, since });
    Ok(Some(found))
}

fn limits(column: Column) -> Outcome<Vec<StoredLimit>> {
    column.json().map_or(Ok(Vec::new()), |limits: Json| Ok(serde_json::from_str(limits.text()?.get())?))
}

impl Reader<'_> {
    fn by_hash(&self, hash: &Hash) -> Outcome<Option<Record>> {
        let found = self.latest.by_bytes(KEYS, hash.as_bytes(), key)?;
        first(found).map_or(Ok(None), |found| self.complete(found))
    }

    /// Adds what stands in other tables; `None` if the API is gone.
    fn complete(&self, Found { mut key, api_id, identity_id }: Found) -> Outcome<Option<Record>> {
        let Some(api) = self.api(&api_id)? else { return Ok(None) };
        key.api = api;
        key.metered = !self.latest.by_text(CREDITS, &key.id, |_| Ok(()))?.is_empty();
        key.topics = Topics([Some(Topic::of(&key.id)), identity_id.as_deref().map(Topic::of)]);
        if let Some(identity_id) = identity_id {
            key.identity = first(self.referred(IDENTITIES, &identity_id, identity)?);
        }
        self.grants(&mut key)?;
        Ok(Some(key))
    }

    /// Roles and effective permissions, sorted and each once.
    fn grants(&self, key: &mut Record) -> Outcome<()> {
        for permission_id in self.latest.seconds(KEY_PERMISSIONS, &key.id)? {
            key.permissions.extend_from_slice(&self.texts(PERMISSIONS, &permission_id, "slug")?);
        }
        for role_id in self.latest.seconds(KEY_ROLES, &key.id)? {
            key.roles.extend_from_slice(&self.texts(ROLES, &role_id, "name")?);
            key.permissions.extend_from_slice(&self.slugs_of_role(&role_id)?);
        }
        key.roles.sort();
        key.permissions.sort();
        key.permissions.dedup();
        Ok(())
    }

    fn api(&self, id: &str) -> Outcome<Option<Rc<Api>>> {
        if let Some(Shared::Api(known)) = cache::shared(self.generation, APIS.index, id) {
            return Ok(Some(known));
        }
        let found = first(self.latest.by_text(APIS, id, api)?).map(Rc::new);
        if let Some(api) = &found {
            self.keep(APIS.index, id, Shared::Api(api.clone()));
        }
        Ok(found)
    }

    fn slugs_of_role(&self, role_id: &str) -> Outcome<Rc<[String]>> {
        self.shared(ROLE_PERMISSIONS.index, role_id, || {
            let ids = self.latest.by_text(ROLE_PERMISSIONS, role_id, |row| Ok(row.text("permission_id")))?;
            let slugs =
                ids.iter().map(|id| self.texts(PERMISSIONS, id, "slug")).collect::<Outcome<Vec<_>>>()?;
            Ok(slugs.iter().flat_map(|slugs| slugs.iter().cloned()).collect())
        })
    }

    /// A column of a catalogue's rows; always the same one of each catalogue.
    fn texts(&self, table: Table, id: &str, column: &str) -> Outcome<Rc<[String]>> {
        self.shared(table.index, id, || self.referred(table, id, |row| Ok(row.text(column))))
    }

    /// A row that another one refers to.
    fn referred<T>(&self, table: Table, id: &str, read: impl FnMut(&Row) -> Outcome<T>) -> Outcome<Vec<T>> {
        let found = self.latest.by_text(table, id, read)?;
        if found.is_empty() {
            self.latest.miss();
        }
        Ok(found)
    }

    fn shared(
        &self,
        index: &'static CStr,
        id: &str,
        load: impl FnOnce() -> Outcome<Vec<String>>,
    ) -> Outcome<Rc<[String]>> {
        if let Some(Shared::Texts(known)) = cache::shared(self.generation, index, id) {
            return Ok(known);
        }
        let texts: Rc<[String]> = load()?.into();
        self.keep(index, id, Shared::Texts(texts.clone()));
        Ok(texts)
    }

    fn keep(&self, index: &'static CStr, id: &str, value: Shared) {
        if self.latest.may_be_kept() {
            cache::put_shared(self.generation, index, id, value);
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
            "ip_allowlist" => api.allowlist = networks(Some(column.array()?))?,
            "deleted_at" => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(api))
}

fn identity(row: &Row) -> Outcome<Option<Identity>> {
    let mut identity = Identity::default();
    for (name, column) in row.columns() {
        match name {
            "id" => identity.id = column.text(),
            "external_id" => identity.external_id = column.text(),
            "meta" => identity.meta = column.json(),
            "ratelimits" => identity.ratelimits = limits(column)?,
            "deleted_at" => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(identity))
}
