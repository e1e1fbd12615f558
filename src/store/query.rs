//! Runs a query that is not static text: an analytics query, as `unkey_analytics` wrote it. The only place that does.
//!
//! The gate is the first layer: what it writes can't write, and calls nothing of consequence. Should it ever let
//! something through, these stand behind it:
//! - read-only SPI refuses every statement that is no query, and gives no new snapshot;
//! - a read-only transaction refuses writes by anything that a query might call;
//! - a security-restricted operation refuses to change the role, to leave temporary objects, to listen or to hold cursors;
//! - `search_path` has `pg_catalog` only, so operators and types are Postgres' own;
//! - limits on time, rows, bytes and temporary files.
//!
//! All in a subtransaction, which ends all of it again, and leaves the caller's transaction usable after an error.

use std::ffi::{CStr, CString, c_int};
use std::ptr;

use pgrx::direct_function_call;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::pg_sys::{self, GucAction, GucContext};
use serde::Serialize;
use unkey_core::{Error, Kind};

use super::setting;
use super::statement::check;
use super::subtransaction::{Failed, in_subtransaction};
use super::timer::Timer;
use crate::error::{Failure, Outcome, code};

/// How much a query may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Milliseconds; 0 for any time.
    pub time: i32,
    /// Rows of the result.
    pub rows: usize,
    /// Bytes of the result, as JSON.
    pub bytes: usize,
}

/// Rows fetched at a time.
const CHUNK: std::ffi::c_long = 100;
/// What a query may write to temporary files, in kB; a lower limit of the server's stays.
const TEMPORARY_KB: c_int = 1024 * 1024;

/// Runs a query at the caller's snapshot and answers its rows as JSON objects with these names, in order.
pub fn read(text: &str, columns: &[String], limits: Limits) -> Outcome<Vec<String>> {
    let text = CString::new(text).map_err(|_| Failure::Internal("a query has a NUL byte".into()))?;
    confined(limits.time, || fetch(&text, columns, limits))
}

/// Runs `operation` behind the layers that the head of this file lists.
fn confined<T>(time: i32, operation: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let result = in_subtransaction(|| {
        // SAFETY: the subtransaction ends directly after. Its end puts settings and read-only mode back, and a rollback
        // the security context too.
        let (user, security) = unsafe { restrict() };
        let timer = Timer::start(time);
        let result = operation();
        drop(timer);
        if Timer::has_fired() {
            pgrx::check_for_interrupts!();
        }
        // SAFETY: as it was.
        unsafe { pg_sys::SetUserIdAndSecContext(user, security) };
        result
    });
    let timed_out = Timer::has_fired();
    Timer::forget();
    result.map_err(|failed| match failed {
        Failed::Answered(failure) => failure,
        Failed::Raised(error) => judged(*error, timed_out),
    })
}

/// # Safety
/// Inside a subtransaction that is about to end: its end restores the settings and whether writing is allowed. Answers
/// user and security context as they were.
unsafe fn restrict() -> (pg_sys::Oid, c_int) {
    let (mut user, mut security) = (pg_sys::InvalidOid, 0);
    const SETTINGS: &[(&CStr, &CStr)] = &[
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"standard_conforming_strings", c"on"),
        // So that values read as docs/analytics_sql.md says.
        (c"timezone", c"UTC"),
        (c"datestyle", c"ISO, YMD"),
        (c"intervalstyle", c"postgres"),
        (c"extra_float_digits", c"1"),
    ];
    for (name, value) in SETTINGS {
        set(name, value);
    }
    // SAFETY: variables of this backend; whoever calls sees to it that they are put back.
    unsafe {
        let now = pg_sys::temp_file_limit;
        if !(0..=TEMPORARY_KB).contains(&now) {
            set(c"temp_file_limit", c"1GB");
        }
        pg_sys::XactReadOnly = true;
        pg_sys::GetUserIdAndSecContext(&mut user, &mut security);
        let restricted = security | pg_sys::SECURITY_RESTRICTED_OPERATION as c_int;
        pg_sys::SetUserIdAndSecContext(user, restricted);
    }
    (user, security)
}

/// As a function's SET clause does it, undone with the subtransaction.
fn set(name: &CStr, value: &CStr) {
    setting::set(name, value, GucContext::PGC_SUSET, GucAction::GUC_ACTION_SAVE);
}

/// Whose mistake an error is. A cancel, a shutdown, a lack of memory and the like go on as they came.
fn judged(error: CaughtError, timed_out: bool) -> Failure {
    let report = match &error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => report,
        CaughtError::RustPanic { .. } => error.rethrow(),
    };
    let (code, message) = (code(report.sql_error_code()), report.message());
    match code.as_str() {
        "57014" if timed_out => exceeded(Kind::QueryTimeout, "ran too long", "unkey.analytics_timeout"),
        "53400" => exceeded(Kind::QueryMemory, "needs too much temporary space", "temp_file_limit"),
        "54000" => exceeded(Kind::QueryMemory, "makes too large a value", "Postgres' limit of 1 GB"),
        "XX000" if message.starts_with("invalid memory alloc request size") => {
            exceeded(Kind::QueryMemory, "makes too large a value", "Postgres' limit of 1 GB")
        }
        // A view that is not ours to read is no mistake of the caller.
        "42501" => error.rethrow(),
        _ if ["0A", "21", "22", "42", "54"].contains(&&code[..2]) => failed(message).into(),
        _ => error.rethrow(),
    }
}

fn failed(message: &str) -> Error {
    Error {
        argument: Some("query".into()),
        ..Error::new(Kind::InvalidAnalyticsQuery, format!("query fails: {message}"))
    }
    .hint("docs/analytics_sql.md says what differs from ClickHouse.")
}

fn exceeded(kind: Kind, problem: &str, limit: &str) -> Failure {
    Error { argument: Some("query".into()), ..Error::new(kind, format!("query {problem}")) }
        .hint(format!("Read a shorter time, aggregate, or add LIMIT; the limit is {limit}."))
        .into()
}

fn fetch(text: &CStr, columns: &[String], limits: Limits) -> Outcome<Vec<String>> {
    // SAFETY: SPI is connected first; what is left open by an error or an early return ends with the subtransaction.
    unsafe {
        check(pg_sys::SPI_connect())?;
        let plan = pg_sys::SPI_prepare_cursor(text.as_ptr(), 0, ptr::null_mut(), 0);
        if plan.is_null() {
            check(pg_sys::SPI_result)?;
        }
        let portal = pg_sys::SPI_cursor_open(ptr::null(), plan, ptr::null_mut(), ptr::null(), true);
        let mut rows = Rows::new(columns, limits);
        while read_chunk(portal, &mut rows)? {}
        pg_sys::SPI_cursor_close(portal);
        check(pg_sys::SPI_finish())?;
        Ok(rows.rows)
    }
}

/// Reads the next rows; whether there may be more.
///
/// # Safety
/// While SPI is connected, with an open portal.
unsafe fn read_chunk(portal: pg_sys::Portal, rows: &mut Rows) -> Outcome<bool> {
    // SAFETY: a fetch sets SPI_tuptable, whose rows are valid until it is freed.
    unsafe {
        pg_sys::SPI_cursor_fetch(portal, true, CHUNK);
        let Some(table) = pg_sys::SPI_tuptable.as_ref() else { return Ok(false) };
        let tuples = std::slice::from_raw_parts(table.vals, table.numvals as usize);
        for &tuple in tuples {
            rows.add(tuple, table.tupdesc)?;
        }
        let more = tuples.len() == CHUNK as usize;
        pg_sys::SPI_freetuptable(pg_sys::SPI_tuptable);
        Ok(more)
    }
}

/// The result as it grows.
struct Rows {
    /// `"name":` of each column.
    names: Vec<String>,
    limits: Limits,
    rows: Vec<String>,
    bytes: usize,
}

impl Rows {
    fn new(columns: &[String], limits: Limits) -> Self {
        let names = columns.iter().map(|name| format!("{}:", json(name))).collect();
        Self { names, limits, rows: Vec::new(), bytes: 0 }
    }

    /// # Safety
    /// The tuple belongs to the descriptor, and both to SPI.
    unsafe fn add(&mut self, tuple: pg_sys::HeapTuple, desc: pg_sys::TupleDesc) -> Outcome<()> {
        if self.rows.len() == self.limits.rows {
            let problem = format!("answers more than {} rows", self.limits.rows);
            return Err(exceeded(Kind::QueryRows, &problem, "unkey.analytics_max_rows"));
        }
        let mut row = String::from("{");
        for (at, name) in (1..).zip(&self.names) {
            row.push_str(if at > 1 { "," } else { "" });
            row.push_str(name);
            // SAFETY: as the caller promises; the query has a column for each name.
            row.push_str(&unsafe { value(tuple, desc, at) });
        }
        row.push('}');
        self.bytes += row.len();
        if self.bytes > self.limits.bytes {
            let problem = format!("answers more than {} bytes", self.limits.bytes);
            return Err(exceeded(Kind::QueryMemory, &problem, "unkey.analytics_max_bytes"));
        }
        self.rows.push(row);
        Ok(())
    }
}

/// A column's value as JSON.
///
/// # Safety
/// The tuple belongs to the descriptor, and both to SPI; the column exists.
unsafe fn value(tuple: pg_sys::HeapTuple, desc: pg_sys::TupleDesc, column: c_int) -> String {
    // SAFETY: SPI_getvalue returns NULL or a palloc'd C string.
    let (kind, text) = unsafe {
        let kind = pg_sys::getBaseType(pg_sys::SPI_gettypeid(desc, column));
        let text = pg_sys::SPI_getvalue(tuple, desc, column);
        if text.is_null() {
            return "null".into();
        }
        let owned = CStr::from_ptr(text).to_string_lossy().into_owned();
        pg_sys::pfree(text.cast());
        (kind, owned)
    };
    match kind {
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => text,
        pg_sys::FLOAT4OID | pg_sys::FLOAT8OID | pg_sys::NUMERICOID => finite(text),
        pg_sys::BOOLOID => if text == "t" { "true" } else { "false" }.into(),
        pg_sys::TIMESTAMPTZOID | pg_sys::TIMESTAMPOID => json(&instant(&text)),
        // SAFETY: as the caller promises.
        _ => unsafe { array(tuple, desc, column, kind) }.unwrap_or_else(|| json(&text)),
    }
}

/// JSON has no infinity and no NaN; ClickHouse writes null.
fn finite(number: String) -> String {
    if number.ends_with(|last: char| last.is_ascii_digit()) { number } else { "null".into() }
}

/// `2026-01-01 00:00:00+00` as `2026-01-01T00:00:00Z`.
fn instant(text: &str) -> String {
    let text = text.strip_suffix("+00").unwrap_or(text);
    match text.split_once(' ') {
        Some((day, time)) => format!("{day}T{time}Z"),
        None => text.to_owned(),
    }
}

/// # Safety
/// As [`value`].
unsafe fn array(
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
    column: c_int,
    kind: pg_sys::Oid,
) -> Option<String> {
    let mut is_null = false;
    // SAFETY: array_to_json needs nothing but the array, whose header names its element type.
    unsafe {
        let element = pg_sys::get_element_type(kind);
        if element == pg_sys::InvalidOid {
            return None;
        }
        let datum = pg_sys::SPI_getbinval(tuple, desc, column, &mut is_null);
        let array: String = direct_function_call(pg_sys::array_to_json, &[Some(datum)])?;
        let is_time = pg_sys::getBaseType(element) == pg_sys::TIMESTAMPTZOID;
        Some(if is_time { array.replace("+00:00\"", "Z\"") } else { array })
    }
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}
