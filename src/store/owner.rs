//! Statements run as whoever owns the tables, whatever the caller may do and whatever its search path holds.
//!
//! What SECURITY DEFINER and a pinned `search_path` do for a function, done for single statements: functions that most of
//! the time run none are spared the cost of both. Callers still need EXECUTE on the function.

use std::ffi::CStr;

use pgrx::pg_sys::{self, GucAction, GucContext};

use super::{relations, setting};
use crate::error::Outcome;

/// The search path of every function of the extension.
const PINNED: &CStr = c"pg_catalog, pg_temp";

/// Runs work as the owner of the tables, with the search path pinned. An ERROR in between leaves putting things back to
/// the end of the (sub)transaction, where Postgres does that.
pub fn as_owner<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let owner = relations::owner()?;
    // SAFETY: the protocol of Postgres' own `fmgr_security_definer`.
    unsafe {
        let (mut caller, mut context) = (pg_sys::InvalidOid, 0);
        pg_sys::GetUserIdAndSecContext(&mut caller, &mut context);
        if caller == owner && is_pinned() {
            return work();
        }
        let level = pg_sys::NewGUCNestLevel();
        pg_sys::SetUserIdAndSecContext(owner, context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
        setting::set(c"search_path", PINNED, GucContext::PGC_USERSET, GucAction::GUC_ACTION_SAVE);
        let result = work();
        pg_sys::AtEOXact_GUC(true, level);
        pg_sys::SetUserIdAndSecContext(caller, context);
        result
    }
}

fn is_pinned() -> bool {
    // SAFETY: Postgres keeps a C string there at all times after start.
    unsafe {
        let path = pg_sys::namespace_search_path;
        !path.is_null() && CStr::from_ptr(path) == PINNED
    }
}
