//! The ends of transactions and savepoints, for both sides.

use std::cell::Cell;

use pgrx::pg_sys::{self, SubXactEvent, XactEvent};
use pgrx::{PgLogLevel, PgSqlErrorCode, ereport};

use super::{reader, writer};

/// Has the sides told of the ends of all transactions of this session from now on.
pub(super) fn watch() {
    thread_local! {
        static WATCHING: Cell<bool> = const { Cell::new(false) };
    }
    if !WATCHING.replace(true) {
        // SAFETY: callbacks with the signatures Postgres asks for, registered once.
        unsafe {
            pg_sys::RegisterXactCallback(Some(transaction), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(subtransaction), std::ptr::null_mut());
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn transaction(event: XactEvent::Type, _arg: *mut std::ffi::c_void) {
    match event {
        XactEvent::XACT_EVENT_COMMIT | XactEvent::XACT_EVENT_PREPARE => {
            writer::commit();
            reader::commit();
        }
        XactEvent::XACT_EVENT_ABORT => {
            writer::abort();
            reader::abort();
        }
        XactEvent::XACT_EVENT_PRE_PREPARE if reader::is_consuming() => refuse_to_prepare(),
        _ => {}
    }
}

/// Memory can't wait for a COMMIT PREPARED that may come after a restart.
fn refuse_to_prepare() {
    ereport!(
        PgLogLevel::ERROR,
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        "a transaction that ran unkey.maintain() can't be prepared",
        "Run it in a transaction of its own."
    );
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn subtransaction(
    event: SubXactEvent::Type,
    _own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _arg: *mut std::ffi::c_void,
) {
    // SAFETY: reads a variable of this process: the level that is ending.
    let level = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
    match event {
        SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => {
            writer::commit_level(level);
            reader::commit_level(level);
        }
        SubXactEvent::SUBXACT_EVENT_ABORT_SUB => {
            writer::abort_level(level);
            reader::abort_level(level);
        }
        _ => {}
    }
}
