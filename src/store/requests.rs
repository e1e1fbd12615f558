//! Requests by idempotency key. Whoever has claimed one holds its row until the transaction ends; others wait for that.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::statement::{Arg, View, arg, row, rows};
use crate::error::Outcome;

/// A request about to be done. Times in milliseconds.
pub struct Claim<'a> {
    pub key_id: &'a str,
    pub idempotency_key: &'a str,
    pub fingerprint: Option<[u8; 32]>,
    pub now: i64,
    /// What began up to then counts no longer.
    pub forgotten: i64,
}

/// A request that was begun before.
#[derive(Deserialize)]
pub struct Known {
    /// Not forgotten.
    pub counts: bool,
    pub is_same: bool,
    pub is_finished: bool,
    pub answer: Box<RawValue>,
}

impl Claim<'_> {
    fn args<const N: usize>(&self, more: [Arg; N]) -> Vec<Arg> {
        let fingerprint = self.fingerprint.as_ref().map(|bytes| bytes.as_slice());
        let mut args = vec![arg(self.key_id), arg(self.idempotency_key), arg(fingerprint)];
        args.extend(more);
        args
    }
}

/// Claims a request that nobody has begun. If another transaction is about it, waits for that to end.
pub fn claim(claim: &Claim) -> Outcome<bool> {
    let text = "INSERT INTO unkey.requests (key_id, idempotency_key, fingerprint, began_at)
        VALUES ($1, $2, $3, unkey.from_ms($4)) ON CONFLICT (key_id, idempotency_key) DO NOTHING RETURNING 1";
    Ok(is_one(rows(View::Latest, text, &claim.args([arg(claim.now)]))?))
}

/// What is known of it.
pub fn find(claim: &Claim) -> Outcome<Option<Known>> {
    row(
        View::Latest,
        "SELECT json_build_object('counts', began_at > unkey.from_ms($4), 'is_same', fingerprint IS NOT DISTINCT FROM $3,
            'is_finished', answer IS NOT NULL, 'answer', answer)
        FROM unkey.requests WHERE key_id = $1 AND idempotency_key = $2",
        &claim.args([arg(claim.forgotten)]),
    )
}

/// Claims one that was begun and never finished, or is forgotten; not if another transaction did so while this one waited.
pub fn take_over(claim: &Claim) -> Outcome<bool> {
    let text = "UPDATE unkey.requests SET fingerprint = $3, answer = NULL, began_at = unkey.from_ms($5)
        WHERE key_id = $1 AND idempotency_key = $2 AND (answer IS NULL OR began_at <= unkey.from_ms($4)) RETURNING 1";
    Ok(is_one(rows(View::Latest, text, &claim.args([arg(claim.forgotten), arg(claim.now)]))?))
}

/// Keeps the answer of one that has none.
pub fn finish(key_id: &str, idempotency_key: &str, answer: &str) -> Outcome<bool> {
    let text = "UPDATE unkey.requests SET answer = $3::jsonb
        WHERE key_id = $1 AND idempotency_key = $2 AND answer IS NULL RETURNING 1";
    Ok(is_one(rows(View::Latest, text, &[arg(key_id), arg(idempotency_key), arg(answer)])?))
}

fn is_one(changed: Vec<u8>) -> bool {
    !changed.is_empty()
}
