//! Recording what verifications and limits answered, for analytics and `last_used_at`.
//!
//! Events go to shared memory, from where a worker writes them to tables many at a time; without it, or when it is full,
//! they go straight to a table. A record is never worth a verification: what can't be written is dropped, with one
//! warning per session.

use std::cell::Cell;

use pgrx::{pg_sys, warning};
use unkey_core::id;

use crate::actor::{self, Actor};
use crate::error::{Failure, Outcome};
use crate::shared::events::{are_on, reader, writer};
use crate::shared::stats::{self, Stat};
use crate::store::buffered;
use crate::store::event_bytes::{Common, Record, put_limit, put_verifications, records};
use crate::store::events::{Call, append, insert_limits, insert_verifications};
pub use crate::store::events::{LimitEvent, VerificationEvent};
use crate::store::session::role;
use crate::store::statement::is_read_only;
use crate::{clock, settings};

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
    record(events, buffer_verifications, insert_verifications);
}

/// Records a verification whose caller is about to raise an ERROR: memory keeps it past the end of the transaction. A table
/// would not, so without memory it is lost.
pub fn record_refusal(event: &VerificationEvent) {
    if !settings::record_verifications() {
        return;
    }
    let actor = actor::current();
    let common = common(actor.as_deref(), None);
    let keep = |length, write: &mut dyn FnMut(&mut [u8])| writer::append_lasting(length, write);
    if !are_on() || put_verifications(&common, std::slice::from_ref(event), keep) == 0 {
        stats::add(Stat::EventsDropped, 1);
    }
}

/// Records checks of one call of the standalone limiter.
pub fn record_limits(events: &[LimitEvent]) {
    record(events, buffer_limits, insert_limits);
}

fn buffer_verifications(common: &Common, events: &[VerificationEvent]) -> usize {
    put_verifications(common, events, |length, write| writer::append(length, write))
}

fn buffer_limits(common: &Common, events: &[LimitEvent]) -> usize {
    let put = |event: &&LimitEvent| put_limit(common, event, |length, write| writer::append(length, write));
    events.iter().take_while(put).count()
}

/// Records the events of one call, unless nobody wants them: in memory as far as there is room, the others in a table.
fn record<T>(events: &[T], put: fn(&Common, &[T]) -> usize, insert: fn(&Call, &[T]) -> Outcome<()>) {
    if events.is_empty() || !settings::record_verifications() {
        return;
    }
    let buffered = if are_on() { buffer(events, put) } else { 0 };
    let rest = events.get(buffered..).unwrap_or_default();
    if !rest.is_empty() {
        write(rest, insert);
    }
}

/// Records events in memory; answers how many there was room for.
fn buffer<T>(events: &[T], put: fn(&Common, &[T]) -> usize) -> usize {
    let actor = actor::current();
    // A lone event gets its id from whoever reads it; several have to share one.
    let made = if actor.is_none() && events.len() > 1 { id::new("req", clock::now()).ok() } else { None };
    let common = common(actor.as_deref(), made.as_deref());
    put(&common, events)
}

fn common<'a>(actor: Option<&'a Actor>, made: Option<&'a str>) -> Common<'a> {
    Common {
        request_id: actor.map(|actor| actor.request_id.as_str()).or(made),
        now: clock::now(),
        is_api: actor.is_some(),
        // SAFETY: reads a variable of this session.
        role: unsafe { pg_sys::GetOuterUserId() }.to_u32(),
    }
}

/// Writes events to a table; drops them where nothing can be written.
fn write<T>(events: &[T], insert: fn(&Call, &[T]) -> Outcome<()>) {
    let count = events.len() as u64;
    if is_read_only() {
        return stats::add(Stat::EventsDropped, count);
    }
    match current_call().map_err(Failure::message).and_then(|call| append(|| insert(&call, events))) {
        Ok(()) => stats::add(Stat::EventsDirect, count),
        Err(problem) => {
            stats::add(Stat::EventsDropped, count);
            warn_once(&problem);
        }
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

/// Writes what is in memory to tables; it leaves memory when the transaction commits. Answers how many events went into
/// partitions. The caller holds the lock of [`buffered::lock`].
pub fn drain() -> Outcome<u64> {
    empty(buffered::write)
}

/// The same with nothing but the queues.
pub fn enqueue() -> Outcome<u64> {
    empty(buffered::enqueue)
}

/// How many events are in memory. The caller holds the lock as well.
pub fn in_memory() -> usize {
    reader::published().iter().map(|span| records(span.bytes()).count()).sum()
}

fn empty(write: fn(&[Record]) -> Outcome<u64>) -> Outcome<u64> {
    let spans = reader::published();
    let read: Vec<Record> = spans.iter().flat_map(|span| records(span.bytes())).collect();
    let (count, moved) = (read.len() as u64, if read.is_empty() { 0 } else { write(&read)? });
    reader::tidy();
    if !spans.is_empty() {
        reader::consume_at_commit(spans, count, 0);
    }
    Ok(moved)
}
