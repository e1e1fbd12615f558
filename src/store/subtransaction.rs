//! Work that may fail while the caller's transaction goes on.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::{self, panic::CaughtError};
use pgrx::{PgSqlErrorCode, PgTryBuilder};
use unkey_core::Error;

use crate::error::{Failure, Outcome};

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
        Failed::Answered(Failure::Caller(error)) => error.message,
        Failed::Answered(Failure::Internal(message)) => message,
        Failed::Raised(error) if code(&error) == Some(PgSqlErrorCode::ERRCODE_QUERY_CANCELED) => {
            error.rethrow()
        }
        Failed::Raised(
            CaughtError::PostgresError(report)
            | CaughtError::ErrorReport(report)
            | CaughtError::RustPanic { ereport: report, .. },
        ) => report.message().to_owned(),
    })
}

/// How an operation failed: by what it answered, or by an ERROR.
enum Failed {
    Answered(Failure),
    Raised(CaughtError),
}

fn in_subtransaction<T>(operation: impl FnOnce() -> Outcome<T>) -> Result<T, Failed> {
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
        .catch_others(|error| Err(Failed::Raised(error)))
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

fn code(error: &CaughtError) -> Option<PgSqlErrorCode> {
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
            Some(report.sql_error_code())
        }
        CaughtError::RustPanic { .. } => None,
    }
}

fn data_exception(error: &CaughtError) -> Option<Error> {
    let (CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)) = error else { return None };
    // Two characters of six bits each, as MAKE_SQLSTATE of Postgres' `elog.h` packs them.
    let class = report.sql_error_code() as i32 & 0xfff;
    let data = (i32::from(b'2') - 48) | ((i32::from(b'2') - 48) << 6);
    (class == data)
        .then(|| Error::invalid("body", format_args!("holds what can't be stored: {}", report.message())))
}
