//! Statements: prepared once per backend, executed with typed parameters, answered as JSON.
//!
//! pgrx's own SPI client is not used because it assigns a transaction id to everything that is not read at the
//! caller's snapshot, which would write WAL for a look-up and fail on a standby.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::panic::AssertUnwindSafe;

use pgrx::IntoDatum;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportable};
use pgrx::{PgSqlErrorCode, PgTryBuilder};
use serde::de::DeserializeOwned;

use super::owner::as_owner;
use crate::error::{Failure, Outcome};

/// Which state of the database a statement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The snapshot of the calling query: what a STABLE function may see. Can't write.
    Caller,
    /// Everything committed by now, and all that this transaction did.
    Latest,
}

/// Whether this transaction, or a standby, refuses to write.
pub fn is_read_only() -> bool {
    // SAFETY: reads a backend-local flag.
    unsafe { pg_sys::XactReadOnly }
}

/// A parameter.
pub struct Arg {
    oid: pg_sys::Oid,
    datum: Option<pg_sys::Datum>,
}

/// Makes a parameter; `None` is NULL.
pub fn arg<T: IntoDatum>(value: T) -> Arg {
    Arg { oid: T::type_oid(), datum: value.into_datum() }
}

/// Makes an array parameter of what each row has in a column.
pub fn column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Arg
where
    Vec<V>: IntoDatum,
{
    arg(rows.iter().map(value).collect::<Vec<V>>())
}

thread_local! {
    /// Kept plans by the address and length of their text: texts are static, so that is an identity.
    static PLANS: RefCell<HashMap<*const str, pg_sys::SPIPlanPtr>> = RefCell::default();
}

/// Executes a statement whose rows are single JSON documents (or numbers) and reads each as a `T`.
pub fn rows<T: DeserializeOwned>(view: View, text: &'static str, args: &[Arg]) -> Outcome<Vec<T>> {
    let documents = execute(view, text, args, |row| row.text())?;
    documents.iter().flatten().map(|document| Ok(serde_json::from_str(document)?)).collect()
}

/// The first row, if there is one.
pub fn row<T: DeserializeOwned>(view: View, text: &'static str, args: &[Arg]) -> Outcome<Option<T>> {
    Ok(rows(view, text, args)?.into_iter().next())
}

/// Executes a statement for its effect.
pub fn run(text: &'static str, args: &[Arg]) -> Outcome<()> {
    execute(View::Latest, text, args, |_| ())?;
    Ok(())
}

/// Executes a statement whose rows are single composite values, copied so that they outlive it.
pub fn composites(text: &'static str, args: &[Arg]) -> Outcome<Vec<pg_sys::Datum>> {
    let tuples = execute(View::Caller, text, args, |row| row.composite())?;
    Ok(tuples.into_iter().flatten().collect())
}

/// Catches a unique violation: `None`. The transaction is doomed then, so the caller must raise an error of its own,
/// which says what is taken.
pub fn unless_taken<T>(operation: impl FnOnce() -> Outcome<T>) -> Outcome<Option<T>> {
    PgTryBuilder::new(AssertUnwindSafe(|| operation().map(Some)))
        .catch_when(PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION, |_| Ok(None))
        .execute()
}

/// Leaves out of an error the row that Postgres shows with it, where a constraint of somebody's own refuses one: the caller
/// may not read hashes, as the owner of the tables may.
fn without_row<T>(operation: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    const SHOWN: [PgSqlErrorCode; 2] =
        [PgSqlErrorCode::ERRCODE_CHECK_VIOLATION, PgSqlErrorCode::ERRCODE_NOT_NULL_VIOLATION];
    PgTryBuilder::new(AssertUnwindSafe(operation))
        .catch_others(|error| match error {
            CaughtError::PostgresError(report) if SHOWN.contains(&report.sql_error_code()) => {
                let message = report.message().to_owned();
                Err(ErrorReport::new(report.sql_error_code(), message, "unkey")).unwrap_or_report()
            }
            other => other.rethrow(),
        })
        .execute()
}

/// One row of a result, as long as SPI holds it.
struct Row {
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
}

impl Row {
    fn text(&self) -> Option<String> {
        // SAFETY: tuple and desc belong to the tuple table of the running SPI connection; column 1 exists in every
        // statement of this folder; SPI_getvalue returns NULL or a palloc'd C string.
        unsafe {
            let value = pg_sys::SPI_getvalue(self.tuple, self.desc, 1);
            (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
        }
    }

    fn composite(&self) -> Option<pg_sys::Datum> {
        let mut is_null = false;
        // SAFETY: as above; SPI_datumTransfer copies the varlena into the caller's context, which outlives SPI.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.desc, 1, &mut is_null);
            (!is_null).then(|| pg_sys::SPI_datumTransfer(datum, false, -1))
        }
    }
}

fn execute<T>(
    view: View,
    text: &'static str,
    args: &[Arg],
    mut read: impl FnMut(&Row) -> T,
) -> Outcome<Vec<T>> {
    let mut datums: Vec<pg_sys::Datum> =
        args.iter().map(|arg| arg.datum.unwrap_or(pg_sys::Datum::null())).collect();
    let nulls: Vec<c_char> =
        args.iter().map(|arg| if arg.datum.is_some() { b' ' } else { b'n' } as c_char).collect();
    let statement = || {
        // SAFETY: SPI is connected before and finished after; an ERROR in between unwinds to Postgres, which closes SPI
        // with the transaction. The plan is kept, and datums and nulls are as long as its parameter list.
        unsafe {
            check(pg_sys::SPI_connect())?;
            let plan = plan(text, args)?;
            check(pg_sys::SPI_execute_plan(
                plan,
                datums.as_mut_ptr(),
                nulls.as_ptr(),
                view == View::Caller,
                0,
            ))?;
            let results = collect(&mut read);
            check(pg_sys::SPI_finish())?;
            Ok(results)
        }
    };
    as_owner(|| without_row(statement))
}

/// # Safety
/// Directly after a successful SPI_execute_plan.
unsafe fn collect<T>(read: &mut impl FnMut(&Row) -> T) -> Vec<T> {
    // SAFETY: Postgres sets both before it returns; a NULL table means a statement without rows.
    unsafe {
        let Some(table) = pg_sys::SPI_tuptable.as_ref() else { return Vec::new() };
        let tuples = std::slice::from_raw_parts(table.vals, table.numvals as usize);
        tuples.iter().map(|&tuple| read(&Row { tuple, desc: table.tupdesc })).collect()
    }
}

/// # Safety
/// While SPI is connected.
unsafe fn plan(text: &'static str, args: &[Arg]) -> Outcome<pg_sys::SPIPlanPtr> {
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(&std::ptr::from_ref(text)).copied()) {
        return Ok(plan);
    }
    let source = CString::new(text).map_err(|_| Failure::Internal("a statement has a NUL byte".into()))?;
    let mut oids: Vec<pg_sys::Oid> = args.iter().map(|arg| arg.oid).collect();
    // SAFETY: source and oids outlive the call; SPI copies them. SPI_keepplan moves the plan out of SPI's memory.
    let plan = unsafe {
        // Generic: every statement here finds its rows by key, so planning again for each value buys nothing.
        let options = pg_sys::CURSOR_OPT_GENERIC_PLAN as i32;
        let plan = pg_sys::SPI_prepare_cursor(source.as_ptr(), oids.len() as i32, oids.as_mut_ptr(), options);
        if plan.is_null() {
            check(pg_sys::SPI_result)?;
        }
        check(pg_sys::SPI_keepplan(plan))?;
        plan
    };
    PLANS.with_borrow_mut(|plans| plans.insert(std::ptr::from_ref(text), plan));
    Ok(plan)
}

/// The outcome of an SPI call.
pub(super) fn check(status: i32) -> Outcome<()> {
    if status >= 0 { Ok(()) } else { Err(Failure::Internal(format!("SPI failed with status {status}"))) }
}
