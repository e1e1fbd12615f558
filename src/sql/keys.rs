//! `unkey_*_key`, credits and migrations.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};
use serde::Serialize;
use serde_json::value::RawValue;
use unkey_core::credits::{Operation, Refill};
use unkey_core::document::{self, DayWithDaily, KeyPatch, RefillInput, RefillNames};
use unkey_core::reply::IdentityReply;
use unkey_core::validate::required;
use unkey_core::{Error, limits::StoredLimit};

use super::types::{
    Composite, Document, List, columns_of, composite, composite_of, instant, many, milliseconds, one, strings,
};
use crate::error::{Outcome, raise};
use crate::keys::{self, Created, NewKey};
use crate::store::key::Key;
use crate::verify::identity_reply;
use crate::{clock, migrations, reroll};

const REFILL: RefillNames =
    RefillNames { interval: "refill_interval", amount: "refill_amount", day: "refill_day" };

/// The refill of three arguments: without an amount there is none.
fn refill(
    amount: Option<i64>,
    interval: Option<String>,
    day: Option<i32>,
) -> unkey_core::Result<Option<Refill>> {
    match (amount, interval) {
        (Some(amount), Some(interval)) => RefillInput::new(interval, amount, day.map(i64::from))
            .checked(&REFILL, DayWithDaily::Ignored)
            .map(Some),
        (Some(_), None) => {
            Err(Error::invalid("refill_interval", "must be 'daily' or 'monthly' when refill_amount is given"))
        }
        (None, Some(_)) => Err(Error::invalid("refill_amount", "must be given when refill_interval is")),
        (None, None) if day.is_some() => {
            Err(Error::invalid("refill_amount", "must be given when refill_day is"))
        }
        (None, None) => Ok(None),
    }
}

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
#[pg_extern(sql = false)]
fn unkey_create_key(
    api_id: Option<String>,
    prefix: Option<String>,
    name: Option<String>,
    byte_length: Option<i32>,
    external_id: Option<String>,
    meta: Option<Document>,
    roles: Option<List>,
    permissions: Option<List>,
    expires: Option<TimestampWithTimeZone>,
    credits: Option<i64>,
    refill_amount: Option<i64>,
    refill_interval: Option<String>,
    refill_day: Option<i32>,
    ratelimits: Option<Document>,
    enabled: Option<bool>,
    recoverable: Option<bool>,
    ip_allowlist: Option<List>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Composite {
    raise(|| {
        let ratelimits =
            ratelimits.map(|limits| document::ratelimits("ratelimits", limits.text())).transpose()?;
        let created = keys::create(NewKey {
            api_id: required("api_id", api_id)?,
            prefix,
            name,
            byte_length: byte_length.map(i64::from),
            external_id,
            meta: meta.map(Document::raw).transpose()?,
            roles: strings("roles", roles)?,
            permissions: strings("permissions", permissions)?,
            expires: instant(expires),
            credits,
            refill: refill(refill_amount, refill_interval, refill_day)?,
            ratelimits: ratelimits.unwrap_or_default(),
            enabled: enabled.unwrap_or(true),
            recoverable: recoverable.unwrap_or(false),
            ip_allowlist: ip_allowlist.map(|list| list.strings("ip_allowlist")).transpose()?,
        })?;
        new_key(&created, fcinfo)
    })
}

/// A row of `unkey.new_key`. Not made by a statement: parameters of statements can end up in a log.
pub fn new_key(created: &Created, fcinfo: pg_sys::FunctionCallInfo) -> Outcome<Composite> {
    let values = [created.key_id.as_str().into_datum(), created.key.as_str().into_datum()];
    composite_of(&columns_of(fcinfo)?, &values)
}

/// A key as `unkey.key_details`.
#[derive(Serialize)]
struct Details<'a> {
    key_id: &'a str,
    api_id: &'a str,
    start: &'a str,
    name: Option<&'a str>,
    enabled: bool,
    meta: Option<&'a RawValue>,
    expires: Option<String>,
    credits: Option<i64>,
    refill_amount: Option<i64>,
    refill_interval: Option<&'static str>,
    refill_day: Option<u8>,
    last_refill_at: Option<&'a str>,
    permissions: Option<&'a [String]>,
    roles: Option<&'a [String]>,
    ratelimits: Option<&'a [StoredLimit]>,
    identity: Option<IdentityReply<'a>>,
    ip_allowlist: Option<&'a [String]>,
    created_at: Option<&'a str>,
    updated_at: Option<&'a str>,
    last_used_at: Option<&'a str>,
    recoverable: bool,
    cursor: Option<&'a str>,
}

fn details(key: &Key, now: i64) -> Details<'_> {
    let (refill, shown) = (key.refill(), key.shown.as_ref());
    Details {
        key_id: &key.id,
        api_id: &key.api.id,
        start: &key.start,
        name: key.name.as_deref(),
        enabled: key.enabled,
        meta: key.meta.as_deref(),
        expires: key.expires.and_then(clock::timestamp).map(|at| at.to_iso_string()),
        credits: key.balance(now).map(|balance| balance.remaining),
        refill_amount: refill.map(|refill| refill.amount),
        refill_interval: refill.map(|refill| refill.interval()),
        refill_day: refill.and_then(|refill| refill.day),
        last_refill_at: shown.and_then(|shown| shown.last_refill_at.as_deref()),
        permissions: some(&key.permissions),
        roles: some(&key.roles),
        ratelimits: some(&key.ratelimits),
        identity: identity_reply(key),
        ip_allowlist: key.allowlist.as_deref().and_then(some),
        created_at: shown.map(|shown| shown.created_at.as_str()),
        updated_at: shown.and_then(|shown| shown.updated_at.as_deref()),
        last_used_at: shown.and_then(|shown| shown.last_used_at.as_deref()),
        recoverable: shown.is_some_and(|shown| shown.recoverable),
        cursor: shown.map(|shown| shown.cursor.as_str()),
    }
}

/// Empty lists are shown as NULL.
fn some<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

#[pg_extern(sql = false)]
fn unkey_get_key(key_id: Option<&str>) -> Composite {
    raise(|| one(composite!("key_details"), &details(&keys::get(required("key_id", key_id)?)?, clock::now())))
}

#[pg_extern(sql = false)]
fn unkey_whoami(key: Option<&str>) -> Composite {
    raise(|| one(composite!("key_details"), &details(&keys::whoami(required("key", key)?)?, clock::now())))
}

#[pg_extern(sql = false)]
fn unkey_list_keys(
    api_id: Option<&str>,
    external_id: Option<&str>,
    limit: Option<i32>,
    cursor: Option<&str>,
) -> SetOfIterator<'static, Composite> {
    raise(|| {
        let page =
            keys::list(required("api_id", api_id)?, external_id, i64::from(limit.unwrap_or(100)), cursor)?;
        let now = clock::now();
        let rows: Vec<Details> = page.rows.iter().map(|key| details(key, now)).collect();
        Ok(SetOfIterator::new(many(composite!("key_details"), &rows)?))
    })
}

#[pg_extern(sql = false)]
fn unkey_update_key(key_id: Option<&str>, patch: Option<Document>) {
    raise(|| keys::update(required("key_id", key_id)?, KeyPatch::read(required("patch", patch)?.text())?))
}

#[pg_extern(sql = false)]
fn unkey_delete_key(key_id: Option<&str>, permanent: Option<bool>) {
    raise(|| keys::delete(required("key_id", key_id)?, permanent.unwrap_or(false)))
}

#[pg_extern(sql = false)]
fn unkey_reroll_key(
    key_id: Option<&str>,
    grace: Option<Interval>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Composite {
    raise(|| {
        let grace = grace.as_ref().map_or(0, milliseconds);
        new_key(&reroll::reroll(required("key_id", key_id)?, grace)?, fcinfo)
    })
}

fn update_credits(
    key_id: Option<&str>,
    operation: Option<&str>,
    value: Option<Option<i64>>,
) -> Outcome<Option<i64>> {
    let operation = Operation::read(required("operation", operation)?, value)?;
    keys::update_credits(required("key_id", key_id)?, operation)
}

#[pg_extern(sql = false)]
fn unkey_update_credits(key_id: Option<&str>, operation: Option<&str>, value: Option<i64>) -> Option<i64> {
    raise(|| update_credits(key_id, operation, Some(value)))
}

#[pg_extern(sql = false)]
fn unkey_update_credits_without_value(key_id: Option<&str>, operation: Option<&str>) -> Option<i64> {
    raise(|| update_credits(key_id, operation, None))
}

#[pg_extern(sql = false)]
fn unkey_migrate_keys(
    api_id: Option<&str>,
    keys: Option<Document>,
    migration_id: Option<&str>,
    algorithm: Option<&str>,
) -> Composite {
    raise(|| {
        let (api_id, keys) = (required("api_id", api_id)?, required("keys", keys)?);
        one(
            composite!("migration_result"),
            &migrations::import(api_id, keys.text(), migration_id, algorithm)?,
        )
    })
}
