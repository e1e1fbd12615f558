//! Undoing what a refused call did, while the caller's transaction goes on.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgTryBuilder, pg_sys};
use unkey_core::Error;

use crate::error::Outcome;

/// Runs an operation in a subtransaction: kept if it succeeds, undone if it fails.
///
/// A value that Postgres itself can't take (SQLSTATE class 22, such as a number beyond `numeric`) is the caller's
/// mistake. Any other ERROR goes on and ends the whole transaction.
pub fn atomically<T>(operation: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    // SAFETY: the protocol of PL/pgSQL's blocks: begin, go on in the memory context of before, and afterwards restore
    // context and resource owner. An ERROR that is not caught unwinds to Postgres, which aborts the subtransaction too.
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let outcome = PgTryBuilder::new(AssertUnwindSafe(operation))
            .catch_others(|cause| match data_exception(&cause) {
                Some(mistake) => Err(mistake.into()),
                None => cause.rethrow(),
            })
            .execute();
        match outcome {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        outcome
    }
}

fn data_exception(cause: &CaughtError) -> Option<Error> {
    let (CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)) = cause else { return None };
    // Two characters of six bits each, as MAKE_SQLSTATE of Postgres' `elog.h` packs them.
    let class = report.sql_error_code() as i32 & 0xfff;
    let data = (i32::from(b'2') - 48) | ((i32::from(b'2') - 48) << 6);
    (class == data)
        .then(|| Error::invalid("body", format_args!("holds what can't be stored: {}", report.message())))
}
