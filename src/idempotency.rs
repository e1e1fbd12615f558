//! Requests that are done once, however often they are sent: the answer of the first is kept for its retries.
//!
//! A request belongs to the key that is authenticated. All of it is in the caller's transaction, so one that fails leaves
//! nothing, and its retry is a first time.

use serde_json::value::RawValue;
use unkey_core::idempotency::{self, another_request, nobody, not_under_way};

use crate::error::Outcome;
use crate::principal;
use crate::store::requests::{self, Claim};
use crate::{clock, settings};

/// Begins a request; `Some` is the answer of the one that was finished before, `None` says that the work is the caller's.
pub fn begin(idempotency_key: &str, request: Option<&str>) -> Outcome<Option<Box<RawValue>>> {
    let key_id = caller()?;
    idempotency::check_key(idempotency_key)?;
    let now = clock::now();
    let claim = Claim {
        key_id: &key_id,
        idempotency_key,
        fingerprint: request.map(idempotency::fingerprint),
        now,
        forgotten: now.saturating_sub(settings::idempotency_retention()),
    };
    // Another round only if another transaction has finished, removed or claimed it in between.
    loop {
        if requests::claim(&claim)? {
            return Ok(None);
        }
        let Some(known) = requests::find(&claim)? else { continue };
        if known.counts && !known.is_same {
            return Err(another_request().into());
        }
        if known.counts && known.is_finished {
            return Ok(Some(known.answer));
        }
        if requests::take_over(&claim)? {
            return Ok(None);
        }
    }
}

/// Keeps the answer of a request that was begun.
pub fn finish(idempotency_key: &str, answer: &str) -> Outcome<()> {
    let key_id = caller()?;
    idempotency::check_key(idempotency_key)?;
    idempotency::check_answer(answer)?;
    if requests::finish(&key_id, idempotency_key, answer)? { Ok(()) } else { Err(not_under_way().into()) }
}

fn caller() -> Outcome<String> {
    let principal = principal::current()?.ok_or_else(nobody)?;
    Ok(principal.key().id.clone())
}
