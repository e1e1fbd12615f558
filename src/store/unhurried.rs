//! Commits that need not wait for the disk.

use std::cell::Cell;

use pgrx::callbacks::{PgXactCallbackEvent, register_xact_callback};
use pgrx::pg_sys::{self, GucAction, GucContext};

use super::setting;

thread_local! {
    /// Where the log of this transaction ends if nothing but [`unhurried`] work has written to it; 0 before that.
    static END: Cell<pg_sys::XLogRecPtr> = const { Cell::new(0) };
}

/// Does work that a crash may take back. A transaction that writes nothing else then commits as with
/// `synchronous_commit = off`; one that does, before or after, commits as its session says.
pub fn unhurried<T>(work: impl FnOnce() -> T) -> T {
    let is_alone = written() == END.get();
    let result = work();
    if is_alone && END.replace(written()) == 0 {
        register_xact_callback(PgXactCallbackEvent::PreCommit, before_commit);
        register_xact_callback(PgXactCallbackEvent::Abort, || END.set(0));
    }
    result
}

/// Whether this transaction wrote something that a crash must not take back. Reading may write too, to tidy a page up; that
/// takes no transaction id.
pub fn is_durable() -> bool {
    // SAFETY: reads a backend-local variable.
    let has_id = unsafe { pg_sys::GetTopTransactionIdIfAny() } != pg_sys::InvalidTransactionId;
    has_id && written() != END.get()
}

/// Where the last record of this transaction ends; 0 without one.
fn written() -> pg_sys::XLogRecPtr {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::XactLastRecEnd }
}

fn before_commit() {
    let end = END.replace(0);
    if end == 0 || end != written() {
        return;
    }
    setting::set(c"synchronous_commit", c"off", GucContext::PGC_USERSET, GucAction::GUC_ACTION_LOCAL);
}
