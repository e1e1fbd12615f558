//! Identities: the owners of keys.

use std::collections::HashMap;

use unkey_core::id;

use crate::error::{Failure, Outcome};
use crate::store::identities;

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
