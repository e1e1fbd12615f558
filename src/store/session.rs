//! The session and its transaction.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_void};

use pgrx::pg_guard;
use pgrx::pg_sys::{self, GucAction, GucContext};

use super::{relations, setting};
use crate::error::Outcome;

/// Number of the top transaction, which is given one if it has none. Never repeats in a cluster.
pub fn transaction() -> u64 {
    // SAFETY: inside a transaction, as everything here; Postgres refuses where it can't write.
    unsafe { pg_sys::GetTopFullTransactionId().value }
}

/// Name of the role that the session acts as, SET ROLE considered, functions that run as their owner not.
pub fn role() -> String {
    // SAFETY: reads backend-local state.
    role_name(unsafe { pg_sys::GetOuterUserId() })
}

/// Name of the role that logged in.
pub fn login_role() -> String {
    // SAFETY: reads backend-local state.
    role_name(unsafe { pg_sys::GetSessionUserId() })
}

/// Name of a role. One dropped meanwhile has its number for a name.
pub fn role_name(role: pg_sys::Oid) -> String {
    // SAFETY: looks the role up in the catalogue cache; a name is a palloc'd C string, or NULL if there is none.
    let name = unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    };
    name.unwrap_or_else(|| role.to_u32().to_string())
}

/// Who owns the extension; `None` if this database does not have it.
pub fn extension_owner() -> Outcome<Option<pg_sys::Oid>> {
    // SAFETY: looks a name up in the catalogue; the name is a C string.
    let extension = unsafe { pg_sys::get_extension_oid(c"unkey".as_ptr(), true) };
    if extension == pg_sys::InvalidOid { Ok(None) } else { relations::owner().map(Some) }
}

/// What is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The transaction, prepared for two-phase commit included.
    Committed,
    /// The transaction.
    Aborted,
    /// A subtransaction of this depth, from 2.
    InnerCommitted(i32),
    /// A subtransaction of this depth.
    InnerAborted(i32),
    /// The settings of the session, and so all that was kept for it: DISCARD ALL and RESET ALL.
    Reset,
}

thread_local! {
    static WATCHERS: RefCell<Vec<fn(Ended)>> = const { RefCell::new(Vec::new()) };
    static IS_MARKING: Cell<bool> = const { Cell::new(false) };
}

/// Depth of the running (sub)transaction: 1 for the transaction itself.
pub fn nest_level() -> i32 {
    // SAFETY: reads the state of the transaction.
    unsafe { pg_sys::GetCurrentTransactionNestLevel() }
}

/// Has a function told of all that ends, for the life of the session; the same one once, however often it is named.
pub fn watch(ended: fn(Ended)) {
    let is_first = WATCHERS.with_borrow_mut(|watchers| {
        let is_first = watchers.is_empty();
        if !watchers.iter().any(|known| std::ptr::fn_addr_eq(*known, ended)) {
            watchers.push(ended);
        }
        is_first
    });
    if is_first {
        // SAFETY: the callbacks stay where they are, as Postgres expects; once per session.
        unsafe {
            pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(at_inner_end), std::ptr::null_mut());
        }
    }
}

fn tell(what: Ended) {
    WATCHERS.with_borrow(|watchers| watchers.iter().for_each(|ended| ended(what)));
}

/// Makes the session's settings differ from what they are reset to, so that a reset is told of ([`Ended::Reset`]).
pub fn mark() {
    struct Marking;
    impl Drop for Marking {
        fn drop(&mut self) {
            IS_MARKING.set(false);
        }
    }
    IS_MARKING.set(true);
    let _marking = Marking;
    setting::set(MARK, c"on", GucContext::PGC_USERSET, GucAction::GUC_ACTION_SET);
}

/// The setting behind [`mark`]. Whoever else changes it does what a reset does.
pub const MARK: &CStr = c"unkey.session_mark";

/// The assign hook of [`MARK`]. Must not fail.
#[pg_guard]
pub unsafe extern "C-unwind" fn marked(_value: bool, _extra: *mut c_void) {
    if !IS_MARKING.get() {
        tell(Ended::Reset);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    match event {
        pg_sys::XactEvent::XACT_EVENT_ABORT => tell(Ended::Aborted),
        pg_sys::XactEvent::XACT_EVENT_COMMIT | pg_sys::XactEvent::XACT_EVENT_PREPARE => {
            tell(Ended::Committed)
        }
        _ => {}
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_inner_end(
    event: pg_sys::SubXactEvent::Type,
    _inner: pg_sys::SubTransactionId,
    _outer: pg_sys::SubTransactionId,
    _arg: *mut c_void,
) {
    // The subtransaction that ends is still the current one.
    match event {
        pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB => tell(Ended::InnerAborted(nest_level())),
        pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => tell(Ended::InnerCommitted(nest_level())),
        _ => {}
    }
}
