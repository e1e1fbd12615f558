//! A scan node of our own for `FROM unkey_verify_key(…)` and `FROM unkey_verify_keys(…)`.
//!
//! Postgres answers a function in FROM by way of a composite value, a store of rows and a description of the row type made
//! anew for each execution, which together cost several times what a known key does. This node asks [`verify`] for the columns
//! that the query wants and hands them on as they are. It takes part in plain queries only; wherever anything else is
//! wanted (whole rows, row locks, function statistics, somebody's hook that watches function calls), the function is called.
//!
//! What `nodeFunctionscan.c` promises holds here too: EXECUTE is checked when the query starts, the function is called once for
//! each set of arguments, and a rescan without new arguments repeats its row.

mod line;
mod node;
mod plan;
mod receiver;
mod start;

use std::ffi::CStr;

use pgrx::pg_sys;

pub use plan::support;

/// The name that EXPLAIN shows.
const NAME: &CStr = c"unkey_verify";

/// Lets Postgres know of all this. Once, when the library is loaded.
pub fn register() {
    plan::register();
    start::register();
    receiver::register();
}

/// Tables of functions, which Postgres wants to stay where they are.
struct Methods<T>(T);

// SAFETY: never written; what they point to is static.
unsafe impl<T> Sync for Methods<T> {}

/// A cell of a list of nodes of this kind.
fn pointer<T>(cell: &pg_sys::ListCell) -> *mut T {
    // SAFETY: every bit pattern is a pointer.
    unsafe { cell.ptr_value }.cast()
}
