//! A worker that is asked to leave does not finish what takes long and is as well done by the next one: that is cancelled,
//! as a user would.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::is_shutting_down;
use crate::shared::events::databases::Database;
use crate::store::timer::{cancel, every};

/// How often it looks whether it is asked, in milliseconds.
const INTERVAL: i32 = 100;

/// The database of this worker, for the signal handler.
static DATABASE: AtomicPtr<Database> = AtomicPtr::new(null_mut());

/// Whether the worker is asked to leave.
pub fn is_asked(database: &Database) -> bool {
    is_shutting_down() || database.is_held()
}

/// Runs in a signal handler.
extern "C-unwind" fn look() {
    // SAFETY: a place in shared memory, which is never given back.
    if unsafe { DATABASE.load(Ordering::Relaxed).as_ref() }.is_some_and(is_asked) {
        cancel();
    }
}

/// Runs a transaction that is cancelled when the worker is asked to leave.
pub fn unless_asked<T>(database: &'static Database, work: impl FnOnce() -> T) -> T {
    DATABASE.store(std::ptr::from_ref(database).cast_mut(), Ordering::Relaxed);
    every(INTERVAL, look, work)
}
