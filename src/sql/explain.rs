//! `unkey_explain`.

use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};
use unkey_core::explain::Explanation;

use super::types::{Address, Document, Rows};
use super::verify::question;
use crate::clock;
use crate::error::{Outcome, raise};
use crate::explain::{self, Whose};
use crate::store::value::{Varlena, jsonb};

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
#[pg_extern(sql = false)]
fn unkey_explain(
    key: Option<&str>,
    permissions: Option<String>,
    cost: Option<i64>,
    ratelimits: Option<Document>,
    api_id: Option<String>,
    ip: Option<Address>,
    key_id: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Rows {
    raise(|| {
        let question = question(permissions, cost, ratelimits, None, api_id, ip, None)?;
        let explained = explain::explain(Whose::of(key, key_id)?, &question)?;
        let mut rows = Rows::of(fcinfo);
        for (position, explanation) in (1..).zip(&explained) {
            add(&mut rows, position, explanation)?;
        }
        Ok(rows)
    })
}

/// A row of `unkey.explanation`. Not made by a statement: parameters of statements can end up in a log, and whatever was asked
/// is repeated here.
fn add(rows: &mut Rows, position: i32, explanation: &Explanation) -> Outcome<()> {
    let Explanation { step, outcome, code, clears_at, message, details } = explanation;
    let details = details.as_ref().map(|details| jsonb(&details.to_string())).transpose()?;
    rows.add(&[
        position.into_datum(),
        step.as_str().into_datum(),
        outcome.as_str().into_datum(),
        code.map(|code| code.as_str()).into_datum(),
        clears_at.and_then(clock::timestamp).into_datum(),
        message.as_str().into_datum(),
        details.as_ref().map(Varlena::datum),
    ])
}
