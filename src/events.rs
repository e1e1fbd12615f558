//! Recording what verifications and limits answered, for analytics and `last_used_at`.
//!
//! A record is never worth a verification: what can't be written is dropped, with one warning per session.

use std::cell::Cell;

use pgrx::warning;
use unkey_core::id;

use crate::error::{Failure, Outcome};
use crate::store::events::{append, insert_limit, insert_verification};
use crate::store::session::role;
use crate::store::statement::is_read_only;
use crate::{actor, clock, settings};

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

impl Call {
    fn current() -> Outcome<Self> {
        let now = clock::now();
        let (request_id, source) = match actor::current() {
            Some(actor) => (actor.request_id, "api"),
            None => (id::new("req", now)?, "sql"),
        };
        Ok(Self { request_id, now, source, role: role() })
    }
}

/// Records verifications of one call.
pub fn record_verifications(events: &[VerificationEvent]) {
    record(events, insert_verification);
}

/// Records checks of one call of the standalone limiter.
pub fn record_limits(events: &[LimitEvent]) {
    record(events, insert_limit);
}

/// Writes the events of one call, unless nobody wants them or nothing can be written here.
fn record<T>(events: &[T], insert: impl Fn(&Call, &T) -> Outcome<()>) {
    if events.is_empty() || !settings::record_verifications() || is_read_only() {
        return;
    }
    let written = Call::current().map_err(Failure::message).and_then(|call| append(&call, events, insert));
    if let Err(problem) = written {
        warn_once(&problem);
    }
}

fn warn_once(problem: &str) {
    thread_local! {
        static WARNED: Cell<bool> = const { Cell::new(false) };
    }
    if !WARNED.replace(true) {
        warning!("verifications are not recorded for analytics: {problem}");
    }
}
