//! Work that may fail without failing the caller's statement.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::{self, panic::CaughtError};
use pgrx::{PgSqlErrorCode, PgTryBuilder};

use crate::error::{Failure, Outcome};

/// Runs an operation in a subtransaction of its own: if it fails, what it did is undone and the message is the `Err`.
/// A cancelled query stays cancelled, and a timeout of the statement is one.
pub fn attempt<T>(operation: impl FnOnce() -> Outcome<T>) -> Result<T, String> {
    // SAFETY: the protocol of PL/pgSQL's exception blocks: the subtransaction is released or rolled back on every path,
    // and the caller's memory context and resource owner are the current ones again after either.
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let result = PgTryBuilder::new(AssertUnwindSafe(|| {
            let result = operation().map_err(Failed::Outcome);
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
        result.map_err(Failed::message)
    }
}

enum Failed {
    Outcome(Failure),
    Raised(CaughtError),
}

impl Failed {
    fn message(self) -> String {
        match self {
            Self::Outcome(Failure::Caller(error)) => error.message.to_string(),
            Self::Outcome(Failure::Internal(message)) => message,
            Self::Raised(CaughtError::PostgresError(report))
                if report.sql_error_code() == PgSqlErrorCode::ERRCODE_QUERY_CANCELED =>
            {
                CaughtError::PostgresError(report).rethrow()
            }
            Self::Raised(
                CaughtError::PostgresError(report)
                | CaughtError::ErrorReport(report)
                | CaughtError::RustPanic { ereport: report, .. },
            ) => report.message().to_owned(),
        }
    }
}
