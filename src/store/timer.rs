//! A time limit of our own, and a look round now and then, by the machinery that Postgres keeps for extensions (`utils/timeout.h`).
//!
//! When the limit is up, the running query is cancelled as by the user; [`Timer::has_fired`] tells the two apart.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::pg_sys;

/// `USER_TIMEOUT` of Postgres' `TimeoutId`: asks for a free number.
#[cfg(any(feature = "pg15", feature = "pg16"))]
const USER_TIMEOUT: u32 = 12;
#[cfg(any(feature = "pg17", feature = "pg18"))]
const USER_TIMEOUT: u32 = 13;

// pgrx has no bindings of these. They raise nothing but FATAL. SetLatch is declared again because pgrx' wrapper is
// not made for a signal handler.
unsafe extern "C-unwind" {
    fn RegisterTimeout(id: u32, handler: extern "C-unwind" fn()) -> u32;
    fn enable_timeout_after(id: u32, milliseconds: i32);
    fn enable_timeout_every(id: u32, first: pg_sys::TimestampTz, milliseconds: i32);
    fn disable_timeout(id: u32, keep_indicator: bool);
    fn SetLatch(latch: *mut pg_sys::Latch);
}

static FIRED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The number that Postgres gave this backend's timer, of which there are few.
    static ID: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Runs in a signal handler.
extern "C-unwind" fn fire() {
    FIRED.store(true, Ordering::SeqCst);
    cancel();
}

/// Cancels the running query. For signal handlers: sets flags and wakes the backend, as Postgres' own handler of a cancel does.
pub fn cancel() {
    // SAFETY: flags made to be set by signal handlers, and a function made to be called by them.
    unsafe {
        pg_sys::QueryCancelPending = 1;
        pg_sys::InterruptPending = 1;
        SetLatch(pg_sys::MyLatch);
    }
}

/// Has a signal handler, always the same, called again and again during some work, which it may [`cancel`]: a cancel that comes too late
/// is of no use and forgotten.
pub fn every<T>(milliseconds: i32, handler: extern "C-unwind" fn(), work: impl FnOnce() -> T) -> T {
    thread_local! {
        static ID: Cell<Option<u32>> = const { Cell::new(None) };
    }
    // SAFETY: the handler lives as long as the library, which is never unloaded; the number is registered, and not running when it starts.
    unsafe {
        let id = ID.get().unwrap_or_else(|| RegisterTimeout(USER_TIMEOUT, handler));
        ID.set(Some(id));
        let first = pg_sys::GetCurrentTimestamp() + i64::from(milliseconds) * 1000;
        enable_timeout_every(id, first, milliseconds);
        let result = work();
        disable_timeout(id, false);
        pg_sys::QueryCancelPending = 0;
        result
    }
}

/// A running time limit; dropping it stops it.
pub struct Timer(u32);

impl Timer {
    /// Starts a time limit in milliseconds; `None` for 0, which is no limit.
    pub fn start(milliseconds: i32) -> Option<Self> {
        if milliseconds <= 0 {
            return None;
        }
        // SAFETY: the handler lives as long as the library, which is never unloaded.
        let register = || unsafe { RegisterTimeout(USER_TIMEOUT, fire) };
        let id = ID.get().unwrap_or_else(register);
        ID.set(Some(id));
        FIRED.store(false, Ordering::SeqCst);
        // SAFETY: the number is registered and, since timers do not nest, not running.
        unsafe { enable_timeout_after(id, milliseconds) };
        Some(Self(id))
    }

    /// Whether the last timer ran out.
    pub fn has_fired() -> bool {
        FIRED.load(Ordering::SeqCst)
    }

    /// Forgets a cancel that came too late to be of use.
    pub fn forget() {
        if FIRED.swap(false, Ordering::SeqCst) {
            // SAFETY: a backend-local flag; no timer runs any more.
            unsafe { pg_sys::QueryCancelPending = 0 };
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the number is registered; stopping a timer that ran out does nothing.
        unsafe { disable_timeout(self.0, false) };
    }
}
