//! Reroll: a new text for a key, and an end for the old one.

use unkey_core::credits::Balance;
use unkey_core::limits::StoredLimit;
use unkey_core::{Error, Result, id, rule, validate};

use crate::actor::{Doing, while_doing};
use crate::error::Outcome;
use crate::keys::{Created, issue, locked_with_balance};
use crate::store::key::Key;
use crate::store::keys::{self, Changes, NewRow};
use crate::store::statement::View;
use crate::{access, apis, clock, recovery, store};

const MINUTE: i64 = 60_000;

/// Makes a key like this one and lets the old one end after `grace` milliseconds.
pub fn reroll(key_id: &str, grace: i64) -> Outcome<Created> {
    check_grace(grace)?;
    let old = locked_with_balance(key_id)?;
    let now = clock::now();
    let api = apis::get(View::Latest, &old.api.id)?;
    let vault = store::recovery::is_stored(key_id)?.then(|| recovery::open(&api, now)).transpose()?;
    let prefix = prefix(&old).and_then(|prefix| api.key_format.inherited(prefix));
    let text = api.key_format.generate(prefix.as_deref(), api.default_bytes)?;
    let balance = old.balance(now);
    let end = old_key_ends(old.expires, grace, now);
    let changes = Changes { expires_ms: Some(Some(end)), ..Changes::default() };
    while_doing(Doing::Reroll, || keys::update(key_id, &changes, now))?;
    issue(NewRow { prefix, ..copy(&old, balance, now)? }, text, vault.as_ref(), now)
}

/// How long an old key may stay good after a reroll, in milliseconds.
pub fn check_grace(grace: i64) -> Result<()> {
    if rule::GRACE.contains(grace) {
        return Ok(());
    }
    Err(Error::invalid("grace", "must be between 0 and 130 years"))
}

/// The stored prefix; for a key that was imported without one, what its visible beginning shows before the last `_`.
fn prefix(old: &Key) -> Option<String> {
    let shown =
        || Some(old.start.rsplit_once('_')?.0.to_owned()).filter(|prefix| validate::prefix(prefix).is_ok());
    old.prefix.clone().or_else(shown)
}

/// Without grace the old key is invalid at once; expiry is strict, so it ends a millisecond ago. With grace it ends
/// on a whole minute. Never later than it would have ended anyway.
pub fn old_key_ends(expires: Option<i64>, grace: i64, now: i64) -> i64 {
    let end = match grace {
        0 => now - 1,
        _ => now.saturating_add(grace).saturating_add(MINUTE - 1).div_euclid(MINUTE).saturating_mul(MINUTE),
    };
    end.min(expires.unwrap_or(validate::MAX_TIME)).min(validate::MAX_TIME)
}

fn copy(old: &Key, balance: Option<Balance>, now: i64) -> Outcome<NewRow> {
    let links = access::links_of_key(&old.id)?;
    let refill = old.refill();
    let fresh = |limit: &StoredLimit| Ok(StoredLimit { id: id::new("rl", now)?, ..limit.clone() });
    Ok(NewRow {
        api_id: old.api.id.clone(),
        identity_id: old.identity.as_ref().map(|identity| identity.id.clone()),
        enabled: old.enabled,
        expires: old.expires,
        refill_amount: refill.map(|refill| refill.amount),
        refill_day: refill.and_then(|refill| refill.day),
        remaining: balance.map(|balance| balance.remaining),
        name: old.name.clone(),
        meta: old.meta.clone(),
        ratelimits: old.ratelimits.iter().map(fresh).collect::<Outcome<_>>()?,
        ip_allowlist: old.allowlist.clone(),
        permission_ids: links.permissions,
        role_ids: links.roles,
        ..NewRow::default()
    })
}
