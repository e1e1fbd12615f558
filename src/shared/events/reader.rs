//! What is published in a database, for the one who writes it to tables.

use std::cell::RefCell;

use pgrx::pg_sys;

use super::chunk::Chunk;
use super::pool::{self, Shared, locked};
use super::transaction;
use crate::shared::stats::{self, Stat};

/// Published events of one chunk.
pub struct Span {
    chunk: &'static Chunk,
    from: usize,
    to: usize,
}

impl Span {
    /// What this transaction has not taken of a chunk; `None` for nothing.
    fn unread(chunk: &'static Chunk) -> Option<Self> {
        let mut span = Self { chunk, from: 0, to: 0 };
        span.look_again().then_some(span)
    }

    /// Finds out again what that is, and whether it is anything.
    fn look_again(&mut self) -> bool {
        let taken = PENDING.with_borrow(|pending| {
            let spans = pending.iter().flat_map(|pending| &pending.spans);
            spans.filter(|span| std::ptr::eq(span.chunk, self.chunk)).map(|span| span.to).max()
        });
        self.from = self.chunk.consumed().max(taken.unwrap_or(0));
        self.to = self.chunk.published();
        self.from < self.to
    }

    /// The events.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the range was published and not consumed, and stays so until its only reader consumes it, which takes
        // this span.
        unsafe { self.chunk.read(self.from, self.to) }
    }
}

/// Spans, and of how many events in all, that are consumed when their transaction commits.
struct Pending {
    level: i32,
    spans: Vec<Span>,
    written: u64,
    dropped: u64,
}

thread_local! {
    static PENDING: RefCell<Vec<Pending>> = const { RefCell::new(Vec::new()) };
}

/// Everything published in this database that this transaction has not taken yet. The caller holds the lock that makes it the
/// only reader.
pub fn published() -> Vec<Span> {
    let Some(shared) = pool::get() else { return Vec::new() };
    // SAFETY: reads a variable of this process.
    let database = unsafe { pg_sys::MyDatabaseId.to_u32() };
    let mut spans: Vec<Span> = shared.of(database).filter_map(Span::unread).collect();
    if !spans.is_empty() {
        // A chunk that was read when it was looked at may be another database's by now. With something in it it stays.
        locked(shared, || spans.retain_mut(|span| span.chunk.is_of(database) && span.look_again()));
    }
    spans
}

/// Frees the closed chunks of this database in which nothing is left to read.
pub fn tidy() {
    let Some(shared) = pool::get() else { return };
    // SAFETY: reads a variable of this process.
    let database = unsafe { pg_sys::MyDatabaseId.to_u32() };
    shared.of(database).for_each(|chunk| shared.free_if_done(chunk));
}

/// Says that these events are in tables as soon as the transaction commits, except for some that no table took.
pub fn consume_at_commit(spans: Vec<Span>, written: u64, dropped: u64) {
    transaction::watch();
    // SAFETY: reads a variable of this process.
    let level = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
    PENDING.with_borrow_mut(|pending| pending.push(Pending { level, spans, written, dropped }));
}

/// Whether the transaction will consume events.
pub(super) fn is_consuming() -> bool {
    PENDING.with_borrow(|pending| !pending.is_empty())
}

pub(super) fn commit() {
    let pending = PENDING.take();
    let Some(shared) = pool::get() else { return };
    for Pending { spans, written, dropped, .. } in pending {
        stats::add(Stat::EventsWritten, written);
        stats::add(Stat::EventsDropped, dropped);
        spans.into_iter().for_each(|span| consume(shared, span));
    }
}

fn consume(shared: Shared, span: Span) {
    span.chunk.consume(span.to);
    shared.free_if_done(span.chunk);
}

pub(super) fn abort() {
    PENDING.take();
}

pub(super) fn commit_level(level: i32) {
    PENDING.with_borrow_mut(|pending| {
        pending.iter_mut().for_each(|pending| pending.level = pending.level.min(level - 1));
    });
}

pub(super) fn abort_level(level: i32) {
    PENDING.with_borrow_mut(|pending| pending.retain(|pending| pending.level < level));
}
