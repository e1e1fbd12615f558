//! Root keys: who may use the v2 dialect, and for what.
//!
//! They have a table of their own, so none ever verifies as an ordinary key, and no ordinary key authenticates.
//! `caller` is the root key on whose behalf a change is made; `None` is plain SQL, which may do anything.

use std::rc::Rc;

use unkey_core::authorization::bearer;
use unkey_core::document::RootKeyPatch;
use unkey_core::error::quoted;
use unkey_core::key::{self, Hash};
use unkey_core::root_permission::{Grants, check_lifetime};
use unkey_core::{Error, Kind, id, validate};

use crate::actor::{Doing, while_doing};
use crate::error::{Failure, Outcome};
use crate::keys::Created;
use crate::page::Page;
use crate::reroll::{check_grace, old_key_ends};
use crate::store::root_keys::{self, Changes, NewRow};
use crate::store::statement::View;
use crate::{clock, secret};

pub use crate::store::root_keys::RootKey;

/// Prefix of every root key's text.
const PREFIX: &str = "unkey";

/// What a new root key can be given. Times in milliseconds.
#[derive(Debug, Default)]
pub struct NewRootKey {
    pub name: Option<String>,
    pub permissions: Vec<String>,
    pub expires: Option<i64>,
    pub enabled: bool,
}

/// The root key that an `Authorization` header carries, as of now: a committed revocation counts at once.
pub fn authenticate(authorization: Option<&str>) -> Outcome<Rc<RootKey>> {
    let text = bearer(authorization)?;
    let root_key = root_keys::by_hash(&Hash::of(text))?.ok_or_else(|| {
        Error::new(Kind::RootKeyUnknown, "the root key was not found")
            .hint("It never existed or was deleted; an ordinary key is no root key.")
    })?;
    if !root_key.enabled {
        let error = Error::new(Kind::RootKeyDisabled, "the root key is disabled");
        return Err(error.hint("unkey_update_root_key(key_id, '{\"enabled\": true}') enables it.").into());
    }
    if root_key.expires.is_some_and(|expires| clock::now() > expires) {
        let error = Error::new(Kind::Forbidden, "the root key has expired");
        return Err(error.hint("Use another one, or change its expiry by unkey_update_root_key.").into());
    }
    Ok(root_key)
}

/// Whether `caller` may touch a root key with these permissions: not if they are more than its own.
fn check_reach(caller: Option<&RootKey>, permissions: &Grants) -> Outcome<()> {
    Ok(caller.map_or(Ok(()), |caller| caller.permissions.require_all_of(permissions))?)
}

/// Whether `caller` may hand out a root key with these permissions that lives so long.
fn check_power(caller: Option<&RootKey>, permissions: &Grants, expires: Option<i64>) -> Outcome<()> {
    check_reach(caller, permissions)?;
    Ok(check_lifetime(caller.and_then(|caller| caller.expires), expires)?)
}

fn not_found(key_id: &str) -> Error {
    Error::new(Kind::KeyNotFound, format!("key_id {} was not found", quoted(key_id)))
        .hint("SELECT * FROM unkey_list_root_keys() shows the root keys there are.")
}

fn locked(key_id: &str) -> Outcome<RootKey> {
    Ok(root_keys::lock(key_id)?.ok_or_else(|| not_found(key_id))?)
}

/// Makes a root key.
pub fn create(new: NewRootKey, caller: Option<&RootKey>) -> Outcome<Created> {
    if let Some(name) = &new.name {
        validate::key_name("name", name)?;
    }
    let permissions = Grants::read("permissions", &new.permissions)?;
    if let Some(expires) = new.expires {
        validate::time("expires", expires)?;
    }
    check_power(caller, &permissions, new.expires)?;
    let NewRootKey { name, expires, enabled, .. } = new;
    issue(NewRow { name, permissions, expires, enabled, ..NewRow::default() }, clock::now())
}

/// Makes the text for a row and inserts it.
fn issue(row: NewRow, now: i64) -> Outcome<Created> {
    let new = key::generate(Some(PREFIX), key::DEFAULT_BYTES)?;
    let key_id = id::of_key(&secret::of_key_ids()?, &new.hash)?;
    root_keys::insert(
        &NewRow { id: key_id.clone(), hash: new.hash.to_base64(), start: new.start, ..row },
        now,
    )?
    .ok_or_else(|| Failure::Internal("a new root key has the hash of an old one".into()))?;
    Ok(Created { key_id, key: new.plaintext.reveal() })
}

/// A root key by id, at the caller's snapshot.
pub fn get(key_id: &str) -> Outcome<RootKey> {
    Ok(root_keys::by_id(View::Caller, key_id)?.ok_or_else(|| not_found(key_id))?)
}

/// A page of root keys by id.
pub fn list(limit: i64, cursor: Option<&str>) -> Outcome<Page<RootKey>> {
    Page::load(limit, |limit| root_keys::page(limit, cursor), |root_key| root_key.id.clone())
}

/// A page of those that may do no more than this one.
pub fn list_reach(caller: &RootKey, limit: i64, cursor: Option<&str>) -> Outcome<Page<RootKey>> {
    Page::load(limit, |limit| reach(caller, limit, cursor), |root_key| root_key.id.clone())
}

fn reach(caller: &RootKey, limit: i64, cursor: Option<&str>) -> Outcome<Vec<RootKey>> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut found, mut last) = (Vec::new(), cursor.map(str::to_owned));
    while found.len() < wanted {
        let rows = root_keys::page(limit, last.as_deref())?;
        let Some(row) = rows.last() else { break };
        last = Some(row.id.clone());
        found.extend(rows.into_iter().filter(|listed| caller.permissions.covers(&listed.permissions)));
    }
    found.truncate(wanted);
    Ok(found)
}

/// Changes a root key.
pub fn update(key_id: &str, patch: RootKeyPatch, caller: Option<&RootKey>) -> Outcome<()> {
    let permissions = patch.permissions()?;
    let old = locked(key_id)?;
    check_reach(caller, &old.permissions)?;
    let expires = patch.expires.change();
    check_power(caller, permissions.as_ref().unwrap_or(&old.permissions), expires.unwrap_or(old.expires))?;
    let changes =
        Changes { name: patch.name.change(), permissions, expires_ms: expires, enabled: patch.enabled };
    root_keys::update(key_id, &changes, clock::now())
}

/// Makes a root key like this one and lets the old one end after `grace` milliseconds, as a reroll of a key does;
/// without a grace it ends when it would have anyway.
pub fn reroll(key_id: &str, grace: Option<i64>, caller: Option<&RootKey>) -> Outcome<Created> {
    check_grace(grace.unwrap_or(0))?;
    let old = locked(key_id)?;
    check_power(caller, &old.permissions, old.expires)?;
    let now = clock::now();
    if let Some(grace) = grace {
        let end = old_key_ends(old.expires, grace, now);
        let changes = Changes { expires_ms: Some(Some(end)), ..Changes::default() };
        while_doing(Doing::Reroll, || root_keys::update(key_id, &changes, now))?;
    }
    let RootKey { name, permissions, expires, enabled, .. } = old;
    issue(NewRow { name, permissions, expires, enabled, ..NewRow::default() }, now)
}

/// Deletes a root key: it authenticates no more.
pub fn delete(key_id: &str, caller: Option<&RootKey>) -> Outcome<()> {
    check_reach(caller, &locked(key_id)?.permissions)?;
    root_keys::soft_delete(key_id, clock::now())
}
