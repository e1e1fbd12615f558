//! Transactions of a worker: as the owner of the extension, so that whatever stands in its tables can do no more than
//! that; never in a hurry; and none left open.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::{self, panic::CaughtError};
use pgrx::{PgSqlErrorCode, PgTryBuilder};

use crate::error::{Failure, Outcome};
use crate::store::session::extension_owner;

/// Why a transaction came to nothing.
#[derive(Debug)]
pub struct Problem {
    pub code: PgSqlErrorCode,
    pub message: String,
}

impl Problem {
    /// Whether somebody was in the way for a moment.
    pub fn is_of_locks(&self) -> bool {
        self.code == PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE
    }

    /// Whether what was written is to blame, and not the state of the server: class 22 or 23, or raised by a trigger.
    pub fn is_of_data(&self) -> bool {
        matches!(crate::error::code(self.code).get(..2), Some("22" | "23" | "P0"))
    }
}

impl From<&CaughtError> for Problem {
    fn from(error: &CaughtError) -> Self {
        let (CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic { ereport: report, .. }) = error;
        Self { code: report.sql_error_code(), message: report.message().to_owned() }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self { code: PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message: failure.message() }
    }
}

/// Settings for the life of the process.
pub fn prepare_session() {
    let settings = [
        (c"search_path", c"pg_catalog, pg_temp"),
        // A crash may take back the last moments, which were in memory until then anyway.
        (c"synchronous_commit", c"off"),
        // Sooner than who waits for this process looks for a deadlock: it gives way.
        (c"lock_timeout", c"200ms"),
        (c"statement_timeout", c"0"),
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        (c"transaction_timeout", c"0"),
        (c"idle_in_transaction_session_timeout", c"0"),
        (c"default_transaction_isolation", c"read committed"),
        (c"default_transaction_read_only", c"off"),
    ];
    for (name, value) in settings {
        // SAFETY: C strings; these settings take these values.
        unsafe {
            pg_sys::SetConfigOption(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_OVERRIDE,
            );
        }
    }
}

/// Runs work in a transaction of its own and commits it; `Ok(None)` if the database has no extension. `activity` is what
/// `pg_stat_activity` shows.
pub fn transaction<T>(activity: &CStr, work: impl FnOnce() -> Outcome<T>) -> Result<Option<T>, Problem> {
    // SAFETY: the protocol of Postgres' own workers: a transaction with a snapshot, which is committed, or aborted after an
    // ERROR, before this returns.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, activity.as_ptr());
        let result = PgTryBuilder::new(AssertUnwindSafe(|| {
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            let result = as_owner(work)?;
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
            Ok(result)
        }))
        .catch_others(|error| Err(Problem::from(&error)))
        .execute();
        if result.is_err() {
            pg_sys::AbortCurrentTransaction();
        }
        pg_sys::pgstat_report_stat(false);
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_IDLE, std::ptr::null());
        result
    }
}

/// Runs work as the owner of the extension, who can't become anybody else meanwhile; `None` if there is no extension.
fn as_owner<T>(work: impl FnOnce() -> Outcome<T>) -> Result<Option<T>, Problem> {
    let Some(owner) = extension_owner()? else { return Ok(None) };
    let (mut user, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: given back below; after an ERROR the end of the transaction does it.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(owner, context | pg_sys::SECURITY_RESTRICTED_OPERATION as i32);
        let result = work();
        pg_sys::SetUserIdAndSecContext(user, context);
        Ok(Some(result?))
    }
}
