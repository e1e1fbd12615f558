//! Events of analytics, on their way into the queues that `unkey.maintain()` empties.

use pgrx::datum::TimestampWithTimeZone;

use super::record::Record;
use super::statement::{arg, column, run};
use super::subtransaction::attempt;
use super::unhurried::unhurried;
use crate::clock;
use crate::error::Outcome;

/// The answer about one key that was found.
#[derive(Debug)]
pub struct VerificationEvent<'a> {
    /// Of the v2 request that asked; `None` for what all events of the call share.
    pub request_id: Option<&'a str>,
    pub key: &'a Record,
    /// The code answered.
    pub outcome: &'static str,
    /// Sorted, each once.
    pub tags: &'a [String],
    pub spent_credits: i64,
    pub latency_ms: f64,
}

impl<'a> VerificationEvent<'a> {
    pub fn key_space_id(&self) -> &'a str {
        &self.key.api.keyspace_id
    }

    pub fn api_id(&self) -> &'a str {
        &self.key.api.id
    }

    pub fn key_id(&self) -> &'a str {
        &self.key.id
    }

    pub fn identity_id(&self) -> Option<&'a str> {
        self.key.identity.as_ref().map(|identity| identity.id.as_str())
    }

    pub fn external_id(&self) -> Option<&'a str> {
        self.key.identity.as_ref().map(|identity| identity.external_id.as_str())
    }
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
pub fn append(insert: impl FnOnce() -> Outcome<()>) -> Result<(), String> {
    unhurried(|| attempt(insert))
}

/// Appends verifications, in one statement.
pub fn insert_verifications(call: &Call, events: &[VerificationEvent]) -> Outcome<()> {
    match events {
        // Taking arrays apart would cost more than the row.
        [event] => insert_verification(call, event),
        _ => insert_many(call, events),
    }
}

fn insert_verification(call: &Call, event: &VerificationEvent) -> Outcome<()> {
    run(
        "INSERT INTO unkey.verification_queue (request_id, time, key_space_id, api_id, key_id, identity_id, external_id,
            outcome, region, tags, spent_credits, latency, source, role)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, $11, $12, $13)",
        &[
            arg(event.request_id.unwrap_or(&call.request_id)),
            arg(time(call.now)),
            arg(event.key_space_id()),
            arg(event.api_id()),
            arg(event.key_id()),
            arg(event.identity_id()),
            arg(event.external_id()),
            arg(event.outcome),
            arg(event.tags.to_vec()),
            arg(event.spent_credits),
            arg(event.latency_ms),
            arg(source(call, event)),
            arg(call.role.as_str()),
        ],
    )
}

fn source(call: &Call, event: &VerificationEvent) -> &'static str {
    event.request_id.map_or(call.source, |_| "api")
}

fn insert_many(call: &Call, events: &[VerificationEvent]) -> Outcome<()> {
    let (tags, bounds) = tags(events);
    run(
        "INSERT INTO unkey.verification_queue (request_id, time, key_space_id, api_id, key_id, identity_id, external_id,
            outcome, region, tags, spent_credits, latency, source, role)
        SELECT request_id, $1, key_space_id, api_id, key_id, identity_id, external_id,
            outcome, '', ($2)[first_tag:last_tag], spent_credits, latency, source, $3
        FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS event (request_id, key_space_id, api_id,
            key_id, identity_id, external_id, outcome, first_tag, last_tag, spent_credits, latency, source)",
        &[
            arg(time(call.now)),
            arg(tags),
            arg(call.role.as_str()),
            column(events, |event| event.request_id.unwrap_or(&call.request_id)),
            column(events, |event| event.key_space_id()),
            column(events, |event| event.api_id()),
            column(events, |event| event.key_id()),
            column(events, |event| event.identity_id()),
            column(events, |event| event.external_id()),
            column(events, |event| event.outcome),
            column(&bounds, |bounds| bounds.0),
            column(&bounds, |bounds| bounds.1),
            column(events, |event| event.spent_credits),
            column(events, |event| event.latency_ms),
            column(events, |event| source(call, event)),
        ],
    )
}

/// The tags of all events one after the other, and for each event where its own begin and end, counted from 1. Arrays of
/// different lengths are no array in SQL.
fn tags<'a>(events: &[VerificationEvent<'a>]) -> (Vec<&'a str>, Vec<(i32, i32)>) {
    let mut tags = Vec::new();
    let mut bounds = Vec::with_capacity(events.len());
    for event in events {
        let first = tags.len() as i32 + 1;
        tags.extend(event.tags.iter().map(String::as_str));
        bounds.push((first, tags.len() as i32));
    }
    (tags, bounds)
}

/// Appends calls of the standalone limiter.
pub fn insert_limits(call: &Call, events: &[LimitEvent]) -> Outcome<()> {
    events.iter().try_for_each(|event| insert_limit(call, event))
}

fn insert_limit(call: &Call, event: &LimitEvent) -> Outcome<()> {
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
pub const LATEST: i64 = 253_402_214_400_000;

/// NULL outside Postgres' range, which no column takes.
fn time(milliseconds: i64) -> Option<TimestampWithTimeZone> {
    clock::timestamp(milliseconds)
}
