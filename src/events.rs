//! Recording what verifications and limits answered, for analytics and `last_used_at`.
//!
//! A record is never worth a verification: what can't be written is dropped, with one warning per session.

use std::cell::Cell;

use pgrx::warning;
use unkey_core::id;

use crate::error::{Failure, Outcome};
use crate::store::events::{Call, append, insert_limits, insert_verifications};
pub use crate::store::events::{LimitEvent, VerificationEvent};
use crate::store::session::role;
use crate::store::statement::is_read_only;
use crate::{actor, clock, settings};

/// What the events of the running call have in common.
fn current_call() -> Outcome<Call> {
    let now = clock::now();
    let (request_id, source) = match actor::current() {
        Some(actor) => (actor.request_id.clone(), "api"),
        None => (id::new("req", now)?, "sql"),
    };
    Ok(Call { request_id, now, source, role: role() })
}

/// Records verifications of one call, or of several in one statement.
pub fn record_verifications(events: &[VerificationEvent]) {
    record(events, insert_verifications);
}

/// Records checks of one call of the standalone limiter.
pub fn record_limits(events: &[LimitEvent]) {
    record(events, insert_limits);
}

/// Writes the events of one call, unless nobody wants them or nothing can be written here.
fn record<T>(events: &[T], insert: impl FnOnce(&Call, &[T]) -> Outcome<()>) {
    if events.is_empty() || !settings::record_verifications() || is_read_only() {
        return;
    }
    let written = current_call().map_err(Failure::message).and_then(|call| append(|| insert(&call, events)));
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
