//! Rate-limit counters in shared memory: a fixed number of slots, in partitions that have a lock each.
//!
//! Lock order: partitions by their number; every partition that a call needs at once. Nothing else is locked, nothing is
//! allocated and nothing can fail while one is held. Rows are read and locked before, never meanwhile.
//!
//! What memory holds of a counter is all there is, but for the time before [`Memory::is_complete`] says so.

mod call;
mod save;
mod undo;

pub use call::{Attempt, Call};
pub use save::Saved;

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, Ordering};

use pgrx::pg_sys;
use smallvec::SmallVec;
use unkey_core::slots::Slot;

use super::stats::{self, Stat};
use super::{attach, reserve};
use crate::{clock, settings};

/// How many parts the slots are in. A call locks several at once; Postgres lets a session hold 200 locks.
const PARTITIONS: usize = 128;

/// What stands before the slots.
#[repr(C, align(64))]
struct Header {
    /// Since when nothing was counted but in these slots, in milliseconds since the Unix epoch; [`UNKNOWN`] until
    /// somebody asks on a server that is no standby.
    since: AtomicI64,
}

const UNKNOWN: i64 = i64::MAX;

thread_local! {
    static MEMORY: Cell<Option<Memory>> = const { Cell::new(None) };
}

/// # Safety
/// In the hook that asks for shared memory.
pub(super) unsafe fn request() {
    // SAFETY: as the caller promises.
    unsafe {
        reserve(bytes());
        pg_sys::RequestNamedLWLockTranche(c"unkey_counters".as_ptr(), PARTITIONS as i32);
    }
}

/// # Safety
/// In the hook that finds shared memory, with its lock held.
pub(super) unsafe fn startup() {
    // SAFETY: as the caller promises: the piece has room for the header and all slots, zeroes are unused slots, and both
    // stay where they are for good; the locks were asked for under this name.
    unsafe {
        let Some((piece, found)) = attach(c"unkey counters", bytes()) else { return };
        let header = piece.cast::<Header>();
        if !found {
            header.as_ref().since.store(UNKNOWN, Ordering::Relaxed);
        }
        let locks = pg_sys::GetNamedLWLockTranche(c"unkey_counters".as_ptr());
        MEMORY.set(NonNull::new(locks).map(|locks| Memory {
            header: header.as_ref(),
            slots: header.add(1).cast(),
            locks,
            each: slots_each(),
        }));
    }
}

fn bytes() -> usize {
    size_of::<Header>() + PARTITIONS * slots_each() * size_of::<Slot>()
}

/// Slots of one partition.
fn slots_each() -> usize {
    settings::counter_slots().div_ceil(PARTITIONS)
}

/// The counters in shared memory, if the library is preloaded.
pub fn memory() -> Option<Memory> {
    MEMORY.get()
}

/// The counters in shared memory.
#[derive(Clone, Copy)]
pub struct Memory {
    header: &'static Header,
    slots: NonNull<Slot>,
    locks: NonNull<pg_sys::LWLockPadded>,
    /// Slots of one partition.
    each: usize,
}

impl Memory {
    /// Whether a counter of this duration that is not here was not counted anywhere while it mattered: neither before the
    /// server started or became primary, nor in the table.
    pub fn is_complete(&self, duration: i64) -> bool {
        // SAFETY: reads the state of the server.
        if unsafe { pg_sys::RecoveryInProgress() } {
            return false;
        }
        let (now, since) = (clock::real(), &self.header.since);
        let since = match since.compare_exchange(UNKNOWN, now, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => now,
            Err(since) => since,
        };
        now.saturating_sub(since) >= duration.saturating_mul(2)
    }

    /// Notes that something is counted in the table, where it may be found to be missing here.
    pub fn note_elsewhere(&self) {
        if self.header.since.load(Ordering::Relaxed) != UNKNOWN {
            self.header.since.fetch_max(clock::real(), Ordering::Relaxed);
        }
    }

    /// Forgets all that was counted in a database.
    pub fn forget(&self, database: u32) {
        for partition in 0..PARTITIONS {
            let mut locked = self.lock([partition].into_iter(), Mode::Change);
            let slots = locked.slots_mut(partition).iter_mut();
            slots.filter(|slot| slot.key().database == database).for_each(Slot::forget);
        }
    }

    fn lock(&self, partitions: impl Iterator<Item = usize>, mode: Mode) -> Locked {
        let mut partitions: SmallVec<[usize; 8]> = partitions.collect();
        partitions.sort_unstable();
        partitions.dedup();
        let mode = match mode {
            Mode::Look => pg_sys::LWLockMode::LW_SHARED,
            Mode::Change => pg_sys::LWLockMode::LW_EXCLUSIVE,
        };
        for &partition in &partitions {
            // SAFETY: the lock of a partition below PARTITIONS, which this session does not hold.
            unsafe { pg_sys::LWLockAcquire(self.lock_of(partition), mode) };
        }
        Locked { memory: *self, partitions }
    }

    fn lock_of(&self, partition: usize) -> *mut pg_sys::LWLock {
        // SAFETY: there are PARTITIONS locks; a padded lock begins with the lock.
        unsafe { self.locks.add(partition % PARTITIONS).cast().as_ptr() }
    }
}

/// The database of this session.
pub fn database() -> u32 {
    // SAFETY: set once, before anything of a session runs.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Look,
    Change,
}

/// Partitions that this session has locked, until this is dropped.
struct Locked {
    memory: Memory,
    partitions: SmallVec<[usize; 8]>,
}

impl Locked {
    /// The slots of one of the partitions.
    fn slots(&self, partition: usize) -> &[Slot] {
        debug_assert!(self.partitions.contains(&partition));
        // SAFETY: the slots of a partition below PARTITIONS, which nobody changes while it is locked.
        unsafe { std::slice::from_raw_parts(self.first(partition), self.memory.each) }
    }

    /// The slots of one of the partitions, to change them: they have to be locked so.
    fn slots_mut(&mut self, partition: usize) -> &mut [Slot] {
        debug_assert!(self.partitions.contains(&partition));
        // SAFETY: the slots of a partition below PARTITIONS, at which nobody else looks while it is locked.
        unsafe { std::slice::from_raw_parts_mut(self.first(partition), self.memory.each) }
    }

    fn first(&self, partition: usize) -> *mut Slot {
        // SAFETY: there are PARTITIONS times so many slots.
        unsafe { self.memory.slots.add(partition % PARTITIONS * self.memory.each).as_ptr() }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        for &partition in self.partitions.iter().rev() {
            // SAFETY: taken by `lock`.
            unsafe { pg_sys::LWLockRelease(self.memory.lock_of(partition)) };
        }
    }
}
