//! The events of this session, which have the visibility of rows: they are published when their transaction commits, and
//! gone when it, or the savepoint they came after, is rolled back.

use pgrx::pg_sys;
use std::cell::RefCell;

use super::chunk::{CAPACITY, Chunk};
use super::databases::Database;
use super::pool::{self, Shared};
use super::transaction;
use crate::shared::stats::{self, Stat};

/// A chunk of this session, and up to where it is written.
#[derive(Clone, Copy)]
struct Held {
    chunk: &'static Chunk,
    end: usize,
}

/// How much was written before a savepoint's first event: so many chunks, the last of them up to `end`.
#[derive(Clone, Copy)]
struct Mark {
    level: i32,
    chunks: usize,
    end: usize,
}

struct Writer {
    shared: Shared,
    database: &'static Database,
    /// In the order they were filled. Between transactions at most one, which has room left.
    held: Vec<Held>,
    /// One for each open savepoint with events, innermost last.
    marks: Vec<Mark>,
}

thread_local! {
    static WRITER: RefCell<Option<Writer>> = const { RefCell::new(None) };
    /// Events that wait for the end of their transaction, whatever that is.
    static LASTING: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// How many of them a transaction may have.
const MOST_LASTING: usize = 64;

/// Writes an event of this length; `false` if there is no room for it.
pub fn append(length: usize, write: impl FnOnce(&mut [u8])) -> bool {
    with_writer(|writer| writer.append(length, write))
}

/// The same for one that stays if its transaction, or a savepoint, is rolled back.
pub fn append_lasting(length: usize, write: impl FnOnce(&mut [u8])) -> bool {
    with_writer(|writer| {
        let is_taken = writer.has_reader() && LASTING.with_borrow(|events| events.len() < MOST_LASTING);
        if is_taken {
            let mut event = vec![0; length];
            write(&mut event);
            LASTING.with_borrow_mut(|events| events.push(event));
        }
        is_taken
    })
}

fn with_writer(write: impl FnOnce(&mut Writer) -> bool) -> bool {
    WRITER.with_borrow_mut(|writer| {
        if writer.is_none() {
            *writer = Writer::new();
        }
        writer.as_mut().is_some_and(write)
    })
}

/// The transaction is committed, or prepared.
pub(super) fn commit() {
    WRITER.with_borrow_mut(|writer| {
        writer.iter_mut().for_each(|writer| {
            writer.append_all_lasting();
            writer.publish();
        });
    });
}

/// The transaction is rolled back.
pub(super) fn abort() {
    WRITER.with_borrow_mut(|writer| {
        writer.iter_mut().for_each(|writer| {
            writer.marks.clear();
            writer.cut(1, 0);
            writer.append_all_lasting();
            writer.publish();
        });
    });
}

/// A savepoint is released.
pub(super) fn commit_level(level: i32) {
    WRITER.with_borrow_mut(|writer| writer.iter_mut().for_each(|writer| writer.release(level)));
}

/// A savepoint is rolled back.
pub(super) fn abort_level(level: i32) {
    WRITER.with_borrow_mut(|writer| writer.iter_mut().for_each(|writer| writer.roll_back(level)));
}

/// The session ends.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn leave(_code: i32, _arg: pg_sys::Datum) {
    if let Some(mut writer) = WRITER.with_borrow_mut(Option::take) {
        writer.cut(1, 0);
        writer.held.drain(..).for_each(|held| writer.shared.close(held.chunk));
        writer.database.leave();
    }
}

impl Writer {
    fn new() -> Option<Self> {
        let shared = pool::get()?;
        // SAFETY: reads a variable of this process; the callback stays for the life of the process, and comes after the
        // end of its last transaction and before the end of its place in shared memory.
        let database = unsafe {
            let database = shared.join_database(pg_sys::MyDatabaseId.to_u32())?;
            pg_sys::on_shmem_exit(Some(leave), pg_sys::Datum::null());
            database
        };
        transaction::watch();
        Some(Self { shared, database, held: Vec::new(), marks: Vec::new() })
    }

    fn append(&mut self, length: usize, write: impl FnOnce(&mut [u8])) -> bool {
        if !self.has_reader() {
            return false;
        }
        if !self.has_room(length) && !self.take() {
            return false;
        }
        self.mark();
        let Some(held) = self.held.last_mut() else { return false };
        // SAFETY: a chunk of this session, behind what it published.
        let Some(room) = (unsafe { held.chunk.room(held.end, length) }) else { return false };
        write(room);
        held.end += length;
        true
    }

    /// Without a worker nobody knows when events would leave memory, or whether in time before a shutdown.
    fn has_reader(&self) -> bool {
        let has_worker = self.database.worker().is_some();
        if !has_worker {
            self.shared.want_worker(self.database);
        }
        has_worker
    }

    fn append_all_lasting(&mut self) {
        for event in LASTING.take() {
            if !self.append(event.len(), |room| room.copy_from_slice(&event)) {
                stats::add(Stat::EventsDropped, 1);
            }
        }
    }

    /// Whether the last chunk holds that much more, or no chunk ever will.
    fn has_room(&self, length: usize) -> bool {
        length > CAPACITY || self.held.last().is_some_and(|held| held.end + length <= CAPACITY)
    }

    fn take(&mut self) -> bool {
        let taken = self.shared.take(self.database.oid());
        if self.shared.is_scarce() {
            self.database.hurry();
        }
        self.held.extend(taken.map(|chunk| Held { chunk, end: 0 }));
        taken.is_some()
    }

    /// Notes where the events of the innermost savepoint begin.
    fn mark(&mut self) {
        // SAFETY: reads a variable of this process.
        let level = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
        if level > 1 && self.marks.last().is_none_or(|mark| mark.level < level) {
            let end = self.held.last().map_or(0, |held| held.end);
            self.marks.push(Mark { level, chunks: self.held.len(), end });
        }
    }

    fn release(&mut self, level: i32) {
        let Some(at) = self.marks.iter().position(|mark| mark.level == level) else { return };
        let around = level - 1;
        let is_marked =
            at.checked_sub(1).and_then(|at| self.marks.get(at)).is_some_and(|m| m.level == around);
        match self.marks.get_mut(at) {
            Some(mark) if around > 1 && !is_marked => mark.level = around,
            _ => self.marks.truncate(at),
        }
    }

    fn roll_back(&mut self, level: i32) {
        let Some(at) = self.marks.iter().position(|mark| mark.level >= level) else { return };
        if let Some(Mark { chunks, end, .. }) = self.marks.get(at).copied() {
            self.cut(chunks, end);
        }
        self.marks.truncate(at);
    }

    /// Gives up what was written beyond so many chunks, the last of them up to `end`, but nothing that is published.
    fn cut(&mut self, chunks: usize, end: usize) {
        for beyond in self.held.drain(chunks.max(1).min(self.held.len())..) {
            self.shared.close(beyond.chunk);
        }
        if let Some(last) = self.held.last_mut() {
            last.end = end.max(last.chunk.published());
        }
    }

    fn publish(&mut self) {
        self.marks.clear();
        let Some(last) = self.held.last() else { return };
        if self.held.len() == 1 && last.end == last.chunk.published() {
            return;
        }
        self.held.iter().for_each(|held| held.chunk.publish(held.end));
        let full = self.held.len() - 1;
        self.held.drain(..full).for_each(|held| self.shared.close(held.chunk));
        self.database.notify();
    }
}
