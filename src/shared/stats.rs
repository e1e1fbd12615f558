//! What is counted for whoever operates the server: of all sessions if the library is preloaded, of this one otherwise.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{attach, reserve};

macro_rules! stats {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// A figure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Stat {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Stat {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name by which `unkey.stats` shows it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in a sentence.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*),)* }
            }
        }
    };
}

stats! {
    /// Verifications that found their key in the session's cache.
    CacheHits = "cache_hits",
    /// Verifications that had to read tables, whether or not there was such a key.
    CacheMisses = "cache_misses",
    /// Keys that left a cache because it was full.
    CacheEvictions = "cache_evictions",
    /// Keys that were forgotten because they changed, and how often a cache was emptied because any key may have.
    CacheInvalidations = "cache_invalidations",
    /// Memory that the caches of all sessions hold now.
    CacheBytes = "cache_bytes",
    /// Events that were written to tables from memory.
    EventsWritten = "events_written",
    /// Events that their own session wrote to a queue: memory was full, or there was none.
    EventsDirect = "events_direct",
    /// Events that are lost: of read-only transactions without room in memory and of standbys, and those no table took.
    EventsDropped = "events_dropped",
    /// Pieces of memory for events.
    EventChunks = "event_chunks",
    /// Pieces of memory for events that are in use now; a session that verifies holds one.
    EventChunksUsed = "event_chunks_used",
    /// Workers that were started.
    WorkersStarted = "workers_started",
    /// How often no worker could be started: max_worker_processes is too low.
    WorkersMissing = "workers_missing",
    /// Slots that rate-limit counters have ever used, of those that unkey.counter_slots gives.
    CounterSlots = "counter_slots_used",
    /// How often a counter took over the slot of another one whose windows were over.
    CounterReuses = "counter_slots_reused",
    /// How often a counter found no free slot and was counted in the table.
    CounterFallbacks = "counter_fallbacks",
}

impl Stat {
    /// Whether it goes up and down; others only grow until the server (or without preloading, the session) ends.
    pub const fn is_gauge(self) -> bool {
        matches!(self, Self::CacheBytes | Self::EventChunks | Self::EventChunksUsed | Self::CounterSlots)
    }

    /// What it stands at.
    pub fn value(self) -> u64 {
        figures().get(self as usize).map_or(0, |figure| figure.load(Ordering::Relaxed))
    }
}

/// Every figure at its place in [`Stat::ALL`].
type Figures = [AtomicU64; Stat::ALL.len()];

static OF_THIS_SESSION: Figures = [const { AtomicU64::new(0) }; Stat::ALL.len()];

thread_local! {
    static SHARED: Cell<Option<&'static Figures>> = const { Cell::new(None) };
}

/// # Safety
/// In the hook that asks for shared memory.
pub(super) unsafe fn request() {
    // SAFETY: as the caller promises.
    unsafe { reserve(size_of::<Figures>()) }
}

/// # Safety
/// In the hook that finds shared memory, with its lock held.
pub(super) unsafe fn startup() {
    // SAFETY: as the caller promises; zeroes are figures, and shared memory stays where it is for good.
    unsafe {
        if let Some((piece, _)) = attach(c"unkey figures", size_of::<Figures>()) {
            SHARED.set(Some(piece.cast::<Figures>().as_ref()));
        }
    }
}

/// The figures.
fn figures() -> &'static Figures {
    SHARED.get().unwrap_or(&OF_THIS_SESSION)
}

/// Adds to a figure.
pub fn add(stat: Stat, amount: u64) {
    if let Some(figure) = figures().get(stat as usize) {
        figure.fetch_add(amount, Ordering::Relaxed);
    }
}

/// Takes from a figure that can shrink.
pub fn take(stat: Stat, amount: u64) {
    if let Some(figure) = figures().get(stat as usize) {
        figure.fetch_sub(amount, Ordering::Relaxed);
    }
}
