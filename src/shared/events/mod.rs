//! Events on their way to the tables of analytics, in shared memory.
//!
//! A [`pool`] of [`chunk`]s. A session that records takes one and is its only writer ([`writer`]); whoever empties it, the
//! worker of its database or `unkey.maintain()`, is its only reader ([`reader`]), since one lock keeps them apart.
//! So recording takes no lock; [`pool::locked`] guards what changes rarely: which chunks are free, and the few
//! [`databases`]. What an event says is none of this module's business: it moves bytes.

pub mod chunk;
pub mod databases;
pub mod pool;
pub mod reader;
mod transaction;
pub mod writer;

use pgrx::pg_sys;

use crate::settings;

/// Whether events can be kept in memory here at all.
pub fn are_on() -> bool {
    // SAFETY: reads shared state of Postgres. A standby can't write events, so it need not collect any.
    pool::get().is_some() && !unsafe { pg_sys::RecoveryInProgress() }
}

/// How many chunks there is room for.
fn chunks() -> usize {
    settings::event_buffer() / size_of::<chunk::Chunk>()
}

/// # Safety
/// In the hook that asks for shared memory.
pub(super) unsafe fn request() {
    // SAFETY: as the caller promises.
    unsafe { pool::request(chunks()) }
}

/// # Safety
/// In the hook that finds shared memory, with its lock held.
pub(super) unsafe fn startup() {
    // SAFETY: as the caller promises.
    unsafe { pool::startup(chunks()) }
}
