//! `unkey_authenticate_request` and `unkey_pre_request`.
//!
//! A refusal is an ERROR whose SQLSTATE is PostgREST's own, which pgrx does not know. So each function has two halves: one
//! that pgrx guards, which leaves a refusal in [`REFUSED`], and round it one that raises it.

use std::cell::Cell;
use std::ffi::{c_char, c_int};

use pgrx::PgLogLevel;
use pgrx::pg_sys::{self, AsPgCStr};
use pgrx::prelude::*;
use unkey_core::web_request::refusal::{Refusal, SQLSTATE};

use super::types::{Composite, Document, List, strings};
use super::verify::row;
use crate::error::{Outcome, packed, raise};
use crate::question::{Arguments, Scope};
use crate::verify::Answer;
use crate::web_request::{self, Answered};

#[pg_extern(sql = false)]
fn unkey_answer_request(
    permissions: Option<String>,
    cost: Option<i64>,
    ratelimits: Option<Document>,
    tags: Option<List>,
    api_id: Option<String>,
    header: Option<String>,
) -> Option<Composite> {
    raise(|| {
        let arguments = Arguments {
            permissions,
            cost,
            ratelimits: ratelimits.map(|limits| limits.text().to_owned()),
            tags: strings("tags", tags)?,
            scope: Scope { apis: api_id.map(|api_id| vec![api_id]), keyspaces: None },
            ..Arguments::default()
        };
        let valid = valid(web_request::authenticate(arguments, header)?)?;
        valid.map(|answer| row(&answer)?.composite()).transpose()
    })
}

#[pg_extern(sql = false)]
fn unkey_answer_pre_request() {
    raise(|| valid(web_request::pre_request()?).map(|_| ()))
}

/// The answer about a valid key; `None` for a refusal, which is left to be raised.
fn valid(answered: Answered) -> Outcome<Option<Answer>> {
    match answered {
        Answered::Valid(answer) => Ok(Some(answer)),
        Answered::Refused(refusal) => {
            REFUSED.set(Some(Raised::new(&refusal)?));
            Ok(None)
        }
    }
}

thread_local! {
    static REFUSED: Cell<Option<Raised>> = const { Cell::new(None) };
}

/// An ERROR to be raised: C strings in the memory of the running function.
#[derive(Clone, Copy)]
struct Raised {
    message: *const c_char,
    detail: *const c_char,
}

impl Raised {
    fn new(refusal: &Refusal) -> Outcome<Self> {
        let (message, detail) = (refusal.message()?, refusal.detail()?);
        Ok(Self { message: message.as_pg_cstr(), detail: detail.as_pg_cstr() })
    }
}

// elog.c's own, which pgrx keeps to itself.
unsafe extern "C-unwind" {
    fn errstart(elevel: c_int, domain: *const c_char) -> bool;
    fn errcode(sqlerrcode: c_int) -> c_int;
    fn errmsg(format: *const c_char, ...) -> c_int;
    fn errdetail(format: *const c_char, ...) -> c_int;
    fn errfinish(filename: *const c_char, lineno: c_int, funcname: *const c_char);
}

/// Raises the refusal that the guarded half left, if it did.
///
/// # Safety
/// Directly from a function that Postgres called, which has nothing to drop: an ERROR jumps over it.
unsafe fn raise_refusal() {
    let Some(Raised { message, detail }) = REFUSED.take() else { return };
    // SAFETY: as the `ereport` macro of Postgres does it; the texts are copied, and nothing here is to be dropped.
    unsafe {
        if errstart(PgLogLevel::ERROR as c_int, std::ptr::null()) {
            errcode(packed(SQLSTATE));
            errmsg(c"%s".as_ptr(), message);
            errdetail(c"%s".as_ptr(), detail);
            errfinish(c"web_request.rs".as_ptr(), line!() as c_int, c"unkey".as_ptr());
        }
    }
}

/// The two functions as Postgres calls them.
macro_rules! refusing {
    ($name:ident, $finfo:ident, $guarded:ident) => {
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: Postgres calls it with a call of its own.
            unsafe {
                let answer = $guarded(fcinfo);
                raise_refusal();
                answer
            }
        }

        #[unsafe(no_mangle)]
        extern "C" fn $finfo() -> &'static pg_sys::Pg_finfo_record {
            const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }
    };
}

refusing!(unkey_authenticate_request, pg_finfo_unkey_authenticate_request, unkey_answer_request_wrapper);
refusing!(unkey_pre_request, pg_finfo_unkey_pre_request, unkey_answer_pre_request_wrapper);
