//! Imports: keys that exist elsewhere, known only by their hashes.

use std::collections::{BTreeSet, HashSet};

use unkey_core::document::{self, ImportedKey};
use unkey_core::error::quoted;
use unkey_core::key::{self, Hash};
use unkey_core::reply::{ImportedReply, MigratedReply};
use unkey_core::{Error, limits, rule};

use crate::access::{Ids, Missing};
use crate::actor::{Doing, while_doing};
use crate::error::Outcome;
use crate::store::key::Key;
use crate::store::keys::{self, NewRow};
use crate::store::migrations;
use crate::store::statement::View;
use crate::{access, apis, clock, identities, secret};

/// Hash of the whole key: nothing is left to do.
const SHA256: &str = "sha256";
/// Hash of the long token only, until the key is first seen.
const PREFIXED_API_KEY: &str = "github.com/seamapi/prefixed-api-key";

/// Imports keys in one go; a hash that exists already fails, the others go in.
pub fn import(
    api_id: &str,
    json: &str,
    migration_id: Option<&str>,
    algorithm: Option<&str>,
) -> Outcome<MigratedReply> {
    apis::get(View::Latest, api_id)?;
    let imported = document::imported_keys(json)?;
    let pending = register(migration_id, algorithm)?;
    let now = clock::now();
    let lookup = Lookup::resolve(&imported, now)?;
    let secret = secret::of_key_ids()?;
    let mut rows = Vec::with_capacity(imported.len());
    let mut seen = HashSet::new();
    let mut ids = Vec::with_capacity(imported.len());
    for key in imported {
        let hash = key.hash()?;
        let id = unkey_core::id::of_key(&secret, &hash)?;
        // Within one batch the first of a hash wins, as it would in two batches.
        let is_first = seen.insert(hash);
        ids.push((key.hash_text().to_owned(), is_first.then(|| id.clone())));
        if is_first {
            rows.push(lookup.row(key, id, api_id, pending.as_deref(), now)?);
        }
    }
    let inserted: HashSet<String> = keys::insert(&rows, now)?.into_iter().collect();
    Ok(sort_out(ids, &inserted))
}

fn sort_out(ids: Vec<(String, Option<String>)>, inserted: &HashSet<String>) -> MigratedReply {
    let mut result = MigratedReply { migrated: Vec::new(), failed: Vec::new() };
    for (hash, id) in ids {
        match id.filter(|id| inserted.contains(id)) {
            Some(key_id) => result.migrated.push(ImportedReply { hash, key_id }),
            None => result.failed.push(hash),
        }
    }
    result
}

/// Makes the migration if it is new, and answers its id if its keys are still to be finished.
fn register(migration_id: Option<&str>, algorithm: Option<&str>) -> Outcome<Option<String>> {
    let wanted = check_algorithm(algorithm)?;
    let Some(migration_id) = migration_id else {
        return match wanted {
            SHA256 => Ok(None),
            _ => Err(Error::invalid("migration_id", format!("must be given for '{wanted}'")).into()),
        };
    };
    rule::MIGRATION_ID.check("migration_id", migration_id)?;
    migrations::insert(migration_id, wanted)?;
    let stored = migrations::algorithm(View::Latest, migration_id)?.unwrap_or_default();
    if algorithm.is_some() && wanted != stored {
        let problem = format!("must be '{stored}', as migration {} began", quoted(migration_id));
        return Err(Error::invalid("algorithm", problem).into());
    }
    Ok((stored == PREFIXED_API_KEY).then(|| migration_id.to_owned()))
}

fn check_algorithm(algorithm: Option<&str>) -> Outcome<&str> {
    match algorithm {
        None => Ok(SHA256),
        Some(known @ (SHA256 | PREFIXED_API_KEY)) => Ok(known),
        Some(other) => {
            let problem = format!("must be '{SHA256}' or '{PREFIXED_API_KEY}', not {}", quoted(other));
            Err(Error::invalid("algorithm", problem).into())
        }
    }
}

/// What the keys of a batch refer to, resolved once.
struct Lookup {
    identities: Ids,
    permissions: Ids,
    roles: Ids,
}

impl Lookup {
    fn resolve(keys: &[ImportedKey], now: i64) -> Outcome<Self> {
        let external_ids: BTreeSet<&str> = keys.iter().filter_map(|key| key.external_id.as_deref()).collect();
        let slugs = distinct(keys.iter().filter_map(|key| key.permissions.as_deref()));
        let names = distinct(keys.iter().filter_map(|key| key.roles.as_deref()));
        Ok(Self {
            identities: identities::ids(&external_ids.into_iter().collect::<Vec<_>>(), now)?,
            permissions: access::permission_ids(&slugs, Missing::Made, now)?,
            roles: access::role_ids(&names, Missing::Made, now)?,
        })
    }

    fn row(
        &self,
        key: ImportedKey,
        id: String,
        api_id: &str,
        pending: Option<&str>,
        now: i64,
    ) -> Outcome<NewRow> {
        let (remaining, refill) = key.credits()?;
        let pick = |ids: &Ids, names: Option<Vec<String>>| {
            let chosen = names.unwrap_or_default().into_iter().filter_map(|name| ids.get_key_value(&name));
            access::distinct(chosen.map(|(name, id)| (name.clone(), id.clone())).collect())
        };
        Ok(NewRow {
            id,
            api_id: api_id.to_owned(),
            hash: key.hash()?.to_base64(),
            identity_id: key.external_id.and_then(|external| self.identities.get(&external).cloned()),
            enabled: key.enabled.unwrap_or(true),
            expires: key.expires,
            refill_amount: refill.map(|refill| refill.amount),
            refill_day: refill.and_then(|refill| refill.day),
            remaining,
            prefix: key.prefix,
            start: key.start.unwrap_or_default(),
            name: key.name,
            meta: key.meta,
            ratelimits: limits::replace(&[], key.ratelimits.unwrap_or_default(), || {
                unkey_core::id::new("rl", now)
            })?,
            ip_allowlist: key.ip_whitelist,
            pending_migration_id: pending.map(str::to_owned),
            permission_ids: pick(&self.permissions, key.permissions),
            role_ids: pick(&self.roles, key.roles),
        })
    }
}

fn distinct<'a>(lists: impl Iterator<Item = &'a [String]>) -> Vec<String> {
    let names: BTreeSet<&String> = lists.flatten().collect();
    names.into_iter().cloned().collect()
}

/// Gives a key of an unfinished migration its final hash, now that its whole text is known.
/// Nothing happens if there is none, it is not one that `may` be found, or the hash is reserved.
///
/// # Errors
/// If the migration expects texts of three parts and this has fewer.
pub fn finish(text: &str, migration_id: &str, may: impl FnOnce(&Key) -> bool) -> Outcome<()> {
    if migrations::algorithm(View::Latest, migration_id)?.as_deref() != Some(PREFIXED_API_KEY) {
        return Ok(());
    }
    let pending = keys::by_pending_hash(&key::prefixed_api_key_hash(text)?, migration_id)?;
    let Some(key) = pending.filter(may) else { return Ok(()) };
    while_doing(Doing::Upkeep, || {
        keys::finish_migration(&key.id, &Hash::of(text), &key::start_of(text), clock::now())
    })
}
