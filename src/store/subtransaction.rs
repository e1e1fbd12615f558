//! Work that may fail while the caller's transaction goes on.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::{self, panic::CaughtError};
use pgrx::{PgSqlErrorCode, PgTryBuilder};
use unkey_core::Error;

use crate::error::{Failure, Outcome, code};

/// Runs an operation in a subtransaction: kept if it succeeds, undone if it fails.
///
/// A value that Postgres itself can't take (SQLSTATE class 22, such as a number beyond `numeric`) is the caller's
/// mistake. Any other ERROR ends the whole transaction.
pub fn atomically<T>(operation: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    in_subtransaction(operation).map_err(|failed| match failed {
        Failed::Answered(failure) => failure,
        Failed::Raised(error) => match data_exception(&error) {
            Some(mistake) => mistake.into(),
            None => error.rethrow(),
        },
    })
}

/// Runs an operation in a subtransaction and answers why it failed, whatever the reason. Only what was to end the
/// query, such as a cancellation or a timeout, still does.
pub fn attempt<T>(operation: impl FnOnce() -> Outcome<T>) -> Result<T, String> {
    in_subtransaction(operation).map_err(|failed| match failed {
        Failed::Answered(failure) => failure.message(),
        Failed::Raised(error) => {
            let (CaughtError::PostgresError(report)
            | CaughtError::ErrorReport(report)
            | CaughtError::RustPanic { ereport: report, .. }) = &*error;
            if report.sql_error_code() == PgSqlErrorCode::ERRCODE_QUERY_CANCELED {
                error.rethrow();
            }
            report.message().to_owned()
        }
    })
}

/// How an operation failed: by what it answered, or by an ERROR.
pub enum Failed {
    Answered(Failure),
    Raised(Box<CaughtError>),
}

/// Runs an operation in a subtransaction: kept if it succeeds, undone if it fails in whatever way.
pub fn in_subtransaction<T>(operation: impl FnOnce() -> Outcome<T>) -> Result<T, Failed> {
    // SAFETY: the protocol of PL/pgSQL's exception blocks: the subtransaction is released or rolled back on every path,
    // and the caller's memory context and resource owner are the current ones again after either.
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let result = PgTryBuilder::new(AssertUnwindSafe(|| {
            let result = operation().map_err(Failed::Answered);
            if result.is_ok() {
                pg_sys::ReleaseCurrentSubTransaction();
            }
            result
        }))
        .catch_others(|error| Err(Failed::Raised(Box::new(error))))
        .execute();
        if result.is_err() {
            pg_sys::MemoryContextSwitchTo(context);
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        result
    }
}

fn data_exception(error: &CaughtError) -> Option<Error> {
    let (CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)) = error else { return None };
    let mistake = || Error::invalid("body", format_args!("holds what can't be stored: {}", report.message()));
    code(report.sql_error_code()).starts_with("22").then(mistake)
}
