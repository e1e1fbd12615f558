//! Events of analytics, on their way into the queues that `unkey.maintain()` empties.

use pgrx::datum::TimestampWithTimeZone;

use super::statement::{arg, run};
use super::subtransaction::attempt;
use super::unhurried::unhurried;
use crate::clock;
use crate::error::Outcome;

/// The answer about one key that was found.
#[derive(Debug)]
pub struct VerificationEvent<'a> {
    pub key_space_id: &'a str,
    pub api_id: &'a str,
    pub key_id: &'a str,
    pub identity_id: Option<&'a str>,
    pub external_id: Option<&'a str>,
    /// The code answered.
    pub outcome: &'static str,
    /// Sorted, each once.
    pub tags: &'a [String],
    pub spent_credits: i64,
    pub latency_ms: f64,
}

/// The answer of one check of the standalone limiter.
#[derive(Debug)]
pub struct LimitEvent<'a> {
    pub namespace_id: &'a str,
    pub identifier: &'a str,
    pub passed: bool,
    pub latency_ms: f64,
    pub override_id: Option<&'a str>,
    pub limit: i64,
    pub remaining: i64,
    /// Milliseconds since the Unix epoch.
    pub reset: i64,
    pub tokens: i64,
}

/// What all events of one call have in common.
#[derive(Debug)]
pub struct Call {
    pub request_id: String,
    /// Milliseconds since the Unix epoch.
    pub now: i64,
    /// `api` for the v2 dialect, `sql` otherwise.
    pub source: &'static str,
    /// The database role that asked, whoever owns the function that runs.
    pub role: String,
}

/// Appends events, all or none. `Err` says what Postgres said; the caller's transaction is untouched then.
pub fn append<T>(call: &Call, events: &[T], insert: impl Fn(&Call, &T) -> Outcome<()>) -> Result<(), String> {
    unhurried(|| attempt(|| events.iter().try_for_each(|event| insert(call, event))))
}

/// Appends a verification.
pub fn insert_verification(call: &Call, event: &VerificationEvent) -> Outcome<()> {
    run(
        "INSERT INTO unkey.verification_queue (request_id, time, key_space_id, api_id, key_id, identity_id, external_id,
            outcome, region, tags, spent_credits, latency, source, role)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, $11, $12, $13)",
        &[
            arg(call.request_id.as_str()),
            arg(time(call.now)),
            arg(event.key_space_id),
            arg(event.api_id),
            arg(event.key_id),
            arg(event.identity_id),
            arg(event.external_id),
            arg(event.outcome),
            arg(event.tags.to_vec()),
            arg(event.spent_credits),
            arg(event.latency_ms),
            arg(call.source),
            arg(call.role.as_str()),
        ],
    )
}

/// Appends a call of the standalone limiter.
pub fn insert_limit(call: &Call, event: &LimitEvent) -> Outcome<()> {
    run(
        "INSERT INTO unkey.ratelimit_queue (request_id, time, namespace_id, identifier, passed, latency, override_id,
            \"limit\", remaining, reset_at, tokens)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            arg(call.request_id.as_str()),
            arg(time(call.now)),
            arg(event.namespace_id),
            arg(event.identifier),
            arg(event.passed),
            arg(event.latency_ms),
            arg(event.override_id),
            arg(event.limit),
            arg(event.remaining),
            arg(time(event.reset.min(LATEST))),
            arg(event.tokens),
        ],
    )
}

/// The latest instant that `unkey.instant` takes: the end of a window can be later.
const LATEST: i64 = 253_402_214_400_000;

/// NULL outside Postgres' range, which no column takes.
fn time(milliseconds: i64) -> Option<TimestampWithTimeZone> {
    clock::timestamp(milliseconds)
}
