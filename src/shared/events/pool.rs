//! All chunks, and the one lock about them.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use pgrx::pg_sys;

use super::super::{attach, reserve};
use super::chunk::{Chunk, state};
use super::databases::Databases;
use crate::shared::stats::{self, Stat};

/// The head of the shared memory; chunks follow in a piece of their own.
#[repr(C)]
pub struct Pool {
    /// The first free chunk and one; 0 for none.
    free: AtomicU32,
    used: AtomicU32,
    /// Of the process that starts workers.
    pub launcher: AtomicPtr<pg_sys::Latch>,
    /// Some database found no place among these.
    pub is_crowded: AtomicBool,
    pub databases: Databases,
}

/// The shared memory, as this process has it.
#[derive(Clone, Copy)]
pub struct Shared {
    pub pool: &'static Pool,
    pub chunks: &'static [Chunk],
    lock: *mut pg_sys::LWLock,
}

thread_local! {
    static SHARED: Cell<Option<Shared>> = const { Cell::new(None) };
}

/// The shared memory; `None` if the library is not preloaded.
pub fn get() -> Option<Shared> {
    SHARED.get()
}

/// # Safety
/// In the hook that asks for shared memory.
pub unsafe fn request(chunks: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        reserve(size_of::<Pool>());
        reserve(chunks * size_of::<Chunk>());
        pg_sys::RequestNamedLWLockTranche(c"unkey_events".as_ptr(), 1);
    }
}

/// # Safety
/// In the hook that finds shared memory, with its lock held.
pub unsafe fn startup(count: usize) {
    // SAFETY: as the caller promises; zeroes are a pool and chunks, and shared memory stays where it is for good.
    unsafe {
        let pool = attach(c"unkey event pool", size_of::<Pool>());
        let chunks = attach(c"unkey event chunks", (count * size_of::<Chunk>()).max(1));
        let (Some((pool, found)), Some((chunks, _))) = (pool, chunks) else { return };
        let lock = &raw mut (*pg_sys::GetNamedLWLockTranche(c"unkey_events".as_ptr())).lock;
        let chunks = std::slice::from_raw_parts(chunks.cast::<Chunk>().as_ptr(), count);
        let shared = Shared { pool: pool.cast::<Pool>().as_ref(), chunks, lock };
        if !found {
            shared.free_all();
        }
        SHARED.set(Some(shared));
    }
}

/// Does something under the lock of the pool. It must not raise, wait, or lock again.
pub fn locked<T>(shared: Shared, work: impl FnOnce() -> T) -> T {
    // SAFETY: a lock of shared memory that this process does not hold; given back below, or by Postgres after an ERROR.
    unsafe {
        pg_sys::LWLockAcquire(shared.lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
        let result = work();
        pg_sys::LWLockRelease(shared.lock);
        result
    }
}

impl Shared {
    fn free_all(self) {
        for (at, chunk) in self.chunks.iter().enumerate() {
            chunk.header.next.store(at as u32, Ordering::Relaxed);
        }
        self.pool.free.store(self.chunks.len() as u32, Ordering::Relaxed);
        stats::add(Stat::EventChunks, self.chunks.len() as u64);
    }

    /// Takes a free chunk; `None` if there is none.
    pub fn take(self, database: u32) -> Option<&'static Chunk> {
        locked(self, || {
            let first = self.pool.free.load(Ordering::Relaxed);
            let chunk = self.chunks.get((first as usize).checked_sub(1)?)?;
            self.pool.free.store(chunk.header.next.load(Ordering::Relaxed), Ordering::Relaxed);
            self.pool.used.fetch_add(1, Ordering::Relaxed);
            stats::add(Stat::EventChunksUsed, 1);
            chunk.reset(database);
            Some(chunk)
        })
    }

    /// Says that its writer is done with a chunk; it is free as soon as it is read.
    pub fn close(self, chunk: &'static Chunk) {
        chunk.header.state.store(state::CLOSED, Ordering::Release);
        self.free_if_done(chunk);
    }

    /// Frees a closed chunk that is read. Writer and reader both ask, the lock lets one of them do it.
    pub fn free_if_done(self, chunk: &'static Chunk) {
        if chunk.header.state.load(Ordering::Acquire) != state::CLOSED || !chunk.is_empty() {
            return;
        }
        let Some(at) = self.chunks.iter().position(|other| std::ptr::eq(other, chunk)) else { return };
        locked(self, || {
            if chunk.header.state.load(Ordering::Relaxed) == state::CLOSED && chunk.is_empty() {
                chunk.header.state.store(state::FREE, Ordering::Relaxed);
                chunk.header.next.store(self.pool.free.load(Ordering::Relaxed), Ordering::Relaxed);
                self.pool.free.store(at as u32 + 1, Ordering::Relaxed);
                self.pool.used.fetch_sub(1, Ordering::Relaxed);
                stats::take(Stat::EventChunksUsed, 1);
            }
        });
    }

    /// The chunks of a database, as it looks: one that is read may become another database's meanwhile.
    pub fn of(self, database: u32) -> impl Iterator<Item = &'static Chunk> {
        self.chunks.iter().filter(move |chunk| chunk.is_of(database))
    }

    /// Whether more than half of the chunks are in use, so that somebody had better empty them.
    pub fn is_scarce(self) -> bool {
        self.pool.used.load(Ordering::Relaxed) as usize * 2 > self.chunks.len()
    }
}
