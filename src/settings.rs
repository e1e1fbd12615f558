//! Settings `unkey.*`: one static, one documented getter each.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

static CLOCK: GucSetting<f64> = GucSetting::<f64>::new(0.0);

/// `unkey.clock`: a fixed time for tests, in milliseconds since the Unix epoch; 0 (default) is the real clock.
/// Only superusers may set it, since it decides about expiry.
pub fn fixed_clock() -> Option<i64> {
    let milliseconds = CLOCK.get();
    (milliseconds > 0.0).then_some(milliseconds as i64)
}

/// Registers all settings; the prefix is reserved last, so that a misspelt one is an error.
pub fn register() {
    GucRegistry::define_float_guc(
        c"unkey.clock",
        c"Fixed time for tests, in milliseconds since the Unix epoch; 0 is the real clock.",
        c"Every unkey function takes its time from here. Only superusers may set it.",
        &CLOCK,
        0.0,
        // Beyond this a double no longer holds every millisecond.
        9_007_199_254_740_992.0,
        GucContext::Suset,
        GucFlags::default(),
    );
    // SAFETY: takes a NUL-terminated string, called once while the library loads.
    unsafe { pgrx::pg_sys::MarkGUCPrefixReserved(c"unkey".as_ptr()) };
}
