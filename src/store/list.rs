//! Lists of Postgres.

use pgrx::pg_sys;

/// What a list holds.
///
/// # Safety
/// No list, or one that its owner leaves alone meanwhile.
pub unsafe fn cells<'a>(list: *mut pg_sys::List) -> &'a [pg_sys::ListCell] {
    // SAFETY: as the caller promises.
    unsafe {
        list.as_ref().map_or(&[], |list| std::slice::from_raw_parts(list.elements, list.length as usize))
    }
}
