//! How a call of the database can fail, and what became of it.

use std::fmt;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// A call that gave no answer. All but [`Failure::Unknown`] mean that nothing of it was kept.
#[derive(Debug, Clone)]
pub enum Failure {
    /// Too many calls wait for the database.
    Busy,
    /// The database can't be reached, or went away before it was told to commit.
    Unavailable(String),
    /// The database raised an error.
    Refused(Box<DbError>),
    /// The connection was lost while the database committed, and nothing can tell whether it did.
    Unknown(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many calls wait for the database"),
            Self::Unavailable(why) | Self::Unknown(why) => f.write_str(why),
            // Without its detail, which can repeat what was sent.
            Self::Refused(raised) => write!(f, "{} {}", raised.code().code(), raised.message()),
        }
    }
}

impl Failure {
    /// Of a statement that was not a commit.
    pub fn of_statement(error: &Error) -> Self {
        match error.as_db_error() {
            Some(raised) if is_about_the_server(raised.code()) => Self::Unavailable(describe(error)),
            Some(raised) => Self::Refused(Box::new(raised.clone())),
            None => Self::Unavailable(describe(error)),
        }
    }

    /// Whether the same call may go well at once: it met another one, or its connection was stale.
    pub fn is_transient(&self) -> bool {
        let Self::Refused(raised) = self else { return false };
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(raised.code())
            || self.is_stale()
    }

    /// Whether the database refused one of many, and the others may go well without it.
    pub fn is_of_one(&self) -> bool {
        // What took too long together takes too long again.
        matches!(self, Self::Refused(raised) if *raised.code() != SqlState::QUERY_CANCELED)
    }

    /// Whether a lock was waited for in vain.
    pub fn is_of_lock(&self) -> bool {
        matches!(self, Self::Refused(raised) if *raised.code() == SqlState::LOCK_NOT_AVAILABLE)
    }

    /// Whether the connection's prepared statements are no longer good: the extension was updated, or somebody between
    /// here and the database discarded them.
    pub fn is_stale(&self) -> bool {
        let Self::Refused(raised) = self else { return false };
        [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME].contains(raised.code())
    }
}

/// The session ends or has not begun: shutting down, starting up, too many connections.
fn is_about_the_server(code: &SqlState) -> bool {
    matches!(code.code(), "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25P03")
        || code.code().starts_with("08")
}

/// An error with all its causes, in one line. Of what the database raised, code and message: details can repeat what was
/// sent.
pub fn describe(error: &Error) -> String {
    if let Some(raised) = error.as_db_error() {
        return format!("{} {}", raised.code().code(), raised.message());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
