//! A piece of shared memory that one session fills and one reader empties.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a chunk, its header included.
const SIZE: usize = 16 * 1024;
/// Bytes of events that a chunk holds.
pub const CAPACITY: usize = SIZE - size_of::<Header>();

/// What becomes of a chunk. Changes under the lock of the pool, except from taken to closed.
pub mod state {
    /// Nobody's.
    pub const FREE: u32 = 0;
    /// A session writes to it.
    pub const TAKEN: u32 = 1;
    /// Nobody will write to it; once it is read it is free.
    pub const CLOSED: u32 = 2;
}

#[derive(Default)]
#[repr(C, align(64))]
pub struct Header {
    /// Whose events these are.
    pub database: AtomicU32,
    pub state: AtomicU32,
    /// Up to where a reader may read. Only the writer moves it, and only forward.
    published: AtomicU32,
    /// Up to where events are in tables. Only the reader moves it, and only forward.
    consumed: AtomicU32,
    /// The next free chunk and one; 0 for none.
    pub next: AtomicU32,
}

/// A chunk. All zeroes is a free one.
#[repr(C)]
pub struct Chunk {
    pub header: Header,
    body: UnsafeCell<[u8; CAPACITY]>,
}

// SAFETY: the writer touches the body behind `published` only, the reader only between `consumed` and `published`.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// Makes it as new, for its next writer.
    pub fn reset(&self, database: u32) {
        self.header.database.store(database, Ordering::Relaxed);
        self.header.consumed.store(0, Ordering::Relaxed);
        self.header.published.store(0, Ordering::Relaxed);
        self.header.state.store(state::TAKEN, Ordering::Release);
    }

    /// Whether it has or gets events of this database. That changes under the lock of the pool, except while there is
    /// something to read.
    pub fn is_of(&self, database: u32) -> bool {
        self.header.state.load(Ordering::Acquire) != state::FREE
            && self.header.database.load(Ordering::Relaxed) == database
    }

    /// Up to where a reader may read.
    pub fn published(&self) -> usize {
        self.header.published.load(Ordering::Acquire) as usize
    }

    /// Lets readers have everything up to here.
    pub fn publish(&self, end: usize) {
        self.header.published.store(end as u32, Ordering::Release);
    }

    /// Up to where events are in tables.
    pub fn consumed(&self) -> usize {
        self.header.consumed.load(Ordering::Acquire) as usize
    }

    /// Says that everything up to here is in tables, or given up.
    pub fn consume(&self, end: usize) {
        self.header.consumed.store(end as u32, Ordering::Release);
    }

    /// Whether everything published is consumed.
    pub fn is_empty(&self) -> bool {
        self.consumed() >= self.published()
    }

    /// The published bytes of a range.
    ///
    /// # Safety
    /// The range ends at what was published and is not consumed while the bytes are used.
    pub unsafe fn read(&self, from: usize, to: usize) -> &[u8] {
        let to = to.min(CAPACITY);
        let from = from.min(to);
        // SAFETY: within the body; nobody writes to what is published, as the caller promises.
        unsafe { std::slice::from_raw_parts(self.body.get().cast::<u8>().add(from), to - from) }
    }

    /// The bytes of a range for writing; `None` if it is full.
    ///
    /// # Safety
    /// Only the one writer, behind what it published, one range at a time.
    #[allow(clippy::mut_from_ref, reason = "shared memory; the caller promises to be alone")]
    pub unsafe fn room(&self, from: usize, length: usize) -> Option<&mut [u8]> {
        let fits = from.checked_add(length).is_some_and(|end| end <= CAPACITY);
        // SAFETY: within the body; nobody else reads or writes there, as the caller promises.
        fits.then(|| unsafe {
            std::slice::from_raw_parts_mut(self.body.get().cast::<u8>().add(from), length)
        })
    }
}
