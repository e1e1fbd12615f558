//! `unkey_verify_key`: the hot function, start to end.

use pgrx::prelude::*;
use pgrx::{IntoDatum, direct_function_call_as_datum, pg_sys};
use serde::Serialize;
use unkey_core::key::Hash;
use unkey_core::validate::required;
use unkey_core::verdict::Code;
use unkey_core::{Error, limits::LimitState};

use super::types::{Address, Composite, Document, Elements, List, Rows, columns_of, composite_of, strings};
use crate::clock;
use crate::error::{Outcome, raise};
use crate::verify::{self, Answer, Arguments, Found, Question, Scope, identity_reply};

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
fn question(
    permissions: Option<String>,
    cost: Option<i64>,
    ratelimits: Option<Document>,
    tags: Option<List>,
    api_id: Option<String>,
    ip: Option<Address>,
    migration_id: Option<String>,
) -> Outcome<Question> {
    let arguments = Arguments {
        permissions,
        cost,
        ratelimits: ratelimits.map(|limits| limits.text().to_owned()),
        tags: strings("tags", tags)?,
        scope: Scope { apis: api_id.map(|api_id| vec![api_id]), keyspaces: None },
        ip: ip.map(Address::text),
        migration_id,
    };
    Ok(arguments.check()?)
}

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
#[pg_extern(sql = false)]
fn unkey_verify_key(
    key: Option<&str>,
    permissions: Option<String>,
    cost: Option<i64>,
    ratelimits: Option<Document>,
    tags: Option<List>,
    api_id: Option<String>,
    ip: Option<Address>,
    migration_id: Option<String>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Composite {
    raise(|| {
        let question = question(permissions, cost, ratelimits, tags, api_id, ip, migration_id)?;
        let answer = verify::verify(key, &question)?;
        composite_of(&columns_of(fcinfo)?, &row(&answer)?)
    })
}

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
#[pg_extern(sql = false)]
fn unkey_verify_keys(
    keys: Option<Elements<String>>,
    permissions: Option<String>,
    cost: Option<i64>,
    ratelimits: Option<Document>,
    tags: Option<List>,
    api_id: Option<String>,
    ip: Option<Address>,
    migration_id: Option<String>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Rows {
    raise(|| {
        let keys = required("keys", keys)?.each("keys")?;
        let question = question(permissions, cost, ratelimits, tags, api_id, ip, migration_id)?;
        let mut rows = Rows::of(fcinfo);
        for answer in verify::verify_all(&keys, &question)? {
            rows.add(&row(&answer)?)?;
        }
        Ok(rows)
    })
}

/// The target of routing by key id, which one node alone does not need: the hash finds the key.
#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
#[pg_extern(sql = false)]
fn unkey_verify_hash(
    _key_id: Option<&str>,
    hash: Option<&[u8]>,
    permissions: Option<String>,
    cost: Option<i64>,
    ratelimits: Option<Document>,
    tags: Option<List>,
    api_id: Option<String>,
    ip: Option<Address>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Composite {
    raise(|| {
        let hash = required("hash", hash)?;
        let hash = Hash::from_bytes(hash).ok_or_else(|| Error::invalid("hash", "must have 32 bytes"))?;
        let question = question(permissions, cost, ratelimits, tags, api_id, ip, None)?;
        let answer = verify::verify_hash(&hash, &question)?;
        composite_of(&columns_of(fcinfo)?, &row(&answer)?)
    })
}

/// A row of `unkey.verification`: its columns in their order.
fn row(answer: &Answer) -> Outcome<Vec<Option<pg_sys::Datum>>> {
    let code = verify::code(answer);
    let verdict = [(code == Code::Valid).into_datum(), code.as_str().into_datum()];
    let details = answer.as_ref().map_or(Ok([None; DETAILS]), details)?;
    Ok(verdict.into_iter().chain(details).collect())
}

/// Columns of `unkey.verification` after `valid` and `code`.
const DETAILS: usize = 10;

fn details(found: &Found) -> Outcome<[Option<pg_sys::Datum>; DETAILS]> {
    let key = &found.key;
    let identity = identity_reply(key).map(|identity| json(&identity)).transpose()?;
    let limits: Option<&[LimitState]> = (!found.ratelimits.is_empty()).then_some(&found.ratelimits);
    Ok([
        key.id.as_str().into_datum(),
        key.name.as_deref().into_datum(),
        key.meta.as_ref().and_then(|meta| Jsonb(meta.get().to_owned()).into_datum()),
        key.expires.and_then(clock::timestamp).into_datum(),
        found.credits.into_datum(),
        key.enabled.into_datum(),
        some(&key.roles).into_datum(),
        some(&key.permissions).into_datum(),
        identity.into_datum(),
        limits.map(|limits| json(&limits)).transpose()?.into_datum(),
    ])
}

fn some(list: &[String]) -> Option<Vec<&str>> {
    (!list.is_empty()).then(|| list.iter().map(String::as_str).collect())
}

/// JSON text on its way into a `jsonb` column.
struct Jsonb(String);

fn json<T: Serialize>(value: &T) -> Outcome<Jsonb> {
    Ok(Jsonb(serde_json::to_string(value)?))
}

impl IntoDatum for Jsonb {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let text = std::ffi::CString::new(self.0).ok()?;
        // SAFETY: jsonb_in takes a C string and copies what it keeps.
        unsafe {
            direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(pg_sys::Datum::from(text.as_ptr()))])
        }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}
