//! Identities: the owners of keys.

use std::collections::HashMap;

use serde_json::value::RawValue;
use unkey_core::document::{IdentityPatch, Patch, RatelimitInput, check_ratelimits};
use unkey_core::error::quoted;
use unkey_core::{Error, Kind, id, limits, validate};

use crate::clock;
use crate::error::{Failure, Outcome};
use crate::page::Page;
use crate::store::identities::{self, Identity};

/// What a new identity can be given.
#[derive(Debug, Default)]
pub struct NewIdentity {
    pub external_id: String,
    pub meta: Option<Box<RawValue>>,
    pub ratelimits: Vec<RatelimitInput>,
}

fn not_found(reference: &str) -> Error {
    Error::new(Kind::IdentityNotFound, format!("identity {} was not found", quoted(reference)))
        .hint("SELECT * FROM unkey_list_identities() shows the identities there are; unkey_create_identity makes one.")
}

fn exists(external_id: &str) -> Error {
    let taken = Error::new(Kind::IdentityExists, format!("external_id {} is taken", quoted(external_id)));
    Error { argument: Some("external_id".into()), ..taken }
        .hint("External ids are unique; unkey_update_identity changes the identity there is.")
}

/// A document can grow as it is stored: by spaces, and numbers like 1e300 are written out.
fn check_stored_size(argument: &'static str, meta: &RawValue) -> Outcome<()> {
    Ok(validate::identity_meta_size(argument, identities::stored_size(meta)?)?)
}

/// Makes an identity and answers its id.
pub fn create(new: NewIdentity) -> Outcome<String> {
    validate::external_id("external_id", &new.external_id)?;
    if let Some(meta) = &new.meta {
        validate::identity_meta("meta", meta)?;
        check_stored_size("meta", meta)?;
    }
    check_ratelimits("ratelimits", &new.ratelimits)?;
    let now = clock::now();
    let id = id::new("id", now)?;
    let ratelimits = limits::replace(&[], new.ratelimits, || id::new("rl", now))?;
    identities::insert(&id, &new.external_id, new.meta.as_deref(), &ratelimits, now)?
        .ok_or_else(|| exists(&new.external_id))?;
    Ok(id)
}

/// The live identity with this external id or else this id, at the caller's snapshot.
pub fn get(reference: &str) -> Outcome<Identity> {
    Ok(identities::find(reference)?.ok_or_else(|| not_found(reference))?)
}

/// A page of identities by id.
pub fn list(limit: i64, cursor: Option<&str>, search: Option<&str>) -> Outcome<Page<Identity>> {
    validate::search(search)?;
    Page::load(limit, |limit| identities::page(limit, cursor, search), |last| last.identity_id.clone())
}

/// Changes an identity and answers it as it is then. Its keys go by the new limits from the next verification on.
pub fn update(reference: &str, patch: IdentityPatch) -> Outcome<Identity> {
    if let Patch::Set(meta) = &patch.meta {
        check_stored_size("patch.meta", meta)?;
    }
    let old = identities::lock_to_change(reference)?.ok_or_else(|| not_found(reference))?;
    let now = clock::now();
    let meta = patch.meta.change().unwrap_or(old.meta);
    let ratelimits = match patch.ratelimits {
        Some(new) => limits::replace(&old.ratelimits, new, || id::new("rl", now))?,
        None => old.ratelimits,
    };
    let changed = identities::update(&old.identity_id, meta.as_deref(), &ratelimits, now)?;
    Ok(changed.ok_or_else(|| not_found(reference))?)
}

/// Deletes an identity: its keys go on without it, and the external id is free again.
pub fn delete(reference: &str) -> Outcome<()> {
    let identity = identities::lock_to_delete(reference)?.ok_or_else(|| not_found(reference))?;
    identities::soft_delete(&identity.identity_id, clock::now())
}

/// Id of an identity, made when missing.
pub fn id(external_id: &str, now: i64) -> Outcome<String> {
    let ids = ids(&[external_id], now)?;
    ids.into_values().next().ok_or_else(|| Failure::Internal("an identity just made is not there".into()))
}

/// Ids of identities by external id, made when missing. Sorted, so that two callers never deadlock.
pub fn ids(external_ids: &[&str], now: i64) -> Outcome<HashMap<String, String>> {
    let found = identities::ids(external_ids)?;
    let missing = external_ids.iter().filter(|&&external| !found.contains_key(external));
    let new = missing.map(|&external| Ok((external, id::new("id", now)?))).collect::<Outcome<Vec<_>>>()?;
    if new.is_empty() {
        return Ok(found);
    }
    identities::insert_missing(&new, now)?;
    identities::ids(external_ids)
}
