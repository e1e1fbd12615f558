//! From failures to Postgres errors, each with its SQLSTATE, the stable code as detail, and a hint.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use unkey_core::error::quoted;
use unkey_core::{Error, Kind};

/// Why an operation could not answer.
#[derive(Debug)]
pub enum Failure {
    /// The caller's mistake.
    Caller(Error),
    /// Ours: the message says what was found broken.
    Internal(String),
    /// A trigger function was called as if it were an ordinary one.
    NotATrigger,
}

impl Failure {
    /// What went wrong, without the way out.
    pub fn message(self) -> String {
        match self {
            Self::Caller(error) => error.message,
            Self::Internal(message) => message,
            Self::NotATrigger => NOT_A_TRIGGER.to_owned(),
        }
    }
}

/// Result of an operation.
pub type Outcome<T> = Result<T, Failure>;

/// What to answer: a caller's mistake is an answer too. Only a failure of ours stays one.
pub fn answered<T>(outcome: Outcome<T>) -> Outcome<unkey_core::Result<T>> {
    match outcome {
        Ok(answer) => Ok(Ok(answer)),
        Err(Failure::Caller(mistake)) => Ok(Err(mistake)),
        Err(internal) => Err(internal),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Caller(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("a row is not what its statement promises: {error}"))
    }
}

impl From<Failure> for ErrorReport {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Caller(error) => caller(error),
            Failure::Internal(message) => Self::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message, "unkey"),
            Failure::NotATrigger => {
                let code = PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED;
                Self::new(code, NOT_A_TRIGGER, "unkey").set_hint("The extension's own triggers call it.")
            }
        }
    }
}

const NOT_A_TRIGGER: &str = "this function runs as a trigger only";

/// The hint of mistakes that have none of their own.
const SEE_REFERENCE: &str = "\\df+ in psql and docs/reference.md say what each argument may be.";

fn caller(error: Error) -> ErrorReport {
    let report =
        ErrorReport::new(sqlstate(error.kind), error.message, "unkey").set_detail(error.kind.facts().code);
    report.set_hint(error.hint.unwrap_or_else(|| SEE_REFERENCE.to_owned()))
}

fn sqlstate(kind: Kind) -> PgSqlErrorCode {
    PgSqlErrorCode::from(packed(kind.facts().sqlstate))
}

/// Five characters packed six bits each, as MAKE_SQLSTATE of Postgres' `elog.h` does it.
pub fn packed(sqlstate: &str) -> i32 {
    let code = sqlstate.bytes().enumerate();
    code.fold(0i32, |packed, (at, byte)| packed | ((i32::from(byte) - 48) & 0x3f) << (6 * at))
}

/// The five characters of a SQLSTATE.
pub fn code(sqlstate: PgSqlErrorCode) -> String {
    let packed = sqlstate as i32;
    (0..5).map(|at| char::from((((packed >> (6 * at)) & 0x3f) + 48) as u8)).collect()
}

/// The mistake of naming a key that is not there.
pub fn key_not_found(key_id: &str) -> Error {
    Error::new(Kind::KeyNotFound, format!("key_id {} was not found", quoted(key_id)))
        .hint("The key never existed, was deleted, or its API was.")
}

/// Runs an operation for the SQL face; a failure becomes a Postgres ERROR.
pub fn raise<T>(operation: impl FnOnce() -> Outcome<T>) -> T {
    operation().map_err(ErrorReport::from).unwrap_or_report()
}
