//! Settings by name, such as PostgREST's `request.headers`.

use std::ffi::{CStr, CString};

use pgrx::pg_sys::{self, GucAction, GucContext};

use crate::error::{Failure, Outcome};

/// The value of a setting; `None` if nobody set it, or to nothing.
pub fn get(name: &CStr) -> Option<String> {
    // SAFETY: takes a C string; answers one that stays until the setting changes, or NULL.
    let value = unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
    };
    value.filter(|value| !value.is_empty())
}

/// Sets it until the transaction ends, as `SET LOCAL`.
pub fn set_local(name: &CStr, value: &str) -> Outcome<()> {
    let value = CString::new(value).map_err(|_| Failure::Internal("a setting has a NUL byte".into()))?;
    set(name, &value, GucContext::PGC_USERSET, GucAction::GUC_ACTION_LOCAL);
    Ok(())
}

/// Sets it on behalf of such a user, for as long as the action says: the session, the transaction, or what encloses it.
pub fn set(name: &CStr, value: &CStr, user: GucContext::Type, action: GucAction::Type) {
    // SAFETY: takes C strings, which it copies.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            user,
            pg_sys::GucSource::PGC_S_SESSION,
            action,
            true,
            0,
            false,
        );
    }
}
