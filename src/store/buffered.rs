//! From memory into the tables of analytics.
//!
//! An event goes straight into the partition of its day. Those at which the roll-ups have already been go to the queue
//! instead, and so do those whose day has no partition: `unkey.maintain()` knows what to do about either.

use std::collections::HashMap;
use std::ffi::CStr;

use serde::Deserialize;

use super::copy::{Row, append};
use super::event_bytes::{Limit, Record, Verification, request_id};
use super::events::LATEST;
use super::lock;
use super::session::role_name;
use super::statement::{View, row};
use crate::clock;
use crate::error::Outcome;

/// Makes this transaction the only one that writes events from memory; `false` if another one is.
pub fn lock() -> bool {
    lock::take("memory", false)
}

/// Where events may go now.
#[derive(Deserialize)]
struct Places {
    /// From here on nothing is rolled up yet; `None` if everything is.
    until: Option<i64>,
    /// Days that have a partition, counted from the Unix epoch.
    verification_days: Vec<i64>,
    ratelimit_days: Vec<i64>,
}

const DAY: i64 = 24 * 60 * 60 * 1000;

impl Places {
    fn now() -> Outcome<Self> {
        let places = row(
            View::Latest,
            "SELECT pg_catalog.json_build_object(
                'until', (SELECT unkey.to_ms(until) FROM unkey.rolled_up),
                'verification_days', coalesce(pg_catalog.json_agg(number) FILTER (WHERE parent = 'verification_events'), '[]'),
                'ratelimit_days', coalesce(pg_catalog.json_agg(number) FILTER (WHERE parent = 'ratelimit_events'), '[]'))
            FROM (SELECT parent, pg_catalog.to_date(day, 'YYYYMMDD') - DATE '1970-01-01' FROM unkey.event_partitions)
                AS partition (parent, number)",
            &[],
        )?;
        Ok(places.unwrap_or(Self { until: None, verification_days: Vec::new(), ratelimit_days: Vec::new() }))
    }

    /// Whether an event goes into a partition.
    fn are_ready(&self, days: &[i64], time: i64) -> bool {
        self.until.is_some_and(|until| time >= until) && days.contains(&time.div_euclid(DAY))
    }
}

/// Writes events; answers how many went into partitions.
pub fn write(records: &[Record]) -> Outcome<u64> {
    let places = Places::now()?;
    let (mut ready, mut late) = (Vec::new(), Vec::new());
    let (mut limits, mut late_limits) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Verification(event) if places.are_ready(&places.verification_days, event.time) => {
                ready.push(event);
            }
            Record::Verification(event) => late.push(event),
            Record::Limit(event) if places.are_ready(&places.ratelimit_days, event.time) => {
                limits.push(event)
            }
            Record::Limit(event) => late_limits.push(event),
        }
    }
    let mut roles = Roles::default();
    append_verifications(c"verification_events", &ready, &mut roles)?;
    append_verifications(c"verification_queue", &late, &mut roles)?;
    append_limits(c"ratelimit_events", &limits)?;
    append_limits(c"ratelimit_queue", &late_limits)?;
    Ok((ready.len() + limits.len()) as u64)
}

/// Names of roles by their numbers, each looked up once.
#[derive(Default)]
struct Roles(HashMap<u32, String>);

impl Roles {
    fn name(&mut self, role: u32) -> &str {
        self.0.entry(role).or_insert_with(|| role_name(role.into()))
    }
}

fn append_verifications(table: &CStr, events: &[&Verification], roles: &mut Roles) -> Outcome<()> {
    const COLUMNS: [&CStr; 14] = [
        c"request_id",
        c"time",
        c"key_space_id",
        c"api_id",
        c"key_id",
        c"identity_id",
        c"external_id",
        c"outcome",
        c"region",
        c"tags",
        c"spent_credits",
        c"latency",
        c"source",
        c"role",
    ];
    append(table, &COLUMNS, events.iter(), |row: &mut Row, event| {
        put_request_id(row, event.request_id, event.time);
        row.long(clock::to_microseconds(event.time));
        row.text(event.key_space_id);
        row.text(event.api_id);
        row.text(event.key_id);
        row.optional(event.identity_id);
        row.optional(event.external_id);
        row.text(event.outcome);
        row.text("");
        row.texts(event.tags.count, event.tags.iter());
        row.long(event.spent_credits);
        row.double(event.latency_ms);
        row.text(if event.is_api { "api" } else { "sql" });
        row.text(roles.name(event.role));
    })
}

fn append_limits(table: &CStr, events: &[&Limit]) -> Outcome<()> {
    const COLUMNS: [&CStr; 11] = [
        c"request_id",
        c"time",
        c"namespace_id",
        c"identifier",
        c"passed",
        c"latency",
        c"override_id",
        c"limit",
        c"remaining",
        c"reset_at",
        c"tokens",
    ];
    append(table, &COLUMNS, events.iter(), |row: &mut Row, event| {
        put_request_id(row, event.request_id, event.time);
        row.long(clock::to_microseconds(event.time));
        row.text(event.namespace_id);
        row.text(event.identifier);
        row.boolean(event.passed);
        row.double(event.latency_ms);
        row.optional(event.override_id);
        row.long(event.limit);
        row.long(event.remaining);
        row.long(clock::to_microseconds(event.reset.min(LATEST)));
        row.long(event.tokens);
    })
}

fn put_request_id(row: &mut Row, given: Option<&str>, time: i64) {
    match given {
        Some(id) => row.text(id),
        None => row.text(&request_id(time)),
    }
}
