//! `unkey_begin_request`, `unkey_finish_request`.

use pgrx::prelude::*;
use unkey_core::validate::required;

use super::principal::Kept;
use super::types::Document;
use crate::error::{Outcome, raise};
use crate::idempotency;
use crate::store::value::jsonb;

#[pg_extern(sql = false)]
fn unkey_begin_request(idempotency_key: Option<&str>, request: Option<Document>) -> Kept {
    raise(|| {
        let key = required("idempotency_key", idempotency_key)?;
        let answer = idempotency::begin(key, request.as_ref().map(Document::text))?;
        answer.map_or(Ok(Kept(None)), |answer| document(answer.get()))
    })
}

#[pg_extern(sql = false)]
fn unkey_finish_request(idempotency_key: Option<&str>, answer: Option<Document>) -> Kept {
    raise(|| {
        let answer = required("answer", answer)?;
        idempotency::finish(required("idempotency_key", idempotency_key)?, answer.text())?;
        document(answer.text())
    })
}

fn document(text: &str) -> Outcome<Kept> {
    Ok(Kept(Some(jsonb(text)?.copied())))
}
