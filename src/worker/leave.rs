//! A worker that is asked to leave does not finish what takes long and is as well done by the next one: that is cancelled,
//! as a user would.

use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use pgrx::pg_sys;

use super::is_shutting_down;
use crate::shared::events::databases::Database;
use crate::store::timer::USER_TIMEOUT;

// As `store::timer` declares them.
unsafe extern "C-unwind" {
    fn RegisterTimeout(id: u32, handler: extern "C-unwind" fn()) -> u32;
    fn enable_timeout_every(id: u32, first: pg_sys::TimestampTz, milliseconds: i32);
    fn disable_timeout(id: u32, keep_indicator: bool);
    fn SetLatch(latch: *mut pg_sys::Latch);
}

/// How often it looks whether it is asked, in milliseconds.
const INTERVAL: i32 = 100;

/// The database of this worker, for the signal handler.
static DATABASE: AtomicPtr<Database> = AtomicPtr::new(null_mut());

/// Whether the worker is asked to leave.
pub fn is_asked(database: &Database) -> bool {
    is_shutting_down() || database.is_held()
}

/// Runs in a signal handler: reads and sets flags and wakes the process, as Postgres' own handler of a cancel does.
extern "C-unwind" fn look() {
    // SAFETY: a place in shared memory, which is never given back; flags made to be set by signal handlers, and a function made
    // to be called by them.
    unsafe {
        if DATABASE.load(Ordering::Relaxed).as_ref().is_some_and(is_asked) {
            pg_sys::QueryCancelPending = 1;
            pg_sys::InterruptPending = 1;
            SetLatch(pg_sys::MyLatch);
        }
    }
}

/// Runs a transaction that is cancelled when the worker is asked to leave.
pub fn unless_asked<T>(database: &'static Database, work: impl FnOnce() -> T) -> T {
    thread_local! {
        /// The number that Postgres gave the timer.
        static ID: Cell<Option<u32>> = const { Cell::new(None) };
    }
    DATABASE.store(std::ptr::from_ref(database).cast_mut(), Ordering::Relaxed);
    // SAFETY: the handler lives as long as the library, which is never unloaded; the number is registered, and the timer stopped
    // when it starts. A cancel that came too late is of no use.
    unsafe {
        let id = ID.get().unwrap_or_else(|| RegisterTimeout(USER_TIMEOUT, look));
        ID.set(Some(id));
        let first = pg_sys::GetCurrentTimestamp() + i64::from(INTERVAL) * 1000;
        enable_timeout_every(id, first, INTERVAL);
        let result = work();
        disable_timeout(id, false);
        pg_sys::QueryCancelPending = 0;
        result
    }
}
