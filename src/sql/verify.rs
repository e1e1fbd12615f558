//! `unkey_verify_key`: the hot function, start to end.

use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};
use unkey_core::Error;
use unkey_core::key::Hash;
use unkey_core::validate::required;
use unkey_core::verdict::Code;

use super::types::{Address, Composite, Document, Elements, List, Rows, row_of, strings};
use super::{jsonb, printed};
use crate::clock;
use crate::error::{Outcome, raise};
use crate::question::{Arguments, Question, Scope};
use crate::store::record::{Columns, Record, Texts};
use crate::store::value::Varlena;
use crate::verify::{self, Answer};

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
pub(super) fn question(
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
) -> Composite {
    raise(|| {
        let question = question(permissions, cost, ratelimits, tags, api_id, ip, migration_id)?;
        let answer = verify::verify(key, &question)?;
        row(&answer)?.composite()
    })
}

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
#[pg_extern(sql = false)]
fn unkey_verify_keys(
    keys: Option<Elements<&str>>,
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
        let keys = key_texts(keys)?;
        let question = question(permissions, cost, ratelimits, tags, api_id, ip, migration_id)?;
        let mut rows = Rows::of(fcinfo);
        for answer in verify::verify_all(&keys, &question)? {
            let Row { mut values, mut nulls } = row(&answer)?;
            rows.put(&mut values, &mut nulls)?;
        }
        Ok(rows)
    })
}

/// The first argument of `unkey_verify_keys`.
pub(super) fn key_texts(keys: Option<Elements<&str>>) -> Outcome<Vec<Option<&str>>> {
    Ok(required("keys", keys)?.each("keys")?)
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
) -> Composite {
    raise(|| {
        let hash = required("hash", hash)?;
        let hash = Hash::from_bytes(hash).ok_or_else(|| Error::invalid("hash", "must have 32 bytes"))?;
        let question = question(permissions, cost, ratelimits, tags, api_id, ip, None)?;
        let answer = verify::verify_hash(&hash, &question)?;
        row(&answer)?.composite()
    })
}

/// The columns of `unkey.verification`, in their order.
pub(super) struct Row {
    pub(super) values: [pg_sys::Datum; COLUMNS],
    pub(super) nulls: [bool; COLUMNS],
}

pub(super) const COLUMNS: usize = 12;

impl Row {
    fn of(values: [Option<pg_sys::Datum>; COLUMNS]) -> Self {
        Self {
            values: values.map(|value| value.unwrap_or(pg_sys::Datum::null())),
            nulls: values.map(|value| value.is_none()),
        }
    }

    pub(super) fn composite(mut self) -> Outcome<Composite> {
        row_of(c"verification", &mut self.values, &mut self.nulls)
    }
}

pub(super) fn row(answer: &Answer) -> Outcome<Row> {
    let code = verify::code(answer);
    let verdict = [(code == Code::Valid).into_datum(), code.as_str().into_datum()];
    let Some(found) = answer else {
        let [valid, code] = verdict;
        let mut values = [None; COLUMNS];
        values[..2].copy_from_slice(&[valid, code]);
        return Ok(Row::of(values));
    };
    let [valid, code] = verdict;
    let key = &found.key;
    let columns = columns(key)?;
    let stored = |column: &Option<Varlena>| column.as_ref().map(Varlena::datum);
    Ok(Row::of([
        valid,
        code,
        Some(columns.key_id.datum()),
        stored(&columns.name),
        key.meta.as_ref().map(|meta| meta.stored().map(Varlena::datum)).transpose()?,
        key.expires.and_then(clock::timestamp).into_datum(),
        found.credits.into_datum(),
        key.enabled.into_datum(),
        stored(&columns.roles),
        stored(&columns.permissions),
        stored(&columns.identity),
        (!found.ratelimits.is_empty()).then(|| jsonb::limits(&found.ratelimits)),
    ]))
}

/// The columns that are the same in every answer about a key, made once.
pub(super) fn columns(key: &Record) -> Outcome<&Columns> {
    if let Some(columns) = key.columns.get() {
        return Ok(columns);
    }
    let list = |list: &[String]| (!list.is_empty()).then(|| Varlena::texts(list));
    let identity = key.identity.as_ref().map(|identity| jsonb::identity(key, identity)).transpose()?;
    let columns = Columns {
        key_id: Varlena::text(&key.id),
        name: key.name.as_deref().map(Varlena::text),
        roles: list(&key.roles),
        permissions: list(&key.permissions),
        identity,
    };
    Ok(key.columns.get_or_init(|| columns))
}

/// The same as text.
pub(super) fn texts(key: &Record) -> Outcome<&Texts> {
    if let Some(texts) = key.texts.get() {
        return Ok(texts);
    }
    let list = |list: &[String]| (!list.is_empty()).then(|| printed::texts(list));
    let identity = key.identity.as_ref().map(|identity| printed::identity(key, identity)).transpose()?;
    let texts = Texts { roles: list(&key.roles), permissions: list(&key.permissions), identity };
    Ok(key.texts.get_or_init(|| texts))
}
