//! The session and its transaction.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::relations;
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
